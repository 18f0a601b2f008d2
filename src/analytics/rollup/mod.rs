//! The roll-ups: sums by day, by product, and by month and product, kept in the transaction that issues or denies.
//!
//! Lock order: order, product, rates, then the roll-ups by product, by month, by day, each in the order of its key.
//! Of whoever counts an order, the first two belong to the product, whose row is locked already; only the day is
//! shared, and it is taken last and in eight slots, so that issues of different products seldom wait for each other.
//! A rate that changes takes many rows of each, in the same order: nobody waits in a circle.

use crate::analytics::{
    period::month_of,
    sums::{Sold, Sums},
};
use crate::{
    act::Tx,
    db::{self, Conn},
    error::Error,
    schema::{sales_by_day, sales_by_month, sales_by_product},
};
use chrono::NaiveDate;
use diesel::{dsl::exists, prelude::*, sql_types::Bool};

/// How many rows the sums of a day are spread over.
const SLOTS: i64 = 8;
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
pub(crate) use columns;

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

pub mod check;
pub mod rates;

use rates::{RATES, rate_on};

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

const fn slot_of(product: i64) -> i64 {
    product.rem_euclid(SLOTS)
}
