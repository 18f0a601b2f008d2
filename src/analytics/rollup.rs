//! The roll-ups: sums by day, by product, and by month and product, kept in the transaction that issues or denies.
//!
//! Lock order: order, product, then the roll-ups by product, by month, by day. The first two belong to the product,
//! whose row is locked already; only the day is shared, and it is taken last and in eight slots, so that issues
//! of different products seldom wait for each other and never in a circle.

use super::sums::{Rates, Sold, Sums};
use crate::{
    act::Tx,
    db::{self, Conn},
    error::Error,
    money::{Eur, Rub},
    schema::{exchange_rates, orders, sales_by_day, sales_by_month, sales_by_product},
};
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use std::collections::BTreeMap;

/// How many rows the sums of a day are spread over.
const SLOTS: i64 = 8;
/// Orders read at once when everything is summed anew.
const BATCH: i64 = 10_000;
/// What is named to wait while rates change.
const RATES: &str = "exchange rates";

/// The columns of [`Sums`] in a roll-up.
macro_rules! columns {
    ($table:ident) => {
        (
            $table::orders,
            $table::qty,
            $table::revenue_rub,
            $table::list_rub,
            $table::cost_eur,
            $table::cost_rub_exact,
            $table::uncosted_qty,
            $table::denied,
        )
    };
}
pub(super) use columns;

/// The assignments that set a row of a roll-up to sums.
macro_rules! values {
    ($table:ident, $sums:expr) => {
        (
            $table::orders.eq($sums.orders),
            $table::qty.eq($sums.qty),
            $table::revenue_rub.eq($sums.revenue_rub),
            $table::list_rub.eq($sums.list_rub),
            $table::cost_eur.eq($sums.cost_eur),
            $table::cost_rub_exact.eq($sums.cost_rub_exact),
            $table::uncosted_qty.eq($sums.uncosted_qty),
            $table::denied.eq($sums.denied),
        )
    };
}

/// Adds sums to the row with this key, and tells whether there is one.
macro_rules! add {
    ($conn:expr, $table:ident, $key:expr, $sums:expr) => {
        diesel::update($table::table.find($key))
            .set((
                $table::orders.eq($table::orders + $sums.orders),
                $table::qty.eq($table::qty + $sums.qty),
                $table::revenue_rub.eq($table::revenue_rub + $sums.revenue_rub),
                $table::list_rub.eq($table::list_rub + $sums.list_rub),
                $table::cost_eur.eq($table::cost_eur + $sums.cost_eur),
                $table::cost_rub_exact.eq($table::cost_rub_exact + $sums.cost_rub_exact),
                $table::uncosted_qty.eq($table::uncosted_qty + $sums.uncosted_qty),
                $table::denied.eq($table::denied + $sums.denied),
            ))
            .execute($conn)?
            > 0
    };
}

/// Counts an order that is being issued. Its product's row is locked.
pub fn issued(tx: &mut Tx<'_>, product: i64, day: NaiveDate, order: Sold) -> Result<(), Error> {
    // The rate must not change between its use here and the end of the transaction.
    db::share(tx.conn, RATES)?;
    let rate = rate_on(tx.conn, day)?;
    count(tx, product, day, Sums::issued(order, rate))
}

/// Counts an order that is being denied. Its product's row is locked.
pub fn denied(tx: &mut Tx<'_>, product: i64, day: NaiveDate) -> Result<(), Error> {
    count(tx, product, day, Sums::DENIED)
}

fn count(tx: &mut Tx<'_>, product: i64, day: NaiveDate, sums: Sums) -> Result<(), Error> {
    if !add!(tx.conn, sales_by_product, product, sums) {
        insert_product(tx.conn, product, &sums)?;
    }
    let month = month_of(day);
    if !add!(tx.conn, sales_by_month, (month, product), sums) {
        insert_month(tx.conn, month, product, &sums)?;
    }
    let slot = slot_of(product);
    if !add!(tx.conn, sales_by_day, (day, slot), sums) {
        // Another product may begin the same slot at this moment.
        db::serialize_by(tx.conn, &format!("sales of {day}, {slot}"))?;
        if !add!(tx.conn, sales_by_day, (day, slot), sums) {
            insert_day(tx.conn, day, slot, &sums)?;
        }
    }
    Ok(())
}

fn insert_product(conn: &mut Conn, product: i64, sums: &Sums) -> Result<(), Error> {
    diesel::insert_into(sales_by_product::table)
        .values((
            sales_by_product::product_id.eq(product),
            values!(sales_by_product, sums),
        ))
        .execute(conn)?;
    Ok(())
}

fn insert_month(conn: &mut Conn, month: NaiveDate, product: i64, sums: &Sums) -> Result<(), Error> {
    diesel::insert_into(sales_by_month::table)
        .values((
            sales_by_month::month.eq(month),
            sales_by_month::product_id.eq(product),
            values!(sales_by_month, sums),
        ))
        .execute(conn)?;
    Ok(())
}

fn insert_day(conn: &mut Conn, day: NaiveDate, slot: i64, sums: &Sums) -> Result<(), Error> {
    diesel::insert_into(sales_by_day::table)
        .values((
            sales_by_day::day.eq(day),
            sales_by_day::slot.eq(slot),
            values!(sales_by_day, sums),
        ))
        .execute(conn)?;
    Ok(())
}

fn rate_on(conn: &mut Conn, day: NaiveDate) -> Result<i64, Error> {
    let present = exchange_rates::table
        .filter(exchange_rates::day.le(day))
        .order(exchange_rates::day.desc())
        .select(exchange_rates::rub_per_eur)
        .first::<i64>(conn)
        .optional()?;
    if let Some(rate) = present {
        return Ok(rate);
    }
    let first = exchange_rates::table
        .order(exchange_rates::day)
        .select(exchange_rates::rub_per_eur)
        .first::<i64>(conn)
        .optional()?;
    Ok(first.unwrap_or(0))
}

/// Makes whoever counts an issue wait until this transaction, which changes rates, is over.
pub fn hold_rates(conn: &mut Conn) -> Result<(), Error> {
    db::serialize_by(conn, RATES)
}

/// Follows a rate that becomes `rate` on the days that `reach` names: the cost of whole months changes by what the
/// rate changes; only of the months that the reach cuts, the orders are read.
pub fn follow_rate(
    conn: &mut Conn,
    (from, until, before): (Option<NaiveDate>, Option<NaiveDate>, i64),
    rate: i64,
) -> Result<(), Error> {
    if rate == before {
        return Ok(());
    }
    let (from, until) = (
        from.unwrap_or(NaiveDate::MIN),
        until.unwrap_or(NaiveDate::MAX),
    );
    let first_day = sales_by_day::table
        .order(sales_by_day::day)
        .select(sales_by_day::day)
        .first::<NaiveDate>(conn)
        .optional()?;
    let last_day = sales_by_day::table
        .order(sales_by_day::day.desc())
        .select(sales_by_day::day)
        .first::<NaiveDate>(conn)
        .optional()?;
    let (Some(first_day), Some(last_day)) = (first_day, last_day) else {
        return Ok(());
    };
    let (from, to) = (
        from.max(first_day),
        until.pred_opt().unwrap_or(until).min(last_day),
    );
    if from > to {
        return Ok(());
    }
    diesel::update(
        sales_by_day::table
            .filter(sales_by_day::day.ge(from))
            .filter(sales_by_day::day.le(to)),
    )
    .set(sales_by_day::cost_rub_exact.eq(sales_by_day::cost_eur * rate))
    .execute(conn)?;

    let mut costs: BTreeMap<(NaiveDate, i64), i64> = BTreeMap::new();
    let split = super::period::split(from, to, first_day, last_day);
    if let Some((first, last)) = split.months {
        let whole = sales_by_month::table
            .filter(sales_by_month::month.ge(first))
            .filter(sales_by_month::month.le(last))
            .select((
                sales_by_month::month,
                sales_by_month::product_id,
                sales_by_month::cost_eur,
            ))
            .load::<(NaiveDate, i64, i64)>(conn)?;
        for (month, product, cost) in whole {
            costs.insert((month, product), cost);
        }
    }
    for (from, to) in split.edges {
        let cut = orders::table
            .filter(orders::issued_on.ge(from))
            .filter(orders::issued_on.le(to))
            .select((
                orders::issued_on.assume_not_null(),
                orders::product_id,
                orders::cost_eur.assume_not_null(),
            ))
            .load::<(NaiveDate, i64, i64)>(conn)?;
        for (day, product, cost) in cut {
            *costs.entry((month_of(day), product)).or_default() += cost;
        }
    }
    let mut by_product: BTreeMap<i64, i64> = BTreeMap::new();
    for ((month, product), cost) in costs {
        let change = cost.saturating_mul(rate - before);
        diesel::update(sales_by_month::table.find((month, product)))
            .set(sales_by_month::cost_rub_exact.eq(sales_by_month::cost_rub_exact + change))
            .execute(conn)?;
        *by_product.entry(product).or_default() += change;
    }
    for (product, change) in by_product {
        diesel::update(sales_by_product::table.find(product))
            .set(sales_by_product::cost_rub_exact.eq(sales_by_product::cost_rub_exact + change))
            .execute(conn)?;
    }
    Ok(())
}

/// All roll-ups in memory: their size grows with days and products, not with orders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rollups {
    by_day: BTreeMap<(NaiveDate, i64), Sums>,
    by_month: BTreeMap<(NaiveDate, i64), Sums>,
    by_product: BTreeMap<i64, Sums>,
}

impl Rollups {
    fn add(&mut self, day: NaiveDate, product: i64, sums: Sums) {
        *self.by_day.entry((day, slot_of(product))).or_default() += sums;
        *self.by_month.entry((month_of(day), product)).or_default() += sums;
        *self.by_product.entry(product).or_default() += sums;
    }

    /// What the orders come to.
    fn of_orders(conn: &mut Conn) -> Result<Self, Error> {
        let rates = Rates::load(conn)?;
        let mut all = Self::default();
        let mut last = 0;
        loop {
            let batch = orders::table
                .filter(orders::id.gt(last))
                .order(orders::id)
                .limit(BATCH)
                .select((
                    orders::id,
                    orders::product_id,
                    orders::issued_on,
                    orders::denied_on,
                    orders::qty,
                    orders::unit_price_rub,
                    orders::list_price_rub,
                    orders::cost_eur,
                    orders::uncosted_qty,
                ))
                .load::<OrderRow>(conn)?;
            let Some(newest) = batch.last() else {
                return Ok(all);
            };
            last = newest.0;
            for (_, product, issued_on, denied_on, qty, unit, list, cost, uncosted) in batch {
                if let Some(day) = issued_on {
                    let order = Sold {
                        qty,
                        unit_price_rub: unit,
                        list_price_rub: list,
                        cost_eur: cost.unwrap_or_default(),
                        uncosted_qty: uncosted.unwrap_or_default(),
                    };
                    all.add(day, product, Sums::issued(order, rates.on(day)));
                } else if let Some(day) = denied_on {
                    all.add(day, product, Sums::DENIED);
                }
            }
        }
    }

    /// What is on record.
    fn recorded(conn: &mut Conn) -> Result<Self, Error> {
        let by_day = sales_by_day::table
            .select((
                (sales_by_day::day, sales_by_day::slot),
                columns!(sales_by_day),
            ))
            .load::<((NaiveDate, i64), Sums)>(conn)?;
        let by_month = sales_by_month::table
            .select((
                (sales_by_month::month, sales_by_month::product_id),
                columns!(sales_by_month),
            ))
            .load::<((NaiveDate, i64), Sums)>(conn)?;
        let by_product = sales_by_product::table
            .select((sales_by_product::product_id, columns!(sales_by_product)))
            .load::<(i64, Sums)>(conn)?;
        Ok(Self {
            by_day: by_day.into_iter().collect(),
            by_month: by_month.into_iter().collect(),
            by_product: by_product.into_iter().collect(),
        })
    }
}

type OrderRow = (
    i64,
    i64,
    Option<NaiveDate>,
    Option<NaiveDate>,
    i64,
    Rub,
    Option<Rub>,
    Option<Eur>,
    Option<i64>,
);

/// Compares the roll-ups with the orders: how many rows there are, and a line for each that disagrees.
pub fn check(conn: &mut Conn) -> Result<(i64, Vec<String>), Error> {
    let (expected, found) = (Rollups::of_orders(conn)?, Rollups::recorded(conn)?);
    let rows = found.by_day.len() + found.by_month.len() + found.by_product.len();
    let mut wrong = differences(&found.by_day, &expected.by_day, |(day, slot)| {
        format!("sales of {day}, slot {slot}")
    });
    wrong.extend(differences(
        &found.by_month,
        &expected.by_month,
        |(month, product)| format!("sales of {}, product {product}", month.format("%Y-%m")),
    ));
    wrong.extend(differences(
        &found.by_product,
        &expected.by_product,
        |product| format!("sales of product {product}"),
    ));
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), wrong))
}

fn differences<K: Ord + Copy>(
    found: &BTreeMap<K, Sums>,
    expected: &BTreeMap<K, Sums>,
    name: impl Fn(K) -> String,
) -> Vec<String> {
    let keys = found.keys().chain(expected.keys());
    let keys: std::collections::BTreeSet<K> = keys.copied().collect();
    let of = |sums: &BTreeMap<K, Sums>, key| sums.get(&key).copied().unwrap_or_default();
    keys.into_iter()
        .map(|key| (key, of(found, key), of(expected, key)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(key, found, expected)| format!("{}: {found:?}, expected {expected:?}", name(key)))
        .collect()
}

/// Makes the roll-ups anew from the orders, in a write transaction. Gives the number of their rows.
pub fn rebuild(conn: &mut Conn) -> Result<usize, Error> {
    db::lock_table(conn, "orders")?;
    hold_rates(conn)?;
    name_days_of_denial(conn)?;
    diesel::delete(sales_by_day::table).execute(conn)?;
    diesel::delete(sales_by_month::table).execute(conn)?;
    diesel::delete(sales_by_product::table).execute(conn)?;
    let all = Rollups::of_orders(conn)?;
    for ((day, slot), sums) in &all.by_day {
        insert_day(conn, *day, *slot, sums)?;
    }
    for ((month, product), sums) in &all.by_month {
        insert_month(conn, *month, *product, sums)?;
    }
    for (product, sums) in &all.by_product {
        insert_product(conn, *product, sums)?;
    }
    Ok(all.by_day.len() + all.by_month.len() + all.by_product.len())
}

/// Whether orders were settled before there were roll-ups.
pub fn is_missing(conn: &mut Conn) -> Result<bool, Error> {
    let settled = diesel::select(diesel::dsl::exists(
        orders::table.filter(
            orders::issued_at
                .is_not_null()
                .or(orders::denied_at.is_not_null()),
        ),
    ))
    .get_result::<bool>(conn)?;
    let summed = diesel::select(diesel::dsl::exists(
        sales_by_day::table.select(sales_by_day::day),
    ))
    .get_result::<bool>(conn)?;
    Ok(settled && !summed)
}

/// Orders that were denied before the shop's day was kept with them get it.
fn name_days_of_denial(conn: &mut Conn) -> Result<(), Error> {
    let nameless = orders::table
        .filter(orders::denied_at.is_not_null())
        .filter(orders::denied_on.is_null())
        .select((orders::id, orders::denied_at.assume_not_null()))
        .load::<(i64, NaiveDateTime)>(conn)?;
    for (id, at) in nameless {
        diesel::update(orders::table.find(id))
            .set(orders::denied_on.eq(crate::clock::at(at.and_utc()).day()))
            .execute(conn)?;
    }
    Ok(())
}

/// The first day of a day's month.
pub fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

const fn slot_of(product: i64) -> i64 {
    product.rem_euclid(SLOTS)
}
