//! Moves stock: locks the product, updates its counters and writes the ledger. Only the bulk demo also writes counters.

use super::{
    Movement, MovementKind,
    counters::{Cost, Counters},
};
use crate::{
    audit::Entity,
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
#[derive(Clone, Copy, Debug, Default)]
pub struct MovementSource<'a> {
    pub supply_id: Option<i64>,
    pub order_id: Option<i64>,
    pub write_off_id: Option<i64>,
    /// The movement that is taken back.
    pub reverses_id: Option<i64>,
    /// The reason, as typed.
    pub note: Option<&'a str>,
}

impl MovementSource<'_> {
    /// The opening stock of a product.
    pub const OPENING: Self = Self {
        supply_id: None,
        order_id: None,
        write_off_id: None,
        reverses_id: None,
        note: None,
    };

    pub fn order(id: i64) -> Self {
        Self {
            order_id: Some(id),
            ..Self::OPENING
        }
    }

    pub fn supply(id: i64) -> Self {
        Self {
            supply_id: Some(id),
            ..Self::OPENING
        }
    }

    pub fn write_off(id: i64) -> Self {
        Self {
            write_off_id: Some(id),
            ..Self::OPENING
        }
    }
}

/// Changes the counters of a product, and writes the row in the ledger.
pub fn change<T>(
    tx: &mut Tx<'_>,
    product: &mut Locked,
    kind: MovementKind,
    source: MovementSource<'_>,
    change: impl FnOnce(&mut Counters) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut after = product.counters;
    let outcome = change(&mut after)?;
    write(tx, product, after, kind, source)?;
    product.counters = after;
    Ok(outcome)
}

/// Adds the opening stock of a product.
pub fn open(
    tx: &mut Tx<'_>,
    product: &mut Locked,
    qty: Qty,
    price: Option<Eur>,
) -> Result<(), Error> {
    let source = MovementSource::OPENING;
    change(tx, product, MovementKind::Opening, source, |counters| {
        counters.receive(qty, price)
    })
}

/// Reserves pieces for an order; refused if fewer are available.
pub fn reserve(tx: &mut Tx<'_>, product: &mut Locked, qty: Qty, order: i64) -> Result<(), Error> {
    let source = MovementSource::order(order);
    change(tx, product, MovementKind::Reserve, source, |counters| {
        counters.reserve(qty)
    })
}

/// Releases pieces reserved for an order.
pub fn release(tx: &mut Tx<'_>, product: &mut Locked, qty: Qty, order: i64) -> Result<(), Error> {
    let source = MovementSource::order(order);
    change(tx, product, MovementKind::Release, source, |counters| {
        counters.release(qty);
        Ok(())
    })
}

/// Issues the pieces reserved for an order and returns their cost.
pub fn issue(tx: &mut Tx<'_>, product: &mut Locked, qty: Qty, order: i64) -> Result<Cost, Error> {
    let source = MovementSource::order(order);
    change(tx, product, MovementKind::Issue, source, |counters| {
        Ok(counters.issue(qty))
    })
}

/// Sets the stock on hand to a counted number. Surplus pieces are valued at the product's purchase price. Returns the
/// movement.
pub fn correct(
    tx: &mut Tx<'_>,
    product: &mut Locked,
    on_hand: i64,
    note: Option<&str>,
) -> Result<i64, Error> {
    let source = MovementSource {
        note,
        ..MovementSource::OPENING
    };
    let price = product.buy_price_eur;
    change(tx, product, MovementKind::Correction, source, |counters| {
        counters.correct(on_hand, price)
    })?;
    // The product is locked, so the last movement is this one.
    stock_movements::table
        .filter(stock_movements::product_id.eq(product.id))
        .order(stock_movements::id.desc())
        .select(stock_movements::id)
        .first(tx.conn)
        .map_err(Error::from)
}

/// Takes back the count of a product, which is this movement. Missing pieces are on hand again at the cost that they
/// left with, and surplus pieces leave again.
pub fn undo_count(tx: &mut Tx<'_>, product: &mut Locked, count: i64) -> Result<(), Error> {
    let (quantity, value_eur, uncosted) = stock_movements::table
        .find(count)
        .select((
            stock_movements::quantity,
            stock_movements::value_eur,
            stock_movements::uncosted,
        ))
        .first::<(i64, i64, i64)>(tx.conn)?;
    let source = MovementSource {
        reverses_id: Some(count),
        ..MovementSource::OPENING
    };
    let qty = Qty(quantity.abs());
    let cost = Cost {
        eur: Eur(value_eur.abs()),
        uncosted: uncosted.abs(),
    };
    change(tx, product, MovementKind::Undo, source, |counters| {
        if quantity < 0 {
            counters.restore(qty, cost)
        } else {
            counters.remove(qty, cost).map(drop)
        }
    })
}

/// Returns the last movement of a kind that an order caused.
pub fn last_of_order(tx: &mut Tx<'_>, order: i64, kind: MovementKind) -> Result<i64, Error> {
    stock_movements::table
        .filter(stock_movements::order_id.eq(order))
        .filter(stock_movements::kind.eq(kind))
        .order(stock_movements::id.desc())
        .select(stock_movements::id)
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns the movement by which a write-off left the stock.
pub fn movement_of_write_off(tx: &mut Tx<'_>, write_off: i64) -> Result<i64, Error> {
    stock_movements::table
        .filter(stock_movements::write_off_id.eq(write_off))
        .order(stock_movements::id)
        .select(stock_movements::id)
        .first(tx.conn)
        .map_err(Error::from)
}

/// Locks the product's row until the end of the transaction and returns its current values. Call this before any
/// decision about the stock: values read earlier may have changed while this waited for the lock.
pub fn lock(tx: &mut Tx<'_>, product: i64) -> Result<Locked, Error> {
    let product = products::table
        .find(product)
        .select(<Locked as Selectable<Dialect>>::construct_selection());
    load_locked!(tx.conn, product, first).map_err(Error::from)
}

/// Returns the current values of a product without locking it.
pub fn read(tx: &mut Tx<'_>, product: i64) -> Result<Locked, Error> {
    products::table
        .find(product)
        .select(Locked::as_select())
        .first(tx.conn)
        .map_err(Error::from)
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
    source: MovementSource<'_>,
) -> Result<(), Error> {
    let before = product.counters;
    let is_low = after.stock() < product.min_stock;
    tx.events
        .record_stock_level(product.id, product.is_low(), is_low);
    tx.note_change(Entity::Product, product.id, 0);
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
        stock_movements::supply_id.eq(source.supply_id),
        stock_movements::order_id.eq(source.order_id),
        stock_movements::write_off_id.eq(source.write_off_id),
        stock_movements::reverses_id.eq(source.reverses_id),
        stock_movements::note.eq(source.note),
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
