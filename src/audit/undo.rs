//! The rules for taking operations back: which operation can be taken back, by whom, and how the log records it.

use super::{Action, Change, Entity, Operation, service};
use crate::{
    auth::Permission, error::Error, moment::Moment, schema::operation_log, transaction::Tx,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// For this long, users with `TakeBackOwn` may take back an operation of their own.
pub const OWN: TimeDelta = TimeDelta::minutes(15);

/// An operation that may be taken back.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = operation_log)]
pub struct Undoable {
    pub id: i64,
    pub user_id: Option<String>,
    pub timestamp: Moment,
}

/// Returns the last operation of a kind on an entity.
pub fn last(
    tx: &mut Tx<'_>,
    entity: Entity,
    id: i64,
    action: Action,
) -> Result<Option<Undoable>, Error> {
    operation_log::table
        .filter(service::is_about(entity, id.to_string()).and(operation_log::action.eq(action)))
        .order((operation_log::timestamp.desc(), operation_log::id.desc()))
        .select(Undoable::as_select())
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// Returns the newest of these operations in a history, unless it was taken back.
pub fn latest(history: &[Operation], actions: &[Action]) -> Option<i64> {
    let is_one = |operation: &&Operation| {
        let action = operation.action.known();
        action.is_some_and(|action| actions.contains(&action))
    };
    let newest = history.iter().find(is_one)?.id;
    let is_undone = history.iter().any(|other| other.undoes_id == Some(newest));
    (!is_undone).then_some(newest)
}

/// Returns the operation that took another one back.
pub fn of(tx: &mut Tx<'_>, operation: i64) -> Result<Option<i64>, Error> {
    operation_log::table
        .filter(operation_log::undoes_id.eq(operation))
        .select(operation_log::id)
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// Fails if the actor may not take an operation back. Everyone may take back what they did themselves in the last
/// quarter of an hour.
pub fn allow(tx: &Tx<'_>, operation: Option<&Undoable>) -> Result<(), Error> {
    if tx.actor.may(Permission::TakeBackAny).is_ok() {
        return Ok(());
    }
    tx.actor.may(Permission::TakeBackOwn)?;
    let is_own = |operation: &Undoable| {
        let age = tx.now.utc() - operation.timestamp.utc();
        operation.user_id.as_deref() == tx.actor.username() && age <= OWN
    };
    match operation {
        Some(operation) if is_own(operation) => Ok(()),
        _ => Err(Error::NotYoursToTakeBack),
    }
}

/// Records an operation that takes another one back.
pub fn record(
    tx: &mut Tx<'_>,
    action: Action,
    entity: Entity,
    id: impl ToString,
    changes: &[Change],
    undone: Option<i64>,
) -> Result<(), Error> {
    let actor = tx.actor.username().map(str::to_owned);
    service::record_undo(tx, actor.as_deref(), action, entity, id, changes, undone)
}
