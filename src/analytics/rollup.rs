//! The roll-ups: sums by day, by product, and by month and product, kept in the transaction that issues or denies.
//!
//! Lock order: order, product, rates, then the roll-ups by product, by month, by day, each in the order of its key.
//! Of whoever counts an order, the first two belong to the product, whose row is locked already; only the day is
//! shared, and it is taken last and in eight slots, so that issues of different products seldom wait for each other.
//! A rate that changes takes many rows of each, in the same order: nobody waits in a circle.

use super::{
    period::{month_of, split},
    sums::{Rates, Sold, Sums},
};
use crate::{
    act::Tx,
    db::{self, Conn},
    error::{Error, Problem},
    money::{Eur, Rub},
    schema::{exchange_rates, orders, sales_by_day, sales_by_month, sales_by_product},
};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::{dsl::exists, prelude::*, sql_types::Bool};
use std::collections::{BTreeMap, BTreeSet};

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
            $table::uncosted_rub,
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
            $table::uncosted_rub.eq($sums.uncosted_rub),
            $table::denied.eq($sums.denied),
        )
    };
}

/// Whether a column can hold `more` on top of what it has. What adds nothing always fits, also where an earlier
/// version let a sum grow too large.
macro_rules! fits {
    ($column:expr, $more:expr) => {
        $column
            .le(i64::MAX.saturating_sub($more))
            .or(($more == 0).into_sql::<Bool>())
    };
}

/// Whether the row with this key is there.
macro_rules! is_there {
    ($conn:expr, $table:ident, $key:expr) => {
        diesel::select(exists($table::table.find($key))).get_result::<bool>($conn)?
    };
}

/// Adds sums to the row with this key if its columns can hold them: PostgreSQL would fail, and SQLite go on with
/// fractions. Returns whether a row was changed.
macro_rules! add_what_fits {
    ($conn:expr, $table:ident, $key:expr, $sums:expr) => {{
        let row = $table::table
            .find($key)
            .filter(fits!($table::revenue_rub, $sums.revenue_rub))
            .filter(fits!($table::list_rub, $sums.list_rub))
            .filter(fits!($table::cost_eur, $sums.cost_eur))
            .filter(fits!($table::cost_rub_exact, $sums.cost_rub_exact));
        diesel::update(row)
            .set((
                $table::orders.eq($table::orders + $sums.orders),
                $table::qty.eq($table::qty + $sums.qty),
                $table::revenue_rub.eq($table::revenue_rub + $sums.revenue_rub),
                $table::list_rub.eq($table::list_rub + $sums.list_rub),
                $table::cost_eur.eq($table::cost_eur + $sums.cost_eur),
                $table::cost_rub_exact.eq($table::cost_rub_exact + $sums.cost_rub_exact),
                $table::uncosted_qty.eq($table::uncosted_qty + $sums.uncosted_qty),
                $table::uncosted_rub.eq($table::uncosted_rub + $sums.uncosted_rub),
                $table::denied.eq($table::denied + $sums.denied),
            ))
            .execute($conn)?
            > 0
    }};
}

/// Adds sums to the row with this key, and tells whether there is one. Refuses what its columns cannot hold.
/// Nobody else may add the row at this moment.
macro_rules! add {
    ($conn:expr, $table:ident, $key:expr, $sums:expr) => {{
        let is_added = add_what_fits!($conn, $table, $key, $sums);
        if !is_added && is_there!($conn, $table, $key) {
            return Err(Error::SumTooLarge);
        }
        is_added
    }};
}

/// Changes the cost in roubles of the row with this key, if it is there, by what a new rate changes.
macro_rules! change_cost {
    ($conn:expr, $table:ident, $key:expr, $change:expr) => {
        let row = $table::table
            .find($key)
            .filter(fits!($table::cost_rub_exact, $change));
        let changed = diesel::update(row)
            .set($table::cost_rub_exact.eq($table::cost_rub_exact + $change))
            .execute($conn)?;
        if changed == 0 && is_there!($conn, $table, $key) {
            return Err(rate_too_high());
        }
    };
}

/// Counts an order that is being issued. Its product's row is locked.
pub fn issued(tx: &mut Tx<'_>, product: i64, day: NaiveDate, order: Sold) -> Result<(), Error> {
    // The rate must not change between its use here and the end of the transaction.
    db::share(tx.conn, RATES)?;
    let rate = rate_on(tx.conn, day)?;
    let sums = Sums::issued(order, rate).ok_or(Error::SumTooLarge)?;
    count(tx, product, day, sums)
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
    if !add_what_fits!(tx.conn, sales_by_day, (day, slot), sums) {
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
    let days = || {
        sales_by_day::table
            .filter(sales_by_day::day.ge(from))
            .filter(sales_by_day::day.le(to))
    };
    let too_costly = days().filter(sales_by_day::cost_eur.gt(i64::MAX / rate.max(1)));
    if diesel::select(exists(too_costly)).get_result::<bool>(conn)? {
        return Err(rate_too_high());
    }
    let mut costs: BTreeMap<(NaiveDate, i64), i64> = BTreeMap::new();
    let split = split(from, to, first_day, last_day);
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
            add_cost(&mut costs, (month_of(day), product), cost)?;
        }
    }
    let mut by_product: BTreeMap<i64, i64> = BTreeMap::new();
    for ((_, product), cost) in &mut costs {
        // From here on, what it changes by.
        *cost = cost.checked_mul(rate - before).ok_or_else(rate_too_high)?;
        add_cost(&mut by_product, *product, *cost)?;
    }
    for (product, change) in by_product {
        change_cost!(conn, sales_by_product, product, change);
    }
    for ((month, product), change) in costs {
        change_cost!(conn, sales_by_month, (month, product), change);
    }
    // Rows of a day are the last that anybody locks: who holds one waits for nothing more.
    diesel::update(days())
        .set(sales_by_day::cost_rub_exact.eq(sales_by_day::cost_eur * rate))
        .execute(conn)?;
    Ok(())
}

fn add_cost<K: Ord>(costs: &mut BTreeMap<K, i64>, key: K, more: i64) -> Result<(), Error> {
    let cost = costs.entry(key).or_default();
    *cost = cost.checked_add(more).ok_or_else(rate_too_high)?;
    Ok(())
}

fn rate_too_high() -> Error {
    Error::field("rub_per_eur", Problem::RateTooHigh)
}

/// All roll-ups in memory: their size grows with days and products, not with orders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rollups {
    by_day: Rows<(NaiveDate, i64)>,
    by_month: Rows<(NaiveDate, i64)>,
    by_product: Rows<i64>,
}

/// The rows of a roll-up; `None` when no number holds what the orders come to.
type Rows<K> = BTreeMap<K, Option<Sums>>;

impl Rollups {
    fn add(&mut self, day: NaiveDate, product: i64, sums: Option<Sums>) {
        fn to<K: Ord>(rows: &mut Rows<K>, key: K, more: Option<Sums>) {
            let row = rows.entry(key).or_insert(Some(Sums::default()));
            *row = row.zip(more).and_then(|(sums, more)| sums.plus(more));
        }
        to(&mut self.by_day, (day, slot_of(product)), sums);
        to(&mut self.by_month, (month_of(day), product), sums);
        to(&mut self.by_product, product, sums);
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
                    all.add(day, product, Some(Sums::DENIED));
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
            by_day: found(by_day),
            by_month: found(by_month),
            by_product: found(by_product),
        })
    }
}

fn found<K: Ord>(rows: Vec<(K, Sums)>) -> Rows<K> {
    rows.into_iter()
        .map(|(key, sums)| (key, Some(sums)))
        .collect()
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
    wrong.extend(fractions(conn)?);
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), wrong))
}

fn differences<K: Ord + Copy>(
    found: &Rows<K>,
    expected: &Rows<K>,
    name: impl Fn(K) -> String,
) -> Vec<String> {
    let keys: BTreeSet<K> = found.keys().chain(expected.keys()).copied().collect();
    let of = |rows: &Rows<K>, key| rows.get(&key).copied().unwrap_or(Some(Sums::default()));
    let words = |sums: Option<Sums>| {
        sums.map_or_else(
            || "more than a number holds: correct the prices of its orders".to_owned(),
            |sums| format!("{sums:?}"),
        )
    };
    keys.into_iter()
        .map(|key| (key, of(found, key), of(expected, key)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(key, found, expected)| {
            let name = name(key);
            format!("{name}: {}, expected {}", words(found), words(expected))
        })
        .collect()
}

/// Of SQLite: the roll-ups in which a sum outgrew its column and became a fraction, as earlier versions let it.
fn fractions(conn: &mut Conn) -> Result<Vec<String>, Error> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let Conn::Sqlite(conn) = conn else {
        return Ok(Vec::new());
    };
    let mut wrong = Vec::new();
    for table in ["sales_by_day", "sales_by_month", "sales_by_product"] {
        let query = format!(
            "SELECT COUNT(*) AS rows FROM {table}
             WHERE 'real' IN (typeof(revenue_rub), typeof(list_rub), typeof(cost_eur), typeof(cost_rub_exact))"
        );
        let Found { rows } = diesel::sql_query(query).get_result(conn)?;
        if rows > 0 {
            wrong.push(format!(
                "{table}: {rows} rows with sums that are no whole numbers"
            ));
        }
    }
    Ok(wrong)
}

/// Makes the roll-ups anew from the orders, in a write transaction. Gives the number of their rows.
/// Refused when no number holds what some come to.
pub fn rebuild(conn: &mut Conn) -> Result<usize, Error> {
    lock(conn)?;
    // First, so that the transaction writes from its beginning.
    diesel::delete(sales_by_day::table).execute(conn)?;
    diesel::delete(sales_by_month::table).execute(conn)?;
    diesel::delete(sales_by_product::table).execute(conn)?;
    name_days_of_denial(conn)?;
    let all = Rollups::of_orders(conn)?;
    let whole = |sums: &Option<Sums>| sums.ok_or(Error::SumTooLarge);
    for ((day, slot), sums) in &all.by_day {
        insert_day(conn, *day, *slot, &whole(sums)?)?;
    }
    for ((month, product), sums) in &all.by_month {
        insert_month(conn, *month, *product, &whole(sums)?)?;
    }
    for (product, sums) in &all.by_product {
        insert_product(conn, *product, &whole(sums)?)?;
    }
    Ok(all.by_day.len() + all.by_month.len() + all.by_product.len())
}

/// Keeps everybody else from changing what the sums are made of, until the transaction ends.
pub fn lock(conn: &mut Conn) -> Result<(), Error> {
    db::lock_table(conn, "orders")?;
    hold_rates(conn)
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

const fn slot_of(product: i64) -> i64 {
    product.rem_euclid(SLOTS)
}
