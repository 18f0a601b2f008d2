//! The values of the log that may identify a customer. They are stored beside the log, in a table of their own, so that
//! an erasure can replace them while the rows of the log stay.

use super::{Change, Operation};
use crate::{db::Conn, error::Error, schema::operation_log_personal};
use diesel::prelude::*;
use std::collections::HashMap;

/// The fields whose values are stored apart: those that describe a customer, and texts that may mention one.
pub const FIELDS: [&str; 4] = ["phone", "customer_name", NOTE, QUERY];
/// The reason for a correction of stock.
pub const NOTE: &str = "note";
/// The filters of an exported list, in the form of a URL.
pub const QUERY: &str = "query";

/// The rows that the indexes of values cover: those with a number. SQLite recognises them by the same words.
pub const PHONES: &str = "operation_log_personal.field = 'phone'";

/// The values of one field of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = operation_log_personal, treat_none_as_default_value = false)]
pub struct PersonalRow {
    pub operation_id: i64,
    pub field: String,
    pub value_before: Option<String>,
    pub value_after: Option<String>,
}

fn is_personal(change: &Change) -> bool {
    FIELDS.contains(&change.field.as_str())
}

/// Returns whether values of these changes are stored apart.
pub fn any(changes: &[Change]) -> bool {
    changes.iter().any(is_personal)
}

/// Returns the values that are stored apart.
pub fn rows(operation_id: i64, changes: &[Change]) -> Vec<PersonalRow> {
    let row = |change: &Change| PersonalRow {
        operation_id,
        field: change.field.clone(),
        value_before: change.before.clone(),
        value_after: change.after.clone(),
    };
    changes
        .iter()
        .filter(|change| is_personal(change))
        .map(row)
        .collect()
}

/// Returns the changes as JSON for the log, which keeps of these fields only that they changed.
pub fn details(changes: &[Change]) -> String {
    let without_values = |change: &Change| match is_personal(change) {
        true => Change {
            before: None,
            after: None,
            ..change.clone()
        },
        false => change.clone(),
    };
    let changes: Vec<_> = changes.iter().map(without_values).collect();
    serde_json::to_string(&changes).unwrap_or_default()
}

/// Puts the values that are stored apart back into operations, with one query for all of them.
pub fn restore(conn: &mut Conn, operations: &mut [Operation]) -> Result<(), Error> {
    let ids: Vec<i64> = operations
        .iter()
        .filter(|operation| any(&operation.changes))
        .map(|operation| operation.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows: Vec<PersonalRow> = operation_log_personal::table
        .filter(operation_log_personal::operation_id.eq_any(ids))
        .select(PersonalRow::as_select())
        .load(conn)?;
    let mut values: HashMap<_, _> = rows
        .into_iter()
        .map(|row| {
            (
                (row.operation_id, row.field),
                (row.value_before, row.value_after),
            )
        })
        .collect();
    for operation in operations {
        for change in &mut operation.changes {
            if let Some((before, after)) = values.remove(&(operation.id, change.field.clone())) {
                (change.before, change.after) = (before, after);
            }
        }
    }
    Ok(())
}
