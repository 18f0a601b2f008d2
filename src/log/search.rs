//! The log as a list: newest first, a page at a time.

use super::{
    Action, Entity, Operation, Query,
    service::{COLUMNS, Row},
};
use crate::{
    act::Tx,
    auth::Permission,
    checks::Checks,
    clock,
    db::{Column, Dialect, Key, Keyset, Order},
    error::Error,
    schema::operation_log,
    ui::pager::Page,
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};

/// A page of the log.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Operation>, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let mut checks = Checks::default();
    let action: Option<Action> = checks.optional_code("action", &query.action);
    let entity: Option<Entity> = checks.optional_code("entity_type", &query.entity_type);
    let user = checks.optional_line("user", &query.user, 200);
    let entity_id = checks.optional_line("entity_id", &query.entity_id, 200);
    let from = checks.optional_day("from", &query.from);
    let to = checks.optional_day("to", &query.to);
    let limit = checks.page_size(&query.limit);
    checks.done()?;
    let order = Order {
        columns: &[Column::Int("id")],
        descending: true,
    };
    let keyset = Keyset::new(order, &query.after, &query.before, limit)?;
    let mut rows = operation_log::table
        .select(COLUMNS)
        .filter(keyset.beyond())
        .into_boxed::<Dialect>();
    if let Some(user) = user {
        rows = rows.filter(operation_log::user_id.eq(user));
    }
    if let Some(action) = action {
        rows = rows.filter(operation_log::action.eq(action));
    }
    if let Some(entity) = entity {
        rows = rows.filter(operation_log::entity_type.eq(entity));
    }
    if let Some(id) = entity_id {
        rows = rows.filter(operation_log::entity_id.eq(id));
    }
    if let Some(day) = from {
        rows = rows.filter(operation_log::timestamp.ge(clock::start_of(day)));
    }
    if let Some(day) = to {
        rows = rows.filter(operation_log::timestamp.lt(clock::end_of(day)));
    }
    let rows: Vec<Row> = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    let operations = rows.into_iter().map(Operation::from).collect();
    Ok(keyset.page(operations, |operation: &Operation| {
        vec![Key::Int(operation.id)]
    }))
}
