//! The rules of supplies.

use super::{Draft, Query, Supply};
use crate::{
    act::Tx,
    auth::Permission,
    checks::Checks,
    clock,
    db::{Column, Dialect, Key, Keyset, Order},
    error::Error,
    log::{self, Action, Entity, service::record},
    products,
    schema::{products as products_table, supplies},
    stock::{self, MAX_PIECES, service::Cause},
    text::fold,
    ui::pager::Page,
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};

/// Rows on a page of the history.
pub const PAGE: i64 = 50;
const NAME: usize = 200;
/// Products that one filter may mean.
const PRODUCTS: i64 = 100;

/// Receives goods: the stock goes up by `qty`.
/// A product without a purchase price or supplier takes them from its first supply.
pub fn receive(tx: &mut Tx<'_>, key: &str, draft: &Draft) -> Result<Supply, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut checks = Checks::default();
    let qty = checks.number("qty", &draft.qty, 1, MAX_PIECES);
    let supplier_name = checks.line("supplier_name", &draft.supplier_name, NAME);
    let price = checks.eur("buy_price_eur", &draft.buy_price_eur);
    if draft.product.trim().is_empty() {
        checks.wrong("product", crate::error::Problem::Required);
    }
    checks.done()?;
    let product = products::search::named(tx, &draft.product)?;
    let id = tx.once(key, Entity::Supply, draft, |tx| {
        let id = diesel::insert_into(supplies::table)
            .values((
                supplies::product_id.eq(product.id),
                supplies::product_name.eq(&product.name),
                supplies::qty.eq(qty),
                supplies::supplier_name.eq(&supplier_name),
                supplies::supplier_key.eq(fold(&supplier_name)),
                supplies::buy_price_eur.eq(price),
                supplies::user_id.eq(tx.actor.username()),
                supplies::created_at.eq(tx.now),
            ))
            .returning(supplies::id)
            .get_result::<i64>(tx.conn)?;
        stock::service::receive(tx, product.id, qty, Some(price), Cause::Supply(id))?;
        diesel::update(
            products_table::table
                .find(product.id)
                .filter(products_table::buy_price_eur.is_null()),
        )
        .set(products_table::buy_price_eur.eq(price))
        .execute(tx.conn)?;
        diesel::update(
            products_table::table
                .find(product.id)
                .filter(products_table::supplier_name.is_null()),
        )
        .set((
            products_table::supplier_name.eq(&supplier_name),
            products_table::supplier_key.eq(fold(&supplier_name)),
        ))
        .execute(tx.conn)?;
        let changes = [
            log::set("product", &product.name),
            log::set("qty", qty),
            log::set("supplier_name", &supplier_name),
            log::set("buy_price_eur", price),
        ];
        record(tx, Action::Supply, Entity::Supply, id, &changes)?;
        Ok(id)
    })?;
    get(tx, id)
}

fn get(tx: &mut Tx<'_>, id: i64) -> Result<Supply, Error> {
    supplies::table
        .find(id)
        .select(COLUMNS)
        .first(tx.conn)
        .map_err(Error::from)
}

/// A page of the history, newest first.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Supply>, Error> {
    page(tx, query, PAGE)
}

/// At most `limit` rows of the history.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: i64) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut checks = Checks::default();
    let from = checks.optional_day("from", &query.from);
    let to = checks.optional_day("to", &query.to);
    checks.done()?;
    let mut rows = supplies::table.select(COLUMNS).into_boxed::<Dialect>();
    if !query.product.trim().is_empty() {
        rows = rows.filter(supplies::product_id.eq_any(products::search::ids_named(
            tx,
            &query.product,
            PRODUCTS,
        )?));
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
    newest_first(tx, rows, &query.after, &query.before, limit)
}

/// The latest supplies of a product.
pub fn of_product(tx: &mut Tx<'_>, product: i64, limit: i64) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let rows = supplies::table
        .select(COLUMNS)
        .filter(supplies::product_id.eq(product))
        .into_boxed::<Dialect>();
    newest_first(tx, rows, "", "", limit)
}

type Rows<'a> = supplies::BoxedQuery<'a, Dialect, diesel::dsl::SqlTypeOf<Columns>>;

fn newest_first(
    tx: &mut Tx<'_>,
    rows: Rows<'_>,
    after: &str,
    before: &str,
    limit: i64,
) -> Result<Page<Supply>, Error> {
    let order = Order {
        columns: &[Column::Time("created_at"), Column::Int("id")],
        descending: true,
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
