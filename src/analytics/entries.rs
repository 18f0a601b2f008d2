//! The entries that the sums consist of: orders issued and denied, returns, and write-offs.

use super::{
    period::Range,
    sums::{Entry, Returned, Sold, WrittenOff},
};
use crate::{
    db::{Conn, Dialect},
    error::Error,
    money::{Eur, Rub},
    number::Qty,
    schema::{order_returns, orders, write_offs},
};
use chrono::NaiveDate;
use diesel::prelude::*;

/// Calls `take` with the day, the product and the content of each entry in a range of days: of the given products, or
/// of all. All queries read only covering indexes.
pub fn each_entry(
    conn: &mut Conn,
    range: Range,
    products: Option<&[i64]>,
    mut take: impl FnMut(NaiveDate, i64, Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    for (day, product, sold) in issued(conn, range, products)? {
        take(day, product, Entry::Issued(sold))?;
    }
    for (day, product) in denied(conn, range, products)? {
        take(day, product, Entry::Denied)?;
    }
    for (day, product, returned) in returned(conn, range, products)? {
        take(day, product, Entry::Returned(returned))?;
    }
    let [written_off, undone] = write_offs(conn, range, products)?;
    for (day, product, write_off) in written_off {
        take(day, product, Entry::WrittenOff(write_off))?;
    }
    for (day, product, write_off) in undone {
        take(day, product, Entry::WriteOffUndone(write_off))?;
    }
    Ok(())
}

/// Entries of one kind, each with its day and its product.
type Dated<T> = Vec<(NaiveDate, i64, T)>;

fn issued(
    conn: &mut Conn,
    (from, to): Range,
    products: Option<&[i64]>,
) -> Result<Dated<Sold>, Error> {
    let mut rows = orders::table
        .filter(orders::issued_on.ge(from))
        .filter(orders::issued_on.le(to))
        .select((
            orders::issued_on.assume_not_null(),
            orders::product_id,
            orders::qty,
            orders::unit_price_rub,
            orders::list_price_rub,
            orders::cost_eur.assume_not_null(),
            orders::uncosted_qty.assume_not_null(),
        ))
        .into_boxed::<Dialect>();
    if let Some(products) = products {
        rows = rows.filter(orders::product_id.eq_any(products.to_vec()));
    }
    let rows = rows.load::<(NaiveDate, i64, Qty, Rub, Option<Rub>, Eur, i64)>(conn)?;
    let row = |(day, product, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty)| {
        let sold = Sold {
            qty,
            unit_price_rub,
            list_price_rub,
            cost_eur,
            uncosted_qty,
        };
        (day, product, sold)
    };
    Ok(rows.into_iter().map(row).collect())
}

fn denied(
    conn: &mut Conn,
    (from, to): Range,
    products: Option<&[i64]>,
) -> Result<Vec<(NaiveDate, i64)>, Error> {
    let mut rows = orders::table
        .filter(orders::denied_on.ge(from))
        .filter(orders::denied_on.le(to))
        .select((orders::denied_on.assume_not_null(), orders::product_id))
        .into_boxed::<Dialect>();
    if let Some(products) = products {
        rows = rows.filter(orders::product_id.eq_any(products.to_vec()));
    }
    Ok(rows.load(conn)?)
}

fn returned(
    conn: &mut Conn,
    (from, to): Range,
    products: Option<&[i64]>,
) -> Result<Dated<Returned>, Error> {
    let mut rows = order_returns::table
        .filter(order_returns::returned_on.ge(from))
        .filter(order_returns::returned_on.le(to))
        .select((
            order_returns::returned_on,
            order_returns::product_id,
            order_returns::qty,
            order_returns::refund_rub,
            order_returns::list_rub,
            order_returns::cost_eur,
            order_returns::uncosted_qty,
        ))
        .into_boxed::<Dialect>();
    if let Some(products) = products {
        rows = rows.filter(order_returns::product_id.eq_any(products.to_vec()));
    }
    let rows = rows.load::<(NaiveDate, i64, Qty, Rub, Rub, Eur, i64)>(conn)?;
    let row = |(day, product, qty, refund_rub, list_rub, cost_eur, uncosted_qty)| {
        let returned = Returned {
            qty,
            refund_rub,
            list_rub,
            cost_eur,
            uncosted_qty,
        };
        (day, product, returned)
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Returns the write-offs of a range, and those that were taken back in it.
fn write_offs(
    conn: &mut Conn,
    (from, to): Range,
    products: Option<&[i64]>,
) -> Result<[Dated<WrittenOff>; 2], Error> {
    let mut made = write_offs::table
        .filter(write_offs::written_off_on.between(from, to))
        .select((
            write_offs::written_off_on,
            write_offs::product_id,
            (write_offs::qty, write_offs::cost_eur),
        ))
        .into_boxed::<Dialect>();
    let mut undone = write_offs::table
        .filter(write_offs::undone_on.between(from, to))
        .select((
            write_offs::undone_on.assume_not_null(),
            write_offs::product_id,
            (write_offs::qty, write_offs::cost_eur),
        ))
        .into_boxed::<Dialect>();
    if let Some(products) = products {
        made = made.filter(write_offs::product_id.eq_any(products.to_vec()));
        undone = undone.filter(write_offs::product_id.eq_any(products.to_vec()));
    }
    let row = |(day, product, (qty, cost_eur))| (day, product, WrittenOff { qty, cost_eur });
    let made = made.load::<(NaiveDate, i64, (Qty, Eur))>(conn)?;
    let undone = undone.load::<(NaiveDate, i64, (Qty, Eur))>(conn)?;
    Ok([made, undone].map(|rows| rows.into_iter().map(row).collect()))
}
