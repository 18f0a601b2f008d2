//! Recalculates the cost of issued orders when an exchange rate is entered or corrected.

use crate::analytics::{
    entries::each_entry,
    period::{month_of, split},
};
use crate::{
    db::{self, Conn},
    error::{Error, Problem},
    schema::{exchange_rates, sales_by_day, sales_by_month, sales_by_product},
};
use chrono::NaiveDate;
use diesel::{dsl::exists, prelude::*, sql_types::Bool};
use std::collections::BTreeMap;

/// Adds `change` to the costs in roubles of the row with this key, if it exists. Fails if the cost would overflow.
macro_rules! change_cost {
    ($conn:expr, $table:ident, $key:expr, $change:expr) => {
        let (sold, written_off) = $change;
        let row = $table::table
            .find($key)
            .filter(fits!($table::cost_rub_exact, sold))
            .filter(fits!($table::written_off_rub_exact, written_off));
        let changed = diesel::update(row)
            .set((
                $table::cost_rub_exact.eq($table::cost_rub_exact + sold),
                $table::written_off_rub_exact.eq($table::written_off_rub_exact + written_off),
            ))
            .execute($conn)?;
        if changed == 0 && is_there!($conn, $table, $key) {
            return Err(rate_too_high());
        }
    };
}

/// Name of the advisory lock that is held while rates change.
pub(super) const RATES: &str = "exchange rates";

pub(super) fn rate_on(conn: &mut Conn, day: NaiveDate) -> Result<i64, Error> {
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

/// Makes transactions that count issued orders wait until this transaction, which changes rates, has ended.
pub fn lock_rates(conn: &mut Conn) -> Result<(), Error> {
    db::lock_name(conn, RATES)
}

/// Updates the rollups for days on which the rate changes from `before` to `rate`: the days from `from` (inclusive) to
/// `until` (exclusive), as [`Rates::affected_days`](crate::analytics::sums::Rates::affected_days) returns them. The
/// cost of whole months is known from the rollups; orders are read only for partial months.
pub fn apply_rate(
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
    let days = || {
        sales_by_day::table
            .filter(sales_by_day::day.ge(from))
            .filter(sales_by_day::day.le(to))
    };
    let most = i64::MAX / rate.max(1);
    let too_costly = days().filter(
        diesel::dsl::not(sales_by_day::cost_eur.between(-most, most)).or(diesel::dsl::not(
            sales_by_day::written_off_eur.between(-most, most),
        )),
    );
    if diesel::select(exists(too_costly)).get_result::<bool>(conn)? {
        return Err(rate_too_high());
    }
    let mut costs: BTreeMap<(NaiveDate, i64), Costs> = BTreeMap::new();
    let split = split(from, to, first_day, last_day);
    if let Some((first, last)) = split.months {
        let whole = sales_by_month::table
            .filter(sales_by_month::month.ge(first))
            .filter(sales_by_month::month.le(last))
            .select((
                sales_by_month::month,
                sales_by_month::product_id,
                (sales_by_month::cost_eur, sales_by_month::written_off_eur),
            ))
            .load::<(NaiveDate, i64, Costs)>(conn)?;
        for (month, product, cost) in whole {
            costs.insert((month, product), cost);
        }
    }
    for edge in split.edges {
        each_entry(conn, edge, None, |day, product, entry| {
            let sums = entry.sums(0).ok_or_else(rate_too_high)?;
            let cost = (sums.cost_eur, sums.written_off_eur);
            add_cost(&mut costs, (month_of(day), product), cost)
        })?;
    }
    let mut by_product: BTreeMap<i64, Costs> = BTreeMap::new();
    for ((_, product), cost) in &mut costs {
        // From here on, `cost` is the change in the costs in roubles.
        let change = |cost: i64| cost.checked_mul(rate - before).ok_or_else(rate_too_high);
        *cost = (change(cost.0)?, change(cost.1)?);
        add_cost(&mut by_product, *product, *cost)?;
    }
    for (product, change) in by_product {
        change_cost!(conn, sales_by_product, product, change);
    }
    for ((month, product), change) in costs {
        change_cost!(conn, sales_by_month, (month, product), change);
    }
    diesel::update(days())
        .set((
            sales_by_day::cost_rub_exact.eq(sales_by_day::cost_eur * rate),
            sales_by_day::written_off_rub_exact.eq(sales_by_day::written_off_eur * rate),
        ))
        .execute(conn)?;
    Ok(())
}

/// The cost of sales and that of write-offs.
type Costs = (i64, i64);

fn add_cost<K: Ord>(
    costs: &mut BTreeMap<K, Costs>,
    key: K,
    (sold, written_off): Costs,
) -> Result<(), Error> {
    let cost = costs.entry(key).or_default();
    let plus = |cost: i64, more| cost.checked_add(more).ok_or_else(rate_too_high);
    *cost = (plus(cost.0, sold)?, plus(cost.1, written_off)?);
    Ok(())
}

fn rate_too_high() -> Error {
    Error::field("rub_per_eur", Problem::RateTooHigh)
}
