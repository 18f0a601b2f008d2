//! Moves stock: locks the product, updates its counters and writes the ledger. Only the bulk demo also writes counters.

use super::{
    Movement, MovementKind,
    counters::{Cost, Counters},
};
use crate::{
    db::{Column, Dialect, Keyset, SortKey, SortOrder, execute_together, load_locked},
    error::{Error, Problem},
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    page::Page,
    schema::{products, stock_movements},
    transaction::Tx,
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use std::collections::HashMap;

/// A product whose row is locked, so that these values hold until the end of the transaction.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = products)]
pub struct Locked {
    pub id: i64,
    #[diesel(embed)]
    pub counters: Counters,
    pub min_stock: i64,
    pub name: String,
    pub buy_price_eur: Option<Eur>,
    pub sell_price_rub: Option<Rub>,
    pub supplier_name: Option<String>,
    pub archived_at: Option<Moment>,
}

impl Locked {
    /// Fails if fewer than `qty` pieces are available.
    pub fn can_reserve(&self, qty: Qty) -> Result<(), Error> {
        let mut counters = self.counters;
        counters.reserve(qty)
    }

    /// Returns whether the available stock is below the minimum.
    pub const fn is_low(&self) -> bool {
        self.counters.stock() < self.min_stock
    }
}

/// What caused a stock movement.
#[derive(Clone, Copy, Debug)]
pub enum MovementSource<'a> {
    Opening,
    Supply(i64),
    Correction(Option<&'a str>),
    Order(i64),
}

/// Adds pieces from a supply, or the opening stock of a product.
pub fn receive(
    tx: &mut Tx<'_>,
    product: &Locked,
    qty: Qty,
    price: Option<Eur>,
    cause: MovementSource<'_>,
) -> Result<(), Error> {
    let kind = match cause {
        MovementSource::Supply(_) => MovementKind::Supply,
        MovementSource::Opening | MovementSource::Correction(_) | MovementSource::Order(_) => {
            MovementKind::Opening
        }
    };
    let mut after = product.counters;
    after.receive(qty, price)?;
    write(tx, product, after, kind, cause)
}

/// Reserves pieces for an order; refused if fewer are available.
pub fn reserve(tx: &mut Tx<'_>, product: &Locked, qty: Qty, order: i64) -> Result<(), Error> {
    let mut after = product.counters;
    after.reserve(qty)?;
    write(
        tx,
        product,
        after,
        MovementKind::Reserve,
        MovementSource::Order(order),
    )
}

/// Releases pieces reserved for an order.
pub fn release(tx: &mut Tx<'_>, product: &Locked, qty: Qty, order: i64) -> Result<(), Error> {
    let mut after = product.counters;
    after.release(qty);
    write(
        tx,
        product,
        after,
        MovementKind::Release,
        MovementSource::Order(order),
    )
}

/// Issues the pieces reserved for an order and returns their cost.
pub fn issue(tx: &mut Tx<'_>, product: &Locked, qty: Qty, order: i64) -> Result<Cost, Error> {
    let mut after = product.counters;
    let cost = after.issue(qty);
    write(
        tx,
        product,
        after,
        MovementKind::Issue,
        MovementSource::Order(order),
    )?;
    Ok(cost)
}

/// Sets the stock on hand to a counted number. Surplus pieces are valued at the product's purchase price.
pub fn correct(
    tx: &mut Tx<'_>,
    product: &Locked,
    on_hand: i64,
    note: Option<&str>,
) -> Result<(), Error> {
    let mut after = product.counters;
    after.correct(on_hand, product.buy_price_eur)?;
    let cause = MovementSource::Correction(note);
    write(tx, product, after, MovementKind::Correction, cause)
}

/// Locks the product's row until the end of the transaction and returns its current values. Call this before any
/// decision about the stock: values read earlier may have changed while this waited for the lock.
pub fn lock(tx: &mut Tx<'_>, product: i64) -> Result<Locked, Error> {
    let product = products::table
        .find(product)
        .select(<Locked as Selectable<Dialect>>::construct_selection());
    load_locked!(tx.conn, product, first).map_err(Error::from)
}

/// Like [`lock`], but fails if the product is not on sale.
pub fn lock_on_sale(tx: &mut Tx<'_>, product: i64) -> Result<Locked, Error> {
    match lock(tx, product) {
        Ok(locked) if locked.archived_at.is_none() => Ok(locked),
        Ok(_) => Err(Error::Archived),
        Err(Error::NotFound) => Err(Error::field("product", Problem::UnknownProduct)),
        Err(error) => Err(error),
    }
}

/// Returns the current counters of some products, without locking them.
pub fn counters_of(tx: &mut Tx<'_>, ids: &[i64]) -> Result<HashMap<i64, Counters>, Error> {
    let mut found = HashMap::new();
    for ids in ids.chunks(1_000) {
        let rows = products::table
            .filter(products::id.eq_any(ids.to_vec()))
            .select((products::id, Counters::as_select()))
            .load::<(i64, Counters)>(tx.conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Writes the counters of a product after a movement, and the row in the ledger.
fn write(
    tx: &mut Tx<'_>,
    product: &Locked,
    after: Counters,
    kind: MovementKind,
    cause: MovementSource<'_>,
) -> Result<(), Error> {
    let before = product.counters;
    let is_low = after.stock() < product.min_stock;
    tx.events
        .record_stock_level(product.id, product.is_low(), is_low);
    let (supply_id, order_id, note) = match cause {
        MovementSource::Opening => (None, None, None),
        MovementSource::Supply(id) => (Some(id), None, None),
        MovementSource::Order(id) => (None, Some(id), None),
        MovementSource::Correction(note) => (None, None, note),
    };
    let movement = (
        stock_movements::product_id.eq(product.id),
        stock_movements::kind.eq(kind),
        stock_movements::quantity.eq(after.quantity - before.quantity),
        stock_movements::issued.eq(after.issued - before.issued),
        stock_movements::reserved.eq(after.reserved - before.reserved),
        stock_movements::value_eur.eq(after.value_eur.0 - before.value_eur.0),
        stock_movements::uncosted.eq(after.uncosted - before.uncosted),
        stock_movements::on_hand_after.eq(after.on_hand()),
        stock_movements::stock_after.eq(after.stock()),
        stock_movements::supply_id.eq(supply_id),
        stock_movements::order_id.eq(order_id),
        stock_movements::note.eq(note),
        stock_movements::user_id.eq(tx.actor.username()),
        stock_movements::created_at.eq(tx.now),
    );
    execute_together!(
        tx.conn,
        diesel::update(products::table.find(product.id)).set(after),
        diesel::insert_into(stock_movements::table).values(movement),
    );
    Ok(())
}

/// Returns a page of the ledger of a product, newest first. The caller checks the permission.
pub fn ledger(
    tx: &mut Tx<'_>,
    product: i64,
    after: &str,
    before: &str,
    limit: i64,
) -> Result<Page<Movement>, Error> {
    let keyset = Keyset::new(
        SortOrder {
            columns: &[Column::Int("id")],
            descending: true,
        },
        after,
        before,
        limit,
    )?;
    let rows = stock_movements::table
        .filter(stock_movements::product_id.eq(product))
        .filter(keyset.seek_after())
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .select(Movement::as_select())
        .into_boxed::<Dialect>()
        .load(tx.conn)?;
    Ok(keyset.page(rows, |movement: &Movement| vec![SortKey::Int(movement.id)]))
}
