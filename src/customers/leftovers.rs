//! What else has a customer's number or name: notifications, uploaded files, notes about stock, and idempotency keys.

use super::person::Person;
use crate::{
    audit::Entity,
    error::Error,
    notifications::{Kind, notice::Notice},
    schema::{form_drafts, idempotency_keys, notifications, stock_movements, uploads},
    transaction::Tx,
};
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Rows read or ids sent at a time.
const BATCH: i64 = 500;
/// The kinds of notifications that name a customer.
const KINDS: [Kind; 3] = [Kind::OrderCreated, Kind::OrderIssued, Kind::OrderDenied];

/// The rows to change or to delete.
#[derive(Default)]
pub struct Leftovers {
    pub notifications: Vec<(i64, Notice)>,
    pub uploads: Vec<String>,
    /// Ids in the ledger.
    pub notes: Vec<i64>,
    keys: Vec<String>,
}

/// Finds the rows that have the number or a name of a customer, who has these orders.
pub fn find(tx: &mut Tx<'_>, person: &Person, orders: &[i64]) -> Result<Leftovers, Error> {
    Ok(Leftovers {
        notifications: find_notifications(tx, person, orders)?,
        uploads: find_uploads(tx, person)?,
        notes: find_notes(tx, person)?,
        keys: find_keys(tx, person)?,
    })
}

impl Leftovers {
    /// Erases the customer from these rows. `orders` are those that have or had the number.
    pub fn erase(&self, tx: &mut Tx<'_>, name: &str, orders: &[i64]) -> Result<(), Error> {
        for (id, notice) in &self.notifications {
            let mut notice = notice.clone();
            notice.erase_customer(name);
            diesel::update(notifications::table.find(id))
                .set((
                    notifications::notice.eq(serde_json::to_string(&notice).unwrap_or_default()),
                    // It may quote the message.
                    notifications::last_error.eq(None::<String>),
                ))
                .execute(tx.conn)?;
        }
        for ids in self.notes.chunks(batch()) {
            diesel::update(stock_movements::table.filter(stock_movements::id.eq_any(ids.to_vec())))
                .set(stock_movements::note.eq(name))
                .execute(tx.conn)?;
        }
        diesel::delete(uploads::table.filter(uploads::id.eq_any(self.uploads.clone())))
            .execute(tx.conn)?;
        // Refused forms may have the customer in any spelling, and are kept only for minutes.
        diesel::delete(form_drafts::table).execute(tx.conn)?;
        diesel::delete(
            idempotency_keys::table.filter(idempotency_keys::key.eq_any(self.keys.clone())),
        )
        .execute(tx.conn)?;
        // A repeat of a request is refused with what it made, because it cannot be compared any more.
        for ids in orders.chunks(batch()) {
            diesel::update(
                idempotency_keys::table
                    .filter(idempotency_keys::entity_type.eq_any([Entity::Order, Entity::Basket]))
                    .filter(idempotency_keys::entity_id.eq_any(ids.to_vec())),
            )
            .set((
                idempotency_keys::fingerprint.eq(""),
                idempotency_keys::answer.eq(None::<String>),
            ))
            .execute(tx.conn)?;
        }
        Ok(())
    }
}

fn batch() -> usize {
    usize::try_from(BATCH).unwrap_or(usize::MAX)
}

fn find_notifications(
    tx: &mut Tx<'_>,
    person: &Person,
    orders: &[i64],
) -> Result<Vec<(i64, Notice)>, Error> {
    let orders: BTreeSet<_> = orders.iter().collect();
    let (mut found, mut last) = (Vec::new(), 0);
    loop {
        let rows = notifications::table
            .filter(notifications::id.gt(last))
            .filter(notifications::kind.eq_any(KINDS))
            .order(notifications::id)
            .limit(BATCH)
            .select((notifications::id, notifications::notice))
            .load::<(i64, String)>(tx.conn)?;
        let Some((end, _)) = rows.last() else {
            return Ok(found);
        };
        last = *end;
        let read = |(id, notice): (i64, String)| {
            let notice: Notice = serde_json::from_str(&notice).ok()?;
            let order = notice.order()?;
            let is_theirs = orders.contains(&order.id) || person.phone.is_in(&order.phone);
            is_theirs.then_some((id, notice))
        };
        found.extend(rows.into_iter().filter_map(read));
    }
}

fn find_uploads(tx: &mut Tx<'_>, person: &Person) -> Result<Vec<String>, Error> {
    let ids: Vec<String> = uploads::table.select(uploads::id).load(tx.conn)?;
    let mut found = Vec::new();
    // One at a time, because a file may be large.
    for id in ids {
        let (name, content) = uploads::table
            .find(&id)
            .select((uploads::file_name, uploads::content))
            .first::<(String, String)>(tx.conn)?;
        if person.is_in(&name) || person.is_in(&content) {
            found.push(id);
        }
    }
    Ok(found)
}

fn find_notes(tx: &mut Tx<'_>, person: &Person) -> Result<Vec<i64>, Error> {
    let notes = stock_movements::table
        .filter(stock_movements::note.is_not_null())
        .select((stock_movements::id, stock_movements::note.assume_not_null()))
        .load::<(i64, String)>(tx.conn)?;
    let theirs = |(id, note): (i64, String)| person.is_in(&note).then_some(id);
    Ok(notes.into_iter().filter_map(theirs).collect())
}

/// Finds the keys, chosen by a client, that have the number in them.
fn find_keys(tx: &mut Tx<'_>, person: &Person) -> Result<Vec<String>, Error> {
    let keys: Vec<String> = idempotency_keys::table
        .select(idempotency_keys::key)
        .load(tx.conn)?;
    Ok(keys.into_iter().filter(|key| person.is_in(key)).collect())
}
