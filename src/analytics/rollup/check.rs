//! Recomputes the rollups from the orders, the returns and the write-offs, to check or to replace them.

use super::{insert_day, insert_month, insert_product, rates::lock_rates, slot_of};
use crate::analytics::{
    By,
    entries::each_entry,
    period::{Range, month_of},
    sums::{Rates, Sums},
};
use crate::{
    db::{self, Conn},
    error::Error,
    schema::{order_returns, orders, sales_by_day, sales_by_month, sales_by_product, write_offs},
};
use chrono::{Days, Months, NaiveDate, NaiveDateTime};
use diesel::{
    dsl::{max, min},
    prelude::*,
};
use std::collections::{BTreeMap, BTreeSet};

/// All rollups in memory. Their size grows with days and products, not with orders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rollups {
    by_day: Rows<(NaiveDate, i64)>,
    by_month: Rows<(NaiveDate, i64)>,
    by_product: Rows<i64>,
}

/// The rows of a rollup; `None` stands for sums that overflow.
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

    /// Computes the rollups from the orders, the returns and the write-offs.
    fn of_entries(conn: &mut Conn) -> Result<Self, Error> {
        let rates = Rates::load(conn)?;
        let mut all = Self::default();
        let Some(days) = days(conn)? else {
            return Ok(all);
        };
        // A month at a time, so that a year of orders need not fit into memory.
        for month in By::Month.starts(days) {
            let last = month + Months::new(1) - Days::new(1);
            each_entry(conn, (month, last), None, |day, product, entry| {
                all.add(day, product, entry.sums(rates.on(day)));
                Ok(())
            })?;
        }
        Ok(all)
    }

    /// Reads the stored rollups.
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

/// Returns the first and the last day that have an entry.
fn days(conn: &mut Conn) -> Result<Option<Range>, Error> {
    type Bounds = (Option<NaiveDate>, Option<NaiveDate>);
    let bounds = [
        orders::table
            .select((min(orders::issued_on), max(orders::issued_on)))
            .first::<Bounds>(conn)?,
        orders::table
            .select((min(orders::denied_on), max(orders::denied_on)))
            .first::<Bounds>(conn)?,
        order_returns::table
            .select((
                min(order_returns::returned_on),
                max(order_returns::returned_on),
            ))
            .first::<Bounds>(conn)?,
        write_offs::table
            .select((
                min(write_offs::written_off_on),
                max(write_offs::written_off_on),
            ))
            .first::<Bounds>(conn)?,
        write_offs::table
            .select((min(write_offs::undone_on), max(write_offs::undone_on)))
            .first::<Bounds>(conn)?,
    ];
    let first = bounds.iter().filter_map(|(first, _)| *first).min();
    let last = bounds.iter().filter_map(|(_, last)| *last).max();
    Ok(first.zip(last))
}

/// Compares the rollups with the orders. Returns the number of rollup rows, and one line for each difference.
pub fn check(conn: &mut Conn) -> Result<(i64, Vec<String>), Error> {
    let (expected, found) = (Rollups::of_entries(conn)?, Rollups::recorded(conn)?);
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
            || "a sum too large to store: correct the prices of its orders".to_owned(),
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

/// On SQLite, finds the rollups in which an earlier version let a sum overflow into a floating-point number.
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
             WHERE 'real' IN (typeof(revenue_rub), typeof(list_rub), typeof(cost_eur), typeof(cost_rub_exact),
                typeof(written_off_rub_exact))"
        );
        let Found { rows } = diesel::sql_query(query).get_result(conn)?;
        if rows > 0 {
            wrong.push(format!(
                "{table}: {rows} rows with sums that are not whole numbers"
            ));
        }
    }
    Ok(wrong)
}

/// Rebuilds the rollups from the orders, in a write transaction. Returns the number of rows, and fails if a sum
/// overflows.
pub fn rebuild(conn: &mut Conn) -> Result<usize, Error> {
    lock(conn)?;
    // The deletes come first, so that the transaction starts with a write.
    diesel::delete(sales_by_day::table).execute(conn)?;
    diesel::delete(sales_by_month::table).execute(conn)?;
    diesel::delete(sales_by_product::table).execute(conn)?;
    name_days_of_denial(conn)?;
    let all = Rollups::of_entries(conn)?;
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

/// Keeps other transactions from changing orders and rates until this one ends.
pub fn lock(conn: &mut Conn) -> Result<(), Error> {
    db::lock_table(conn, "orders")?;
    lock_rates(conn)
}

/// Whether there are settled orders but no rollups, as after an upgrade from a version without rollups.
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

/// Sets `denied_on` of orders that were denied before this column existed.
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
