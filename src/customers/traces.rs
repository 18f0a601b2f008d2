//! What the operation log has of a customer: the values of the customer's orders, those of other orders that once had
//! the number, and texts that mention it.

use super::{ERASED, person::Person};
use crate::{
    audit::{
        Entity,
        personal::{NOTE, PHONES, PersonalRow, QUERY},
    },
    db::Conn,
    error::Error,
    schema::{operation_log, operation_log_personal as personal, orders},
    transaction::Tx,
};
use diesel::{dsl::sql, prelude::*, sql_types::Bool};
use std::collections::{BTreeMap, BTreeSet};

/// The most ids in one statement.
const BATCH: usize = 500;

/// The index of texts covers only these rows, which SQLite recognises by the same words.
const FREE_TEXTS: &str = "operation_log_personal.field IN ('note', 'query')";

/// The values to erase from the log.
#[derive(Default)]
pub struct Traces {
    /// The names that the customer's orders have had.
    pub names: BTreeSet<String>,
    /// The orders of other customers that once had the number.
    pub former_orders: Vec<i64>,
    operations: BTreeSet<i64>,
    /// The operations by field, and by which of its values are erased: the one before, the one after.
    values: BTreeMap<(String, [bool; 2]), Vec<i64>>,
}

/// Finds the values of a customer's orders, and the values that orders had while they had the number.
pub fn find(tx: &mut Tx<'_>, number: &str, orders: &[i64]) -> Result<Traces, Error> {
    let mut traces = Traces::default();
    for rows in by_order(of_orders(tx.conn, orders)?).values() {
        traces.names.extend(names_with(number, rows));
        for row in rows {
            traces.add(row, [true, true]);
        }
    }
    traces.names.retain(|name| !name.starts_with(ERASED));
    let others = with_number(tx.conn, number)?;
    traces.former_orders = others
        .into_iter()
        .filter(|id| orders.binary_search(id).is_err())
        .collect();
    let present = present_customers(tx.conn, &traces.former_orders)?;
    if present.values().any(|(phone, _)| phone == number) {
        // Booked since the orders were locked.
        return Err(Error::Locked);
    }
    for (order, rows) in by_order(of_orders(tx.conn, &traces.former_orders)?) {
        let present = present.get(&order).and_then(|(_, name)| name.as_deref());
        traces.add_former(number, present, &rows);
    }
    Ok(traces)
}

impl Traces {
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Returns the number of operations with values to erase.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Adds the values before and after of a row, where they are chosen and not erased yet.
    fn add(&mut self, row: &PersonalRow, chosen: [bool; 2]) {
        let is_left = |value: &Option<String>| {
            value
                .as_deref()
                .is_some_and(|value| !value.starts_with(ERASED))
        };
        let sides = [
            chosen[0] && is_left(&row.value_before),
            chosen[1] && is_left(&row.value_after),
        ];
        if sides.contains(&true) {
            self.operations.insert(row.operation_id);
            let key = (row.field.clone(), sides);
            self.values.entry(key).or_default().push(row.operation_id);
        }
    }

    /// Adds what an order of another customer had while it had the number. A name that the order still has is that of
    /// the other customer, and stays.
    fn add_former(&mut self, number: &str, present: Option<&str>, rows: &[PersonalRow]) {
        let names = names_with(number, rows);
        for row in rows {
            let is_erased = |value: &Option<String>| match (row.field.as_str(), value.as_deref()) {
                ("phone", Some(value)) => value == number,
                ("customer_name", Some(value)) => names.contains(value) && present != Some(value),
                _ => false,
            };
            self.add(
                row,
                [is_erased(&row.value_before), is_erased(&row.value_after)],
            );
        }
        self.names.extend(
            names
                .into_iter()
                .filter(|name| present != Some(name.as_str())),
        );
    }

    /// Adds the texts that mention the customer.
    pub fn add_texts(&mut self, tx: &mut Tx<'_>, person: &Person) -> Result<(), Error> {
        for row in texts(tx.conn)? {
            let is_mentioned = |text: &Option<String>| {
                text.as_deref()
                    .is_some_and(|text| match row.field.as_str() {
                        NOTE => person.is_in(text),
                        QUERY => person.is_in_filters(text),
                        _ => false,
                    })
            };
            self.add(
                &row,
                [
                    is_mentioned(&row.value_before),
                    is_mentioned(&row.value_after),
                ],
            );
        }
        Ok(())
    }

    /// Replaces the values by the name of the erasure.
    pub fn erase(&self, tx: &mut Tx<'_>, name: &str) -> Result<(), Error> {
        let (before, after) = (
            personal::value_before.eq(Some(name)),
            personal::value_after.eq(Some(name)),
        );
        for ((field, sides), operations) in &self.values {
            for operations in operations.chunks(BATCH) {
                let rows = diesel::update(
                    personal::table
                        .filter(personal::operation_id.eq_any(operations.to_vec()))
                        .filter(personal::field.eq(field)),
                );
                match sides {
                    [true, true] => rows.set((before, after)).execute(tx.conn)?,
                    [true, false] => rows.set(before).execute(tx.conn)?,
                    [false, true] => rows.set(after).execute(tx.conn)?,
                    [false, false] => 0,
                };
            }
        }
        Ok(())
    }
}

fn by_order(rows: Vec<(i64, PersonalRow)>) -> BTreeMap<i64, Vec<PersonalRow>> {
    let mut orders = BTreeMap::<i64, Vec<PersonalRow>>::new();
    for (order, row) in rows {
        orders.entry(order).or_default().push(row);
    }
    orders
}

/// Returns the names that an order had while it had a number, from its rows of the log, oldest first. An order whose
/// number was never changed has no row about it.
fn names_with(number: &str, rows: &[PersonalRow]) -> BTreeSet<String> {
    let first = |field: &str| {
        let row = rows.iter().find(|row| row.field == field);
        row.and_then(|row| row.value_before.clone())
    };
    let (mut phone, mut name) = (first("phone"), first("customer_name"));
    if rows.iter().all(|row| row.field != "phone") {
        phone = Some(number.to_owned());
    }
    let mut names = BTreeSet::new();
    for operation in rows.chunk_by(|one, next| one.operation_id == next.operation_id) {
        if phone.as_deref() == Some(number) {
            names.extend(name.clone());
        }
        for row in operation {
            match row.field.as_str() {
                "phone" => phone.clone_from(&row.value_after),
                "customer_name" => name.clone_from(&row.value_after),
                _ => {}
            }
        }
        if phone.as_deref() == Some(number) {
            names.extend(name.clone());
        }
    }
    names
}

/// Returns the values that the log has of orders, each with the number of its order, oldest first.
fn of_orders(conn: &mut Conn, orders: &[i64]) -> Result<Vec<(i64, PersonalRow)>, Error> {
    let mut found = Vec::new();
    for orders in orders.chunks(BATCH) {
        let ids: Vec<String> = orders.iter().map(i64::to_string).collect();
        let rows = personal::table
            .inner_join(operation_log::table)
            .filter(operation_log::entity_type.eq(Entity::Order))
            .filter(operation_log::entity_id.eq_any(ids))
            .order((personal::operation_id, personal::field))
            .select((operation_log::entity_id, PersonalRow::as_select()))
            .load::<(String, PersonalRow)>(conn)?;
        found.extend(
            rows.into_iter()
                .filter_map(|(order, row)| Some((order.parse().ok()?, row))),
        );
    }
    Ok(found)
}

/// Returns the orders that have or had a number, according to the log, in ascending order.
fn with_number(conn: &mut Conn, number: &str) -> Result<Vec<i64>, Error> {
    let orders = || {
        personal::table
            .inner_join(operation_log::table)
            .filter(sql::<Bool>(PHONES))
            .filter(operation_log::entity_type.eq(Entity::Order))
            .select(operation_log::entity_id)
    };
    // One query for each index, because SQLite would not use two.
    let before = personal::value_before.eq(number);
    let after = personal::value_after.eq(number);
    let mut ids: Vec<String> = orders().filter(before).load(conn)?;
    ids.extend(orders().filter(after).load::<String>(conn)?);
    let mut ids: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Returns the operations whose note mentions a customer.
pub fn with_note(conn: &mut Conn, person: &Person) -> Result<Vec<i64>, Error> {
    let is_theirs = |row: &PersonalRow| {
        let notes = [&row.value_before, &row.value_after];
        row.field == NOTE && notes.into_iter().flatten().any(|note| person.is_in(note))
    };
    let rows = texts(conn)?.into_iter().filter(is_theirs);
    Ok(rows.map(|row| row.operation_id).collect())
}

/// Returns the texts that may mention a customer. They are few: those of corrections and of exports.
fn texts(conn: &mut Conn) -> Result<Vec<PersonalRow>, Error> {
    personal::table
        .filter(sql::<Bool>(FREE_TEXTS))
        .select(PersonalRow::as_select())
        .load(conn)
        .map_err(Error::from)
}

/// Returns the numbers and names that orders have now, by the ids of the orders.
fn present_customers(
    conn: &mut Conn,
    ids: &[i64],
) -> Result<BTreeMap<i64, (String, Option<String>)>, Error> {
    let mut customers = BTreeMap::new();
    for ids in ids.chunks(BATCH) {
        let rows = orders::table
            .filter(orders::id.eq_any(ids.to_vec()))
            .select((orders::id, (orders::phone, orders::customer_name)))
            .load::<(i64, (String, Option<String>))>(conn)?;
        customers.extend(rows);
    }
    Ok(customers)
}

/// Returns the operations whose values an erasure replaced.
pub fn operations(tx: &mut Tx<'_>, name: &str) -> Result<BTreeSet<i64>, Error> {
    let orders = with_number(tx.conn, name)?;
    let rows = of_orders(tx.conn, &orders)?.into_iter().map(|(_, row)| row);
    let with_name = rows.chain(texts(tx.conn)?).filter(|row| {
        [&row.value_before, &row.value_after]
            .into_iter()
            .any(|value| value.as_deref() == Some(name))
    });
    Ok(with_name.map(|row| row.operation_id).collect())
}
