//! Recomputes the keys of names that an earlier version of [`fold`] produced. It gave different keys to names that
//! differ only in composed and decomposed letters, or in invisible characters.

use crate::{
    audit::{self, Action, Entity, service::record},
    error::Error,
    products::data::MAX_NAME_LENGTH,
    schema::{orders, products, supplies, users},
    text::fold,
    transaction::Tx,
};
use diesel::prelude::*;
use std::collections::HashSet;

/// Number of orders read at a time.
const BATCH: i64 = 10_000;

/// Folds every name again. If two products get the same key, « (2)» is appended to the name of the later one, and the
/// change is recorded in the operation log.
pub fn run(tx: &mut Tx<'_>) -> Result<(), Error> {
    // Orders come first, because they are locked before products.
    customers(tx)?;
    products(tx)?;
    suppliers(tx)?;
    users(tx)
}

/// A unique name and its key, before and after.
struct Name<I> {
    id: I,
    name: String,
    key: String,
    new_name: String,
    new_key: String,
}

/// Returns the names whose keys change, given all names from the earliest to the latest.
fn changed<I>(rows: Vec<(I, String, String)>) -> Vec<Name<I>> {
    let wanted: HashSet<String> = rows.iter().map(|(_, name, _)| fold(name)).collect();
    let mut taken = HashSet::new();
    let mut changed = Vec::new();
    for (id, name, key) in rows {
        let mut new_name = name.clone();
        let mut new_key = fold(&name);
        let mut number = 1;
        while taken.contains(&new_key) || number > 1 && wanted.contains(&new_key) {
            number += 1;
            let end = format!(" ({number})");
            let kept = MAX_NAME_LENGTH - end.chars().count();
            new_name = name.chars().take(kept).collect::<String>() + &end;
            new_key = fold(&new_name);
        }
        taken.insert(new_key.clone());
        if new_key != key {
            changed.push(Name {
                id,
                name,
                key,
                new_name,
                new_key,
            });
        }
    }
    changed
}

/// Returns a placeholder for a key, used until all keys have changed that the new one could collide with. It begins
/// with a character that occurs in no folded text.
fn stand_in(key: &str) -> String {
    format!("\u{1}{key}")
}

fn products(tx: &mut Tx<'_>) -> Result<(), Error> {
    let rows = products::table
        .order(products::id)
        .select((products::id, products::name, products::name_key))
        .load::<(i64, String, String)>(tx.conn)?;
    let changed = changed(rows);
    for product in &changed {
        diesel::update(products::table.find(product.id))
            .set(products::name_key.eq(stand_in(&product.key)))
            .execute(tx.conn)?;
    }
    for product in &changed {
        diesel::update(products::table.find(product.id))
            .set(products::name_key.eq(&product.new_key))
            .execute(tx.conn)?;
        if product.new_name != product.name {
            rename(tx, product)?;
        }
    }
    Ok(())
}

fn rename(tx: &mut Tx<'_>, product: &Name<i64>) -> Result<(), Error> {
    diesel::update(products::table.find(product.id))
        .set((
            products::name.eq(&product.new_name),
            products::version.eq(products::version + 1),
        ))
        .execute(tx.conn)?;
    let changes = audit::changes([(
        "name",
        Some(product.name.clone()),
        Some(product.new_name.clone()),
    )]);
    record(tx, Action::Edit, Entity::Product, product.id, &changes)?;
    tracing::warn!(
        product = product.id,
        name = product.new_name,
        "renamed a product: another has the same name except for invisible characters"
    );
    Ok(())
}

fn suppliers(tx: &mut Tx<'_>) -> Result<(), Error> {
    let of_products = products::table
        .filter(products::supplier_name.is_not_null())
        .select((
            products::supplier_name.assume_not_null(),
            products::supplier_key,
        ))
        .distinct()
        .load::<(String, String)>(tx.conn)?;
    for (name, key) in of_products {
        if fold(&name) != key {
            let rows = products::table.filter(
                products::supplier_key
                    .eq(&key)
                    .and(products::supplier_name.eq(&name)),
            );
            diesel::update(rows)
                .set(products::supplier_key.eq(fold(&name)))
                .execute(tx.conn)?;
        }
    }
    let of_supplies = supplies::table
        .select((supplies::supplier_name, supplies::supplier_key))
        .distinct()
        .load::<(String, String)>(tx.conn)?;
    for (name, key) in of_supplies {
        if fold(&name) != key {
            let rows = supplies::table.filter(
                supplies::supplier_key
                    .eq(&key)
                    .and(supplies::supplier_name.eq(&name)),
            );
            diesel::update(rows)
                .set(supplies::supplier_key.eq(fold(&name)))
                .execute(tx.conn)?;
        }
    }
    Ok(())
}

/// Clears outdated keys of customers' names. Orders without a key are indexed again after the backfills.
fn customers(tx: &mut Tx<'_>) -> Result<(), Error> {
    let mut last = 0;
    loop {
        let batch = orders::table
            .filter(orders::id.gt(last))
            .order(orders::id)
            .limit(BATCH)
            .select((orders::id, orders::customer_name, orders::customer_key))
            .load::<(i64, Option<String>, Option<String>)>(tx.conn)?;
        let Some((end, ..)) = batch.last() else {
            return Ok(());
        };
        last = *end;
        let stale = |(id, name, key): &(i64, Option<String>, Option<String>)| {
            let (name, key) = (name.as_ref()?, key.as_ref()?);
            (fold(name) != *key).then_some(*id)
        };
        let stale: Vec<i64> = batch.iter().filter_map(stale).collect();
        if !stale.is_empty() {
            diesel::update(orders::table.filter(orders::id.eq_any(stale)))
                .set(orders::customer_key.eq(None::<String>))
                .execute(tx.conn)?;
        }
    }
}

/// Folds the names of accounts again. The names themselves stay, because the history refers to them. If two accounts
/// get the same key, the later one signs in as «name (2)».
fn users(tx: &mut Tx<'_>) -> Result<(), Error> {
    let rows = users::table
        .order((users::created_at, users::username))
        .select((users::username, users::username, users::username_key))
        .load::<(String, String, String)>(tx.conn)?;
    let changed = changed(rows);
    for user in &changed {
        diesel::update(users::table.find(&user.id))
            .set(users::username_key.eq(stand_in(&user.key)))
            .execute(tx.conn)?;
    }
    for user in &changed {
        diesel::update(users::table.find(&user.id))
            .set(users::username_key.eq(&user.new_key))
            .execute(tx.conn)?;
        if user.new_name != user.name {
            tracing::warn!(
                account = user.name,
                signs_in_as = user.new_name,
                "another account has the same name, so this one must sign in under a new name"
            );
        }
    }
    Ok(())
}
