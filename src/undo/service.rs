//! The business rules for taking operations back.

use crate::{
    analytics::rollup,
    audit::{self, Action, Entity, Operation, undo},
    auth::Permission,
    db,
    error::Error,
    orders, products, supplies,
    transaction::Tx,
    write_offs,
};

/// The most operations that are taken back together: the orders of a basket.
const MAX_AT_ONCE: usize = 100;

/// Takes an operation back. Returns the operation of the log that records this; if it was taken back before, the
/// earlier one.
pub fn undo(tx: &mut Tx<'_>, id: i64) -> Result<Operation, Error> {
    undo_once(tx, id).map(|(recorded, _)| recorded)
}

/// Like [`undo`]. Also returns whether the operation was not taken back before.
fn undo_once(tx: &mut Tx<'_>, id: i64) -> Result<(Operation, bool), Error> {
    tx.actor.may(Permission::TakeBackOwn)?;
    let operation = audit::service::get(tx, id)?;
    let kind = operation.entity_type.known().zip(operation.action.known());
    let (entity, action) = kind.ok_or(Error::NotUndoable)?;
    let permission = match (entity, action) {
        (Entity::Order, Action::Issue | Action::Deny) => Permission::Orders,
        (Entity::Supply, Action::Supply) => Permission::CorrectSupplies,
        (Entity::Product, Action::Correct) => Permission::EditProducts,
        (Entity::Product, Action::WriteOff) => Permission::WriteOff,
        _ => return Err(Error::NotUndoable),
    };
    tx.actor.may(permission)?;
    // Of two requests at once, one finds what the other has done.
    db::lock_name(tx.conn, &format!("undo {id}"))?;
    if let Some(earlier) = undo::of(tx, id)? {
        return Ok((audit::service::get(tx, earlier)?, false));
    }
    undo::allow(tx, Some(&operation.undoable()))?;
    let entity_id: i64 = operation
        .entity_id
        .parse()
        .map_err(|_| Error::NotUndoable)?;
    let named = |field: &str| {
        let mut changes = operation.changes.iter();
        let change = changes.find(|change| change.field == field);
        let id = change.and_then(|change| change.after.as_ref()?.parse().ok());
        id.ok_or(Error::NotUndoable)
    };
    match action {
        Action::Supply => supplies::correction::undo(tx, entity_id)?,
        Action::Correct => products::service::undo_count(tx, entity_id, named("movement")?)?,
        Action::WriteOff => write_offs::service::undo(tx, named("write_off")?)?,
        // Reopening an order records the undo itself.
        _ => drop(orders::service::undo(tx, entity_id, id)?),
    }
    if entity != Entity::Order {
        undo::record(tx, Action::Undo, entity, entity_id, &[], Some(id))?;
    }
    let recorded = undo::of(tx, id)?.ok_or(Error::Internal)?;
    Ok((audit::service::get(tx, recorded)?, true))
}

/// Takes several operations back, all or none. The orders and products among them are locked first, so that two of
/// these never wait for each other. Returns whether one of them was not taken back before.
pub fn undo_all(tx: &mut Tx<'_>, operations: &[i64]) -> Result<bool, Error> {
    tx.actor.may(Permission::TakeBackOwn)?;
    if operations.len() > MAX_AT_ONCE {
        return Err(Error::NotUndoable);
    }
    let mut orders = Vec::new();
    for id in operations {
        let operation = audit::service::get(tx, *id)?;
        if operation.entity_type == Entity::Order {
            let order = operation.entity_id.parse();
            orders.push((order.map_err(|_| Error::NotUndoable)?, *id));
        }
    }
    let products = orders::service::lock_all(tx, orders.iter().map(|(order, _)| *order))?;
    let mut sorted = operations.to_vec();
    sorted.sort_by_key(|id| {
        let order = orders.iter().find(|(_, operation)| operation == id);
        let product = order.and_then(|(order, _)| products.get(order));
        product.map(|product| rollup::lock_order(*product))
    });
    let mut is_any_new = false;
    for id in sorted {
        is_any_new |= undo_once(tx, id)?.1;
    }
    Ok(is_any_new)
}
