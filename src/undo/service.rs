//! The business rules for taking operations back.

use crate::{
    audit::{self, Action, Entity, Operation, undo},
    auth::Permission,
    db,
    error::Error,
    orders, products, supplies,
    transaction::Tx,
    write_offs,
};

/// Takes an operation back. Returns the operation of the log that records this; if it was taken back before, the
/// earlier one.
pub fn undo(tx: &mut Tx<'_>, id: i64) -> Result<Operation, Error> {
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
        return audit::service::get(tx, earlier);
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
        _ => {
            orders::service::undo(tx, entity_id, id)?;
            let recorded = undo::of(tx, id)?.ok_or(Error::Internal)?;
            return audit::service::get(tx, recorded);
        }
    }
    undo::record(tx, Action::Undo, entity, entity_id, &[], Some(id))?;
    let recorded = undo::of(tx, id)?.ok_or(Error::Internal)?;
    audit::service::get(tx, recorded)
}
