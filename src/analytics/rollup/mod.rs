//! The rollups: sums by day, by product, and by month and product. The transaction that issues or denies an order,
//! takes pieces back or writes them off updates them.
//!
//! Lock order: order, product, rates, then the rollups. A transaction that counts an order already holds the lock on
//! the product, so it does not compete with other orders for the rows by product and by month. Only the row by day is
//! shared between products. It is spread over eight slots, so that issues of different products rarely wait for each
//! other. A change of a rate waits until no order is being counted, so it competes with none of them for the rollups.

use crate::analytics::{
    period::month_of,
    sums::{Entry, Sums},
};
use crate::{
    db::{self, CacheStatement, Conn, execute_together},
    error::Error,
    schema::{sales_by_day, sales_by_month, sales_by_product},
    transaction::Tx,
};
use chrono::NaiveDate;
use diesel::{dsl::exists, prelude::*, sql_types::Bool};

/// Number of rows over which the sums of a day are spread.
const SLOTS: i64 = 8;
/// The columns of [`Sums`] in a rollup.
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
            $table::returned_qty,
            $table::returned_rub,
            $table::written_off_qty,
            $table::written_off_eur,
            $table::written_off_rub_exact,
        )
    };
}
pub(crate) use columns;

/// The assignments that set a rollup row to the given sums.
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
            $table::returned_qty.eq($sums.returned_qty),
            $table::returned_rub.eq($sums.returned_rub),
            $table::written_off_qty.eq($sums.written_off_qty),
            $table::written_off_eur.eq($sums.written_off_eur),
            $table::written_off_rub_exact.eq($sums.written_off_rub_exact),
        )
    };
}

/// Whether `more`, which may be negative, can be added to a column without overflow. Adding zero is always allowed,
/// even to a sum that an earlier version let grow too large.
macro_rules! fits {
    ($column:expr, $more:expr) => {
        $column
            .between(
                i64::MIN.saturating_sub($more),
                i64::MAX.saturating_sub($more),
            )
            .or(($more == 0).into_sql::<Bool>())
    };
}

/// Whether a row with this key exists.
macro_rules! is_there {
    ($conn:expr, $table:ident, $key:expr) => {
        diesel::select(exists($table::table.find($key))).get_result::<bool>($conn)?
    };
}

/// The statement that adds sums to the row with this key, unless a column would overflow: PostgreSQL would fail, and
/// SQLite would silently store a floating-point number.
macro_rules! addition {
    ($table:ident, $key:expr, $sums:expr) => {
        diesel::update(
            $table::table
                .find($key)
                .filter(fits!($table::revenue_rub, $sums.revenue_rub))
                .filter(fits!($table::list_rub, $sums.list_rub))
                .filter(fits!($table::cost_eur, $sums.cost_eur))
                .filter(fits!($table::cost_rub_exact, $sums.cost_rub_exact))
                .filter(fits!(
                    $table::written_off_rub_exact,
                    $sums.written_off_rub_exact
                )),
        )
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
            $table::returned_qty.eq($table::returned_qty + $sums.returned_qty),
            $table::returned_rub.eq($table::returned_rub + $sums.returned_rub),
            $table::written_off_qty.eq($table::written_off_qty + $sums.written_off_qty),
            $table::written_off_eur.eq($table::written_off_eur + $sums.written_off_eur),
            $table::written_off_rub_exact
                .eq($table::written_off_rub_exact + $sums.written_off_rub_exact),
        ))
    };
}

/// Fails if a row with this key exists. An addition that has changed no row would then have overflowed it.
macro_rules! refuse_overflow {
    ($conn:expr, $table:ident, $key:expr) => {
        if is_there!($conn, $table, $key) {
            return Err(Error::SumTooLarge);
        }
    };
}

pub mod check;
pub mod rates;

use rates::{RATES, rate_on};

/// Counts an entry of a product on a day. The caller holds the lock on the product's row.
pub fn count(tx: &mut Tx<'_>, product: i64, day: NaiveDate, entry: Entry) -> Result<(), Error> {
    keep_rates(tx)?;
    let sums = sums(tx, day, entry)?;
    add(tx, product, day, sums)
}

/// Takes an entry back that was counted on this day. The caller holds the lock on the product's row.
pub fn discount(tx: &mut Tx<'_>, product: i64, day: NaiveDate, entry: Entry) -> Result<(), Error> {
    keep_rates(tx)?;
    let sums = sums(tx, day, entry)?;
    add(tx, product, day, sums.negated())
}

fn sums(tx: &mut Tx<'_>, day: NaiveDate, entry: Entry) -> Result<Sums, Error> {
    let rate = match entry {
        Entry::Denied => 0,
        Entry::Issued(_) | Entry::Returned(_) | Entry::WrittenOff(_) | Entry::WriteOffUndone(_) => {
            rate_on(tx.conn, day)?
        }
    };
    entry.sums(rate).ok_or(Error::SumTooLarge)
}

/// Keeps the rates from changing before this transaction ends.
fn keep_rates(tx: &mut Tx<'_>) -> Result<(), Error> {
    db::lock_name_shared(tx.conn, RATES)
}

fn add(tx: &mut Tx<'_>, product: i64, day: NaiveDate, sums: Sums) -> Result<(), Error> {
    let (month, slot) = (month_of(day), slot_of(product));
    let [by_product, by_month, by_day] = execute_together!(
        tx.conn,
        addition!(sales_by_product, product, sums),
        addition!(sales_by_month, (month, product), sums),
        addition!(sales_by_day, (day, slot), sums),
    );
    if by_product == 0 {
        refuse_overflow!(tx.conn, sales_by_product, product);
        insert_product(tx.conn, product, &sums)?;
    }
    if by_month == 0 {
        refuse_overflow!(tx.conn, sales_by_month, (month, product));
        insert_month(tx.conn, month, product, &sums)?;
    }
    if by_day == 0 {
        // An order of another product may insert the same row at the same time.
        db::lock_name(tx.conn, &format!("sales of {day}, {slot}"))?;
        let addition = addition!(sales_by_day, (day, slot), sums);
        if addition.cached().execute(tx.conn)? == 0 {
            refuse_overflow!(tx.conn, sales_by_day, (day, slot));
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

/// Returns the key by which a transaction sorts the products that it counts, so that two of them never wait for each
/// other's sums.
pub const fn lock_order(product: i64) -> (i64, i64) {
    (slot_of(product), product)
}

const fn slot_of(product: i64) -> i64 {
    product.rem_euclid(SLOTS)
}
