//! Searches the operation log, newest first. A search uses one index and reads a bounded number of rows, so that it
//! stays fast with ten million rows.

use super::{
    Action, Entity, Operation, Query,
    found::Found,
    is_system,
    service::{Row, operations},
};
use crate::{
    auth::Permission,
    clock,
    db::{self, Column, Dialect, Keyset, SortKey, SortOrder},
    error::Error,
    moment::day_read,
    page::Page,
    phone::Phone,
    schema::{operation_log, users},
    text::fold,
    transaction::Tx,
    validation::Validator,
};
use chrono::NaiveDate;
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};

/// Number of rows read at once when they must be filtered afterwards.
const CHUNK: i64 = 1_000;
/// The search for one page stops after this many rows.
const LOOKED_THROUGH: usize = 20_000;

const ORDER: SortOrder = SortOrder {
    columns: &[Column::Time("timestamp"), Column::Int("id")],
    descending: true,
};

/// A validated query.
struct Filter {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    /// `Some(None)` finds operations without a user.
    user: Option<Option<String>>,
    action: Option<Action>,
    entity_type: Option<Entity>,
    entity_id: String,
    /// In the form of [`fold`].
    text: String,
    /// The text as a phone number in the form that the log stores, if it is one.
    phone: Option<String>,
    /// Number of rows per page.
    limit: i64,
}

/// The index that a search uses, the most selective one. The other filters, except the period, are applied row by row.
enum IndexChoice {
    Thing(Entity, String),
    User(Option<String>),
    Action(Action),
    Kind(Entity),
    Everything,
}

/// Returns a page of the log.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Found, Error> {
    page(tx, query, None)
}

/// Returns a page of the log with at most `limit` rows; `None` uses the limit of the query.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Found, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let mut filter = check(tx, query)?;
    filter.limit = limit.unwrap_or(filter.limit);
    let lead = filter.lead();
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let size = if filter.is_met_by(&lead) {
        filter.limit
    } else {
        CHUNK
    };
    let mut keyset = Keyset::new(ORDER, &query.after, &query.before, size)?;
    // In reading order, which is reversed for the previous page.
    let mut found = Vec::new();
    let (mut looked, mut at_end, mut last) = (0, false, None);
    while found.len() <= limit && looked < LOOKED_THROUGH && !at_end {
        let rows = filter.load(tx, &lead, &keyset)?;
        at_end = rows.len() < usize::try_from(keyset.fetch()).unwrap_or(usize::MAX);
        looked += rows.len();
        let Some(row) = rows.last() else { break };
        let position = keys(row.timestamp, row.id);
        keyset = keyset.from(position.clone());
        last = Some((position, row.timestamp));
        let rows = operations(tx.conn, rows)?;
        found.extend(rows.into_iter().filter(|found| filter.matches(found)));
    }
    let is_full = found.len() > limit;
    found.truncate(limit);
    let far = match found.last() {
        Some(row) if is_full => Some(keys(row.timestamp, row.id)),
        _ => last
            .as_ref()
            .filter(|_| !at_end)
            .map(|(position, _)| position.clone()),
    };
    let far = far.map(|keys| db::cursor(&keys));
    let near = found
        .first()
        .map(|row| db::cursor(&keys(row.timestamp, row.id)));
    let looked_to = last.map(|(_, at)| at).filter(|_| !is_full && !at_end);
    let page = if query.before.is_empty() {
        let before = near.filter(|_| !query.after.is_empty());
        Page {
            items: found,
            before,
            after: far,
        }
    } else {
        found.reverse();
        Page {
            items: found,
            before: far,
            after: near.or_else(|| Some(query.before.clone())),
        }
    };
    Ok(Found { page, looked_to })
}

fn keys(timestamp: crate::moment::Moment, id: i64) -> Vec<SortKey> {
    vec![SortKey::Time(timestamp.utc()), SortKey::Int(id)]
}

fn check(tx: &mut Tx<'_>, query: &Query) -> Result<Filter, Error> {
    let mut validator = Validator::default();
    let (from, to) = validator.range(&query.from, &query.to);
    let filter = Filter {
        from,
        to,
        user: user(tx, &query.user)?,
        action: validator.code("action", &query.action),
        entity_type: validator.code("entity_type", &query.entity_type),
        entity_id: thing(&query.entity_id),
        text: fold(&query.text),
        phone: Phone::parse(&query.text).map(|phone| phone.e164),
        limit: validator.page_size(&query.limit),
    };
    validator.done().map(|()| filter)
}

/// Reads a typed entity id. The day of a rate may be in the format that the page shows.
fn thing(typed: &str) -> String {
    day_read(typed).map_or_else(|| typed.trim().to_owned(), |day| day.to_string())
}

/// Reads a typed user name, ignoring case: `None` for no filter, `Some(None)` for the system. An unknown name is kept
/// as it is.
fn user(tx: &mut Tx<'_>, typed: &str) -> Result<Option<Option<String>>, Error> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    if is_system(typed) {
        return Ok(Some(None));
    }
    let known = users::table
        .filter(users::username_key.eq(fold(typed)))
        .select(users::username)
        .first::<String>(tx.conn)
        .optional()?;
    Ok(Some(Some(known.unwrap_or_else(|| typed.to_owned()))))
}

impl Filter {
    fn lead(&self) -> IndexChoice {
        match (&self.user, self.action, self.entity_type) {
            (_, _, Some(entity)) if !self.entity_id.is_empty() => {
                IndexChoice::Thing(entity, self.entity_id.clone())
            }
            (Some(user), ..) => IndexChoice::User(user.clone()),
            (None, Some(action), _) => IndexChoice::Action(action),
            (None, None, Some(entity)) => IndexChoice::Kind(entity),
            (None, None, None) => IndexChoice::Everything,
        }
    }

    /// Returns whether the index alone applies all filters, apart from the period.
    fn is_met_by(&self, lead: &IndexChoice) -> bool {
        let others = usize::from(self.user.is_some())
            + usize::from(self.action.is_some())
            + usize::from(self.entity_type.is_some())
            + usize::from(!self.entity_id.is_empty())
            + usize::from(!self.text.is_empty());
        match lead {
            IndexChoice::Thing(..) => others == 2,
            IndexChoice::User(_) | IndexChoice::Action(_) | IndexChoice::Kind(_) => others == 1,
            IndexChoice::Everything => others == 0,
        }
    }

    fn load(
        &self,
        tx: &mut Tx<'_>,
        lead: &IndexChoice,
        keyset: &Keyset,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = operation_log::table
            .select(Row::as_select())
            .filter(keyset.seek_after())
            .into_boxed::<Dialect>();
        rows = match lead {
            IndexChoice::Thing(entity, id) => rows.filter(
                operation_log::entity_type
                    .eq(*entity)
                    .and(operation_log::entity_id.eq(id.clone())),
            ),
            IndexChoice::User(Some(user)) => rows.filter(operation_log::user_id.eq(user.clone())),
            IndexChoice::User(None) => rows.filter(operation_log::user_id.is_null()),
            IndexChoice::Action(action) => rows.filter(operation_log::action.eq(*action)),
            IndexChoice::Kind(entity) => rows.filter(operation_log::entity_type.eq(*entity)),
            IndexChoice::Everything => rows,
        };
        if let Some(day) = self.from {
            rows = rows.filter(operation_log::timestamp.ge(clock::start_of(day)));
        }
        if let Some(day) = self.to {
            rows = rows.filter(operation_log::timestamp.lt(clock::end_of(day)));
        }
        rows.order(sql::<Untyped>(&keyset.order()))
            .limit(keyset.fetch())
            .load(tx.conn)
            .map_err(Error::from)
    }

    fn matches(&self, row: &Operation) -> bool {
        self.user.as_ref().is_none_or(|user| row.user_id == *user)
            && self.action.is_none_or(|action| row.action == action)
            && self
                .entity_type
                .is_none_or(|entity| row.entity_type == entity)
            && (self.entity_id.is_empty() || row.entity_id == self.entity_id)
            && (self.text.is_empty() || self.matches_text(row))
    }

    fn matches_text(&self, row: &Operation) -> bool {
        let values = row
            .changes
            .iter()
            .flat_map(|change| [&change.before, &change.after])
            .flatten();
        values
            .chain([&row.entity_id])
            .any(|value| fold(value).contains(&self.text) || self.phone.as_ref() == Some(value))
    }
}
