//! Writes the operation log and reads the history of an entity.

use super::{Action, Change, Entity, Operation, personal};
use crate::{
    codes::Code,
    db::{Conn, bulk::insert_all},
    error::{Error, LastChange},
    moment::Moment,
    phone::Phone,
    schema::{operation_log, operation_log_personal},
    transaction::Tx,
};
use diesel::prelude::*;

/// Maximum number of operations in a history.
const HISTORY: i64 = 100;

/// Records an operation of the transaction's actor.
pub fn record(
    tx: &mut Tx<'_>,
    action: Action,
    entity: Entity,
    id: impl ToString,
    changes: &[Change],
) -> Result<(), Error> {
    let actor = tx.actor.username().map(str::to_owned);
    record_as(tx, actor.as_deref(), action, entity, id, changes)
}

/// Records an operation of `actor` instead of the transaction's actor; `None` stands for the program itself.
pub fn record_as(
    tx: &mut Tx<'_>,
    actor: Option<&str>,
    action: Action,
    entity: Entity,
    id: impl ToString,
    changes: &[Change],
) -> Result<(), Error> {
    record_undo(tx, actor, action, entity, id, changes, None)
}

/// Records an operation of `actor` that takes back the operation `undoes_id`.
pub(super) fn record_undo(
    tx: &mut Tx<'_>,
    actor: Option<&str>,
    action: Action,
    entity: Entity,
    id: impl ToString,
    changes: &[Change],
    undoes_id: Option<i64>,
) -> Result<(), Error> {
    let entity_id = id.to_string();
    let row = NewRow {
        undoes_id,
        ..NewRow::new(tx.now, actor, action, entity, &entity_id, changes)
    };
    let id = diesel::insert_into(operation_log::table)
        .values(&row)
        .returning(operation_log::id)
        .get_result::<i64>(tx.conn)?;
    for row in personal::rows(id, changes) {
        diesel::insert_into(operation_log_personal::table)
            .values(row)
            .execute(tx.conn)?;
    }
    tx.note_change(entity, entity_id, id);
    Ok(())
}

/// An operation for [`record_all`]: the action, the id of the entity and the changes.
pub struct Entry {
    pub action: Action,
    pub id: i64,
    pub changes: Vec<Change>,
}

/// Records many operations on entities of one kind at once.
pub fn record_all(tx: &mut Tx<'_>, entity: Entity, entries: &[Entry]) -> Result<(), Error> {
    // Values that are stored apart need the ids of their operations, which a bulk insert does not return.
    if entries.iter().any(|entry| personal::any(&entry.changes)) {
        return entries
            .iter()
            .try_for_each(|entry| record(tx, entry.action, entity, entry.id, &entry.changes));
    }
    let (now, actor) = (tx.now, tx.actor.username());
    let row =
        |entry: &Entry| NewRow::new(now, actor, entry.action, entity, entry.id, &entry.changes);
    let rows: Vec<NewRow> = entries.iter().map(row).collect();
    insert_all!(tx.conn, operation_log, &rows);
    for entry in entries {
        tx.note_change(entity, entry.id, 0);
    }
    Ok(())
}

/// A row to insert; the database assigns its id.
#[derive(Insertable)]
#[diesel(table_name = operation_log, treat_none_as_default_value = false)]
struct NewRow {
    timestamp: Moment,
    user_id: Option<String>,
    action: Action,
    entity_type: Entity,
    entity_id: String,
    details: String,
    undoes_id: Option<i64>,
}

impl NewRow {
    fn new(
        now: Moment,
        actor: Option<&str>,
        action: Action,
        entity: Entity,
        id: impl ToString,
        changes: &[Change],
    ) -> Self {
        Self {
            timestamp: now,
            user_id: actor.map(str::to_owned),
            action,
            entity_type: entity,
            entity_id: id.to_string(),
            details: personal::details(changes),
            undoes_id: None,
        }
    }
}

/// Returns the history of one entity, newest first. Anyone who may see the entity may see its history, so the caller
/// checks that permission.
pub fn history(
    tx: &mut Tx<'_>,
    entity: Entity,
    id: impl ToString,
) -> Result<Vec<Operation>, Error> {
    let rows: Vec<Row> = operation_log::table
        .filter(is_about(entity, id.to_string()))
        .order((operation_log::timestamp.desc(), operation_log::id.desc()))
        .limit(HISTORY)
        .select(Row::as_select())
        .load(tx.conn)?;
    operations(tx.conn, rows)
}

/// Returns who made the current version of a product or an order, and when. The caller checks the permission, as for
/// [`history`].
pub fn last_change(tx: &mut Tx<'_>, entity: Entity, id: i64) -> Result<Option<LastChange>, Error> {
    let found = operation_log::table
        .filter(
            is_about(entity, id.to_string())
                // These operations do not make a new version of something that exists.
                .and(operation_log::action.ne_all([
                    Action::Create,
                    Action::Supply,
                    Action::Correct,
                    Action::WriteOff,
                    Action::Undo,
                    Action::LowStock,
                ])),
        )
        .order((operation_log::timestamp.desc(), operation_log::id.desc()))
        .select((operation_log::user_id, operation_log::timestamp))
        .first::<(Option<String>, Moment)>(tx.conn)
        .optional()?;
    Ok(found.map(|(user, at)| LastChange {
        entity,
        user,
        at,
        is_today: at.day() == tx.now.day(),
    }))
}

#[diesel::dsl::auto_type]
pub(super) fn is_about(entity: Entity, id: String) -> _ {
    operation_log::entity_type
        .eq(entity)
        .and(operation_log::entity_id.eq(id))
}

impl Operation {
    /// Formats phone numbers for display, as in orders.
    pub fn display(mut self) -> Self {
        let phones = self
            .changes
            .iter_mut()
            .filter(|change| change.field == "phone");
        for number in phones.flat_map(|change| [&mut change.before, &mut change.after]) {
            if let Some(phone) = number.as_deref().and_then(Phone::parse) {
                *number = Some(phone.shown);
            }
        }
        self
    }
}

/// Returns one operation. The caller checks the permission.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Operation, Error> {
    let row: Row = operation_log::table
        .find(id)
        .select(Row::as_select())
        .first(tx.conn)?;
    let mut operations = operations(tx.conn, vec![row])?;
    operations.pop().ok_or(Error::NotFound)
}

/// Returns operations with all their values.
pub fn operations(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Operation>, Error> {
    let mut operations: Vec<_> = rows.into_iter().map(Operation::from).collect();
    personal::restore(conn, &mut operations)?;
    Ok(operations)
}

/// A row of the `operation_log` table.
#[derive(Queryable, Selectable)]
#[diesel(table_name = operation_log)]
pub struct Row {
    pub id: i64,
    pub timestamp: Moment,
    pub user_id: Option<String>,
    pub action: Code<Action>,
    pub entity_type: Code<Entity>,
    pub entity_id: String,
    pub details: String,
    pub undoes_id: Option<i64>,
}

/// Leaves out the values that are stored apart.
impl From<Row> for Operation {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            timestamp: row.timestamp,
            user_id: row.user_id,
            action: row.action,
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            changes: serde_json::from_str(&row.details).unwrap_or_default(),
            undoes_id: row.undoes_id,
        }
    }
}
