//! Finding products by scanned codes, and the index of the codes that makes it possible.

use super::{Product, codes::Codes};
use crate::{
    auth::Permission,
    db::{self, Conn},
    error::{Error, Problem},
    scan::{
        gtin::upc_e,
        reading::{Reading, read},
    },
    schema::{product_codes, products},
    transaction::Tx,
};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Returns the product that a scanned or typed text stands for, archived or not; `None` if it is no code of a product.
pub fn by_code(tx: &mut Tx<'_>, text: &str) -> Result<Option<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    match read(text) {
        Some(Reading::Code(code)) => by_normal_form(tx, &code),
        Some(Reading::Product(id)) => products::table
            .find(id)
            .select(Product::as_select())
            .first(tx.conn)
            .optional()
            .map_err(Error::from),
        Some(Reading::Slip(_)) | None => Ok(None),
    }
}

/// Returns the product that has a code in its normal form, archived or not. An EAN-8 number that no product has may be
/// a UPC-E code.
pub fn by_normal_form(tx: &mut Tx<'_>, code: &str) -> Result<Option<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut find = |code: &str| {
        products::table
            .inner_join(product_codes::table)
            .filter(product_codes::code.eq(code))
            .select(Product::as_select())
            .first(tx.conn)
            .optional()
    };
    let found = find(code)?;
    match code.strip_prefix("000000").and_then(upc_e) {
        Some(number) if found.is_none() => Ok(find(&number)?),
        _ => Ok(found),
    }
}

/// Returns the id and the name of the product that has each of these codes in their normal form.
pub(super) fn holders(
    tx: &mut Tx<'_>,
    codes: &HashSet<String>,
) -> Result<HashMap<String, (i64, String)>, Error> {
    let codes: Vec<&String> = codes.iter().collect();
    let mut found = HashMap::new();
    for codes in codes.chunks(1_000) {
        let rows = products::table
            .inner_join(product_codes::table)
            .filter(product_codes::code.eq_any(codes.to_vec()))
            .select((product_codes::code, (products::id, products::name)))
            .load::<(String, (i64, String))>(tx.conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Returns the problem if one of the codes belongs to a product other than `of`.
pub(super) fn taken(
    codes: &Codes,
    of: Option<i64>,
    holders: &HashMap<String, (i64, String)>,
) -> Option<Problem> {
    codes
        .iter()
        .zip(codes.normal_forms())
        .find_map(|(code, key)| {
            let (holder, name) = holders.get(&key)?;
            (Some(*holder) != of).then(|| Problem::CodeTaken {
                code: code.to_owned(),
                product: name.clone(),
            })
        })
}

/// Returns an error if one of the codes belongs to a product other than `of`. Until the end of the transaction, no
/// other product can get these codes.
pub(super) fn refuse_taken(tx: &mut Tx<'_>, codes: &Codes, of: Option<i64>) -> Result<(), Error> {
    let mut keys = codes.normal_forms();
    if keys.is_empty() {
        return Ok(());
    }
    // Always in the same order, so that two transactions cannot wait for each other.
    keys.sort();
    for key in &keys {
        db::lock_name(tx.conn, &format!("product code {key}"))?;
    }
    let holders = holders(tx, &keys.into_iter().collect())?;
    match taken(codes, of, &holders) {
        Some(problem) => Err(Error::field("codes", problem)),
        None => Ok(()),
    }
}

/// Removes the codes of products from the index, where [`replace`] adds their new ones.
pub(super) fn remove(tx: &mut Tx<'_>, products: &[i64]) -> Result<(), Error> {
    for ids in products.chunks(1_000) {
        diesel::delete(product_codes::table.filter(product_codes::product_id.eq_any(ids.to_vec())))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Replaces the codes of a product in the index.
pub(super) fn replace(tx: &mut Tx<'_>, product: i64, codes: &Codes) -> Result<(), Error> {
    diesel::delete(product_codes::table.filter(product_codes::product_id.eq(product)))
        .execute(tx.conn)?;
    add(tx, &[(product, codes)])
}

/// Adds codes of products to the index.
pub(super) fn add(tx: &mut Tx<'_>, codes: &[(i64, &Codes)]) -> Result<(), Error> {
    let row = |(product, code): (i64, String)| {
        (
            product_codes::product_id.eq(product),
            product_codes::code.eq(code),
        )
    };
    let rows: Vec<_> = codes
        .iter()
        .flat_map(|(product, codes)| {
            let product = *product;
            codes
                .normal_forms()
                .into_iter()
                .map(move |code| (product, code))
        })
        .map(row)
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    match tx.conn {
        Conn::Sqlite(conn) => {
            for row in rows {
                diesel::insert_into(product_codes::table)
                    .values(row)
                    .execute(conn)?;
            }
        }
        Conn::Postgres(conn) => {
            for rows in rows.chunks(10_000) {
                diesel::insert_into(product_codes::table)
                    .values(rows.to_vec())
                    .execute(conn)?;
            }
        }
    }
    Ok(())
}
