//! The rules of supplies.

use super::{Draft, Query, Sort, Supply};
use crate::{
    act::Tx,
    auth::Permission,
    checks::Checks,
    clock,
    db::{Column, Dialect, Key, Keyset, Order},
    error::{Error, Problem},
    log::{self, Action, Change, Entity, service::record},
    money::Eur,
    page::Page,
    products::{self, names::Named},
    schema::supplies,
    stock::{self, MAX_PIECES, service::Cause},
    text::fold,
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use std::collections::HashMap;

/// The longest name of a supplier.
pub const NAME: usize = 200;

/// Receives goods: the stock goes up by `qty`. Their price and supplier become the product's.
pub fn receive(tx: &mut Tx<'_>, key: &str, draft: &Draft) -> Result<Supply, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut checks = Checks::default();
    let qty = checks.number("qty", &draft.qty, 1, MAX_PIECES);
    let supplier_name = checks.line("supplier_name", &draft.supplier_name, NAME);
    let price = checks.eur("buy_price_eur", &draft.buy_price_eur);
    check_total(&mut checks, qty, price);
    let product = products::search::check_meant(&mut checks, &draft.product_id, &draft.product);
    checks.done()?;
    let insert = |tx: &mut Tx<'_>| {
        let product = products::search::meant(tx, product, &draft.product)?;
        let (id, name) = write(tx, product.id, qty, &supplier_name, price)?;
        let changes = said(&name, qty, &supplier_name, price);
        record(tx, Action::Supply, Entity::Supply, id, &changes)?;
        Ok(id)
    };
    tx.once(key, Entity::Supply, draft, insert, get)
}

/// What is wrong with the price of so many pieces is put among the checks.
pub(super) fn check_total(checks: &mut Checks, qty: i64, price: Eur) {
    let total = price.total_within(Eur::MAX_TOTAL, qty);
    checks.take("buy_price_eur", total.map_err(Problem::from));
}

/// What the log says of a supply that was received.
pub fn said(product: &str, qty: i64, supplier_name: &str, price: Eur) -> [Change; 4] {
    [
        log::set("product", product),
        log::set("qty", qty),
        log::set("supplier_name", supplier_name),
        log::set("buy_price_eur", price),
    ]
}

/// Writes a supply, moves the stock, and tells the product what it cost last. The log of the supply is the caller's to
/// write. Gives its number and the name of the product.
pub(super) fn write(
    tx: &mut Tx<'_>,
    product: i64,
    qty: i64,
    supplier_name: &str,
    price: Eur,
) -> Result<(i64, String), Error> {
    let present = stock::service::lock_on_sale(tx, product)?;
    let id = diesel::insert_into(supplies::table)
        .values((
            supplies::product_id.eq(product),
            supplies::product_name.eq(&present.name),
            supplies::qty.eq(qty),
            supplies::supplier_name.eq(supplier_name),
            supplies::supplier_key.eq(fold(supplier_name)),
            supplies::buy_price_eur.eq(price),
            supplies::user_id.eq(tx.actor.username()),
            supplies::created_at.eq(tx.now),
        ))
        .returning(supplies::id)
        .get_result::<i64>(tx.conn)?;
    stock::service::receive(tx, product, qty, Some(price), Cause::Supply(id))?;
    products::service::follow_supply(tx, product, &present, price, supplier_name)?;
    Ok((id, present.name))
}

/// Supplies by their numbers.
pub(super) fn by_ids(tx: &mut Tx<'_>, ids: Vec<i64>) -> Result<HashMap<i64, Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut found = HashMap::new();
    for ids in ids.chunks(1_000) {
        let rows = supplies::table
            .filter(supplies::id.eq_any(ids.to_vec()))
            .select(COLUMNS)
            .load::<Supply>(tx.conn)?;
        found.extend(rows.into_iter().map(|supply| (supply.id, supply)));
    }
    Ok(found)
}

/// One supply.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Supply, Error> {
    tx.actor.may(Permission::Supplies)?;
    supplies::table
        .find(id)
        .select(COLUMNS)
        .first(tx.conn)
        .map_err(Error::from)
}

/// A page of the history, newest first.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Supply>, Error> {
    page(tx, query, None)
}

/// A page of the history, of another length than the query's when `limit` says so.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut checks = Checks::default();
    let (from, to) = checks.optional_range(&query.from, &query.to);
    let sort: Option<Sort> = checks.optional_code("sort", query.sort.trim_start_matches('-'));
    let descending = sort.is_none() || query.sort.starts_with('-');
    let page_size = checks.page_size(&query.limit);
    checks.done()?;
    let mut rows = supplies::table.select(COLUMNS).into_boxed::<Dialect>();
    if let Some(product) = Named::read(tx, "supplies", &query.product)? {
        if let Some(ids) = product.few(tx)? {
            rows = rows.filter(supplies::id.eq_any(ids));
        } else {
            rows = rows.filter(product.condition());
            if let Some((first, last)) = product.span(tx)? {
                rows = rows.filter(supplies::created_at.between(first, last));
            }
        }
    }
    let supplier = fold(&query.supplier);
    if !supplier.is_empty() {
        rows = rows.filter(
            supplies::supplier_key
                .ge(supplier.clone())
                .and(supplies::supplier_key.lt(format!("{supplier}\u{10ffff}"))),
        );
    }
    if let Some(day) = from {
        rows = rows.filter(supplies::created_at.ge(clock::start_of(day)));
    }
    if let Some(day) = to {
        rows = rows.filter(supplies::created_at.lt(clock::end_of(day)));
    }
    let limit = limit.unwrap_or(page_size);
    by_time(tx, rows, descending, &query.after, &query.before, limit)
}

/// The latest supplies of a product.
pub fn of_product(tx: &mut Tx<'_>, product: i64, limit: i64) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let rows = supplies::table
        .select(COLUMNS)
        .filter(supplies::product_id.eq(product))
        .into_boxed::<Dialect>();
    by_time(tx, rows, true, "", "", limit)
}

type Rows<'a> = supplies::BoxedQuery<'a, Dialect, diesel::dsl::SqlTypeOf<Columns>>;

fn by_time(
    tx: &mut Tx<'_>,
    rows: Rows<'_>,
    descending: bool,
    after: &str,
    before: &str,
    limit: i64,
) -> Result<Page<Supply>, Error> {
    let order = Order {
        columns: &[Column::Time("created_at"), Column::Int("id")],
        descending,
    };
    let keyset = Keyset::new(order, after, before, limit)?;
    let rows = rows
        .filter(keyset.beyond())
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    Ok(keyset.page(rows, |supply: &Supply| {
        vec![Key::Time(supply.created_at.utc()), Key::Int(supply.id)]
    }))
}

type Columns = (
    supplies::id,
    supplies::product_id,
    supplies::product_name,
    supplies::qty,
    supplies::supplier_name,
    supplies::buy_price_eur,
    supplies::user_id,
    supplies::created_at,
);

const COLUMNS: Columns = (
    supplies::id,
    supplies::product_id,
    supplies::product_name,
    supplies::qty,
    supplies::supplier_name,
    supplies::buy_price_eur,
    supplies::user_id,
    supplies::created_at,
);
