//! The business rules for write-offs.

use super::{Reason, WriteOff};
use crate::{
    analytics::{
        rollup,
        sums::{Entry, WrittenOff},
    },
    audit::{self, Action, Entity, service::record},
    auth::Permission,
    error::{Error, Problem},
    number::Qty,
    schema::write_offs,
    stock::{
        self, MovementKind,
        counters::{Cost, Counters},
        service::{Locked, MovementSource},
    },
    transaction::Tx,
    validation::{Input, Request, code, line, optional, qty},
};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

const MAX_NOTE_LENGTH: usize = 200;

/// Pieces to write off
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewWriteOff {
    /// At most the available pieces: reserved ones cannot be written off
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 1)]
    pub qty: Qty,
    /// All reasons but `return`, which is that of a customer's return
    pub reason: Reason,
    /// What happened, for the ledger and the operation log
    #[schema(max_length = 200, example = "Разбили при разгрузке")]
    pub note: Option<String>,
}

impl Request for NewWriteOff {
    const PERMISSION: Permission = Permission::WriteOff;

    fn read(input: &mut Input) -> Self {
        let offered = |text: &str| {
            let reason: Reason = code(text)?;
            let is_offered = Reason::OFFERED.contains(&reason);
            is_offered.then_some(reason).ok_or(Problem::NotOffered)
        };
        Self {
            qty: input.read("qty", qty),
            reason: input.read_or("reason", Reason::Damage, offered),
            note: input.read("note", optional(line(MAX_NOTE_LENGTH))),
        }
    }
}

/// Writes pieces of a product off.
pub fn create(
    tx: &mut Tx<'_>,
    key: &str,
    product: i64,
    new: &NewWriteOff,
) -> Result<WriteOff, Error> {
    tx.actor.may(Permission::WriteOff)?;
    let insert = |tx: &mut Tx<'_>| {
        let mut locked = stock::service::lock(tx, product)?;
        let note = new.note.as_deref();
        let (id, cost) = write(
            tx,
            &mut locked,
            new.qty,
            new.reason,
            (None, note),
            |counters| counters.write_off(new.qty),
        )?;
        let mut changes = vec![
            audit::set("qty", new.qty),
            audit::set("reason", new.reason.code()),
            audit::set("cost_eur", cost.eur),
            audit::set("write_off", id),
        ];
        changes.extend(note.map(|note| audit::set("note", note)));
        record(tx, Action::WriteOff, Entity::Product, product, &changes)?;
        Ok(id)
    };
    tx.once(key, Entity::WriteOff, &(product, new), insert, get)
}

/// Writes the row of a write-off, moves the stock by `change`, and counts the cost. `origin` is the return that the
/// pieces came back with, and a note. The caller writes the operation log.
pub fn write(
    tx: &mut Tx<'_>,
    product: &mut Locked,
    qty: Qty,
    reason: Reason,
    (order_return_id, note): (Option<i64>, Option<&str>),
    change: impl Fn(&mut Counters) -> Result<Cost, Error>,
) -> Result<(i64, Cost), Error> {
    // Computed before the insert, so that a refused write-off does not use up a number.
    let cost = change(&mut product.counters.clone())?;
    let day = tx.now.day();
    let id = diesel::insert_into(write_offs::table)
        .values((
            write_offs::product_id.eq(product.id),
            write_offs::qty.eq(qty),
            write_offs::reason.eq(reason),
            write_offs::cost_eur.eq(cost.eur),
            write_offs::uncosted_qty.eq(cost.uncosted),
            write_offs::order_return_id.eq(order_return_id),
            write_offs::written_off_on.eq(day),
            write_offs::user_id.eq(tx.actor.username()),
            write_offs::created_at.eq(tx.now),
        ))
        .returning(write_offs::id)
        .get_result::<i64>(tx.conn)?;
    let source = MovementSource {
        note,
        ..MovementSource::write_off(id)
    };
    stock::service::change(tx, product, MovementKind::WriteOff, source, change)?;
    let entry = WrittenOff {
        qty,
        cost_eur: cost.eur,
    };
    rollup::count(tx, product.id, day, Entry::WrittenOff(entry))?;
    Ok((id, cost))
}

/// Takes a write-off back: the pieces are on hand again, at the cost that they left with. Reports subtract it today.
/// The caller checks the permission and writes the operation log.
pub fn undo(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    let write_off = get(tx, id)?;
    let mut product = stock::service::lock(tx, write_off.product_id)?;
    let day = tx.now.day();
    let made = write_offs::table
        .find(id)
        .filter(write_offs::undone_on.is_null());
    let undone = diesel::update(made)
        .set(write_offs::undone_on.eq(day))
        .execute(tx.conn)?;
    if undone == 0 {
        return Err(Error::NotUndoable);
    }
    let movement = stock::service::movement_of_write_off(tx, id)?;
    let source = MovementSource {
        reverses_id: Some(movement),
        ..MovementSource::write_off(id)
    };
    let cost = Cost {
        eur: write_off.cost_eur,
        uncosted: write_off.uncosted_qty,
    };
    stock::service::change(tx, &mut product, MovementKind::Undo, source, |counters| {
        counters.undo_write_off(write_off.qty, cost)
    })?;
    let entry = WrittenOff {
        qty: write_off.qty,
        cost_eur: write_off.cost_eur,
    };
    rollup::count(tx, product.id, day, Entry::WriteOffUndone(entry))
}

/// Returns one write-off.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<WriteOff, Error> {
    tx.actor.may(Permission::ViewStock)?;
    write_offs::table
        .find(id)
        .select(WriteOff::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}
