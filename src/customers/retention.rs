//! Erases the customers whose retention period has ended: `CUSTOMER_RETENTION_DAYS` after their last order.
//!
//! There is a run a day. The first one after the setting was set or changed only counts, so that an admin sees what the
//! next one will do. A run reads all orders through the index of phone numbers, a batch at a time.

use super::{
    overview::{Counts, Run},
    service::{self, NewErasure},
};
use crate::{
    auth::{Actor, Permission},
    clock,
    codes::Code,
    db::{self, Column, Dialect, Keyset, SortKey, SortOrder},
    error::Error,
    i18n::Locale,
    moment::Moment,
    orders::Status,
    phone::Phone,
    schema::{customer_retention as runs, orders},
    transaction::{AppState, Tx},
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use leptos_i18n::td_string;

/// The time from one run to the next.
const PERIOD: TimeDelta = TimeDelta::days(1);
/// Orders read at once.
const BATCH: i64 = if cfg!(test) { 3 } else { 2_000 };
/// The id of the only row of the table.
const ROW: i64 = 1;

const ORDER: SortOrder = SortOrder {
    columns: &[Column::Text("phone_digits"), Column::Int("id")],
    descending: false,
};

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Erases nobody.
    Count,
    Erase,
}

/// Makes a run, if the setting is on and the last run began a day ago.
pub async fn run(app: &AppState, now: Moment) -> Result<(), Error> {
    let Some(days) = app.config.customer_retention_days else {
        return forget(app).await;
    };
    let begin = move |tx: &mut Tx<'_>| begin(tx, days, now);
    let Some(turn) = app.write(Actor::System, begin).await? else {
        return Ok(());
    };
    let cutoff = now.utc() - TimeDelta::days(days.into());
    let mut counts = Counts::default();
    let walked = walk(app, cutoff, turn, &mut counts).await;
    if counts.erased > 0 {
        let erased = counts.erased;
        tracing::info!(erased, "erased customers whose retention period has ended");
    }
    walked?;
    app.write(Actor::System, move |tx| end(tx, counts)).await?;
    app.db.purge().await
}

/// Returns the last run, if it was made with the present setting.
pub fn last_run(tx: &mut Tx<'_>, days: u32) -> Result<Option<Run>, Error> {
    tx.actor.may(Permission::EraseCustomers)?;
    let last = runs::table
        .find(ROW)
        .filter(runs::days.eq(i64::from(days)))
        .select((runs::run_at, (runs::erased, runs::waiting, runs::due)))
        .first::<(Moment, (Option<i64>, Option<i64>, Option<i64>))>(tx.conn)
        .optional()?;
    Ok(last.map(|(run_at, (erased, waiting, due))| Run {
        run_at,
        next_at: clock::at((run_at.utc() + PERIOD).and_utc()),
        counts: erased
            .zip(waiting)
            .zip(due)
            .map(|((erased, waiting), due)| Counts {
                erased,
                waiting,
                due,
            }),
    }))
}

/// Forgets the last run while the setting is off, so that the first run after it was set again only counts.
async fn forget(app: &AppState) -> Result<(), Error> {
    let is_known = |tx: &mut Tx<'_>| {
        diesel::select(diesel::dsl::exists(runs::table.find(ROW)))
            .get_result(tx.conn)
            .map_err(Error::from)
    };
    if app.read(Actor::System, is_known).await? {
        app.write(Actor::System, |tx| {
            diesel::delete(runs::table).execute(tx.conn)?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Takes the turn for a run, or returns `None` if the last one was less than a day ago. Servers that share a database
/// take one turn a day between them.
fn begin(tx: &mut Tx<'_>, days: u32, now: Moment) -> Result<Option<Turn>, Error> {
    db::lock_name(tx.conn, "customer_retention")?;
    let days = i64::from(days);
    let last = runs::table
        .find(ROW)
        .filter(runs::days.eq(days))
        .select((runs::run_at, runs::due))
        .first::<(Moment, Option<i64>)>(tx.conn)
        .optional()?;
    let turn = match last {
        Some((at, _)) if at.utc() > now.utc() - PERIOD => return Ok(None),
        Some((_, Some(_))) => Turn::Erase,
        // An admin has not seen what a run would do.
        Some((_, None)) | None => Turn::Count,
    };
    diesel::delete(runs::table).execute(tx.conn)?;
    diesel::insert_into(runs::table)
        .values((runs::id.eq(ROW), runs::days.eq(days), runs::run_at.eq(now)))
        .execute(tx.conn)?;
    Ok(Some(turn))
}

fn end(tx: &mut Tx<'_>, counts: Counts) -> Result<(), Error> {
    diesel::update(runs::table.find(ROW))
        .set((
            runs::erased.eq(counts.erased),
            runs::waiting.eq(counts.waiting),
            runs::due.eq(counts.due),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Counts all customers, and erases those who are due.
async fn walk(
    app: &AppState,
    cutoff: NaiveDateTime,
    turn: Turn,
    counts: &mut Counts,
) -> Result<(), Error> {
    let mut walk = Some(Walk::default());
    while let Some(begun) = walk {
        let (customers, rest) = app.read(Actor::System, |tx| begun.step(tx)).await?;
        for customer in customers {
            settle(app, customer, cutoff, turn, counts).await?;
        }
        walk = rest;
    }
    Ok(())
}

/// Counts a customer, and erases them if they are due.
async fn settle(
    app: &AppState,
    customer: Customer,
    cutoff: NaiveDateTime,
    turn: Turn,
    counts: &mut Counts,
) -> Result<(), Error> {
    if customer.last >= cutoff + PERIOD {
        return Ok(());
    }
    let is_due = customer.last < cutoff;
    if customer.waits {
        counts.waiting += i64::from(is_due);
    } else if is_due && turn == Turn::Erase {
        counts.erased += i64::from(erase(app, customer, cutoff).await?);
    } else {
        counts.due += 1;
    }
    Ok(())
}

/// Erases a customer, unless they have ordered something in the meantime. Returns whether they were erased. The file of
/// the database is not rewritten: that is done once, after all of them.
async fn erase(app: &AppState, customer: Customer, cutoff: NaiveDateTime) -> Result<bool, Error> {
    let locale = app.config.notifications.language;
    let erase = move |tx: &mut Tx<'_>| {
        let present = Customer::find(tx, &customer.digits)?;
        if present.is_none_or(|present| present.waits || present.last >= cutoff) {
            return Ok(false);
        }
        service::erase(tx, &customer.request(locale))?;
        Ok(true)
    };
    match app.write_at(clock::now(), erase).await {
        // The next run tries again.
        Err(error @ (Error::OrdersWait { .. } | Error::Locked | Error::Invalid(_))) => {
            tracing::warn!(%error, "could not erase a customer whose retention period has ended");
            Ok(false)
        }
        done => done,
    }
}

/// A customer, as their orders show it.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    phone: Phone,
    digits: String,
    /// When an order was last booked, issued or denied.
    last: NaiveDateTime,
    /// Whether an order waits.
    waits: bool,
}

impl Customer {
    fn of(row: Row) -> Self {
        let settled = row.issued_at.or(row.denied_at).unwrap_or(row.created_at);
        Self {
            phone: Phone {
                e164: row.phone,
                shown: row.phone_shown,
            },
            digits: row.phone_digits,
            last: settled.max(row.created_at),
            waits: row.status != Status::PaidIssued && row.status != Status::PaidDenied,
        }
    }

    /// Adds another order of the same customer.
    fn add(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
        self.waits |= other.waits;
    }

    fn find(tx: &mut Tx<'_>, digits: &str) -> Result<Option<Self>, Error> {
        let rows: Vec<Row> = orders::table
            .filter(orders::phone_digits.eq(digits))
            .select(Row::as_select())
            .load(tx.conn)?;
        Ok(rows.into_iter().map(Self::of).reduce(|mut all, next| {
            all.add(&next);
            all
        }))
    }

    fn request(self, locale: Locale) -> NewErasure {
        let last_digits = self.digits.get(self.digits.len().saturating_sub(4)..);
        NewErasure {
            last_digits: last_digits.unwrap_or_default().to_owned(),
            reason: td_string!(locale, customers.retention_reason).to_owned(),
            phone: self.phone,
        }
    }
}

/// An order, as far as the retention needs it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
struct Row {
    id: i64,
    phone: String,
    phone_shown: String,
    phone_digits: String,
    status: Code<Status>,
    created_at: NaiveDateTime,
    issued_at: Option<NaiveDateTime>,
    denied_at: Option<NaiveDateTime>,
}

/// A walk over all customers, a batch of orders at a time.
#[derive(Default)]
pub(crate) struct Walk {
    /// The last order that was read.
    at: Option<Vec<SortKey>>,
    /// The customer of that order, who may have more.
    open: Option<Customer>,
}

impl Walk {
    /// Reads a batch. Returns the customers whose orders were all read, and the rest of the walk, if there is one.
    pub(crate) fn step(self, tx: &mut Tx<'_>) -> Result<(Vec<Customer>, Option<Self>), Error> {
        let mut keyset = Keyset::new(ORDER, "", "", BATCH)?;
        if let Some(at) = self.at {
            keyset = keyset.from(at);
        }
        let rows: Vec<Row> = orders::table
            .filter(keyset.seek_after())
            .select(Row::as_select())
            .into_boxed::<Dialect>()
            .order(sql::<Untyped>(&keyset.order()))
            .limit(BATCH)
            .load(tx.conn)?;
        let (mut done, mut open) = (Vec::new(), self.open);
        let at = rows.last().map(|row| {
            vec![
                SortKey::Text(row.phone_digits.clone()),
                SortKey::Int(row.id),
            ]
        });
        // The orders of erased customers have no number.
        for next in rows.into_iter().filter(|row| row.phone.starts_with('+')) {
            let next = Customer::of(next);
            match &mut open {
                Some(open) if open.digits == next.digits => open.add(&next),
                open => done.extend(open.replace(next)),
            }
        }
        Ok(match at {
            Some(_) => (done, Some(Self { at, open })),
            None => {
                done.extend(open);
                (done, None)
            }
        })
    }
}
