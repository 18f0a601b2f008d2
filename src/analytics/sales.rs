//! Reads the sales in a range of days: from the rollups, and from the entries where a range covers only part of a
//! month.

use super::{
    entries::each_entry,
    period::month_of,
    period::{Range, split},
    rollup::columns,
    sums::{Rates, Sums, add, too_large},
};
use crate::{
    db::Conn,
    error::Error,
    schema::{sales_by_day, sales_by_month, sales_by_product},
};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Queries for the sales in a range. All queries must run in one snapshot.
pub struct Sales<'c> {
    conn: &'c mut Conn,
    rates: Rates,
    /// The first and the last day that have sums.
    known: Option<Range>,
}

/// Returns the sales of one day.
pub fn of_day(conn: &mut Conn, day: NaiveDate) -> Result<Sums, Error> {
    Ok(by_day(conn, (day, day))?.remove(&day).unwrap_or_default())
}

fn by_day(conn: &mut Conn, (from, to): Range) -> Result<BTreeMap<NaiveDate, Sums>, Error> {
    let rows = sales_by_day::table
        .filter(sales_by_day::day.ge(from))
        .filter(sales_by_day::day.le(to))
        .select((sales_by_day::day, columns!(sales_by_day)))
        .load::<(NaiveDate, Sums)>(conn)?;
    collect(rows)
}

impl<'c> Sales<'c> {
    /// Reads the rates and the first and last day of sales.
    pub fn open(conn: &'c mut Conn) -> Result<Self, Error> {
        let rates = Rates::load(conn)?;
        let days = || sales_by_day::table.select(sales_by_day::day);
        let first = days().order(sales_by_day::day).first(conn).optional()?;
        let last = days()
            .order(sales_by_day::day.desc())
            .first(conn)
            .optional()?;
        Ok(Self {
            conn,
            rates,
            known: first.zip(last),
        })
    }

    /// Whether costs in euros can be converted to roubles.
    pub const fn has_rate(&self) -> bool {
        !self.rates.is_empty()
    }

    /// Returns the sales by day; days without sales are absent.
    pub fn by_day(&mut self, range: Range) -> Result<BTreeMap<NaiveDate, Sums>, Error> {
        by_day(self.conn, range)
    }

    /// Returns the sales by product; products without sales are absent.
    pub fn by_product(&mut self, (from, to): Range) -> Result<BTreeMap<i64, Sums>, Error> {
        let Some((first, last)) = self.known else {
            return Ok(BTreeMap::new());
        };
        if from <= first && to >= last {
            let rows = sales_by_product::table
                .select((sales_by_product::product_id, columns!(sales_by_product)))
                .load::<(i64, Sums)>(self.conn)?;
            return collect(rows);
        }
        let split = split(from, to, first, last);
        let mut sums = BTreeMap::new();
        if let Some((first, last)) = split.months {
            let rows = sales_by_month::table
                .filter(sales_by_month::month.ge(first))
                .filter(sales_by_month::month.le(last))
                .select((sales_by_month::product_id, columns!(sales_by_month)))
                .load::<(i64, Sums)>(self.conn)?;
            sums = collect(rows)?;
        }
        for edge in split.edges {
            self.each_sums(edge, None, |_, product, order| {
                add(&mut sums, product, order)
            })?;
        }
        Ok(sums)
    }

    /// Returns the sales of the given products, read from their entries; products without sales are absent.
    pub fn of_products(
        &mut self,
        range: Range,
        products: Vec<i64>,
    ) -> Result<BTreeMap<i64, Sums>, Error> {
        let mut sums: BTreeMap<i64, Sums> = BTreeMap::new();
        self.each_sums(range, Some(&products), |_, product, order| {
            add(&mut sums, product, order)
        })?;
        Ok(sums)
    }

    /// Returns the sales of one product by day, read from its entries.
    pub fn of_product_by_day(
        &mut self,
        range: Range,
        product: i64,
    ) -> Result<BTreeMap<NaiveDate, Sums>, Error> {
        let mut sums: BTreeMap<NaiveDate, Sums> = BTreeMap::new();
        self.each_sums(range, Some(&[product]), |day, _, order| {
            add(&mut sums, day, order)
        })?;
        Ok(sums)
    }

    /// Returns the sales of one product by month, keyed by the first day of the month.
    pub fn of_product_by_month(
        &mut self,
        (from, to): Range,
        product: i64,
    ) -> Result<BTreeMap<NaiveDate, Sums>, Error> {
        let Some((first, last)) = self.known else {
            return Ok(BTreeMap::new());
        };
        let split = split(from, to, first, last);
        let mut sums: BTreeMap<NaiveDate, Sums> = BTreeMap::new();
        if let Some(months) = split.months {
            let months: Vec<NaiveDate> = super::By::Month.starts(months).collect();
            let rows = sales_by_month::table
                .filter(sales_by_month::product_id.eq(product))
                .filter(sales_by_month::month.eq_any(months))
                .select((sales_by_month::month, columns!(sales_by_month)))
                .load::<(NaiveDate, Sums)>(self.conn)?;
            sums = collect(rows)?;
        }
        for edge in split.edges {
            self.each_sums(edge, Some(&[product]), |day, _, order| {
                add(&mut sums, month_of(day), order)
            })?;
        }
        Ok(sums)
    }

    /// Calls `take` with the day, the product and the sums of each entry in the range.
    fn each_sums(
        &mut self,
        range: Range,
        products: Option<&[i64]>,
        mut take: impl FnMut(NaiveDate, i64, Sums) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rate = (range.0, self.rates.on(range.0));
        each_entry(self.conn, range, products, |day, product, entry| {
            if rate.0 != day {
                rate = (day, self.rates.on(day));
            }
            take(day, product, entry.sums(rate.1).ok_or_else(too_large)?)
        })
    }
}

fn collect<K: Ord>(rows: Vec<(K, Sums)>) -> Result<BTreeMap<K, Sums>, Error> {
    let mut sums = BTreeMap::new();
    for (key, row) in rows {
        add(&mut sums, key, row)?;
    }
    Ok(sums)
}
