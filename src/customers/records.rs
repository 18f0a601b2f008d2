//! Finds what is stored about a number: its orders, the entries of the operation log, and the notifications.

use super::{
    overview::{Card, Subject},
    person::Person,
    traces,
};
use crate::{
    audit::{Change, Entity, Operation, personal::PHONES, service as log},
    auth::Permission,
    codes::Code,
    db,
    error::{Error, Problem},
    moment::Moment,
    notifications::{Channel, Kind, State, notice::Notice},
    orders::{Order, Status},
    phone::Phone,
    schema::{notifications, operation_log, operation_log_personal as personal, orders},
    transaction::Tx,
    validation::{Input, Request},
};
use diesel::{
    dsl::{max, sql},
    prelude::*,
    sql_types::Bool,
};
use std::collections::BTreeSet;

/// Ids bound to one query.
const CHUNK: usize = 1_000;
/// The field of the log that has a number.
const PHONE: &str = "phone";
const NAME: &str = "customer_name";

/// The number of a customer
#[derive(Clone, Debug, Default, utoipa::ToSchema)]
pub struct CustomerPhone {
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
}

impl Request for CustomerPhone {
    const PERMISSION: Permission = Permission::EraseCustomers;

    fn read(input: &mut Input) -> Self {
        Self {
            phone: input.read(PHONE, Phone::entered),
        }
    }
}

/// Everything that is stored about a number.
pub struct Records {
    pub orders: Vec<Order>,
    /// The entries about these orders, and those that have the number or mention the customer in a note. Numbers and
    /// names of others are left out.
    pub operations: Vec<Operation>,
    pub notifications: Vec<Notification>,
}

/// A notification about an order of the customer.
pub struct Notification {
    pub id: i64,
    pub kind: Code<Kind>,
    pub channel: Code<Channel>,
    pub recipient: String,
    pub state: Code<State>,
    pub created_at: Moment,
    pub ended_at: Option<Moment>,
    pub notice: Notice,
}

/// Returns how the pages name the customer with a number, or an error at the field `phone` if nothing is stored about
/// it.
pub fn find(tx: &mut Tx<'_>, phone: &Phone) -> Result<Subject, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let order = orders::table
        .filter(orders::phone_digits.eq(phone.digits()))
        .select(max(orders::id))
        .first::<Option<i64>>(tx.conn)?;
    if let Some(order) = order {
        return Ok(Subject {
            order: order.to_string(),
            former: String::new(),
        });
    }
    let former = personal::table
        .filter(sql::<Bool>(PHONES))
        .filter(personal::value_before.eq(&phone.e164))
        .select(max(personal::operation_id))
        .first::<Option<i64>>(tx.conn)?;
    match former {
        Some(entry) => Ok(Subject {
            order: String::new(),
            former: entry.to_string(),
        }),
        None => Err(Error::field(PHONE, Problem::UnknownCustomer)),
    }
}

/// Returns the number that an address names. A customer who was erased is not found.
pub fn phone_of(tx: &mut Tx<'_>, subject: &Subject) -> Result<Phone, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let id = |text: &str| text.parse::<i64>().map_err(|_| Error::NotFound);
    let phone = if subject.order.is_empty() {
        personal::table
            .find((id(&subject.former)?, PHONE))
            .select(personal::value_before)
            .first::<Option<String>>(tx.conn)?
            .and_then(|phone| Phone::parse(&phone))
    } else {
        let (e164, shown) = orders::table
            .find(id(&subject.order)?)
            .select((orders::phone, orders::phone_shown))
            .first::<(String, String)>(tx.conn)?;
        Some(Phone { e164, shown })
    };
    phone
        .filter(|phone| phone.e164.starts_with('+'))
        .ok_or(Error::NotFound)
}

/// Returns how much is stored about a number.
pub fn card(tx: &mut Tx<'_>, phone: &Phone) -> Result<Card, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let orders = orders_of(tx, phone)?;
    let names: BTreeSet<_> = orders
        .iter()
        .filter_map(|order| order.customer_name.clone())
        .collect();
    let waiting = orders
        .iter()
        .filter(|order| order.status == Status::PaidNotIssued);
    let period = orders.first().zip(orders.last());
    Ok(Card {
        phone_shown: phone.shown.clone(),
        names: names.into_iter().collect(),
        orders: count(orders.len()),
        period: period.map(|(first, last)| [first.created_at, last.created_at]),
        waiting: waiting.map(|order| order.id).collect(),
        log_entries: count(entries_of(tx, phone, &orders)?.len()),
        notifications: count(notifications_of(tx, phone)?.len()),
    })
}

/// Returns everything that is stored about a number.
pub fn everything(tx: &mut Tx<'_>, phone: &Phone) -> Result<Records, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let orders = orders_of(tx, phone)?;
    let ids: Vec<i64> = entries_of(tx, phone, &orders)?.into_iter().collect();
    let mut operations = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<log::Row> = operation_log::table
            .filter(operation_log::id.eq_any(ids))
            .order(operation_log::id)
            .select(log::Row::as_select())
            .load(tx.conn)?;
        operations.extend(log::operations(tx.conn, rows)?);
    }
    for operation in &mut operations {
        hide_others(&mut operation.changes, &phone.e164);
    }
    Ok(Records {
        notifications: notifications_of(tx, phone)?,
        orders,
        operations,
    })
}

/// Returns the orders with a number, oldest first.
fn orders_of(tx: &mut Tx<'_>, phone: &Phone) -> Result<Vec<Order>, Error> {
    orders::table
        .filter(orders::phone_digits.eq(phone.digits()))
        .order(orders::id)
        .select(Order::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the ids of the log entries about these orders, and of those that have the number or mention the customer.
fn entries_of(tx: &mut Tx<'_>, phone: &Phone, orders: &[Order]) -> Result<BTreeSet<i64>, Error> {
    let mut ids = BTreeSet::new();
    for orders in orders.chunks(CHUNK) {
        let orders: Vec<_> = orders.iter().map(|order| order.id.to_string()).collect();
        let about = operation_log::table
            .filter(operation_log::entity_type.eq(Entity::Order))
            .filter(operation_log::entity_id.eq_any(orders))
            .select(operation_log::id);
        ids.extend(about.load::<i64>(tx.conn)?);
    }
    // Two queries, because each uses an index of its own.
    let before = personal::table
        .filter(sql::<Bool>(PHONES))
        .filter(personal::value_before.eq(&phone.e164))
        .select(personal::operation_id);
    ids.extend(before.load::<i64>(tx.conn)?);
    let after = personal::table
        .filter(sql::<Bool>(PHONES))
        .filter(personal::value_after.eq(&phone.e164))
        .select(personal::operation_id);
    ids.extend(after.load::<i64>(tx.conn)?);
    let names = orders
        .iter()
        .filter_map(|order| order.customer_name.clone());
    let person = Person {
        phone: phone.clone(),
        names: names.collect(),
    };
    ids.extend(traces::with_note(tx.conn, &person)?);
    Ok(ids)
}

/// Returns the notifications about orders of a number. There is no index: they are kept for a month only.
fn notifications_of(tx: &mut Tx<'_>, phone: &Phone) -> Result<Vec<Notification>, Error> {
    type Row = (
        i64,
        Code<Kind>,
        Code<Channel>,
        String,
        Code<State>,
        Moment,
        Option<Moment>,
        String,
    );
    let rows = notifications::table
        .filter(
            notifications::notice
                .like(db::containing(&phone.shown))
                .escape('\\'),
        )
        .order(notifications::id)
        .select((
            notifications::id,
            notifications::kind,
            notifications::channel,
            notifications::recipient,
            notifications::state,
            notifications::created_at,
            notifications::ended_at,
            notifications::notice,
        ))
        .load::<Row>(tx.conn)?;
    let read = |row: Row| {
        let (id, kind, channel, recipient, state, created_at, ended_at, notice) = row;
        Some(Notification {
            id,
            kind,
            channel,
            recipient,
            state,
            created_at,
            ended_at,
            notice: serde_json::from_str(&notice).ok()?,
        })
    };
    let is_theirs = |notification: &Notification| {
        let order = notification.notice.order();
        order.is_some_and(|order| order.phone == phone.shown)
    };
    Ok(rows
        .into_iter()
        .filter_map(read)
        .filter(is_theirs)
        .collect())
}

/// Removes other numbers from the changes of an entry, and the names that were entered with them.
fn hide_others(changes: &mut [Change], phone: &str) {
    let Some(number) = changes.iter().find(|change| change.field == PHONE) else {
        return;
    };
    let is_other = |value: &Option<String>| value.as_ref().is_some_and(|value| value != phone);
    let (before, after) = (is_other(&number.before), is_other(&number.after));
    let personal = |change: &&mut Change| change.field == PHONE || change.field == NAME;
    for change in changes.iter_mut().filter(personal) {
        if before {
            change.before = None;
        }
        if after {
            change.after = None;
        }
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_about_two_customers_shows_only_one() {
        let change = |field: &str, before: Option<&str>, after: Option<&str>| Change {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let moved = [
            change(PHONE, Some("+1"), Some("+2")),
            change(NAME, Some("Анна"), Some("Пётр")),
            change("qty", Some("1"), Some("2")),
        ];
        let seen_by = |phone: &str| {
            let mut changes = moved.clone();
            hide_others(&mut changes, phone);
            changes
        };
        assert_eq!(
            seen_by("+1"),
            [
                change(PHONE, Some("+1"), None),
                change(NAME, Some("Анна"), None),
                change("qty", Some("1"), Some("2")),
            ]
        );
        assert_eq!(
            seen_by("+2"),
            [
                change(PHONE, None, Some("+2")),
                change(NAME, None, Some("Пётр")),
                change("qty", Some("1"), Some("2")),
            ]
        );
    }
}
