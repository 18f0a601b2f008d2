//! Computes the reports: sales, profit, and products to reorder.

use super::{
    By, PeriodFigures, ProductFigures, ProductQuery, Query, Sort, Summary,
    board::{AnalyticsData, Compared},
    figures::{Figures, Share},
    period::{self, Range, month_of},
    rates,
    reorder::Reorder,
    sales::Sales,
    sums::{Sums, add, too_large},
};
use crate::{
    auth::Permission,
    db::{self, Column, Conn, Keyset, SortKey, SortOrder},
    error::{Error, Problem},
    page::Page,
    preset::Preset,
    schema::products,
    text::fold,
    transaction::Tx,
    validation::{Validator, number, optional},
};
use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use std::{cmp::Reverse, collections::BTreeMap};

/// The largest number of periods in a report.
const PERIODS: usize = 1_100;
/// The longest range of a report, in years.
const YEARS: i64 = 100;
/// Largest number of products in the reorder list.
const REORDER: i64 = 100;
/// Number of days over which the pace of sales is measured.
const SPEED_DAYS: i64 = 30;

/// A validated query.
struct ValidQuery {
    preset: Option<Preset>,
    range: Range,
    by: By,
    product: Option<i64>,
}

impl Query {
    /// Validates the query. `by` is the period length if the query names none; `None` picks one that suits the range.
    fn check(&self, today: NaiveDate, by: Option<By>) -> Result<ValidQuery, Error> {
        let mut validator = Validator::default();
        let (preset, range) =
            read_range(&mut validator, today, &self.preset, [&self.from, &self.to]);
        let wanted: Option<By> = validator.code("by", &self.by);
        let product = validator.take(
            "product_id",
            optional(number(1..=i64::MAX))(&self.product_id),
        );
        validator.done()?;
        let by = wanted.or(by).unwrap_or_else(|| By::fitting(range));
        if by.starts(range).nth(PERIODS).is_some() {
            return Err(Error::field("by", Problem::RangeTooLong));
        }
        Ok(ValidQuery {
            preset,
            range,
            by,
            product,
        })
    }
}

/// Reads the range of a report: the first and the last day in `days`, or else a preset.
fn read_range(
    validator: &mut Validator,
    today: NaiveDate,
    preset: &str,
    days: [&str; 2],
) -> (Option<Preset>, Range) {
    let (from, to) = validator.range(days[0], days[1]);
    let preset: Option<Preset> = validator.code("preset", preset);
    let is_free = from.is_some() || to.is_some();
    let preset = (!is_free).then(|| preset.unwrap_or(Preset::ThisMonth));
    let range = preset.map_or_else(
        || {
            let to = to.unwrap_or_else(|| today.max(from.unwrap_or(today)));
            (from.unwrap_or_else(|| month_of(to)), to)
        },
        |preset| preset.range(today),
    );
    if (range.1 - range.0).num_days() > YEARS * 366 {
        validator.wrong("to", Problem::RangeTooLong);
    }
    (preset, range)
}

/// A page of the sales by product, and the range that it is about.
pub struct ProductSales {
    pub preset: Option<Preset>,
    pub range: Range,
    pub page: Page<ProductFigures>,
}

/// Returns the sales by product in a range, a page at a time.
pub fn products(tx: &mut Tx<'_>, query: &ProductQuery) -> Result<ProductSales, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let mut validator = Validator::default();
    let days = [query.from.as_str(), &query.to];
    let (preset, range) = read_range(&mut validator, tx.now.day(), &query.preset, days);
    let sort: Option<Sort> = validator.code("sort", query.sort.trim_start_matches('-'));
    let limit = validator.page_size(&query.limit);
    validator.done()?;
    let descending = sort.is_none() || query.sort.starts_with('-');
    let sort = sort.unwrap_or(Sort::Revenue);
    let order = SortOrder {
        columns: sort.columns(),
        // Figures are negated instead, so that equal ones are in the same order both ways.
        descending: descending && sort == Sort::Name,
    };
    let keyset = Keyset::new(order, &query.after, &query.before, limit)?;
    let page = db::snapshot(tx.conn, |conn| {
        let mut sold = sold(conn, range)?;
        if sort == Sort::Name {
            name(conn, &mut sold)?;
        }
        let mut page = keyset.page_of_all(sold, |row| {
            let key = match sort {
                Sort::Name => SortKey::Text(fold(&row.product_name)),
                _ if descending => SortKey::Int(sort.number(row).saturating_neg()),
                _ => SortKey::Int(sort.number(row)),
            };
            vec![key, SortKey::Int(row.product_id)]
        });
        name(conn, &mut page.items)?;
        Ok::<_, Error>(page)
    })?;
    Ok(ProductSales {
        preset,
        range,
        page,
    })
}

impl Sort {
    const fn columns(self) -> &'static [Column] {
        const ID: Column = Column::Int("product_id");
        match self {
            Self::Name => &[Column::Text("product_name"), ID],
            _ => &[Column::Int("figure"), ID],
        }
    }

    /// Returns the figure to sort by.
    fn number(self, row: &ProductFigures) -> i64 {
        let figures = &row.figures;
        let unknown = i64::MIN;
        match self {
            Self::Name => 0,
            Self::Orders => figures.orders,
            Self::Qty => figures.qty,
            Self::Revenue | Self::Share => figures.revenue_rub.0,
            Self::Cost => figures.cost_eur.0,
            Self::Profit => figures.profit_rub().map_or(unknown, |profit| profit.0),
            Self::Margin => figures.margin().map_or(unknown, |margin| margin.0),
            Self::AveragePrice => figures.average_rub().map_or(unknown, |price| price.0),
            Self::Discount => figures.discount_rub().0,
            Self::Denied => figures.denied,
            Self::Uncosted => figures.uncosted_rub.0,
            Self::Returned => figures.returned_rub.0,
            Self::WrittenOff => figures.written_off_eur.0,
        }
    }
}

/// Returns the sales in a range, by day unless the query names another period length.
pub fn summary(tx: &mut Tx<'_>, query: &Query) -> Result<Summary, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let asked = query.check(tx.now.day(), Some(By::Day))?;
    db::snapshot(tx.conn, |conn| summed(conn, &asked))
}

/// Returns everything that the analytics page shows.
pub fn board(tx: &mut Tx<'_>, query: &Query) -> Result<AnalyticsData, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let today = tx.now.day();
    let asked = query.check(today, None)?;
    let has_products = crate::products::search::has_products(tx)?;
    db::snapshot(tx.conn, |conn| {
        let summary = summed(conn, &asked)?;
        let (from, to) = period::before(asked.range);
        let totals = totals(conn, (from, to), asked.product)?;
        let product_name = match asked.product {
            Some(id) => names(conn, &[id])?.remove(&id),
            None => None,
        };
        let rate = rates::newest(conn)?;
        Ok(AnalyticsData {
            preset: asked.preset,
            summary,
            before: Compared { from, to, totals },
            product: asked.product.zip(product_name),
            is_rate_old: rates::is_old(rate.as_ref(), today),
            rate,
            reorder: reorder(conn, today)?,
            has_products,
        })
    })
}

/// Returns the contents of a file: the summary, with periods that suit the range unless the query names a period
/// length, and the sales of all products or of the one in the query, highest revenue first.
pub fn for_file(tx: &mut Tx<'_>, query: &Query) -> Result<(Summary, Vec<ProductFigures>), Error> {
    tx.actor.may(Permission::AdminArea)?;
    let asked = query.check(tx.now.day(), None)?;
    db::snapshot(tx.conn, |conn| {
        let summary = summed(conn, &asked)?;
        let mut products = match asked.product {
            None => sold(conn, asked.range)?,
            Some(product_id) => {
                let figures = summary.totals;
                let revenue = figures.revenue_rub.0;
                let row = ProductFigures {
                    product_id,
                    product_name: String::new(),
                    figures,
                    share: Share::of(revenue, revenue),
                };
                let is_sold = figures
                    != Figures {
                        cost_rub: figures.cost_rub,
                        written_off_rub: figures.written_off_rub,
                        ..Figures::default()
                    };
                is_sold.then_some(row).into_iter().collect()
            }
        };
        products.sort_by_key(|row| (Reverse(row.figures.revenue_rub.0), row.product_id));
        name(conn, &mut products)?;
        Ok((summary, products))
    })
}

/// Returns the range that a query asks for.
pub fn range(query: &Query, today: NaiveDate) -> Result<Range, Error> {
    query.check(today, None).map(|asked| asked.range)
}

fn summed(conn: &mut Conn, asked: &ValidQuery) -> Result<Summary, Error> {
    if let Some(product) = asked.product {
        let known = names(conn, &[product])?;
        if known.is_empty() {
            return Err(Error::NotFound);
        }
    }
    let mut sales = Sales::open(conn)?;
    let has_rate = sales.has_rate();
    let days = dated(&mut sales, asked.range, asked.by, asked.product)?;
    let mut periods: BTreeMap<NaiveDate, Sums> = asked
        .by
        .starts(asked.range)
        .map(|start| (start, Sums::default()))
        .collect();
    for (day, sums) in &days {
        add(&mut periods, asked.by.start(*day), *sums)?;
    }
    let totals = total(&days)?.figures(has_rate);
    Ok(Summary {
        from: asked.range.0,
        to: asked.range.1,
        by: asked.by,
        totals,
        periods: periods
            .into_iter()
            .map(|(start, sums)| PeriodFigures {
                start,
                figures: sums.figures(has_rate),
            })
            .collect(),
    })
}

/// Returns sums from which the periods can be built: by month for a monthly report on one product, otherwise by day.
fn dated(
    sales: &mut Sales<'_>,
    range: Range,
    by: By,
    product: Option<i64>,
) -> Result<BTreeMap<NaiveDate, Sums>, Error> {
    match (product, by) {
        (None, _) => sales.by_day(range),
        (Some(product), By::Month) => sales.of_product_by_month(range, product),
        (Some(product), By::Day | By::Week) => sales.of_product_by_day(range, product),
    }
}

fn totals(conn: &mut Conn, range: Range, product: Option<i64>) -> Result<Figures, Error> {
    let mut sales = Sales::open(conn)?;
    let days = dated(&mut sales, range, By::Month, product)?;
    Ok(total(&days)?.figures(sales.has_rate()))
}

fn total<K>(sums: &BTreeMap<K, Sums>) -> Result<Sums, Error> {
    sums.values()
        .try_fold(Sums::default(), |total, sums| total.plus(*sums))
        .ok_or_else(too_large)
}

fn names(conn: &mut Conn, ids: &[i64]) -> Result<BTreeMap<i64, String>, Error> {
    let mut names = BTreeMap::new();
    for ids in ids.chunks(1_000) {
        let rows = products::table
            .filter(products::id.eq_any(ids.to_vec()))
            .select((products::id, products::name))
            .load::<(i64, String)>(conn)?;
        names.extend(rows);
    }
    Ok(names)
}

/// Returns the sales of each product in a range, without their names. Products without sales are absent.
fn sold(conn: &mut Conn, range: Range) -> Result<Vec<ProductFigures>, Error> {
    let mut sales = Sales::open(conn)?;
    let has_rate = sales.has_rate();
    let by_product = sales.by_product(range)?;
    let revenue = total(&by_product)?.revenue_rub;
    let row = |(product_id, sums): (i64, Sums)| ProductFigures {
        product_id,
        product_name: String::new(),
        figures: sums.figures(has_rate),
        share: Share::of(sums.revenue_rub, revenue),
    };
    let sold = by_product.into_iter();
    Ok(sold
        .filter(|(_, sums)| *sums != Sums::default())
        .map(row)
        .collect())
}

/// Adds the names of products to their sales.
fn name(conn: &mut Conn, sold: &mut [ProductFigures]) -> Result<(), Error> {
    let ids: Vec<i64> = sold.iter().map(|row| row.product_id).collect();
    let mut names = names(conn, &ids)?;
    for row in sold {
        row.product_name = names.remove(&row.product_id).unwrap_or_default();
    }
    Ok(())
}

/// Returns the products below their minimum with their recent sales, lowest stock first.
fn reorder(conn: &mut Conn, today: NaiveDate) -> Result<Vec<Reorder>, Error> {
    let low = products::table
        .filter(products::is_low_stock.eq(true))
        .filter(products::archived_at.is_null())
        .order((products::stock, products::id))
        .limit(REORDER)
        .select((
            products::id,
            products::name,
            products::stock,
            products::min_stock,
            products::supplier_name,
        ))
        .load::<(i64, String, i64, i64, Option<String>)>(conn)?;
    let since = today - Days::new(SPEED_DAYS.unsigned_abs() - 1);
    let ids = low.iter().map(|(id, ..)| *id).collect();
    let sold = Sales::open(conn)?.of_products((since, today), ids)?;
    let row = |(product_id, product_name, stock, min_stock, supplier_name): (i64, _, i64, _, _)| {
        let sold = sold.get(&product_id).map_or(0, |sums| sums.qty);
        Reorder {
            product_id,
            product_name,
            stock,
            min_stock,
            supplier_name,
            sold,
            days_left: (sold > 0).then(|| stock * SPEED_DAYS / sold),
        }
    };
    Ok(low.into_iter().map(row).collect())
}
