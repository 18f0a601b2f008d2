//! The business rules for erasing a customer.

use super::{
    Erasure, Query, erased_name,
    leftovers::{self, Leftovers},
    person::Person,
    traces,
};
use crate::{
    audit::{
        self, Action, Entity, Operation,
        service::{Row, operations, record},
    },
    auth::Permission,
    clock,
    codes::Code,
    db::{self, Column, Dialect, Keyset, SortKey, SortOrder, bulk::insert_all, load_locked},
    error::{Error, Problem},
    orders::{Status, names},
    page::Page,
    phone::Phone,
    schema::{erasures, operation_log, order_names, orders},
    text::fold,
    transaction::Tx,
    validation::{Input, Request, Validator, line},
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use std::mem;
use utoipa::ToSchema;

/// The most ids in one statement.
const BATCH: usize = 500;

/// The most characters of a reason.
const MAX_REASON_LENGTH: usize = 500;
/// The number of digits that must be typed to confirm an erasure.
const LAST_DIGITS: usize = 4;

const NEWEST_FIRST: SortOrder = SortOrder {
    columns: &[Column::Time("created_at"), Column::Int("id")],
    descending: true,
};

/// A customer to erase
#[derive(Clone, Debug, Default, ToSchema)]
pub struct NewErasure {
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
    /// The last four digits of the number, which confirm that this customer is meant
    #[schema(min_length = 4, max_length = 4, example = "4567")]
    pub last_digits: String,
    /// Why the customer is erased; it must not name them
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "Требование покупателя от 23.11.2026"
    )]
    pub reason: String,
}

impl Request for NewErasure {
    const PERMISSION: Permission = Permission::EraseCustomers;

    fn read(input: &mut Input) -> Self {
        let phone: Phone = input.read("phone", Phone::entered);
        let last_digits = input.read("last_digits", line(LAST_DIGITS));
        if !last_digits.is_empty() && !phone.digits().is_empty() {
            let are_last =
                last_digits.len() == LAST_DIGITS && phone.digits().ends_with(&last_digits);
            if !are_last {
                input.add_error("last_digits", Problem::NotLastDigits);
            }
        }
        Self {
            phone,
            last_digits,
            reason: input.read("reason", line(MAX_REASON_LENGTH)),
        }
    }
}

/// Erases a customer: replaces the number and the name by the name of the erasure, wherever they are. Refused while
/// orders of the customer wait.
///
/// On SQLite the file of the database is rewritten after the commit, once for all erasures of a transaction.
pub fn erase(tx: &mut Tx<'_>, request: &NewErasure) -> Result<Erasure, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let number = &request.phone.e164;
    db::lock_name(tx.conn, &format!("customer/{number}"))?;
    let orders = lock_orders(tx, &request.phone)?;
    refuse_waiting(&orders)?;
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let mut traces = traces::find(tx, number, &ids)?;
    if orders.is_empty() && traces.is_empty() {
        return Err(Error::field("phone", Problem::UnknownCustomer));
    }
    let mut person = Person {
        phone: request.phone.clone(),
        names: mem::take(&mut traces.names),
    };
    person
        .names
        .extend(orders.into_iter().filter_map(|order| order.customer_name));
    if person.is_named_in(&request.reason) {
        return Err(Error::field("reason", Problem::NamesCustomer));
    }
    traces.add_texts(tx, &person)?;
    let leftovers = leftovers::find(tx, &person, &ids)?;
    let erasure = insert(tx, &request.reason, ids.len(), traces.len(), &leftovers)?;
    let name = erased_name(erasure.id);
    rename_orders(tx, &ids, &name)?;
    traces.erase(tx, &name)?;
    let with_number = [ids, mem::take(&mut traces.former_orders)].concat();
    leftovers.erase(tx, &name, &with_number)?;
    let changes = [
        audit::set("reason", &erasure.reason),
        audit::set("erased_orders", erasure.orders),
        audit::set("erased_entries", erasure.log_entries),
    ];
    record(tx, Action::Erase, Entity::Customer, erasure.id, &changes)?;
    tx.events.request_purge();
    Ok(erasure)
}

/// An order of the customer.
#[derive(Queryable)]
struct CustomerOrder {
    id: i64,
    status: Code<Status>,
    customer_name: Option<String>,
}

/// Returns the orders of a number, and locks them in the order of their ids.
fn lock_orders(tx: &mut Tx<'_>, phone: &Phone) -> Result<Vec<CustomerOrder>, Error> {
    let found = orders::table
        .filter(orders::phone_digits.eq(phone.digits()))
        .order(orders::id)
        .select((orders::id, orders::status, orders::customer_name));
    load_locked!(tx.conn, found, load).map_err(Error::from)
}

fn refuse_waiting(orders: &[CustomerOrder]) -> Result<(), Error> {
    let waits = |order: &&CustomerOrder| match order.status.known() {
        Some(Status::PaidNotIssued) | None => true,
        Some(Status::PaidIssued | Status::PaidDenied) => false,
    };
    match orders.iter().filter(waits).count() {
        0 => Ok(()),
        waiting => Err(Error::OrdersWait {
            orders: count(waiting),
        }),
    }
}

fn insert(
    tx: &mut Tx<'_>,
    reason: &str,
    orders: usize,
    log_entries: usize,
    leftovers: &Leftovers,
) -> Result<Erasure, Error> {
    let id = diesel::insert_into(erasures::table)
        .values((
            erasures::reason.eq(reason),
            erasures::user_id.eq(tx.actor.username()),
            erasures::created_at.eq(tx.now),
            erasures::orders.eq(count(orders)),
            erasures::log_entries.eq(count(log_entries)),
            erasures::notifications.eq(count(leftovers.notifications.len())),
            erasures::uploads.eq(count(leftovers.uploads.len())),
            erasures::notes.eq(count(leftovers.notes.len())),
        ))
        .returning(erasures::id)
        .get_result::<i64>(tx.conn)?;
    erasure(tx, id)
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Replaces what identifies the customer of orders, with the keys by which they are found.
fn rename_orders(tx: &mut Tx<'_>, ids: &[i64], name: &str) -> Result<(), Error> {
    for ids in ids.chunks(BATCH) {
        diesel::update(orders::table.filter(orders::id.eq_any(ids.to_vec())))
            .set((
                orders::phone.eq(name),
                orders::phone_shown.eq(name),
                orders::phone_digits.eq(name),
                orders::phone_reversed.eq(name),
                orders::customer_name.eq(name),
                orders::customer_key.eq(fold(name)),
            ))
            .execute(tx.conn)?;
        diesel::delete(order_names::table.filter(order_names::order_id.eq_any(ids.to_vec())))
            .execute(tx.conn)?;
        let words: Vec<_> = ids
            .iter()
            .flat_map(|id| names::rows(*id, Some(name)))
            .collect();
        insert_all!(tx.conn, order_names, &words);
    }
    Ok(())
}

/// Returns one erasure.
pub fn erasure(tx: &mut Tx<'_>, id: i64) -> Result<Erasure, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    erasures::table
        .find(id)
        .select(Erasure::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns a page of the erasures, newest first.
pub fn erasures(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Erasure>, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let mut validator = Validator::default();
    let (from, to) = validator.range(&query.from, &query.to);
    let limit = validator.page_size(&query.limit);
    validator.done()?;
    let keyset = Keyset::new(NEWEST_FIRST, &query.after, &query.before, limit)?;
    let mut rows = erasures::table
        .select(Erasure::as_select())
        .filter(keyset.seek_after())
        .into_boxed::<Dialect>();
    if let Some(day) = from {
        rows = rows.filter(erasures::created_at.ge(clock::start_of(day)));
    }
    if let Some(day) = to {
        rows = rows.filter(erasures::created_at.lt(clock::end_of(day)));
    }
    let rows = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    Ok(keyset.page(rows, |erasure: &Erasure| {
        vec![
            SortKey::Time(erasure.created_at.utc()),
            SortKey::Int(erasure.id),
        ]
    }))
}

/// Returns the operations whose values an erasure replaced, and the erasure itself, oldest first: the extract of the
/// log that the document of the erasure contains.
pub fn log_extract(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Operation>, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let erasure = erasure(tx, id)?;
    let mut found = traces::operations(tx, &erased_name(erasure.id))?;
    let of_erasure: Vec<i64> = operation_log::table
        .filter(operation_log::entity_type.eq(Entity::Customer))
        .filter(operation_log::entity_id.eq(id.to_string()))
        .select(operation_log::id)
        .load(tx.conn)?;
    found.extend(of_erasure);
    let found: Vec<i64> = found.into_iter().collect();
    let mut extract = Vec::with_capacity(found.len());
    for ids in found.chunks(BATCH) {
        let rows: Vec<Row> = operation_log::table
            .filter(operation_log::id.eq_any(ids.to_vec()))
            .order(operation_log::id)
            .select(Row::as_select())
            .load(tx.conn)?;
        extract.extend(operations(tx.conn, rows)?);
    }
    Ok(extract)
}
