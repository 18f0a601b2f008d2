//! Finding products: the list with its filters and sorts, what runs low, what a person means by a name.

use super::{Product, Query, Sort};
use crate::{
    act::Tx,
    auth::Permission,
    db::{Column, Dialect, Key, Keyset, Order, containing},
    error::{Error, Problem},
    page::Page,
    schema::products,
    text::fold,
    validation::{Checks, Input, flag, number, optional},
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use std::collections::HashMap;

/// Products that a picker offers at once.
const OFFERS: i64 = 20;
/// Names that an ambiguous search tells.
const CANDIDATES: usize = 5;

/// A page of the list.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Product>, Error> {
    page(tx, query, None)
}

/// A page of the list, of another length than the query's when `limit` says so.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Page<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut checks = Checks::default();
    let sort: Option<Sort> = checks.code("sort", query.sort.trim_start_matches('-'));
    let page_size = checks.page_size(&query.limit);
    let is_archive = checks.take("archived", flag(&query.archived));
    let is_low = checks.take("low", flag(&query.low));
    checks.done()?;
    let sort = sort.unwrap_or(Sort::Name);
    let descending = query.sort.starts_with('-');
    let keyset = Keyset::new(
        Order {
            columns: sort.columns(),
            descending,
        },
        &query.after,
        &query.before,
        limit.unwrap_or(page_size),
    )?;
    let mut rows = products::table
        .select(Product::as_select())
        .filter(keyset.beyond())
        .into_boxed::<Dialect>();
    rows = if is_archive {
        rows.filter(products::archived_at.is_not_null())
    } else {
        rows.filter(products::archived_at.is_null())
    };
    if is_low {
        rows = rows.filter(products::is_low_stock.eq(true));
    }
    for word in words(&query.search) {
        rows = rows.filter(products::name_key.like(word).escape('\\'));
    }
    let rows = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    Ok(keyset.page(rows, |product: &Product| sort.keys(product)))
}

/// What runs low, the emptiest first, at most `limit`.
pub fn low(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    products::table
        .filter(
            products::is_low_stock
                .eq(true)
                .and(products::archived_at.is_null()),
        )
        .order((products::stock, products::id))
        .limit(limit)
        .select(Product::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Whether there is any product, archived ones too.
pub fn any(tx: &mut Tx<'_>) -> Result<bool, Error> {
    tx.actor.may(Permission::ViewStock)?;
    diesel::select(diesel::dsl::exists(products::table.select(products::id)))
        .get_result(tx.conn)
        .map_err(Error::from)
}

/// Products on sale whose names have the words of `search`: what a picker offers.
pub fn offers(tx: &mut Tx<'_>, search: &str) -> Result<Vec<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut rows = products::table
        .select(Product::as_select())
        .filter(products::archived_at.is_null())
        .into_boxed::<Dialect>();
    for word in words(search) {
        rows = rows.filter(products::name_key.like(word).escape('\\'));
    }
    rows.order((products::name_key, products::id))
        .limit(OFFERS)
        .load(tx.conn)
        .map_err(Error::from)
}

/// Reads which product a request means: `product_id`, or else `product`, its name or words that only its name has.
pub fn read_meant(input: &mut Input) -> (Option<i64>, String) {
    let id = input.read("product_id", optional(number(1..=i64::MAX)));
    let name = input.text("product").to_owned();
    if input.text("product_id").trim().is_empty() && name.trim().is_empty() {
        input.wrong("product", Problem::Required);
    }
    (id, name)
}

/// The product on sale that a request means, by its id or else by a name.
pub fn meant(tx: &mut Tx<'_>, id: Option<i64>, name: &str) -> Result<Product, Error> {
    let Some(id) = id else {
        return named(tx, name);
    };
    match super::service::get(tx, id) {
        Ok(product) if product.archived_at.is_none() => Ok(product),
        Ok(_) => Err(Error::Archived),
        Err(Error::NotFound) => Err(Error::field("product_id", Problem::UnknownProduct)),
        Err(error) => Err(error),
    }
}

/// What a picker offers for a text. Where the text means one product by [`named`], that one comes first;
/// else there is the problem with it.
pub fn find(tx: &mut Tx<'_>, text: &str) -> Result<(Vec<Product>, Option<Problem>), Error> {
    let mut found = offers(tx, text)?;
    let key = fold(text);
    let problem = if key.is_empty() {
        Some(Problem::Required)
    } else {
        match whole(tx, key)? {
            Some(product) if product.archived_at.is_none() => {
                found.retain(|other| other.id != product.id);
                found.insert(0, product);
                None
            }
            Some(_) => Some(Problem::Archived),
            None => not_one(&found),
        }
    };
    Ok((found, problem))
}

/// The product on sale that a person named: by its whole name, or by words that only one name has.
pub fn named(tx: &mut Tx<'_>, name: &str) -> Result<Product, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let key = fold(name);
    if key.is_empty() {
        return Err(Error::field("product", Problem::Required));
    }
    if let Some(product) = whole(tx, key)? {
        return if product.archived_at.is_none() {
            Ok(product)
        } else {
            Err(Error::Archived)
        };
    }
    let mut found = offers(tx, name)?;
    match not_one(&found) {
        None => Ok(found.swap_remove(0)),
        Some(problem) => Err(Error::field("product", problem)),
    }
}

/// The product of that name, archived or not.
fn whole(tx: &mut Tx<'_>, key: String) -> Result<Option<Product>, Error> {
    products::table
        .filter(products::name_key.eq(key))
        .select(Product::as_select())
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// The problem when words found no product, or more than one.
fn not_one(found: &[Product]) -> Option<Problem> {
    match found {
        [] => Some(Problem::UnknownProduct),
        [_] => None,
        _ => Some(Problem::Ambiguous(
            found
                .iter()
                .take(CANDIDATES)
                .map(|product| product.name.clone())
                .collect(),
        )),
    }
}

/// Products by their folded names, archived ones too.
pub fn by_keys(tx: &mut Tx<'_>, keys: Vec<String>) -> Result<HashMap<String, Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut found = HashMap::new();
    for keys in keys.chunks(1_000) {
        let rows = products::table
            .filter(products::name_key.eq_any(keys.to_vec()))
            .select((products::name_key, Product::as_select()))
            .load::<(String, Product)>(tx.conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// A pattern for each word of a search.
pub(super) fn words(search: &str) -> Vec<String> {
    fold(search)
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(containing)
        .collect()
}

impl Sort {
    const fn columns(self) -> &'static [Column] {
        const ID: Column = Column::Int("id");
        match self {
            Self::Name => &[Column::Text("name_key")],
            Self::Stock => &[Column::Int("stock"), ID],
            Self::OnHand => &[Column::Int("on_hand"), ID],
            Self::Reserved => &[Column::Int("reserved"), ID],
            Self::MinStock => &[Column::Int("min_stock"), ID],
            Self::BuyPrice => &[Column::Int("COALESCE(buy_price_eur, -1)"), ID],
            Self::SellPrice => &[Column::Int("COALESCE(sell_price_rub, -1)"), ID],
            Self::Supplier => &[Column::Text("supplier_key"), ID],
        }
    }

    fn keys(self, product: &Product) -> Vec<Key> {
        let first = match self {
            Self::Name => return vec![Key::Text(fold(&product.name))],
            Self::Stock => Key::Int(product.stock),
            Self::OnHand => Key::Int(product.on_hand),
            Self::Reserved => Key::Int(product.reserved),
            Self::MinStock => Key::Int(product.min_stock),
            Self::BuyPrice => Key::Int(product.buy_price_eur.map_or(-1, |price| price.0)),
            Self::SellPrice => Key::Int(product.sell_price_rub.map_or(-1, |price| price.0)),
            Self::Supplier => Key::Text(fold(product.supplier_name.as_deref().unwrap_or_default())),
        };
        vec![first, Key::Int(product.id)]
    }
}
