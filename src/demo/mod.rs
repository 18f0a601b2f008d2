//! `sirius demo`: generates a year of a small shop.
//!
//! The random seed is fixed, so goods, customers and orders are the same each time; the year ends now. A small demo
//! calls the services of the shop. A large one is computed in memory with the same arithmetic and written in bulk. Both
//! ways produce the same rows.

mod bulk_writer;
mod goods;
mod rows;
mod scenario;
mod services;

use crate::{
    analytics::{
        figures::RubPerEur,
        rates::{self, NewRate},
    },
    auth::Actor,
    clock,
    error::Error,
    i18n::Locale,
    moment::Moment,
    schema::{orders, products},
    transaction::{AppState, Tx},
};
use chrono::{SubsecRound, TimeDelta};
use diesel::prelude::*;
pub use goods::{KINDS, MOST};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use scenario::Scenario;

/// Number of orders in one transaction of the services. It is small, so that an interrupted demo keeps most of its
/// orders.
const BATCH: u32 = 100;
/// A demo with at least this many orders is written in bulk.
pub const LARGE: u32 = 20_000;
/// Number of days over which the orders are spread.
const DAYS: i64 = 365;

/// How a demo is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By calling the services: some hundreds of orders per second.
    Services,
    /// By inserting complete rows in one transaction: some thousands of orders per second.
    Bulk,
}

/// The year to generate.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    pub orders: u32,
    /// At most [`MOST`].
    pub products: u16,
    pub end: Moment,
}

/// Fills an empty database and returns a message about what was created.
pub async fn fill(app: &AppState, orders: u32, products: u16) -> Result<String, String> {
    let way = if orders < LARGE {
        Method::Services
    } else {
        Method::Bulk
    };
    let end = clock::now();
    let year = Year {
        orders,
        products,
        end,
    };
    make(app, year, way).await
}

/// Fills an empty database in the given way and returns a message about what was created.
pub async fn make(app: &AppState, year: Year, way: Method) -> Result<String, String> {
    let words = |error: Error| error.message(Locale::en);
    if !app.read(Actor::System, is_empty).await.map_err(words)? {
        return Err("the database is not empty: demo data needs an empty database".to_owned());
    }
    let low = match way {
        Method::Services => by_services(app, year).await,
        Method::Bulk => in_bulk(app, year).await,
    };
    Ok(format!(
        "created {} products, {} orders and the supplies for them; {} products are below their minimum",
        year.products,
        year.orders,
        low.map_err(words)?
    ))
}

async fn by_services(app: &AppState, year: Year) -> Result<usize, Error> {
    let opening = year.opening();
    app.write_at(opening, move |tx| {
        services::add_goods(tx, year.products)?;
        enter_rates(tx, year)
    })
    .await?;
    let mut story = Scenario::new(year.products);
    for batch in year.batches(BATCH) {
        story = app
            .write_at(opening, move |tx| {
                story.trade(tx, batch.map(|order| year.time(order)))?;
                Ok(story)
            })
            .await?;
    }
    app.write_at(year.end, move |tx| story.close(tx, year.end))
        .await
}

async fn in_bulk(app: &AppState, year: Year) -> Result<usize, Error> {
    let low = app
        .write_at(year.opening(), move |tx| bulk_writer::write(tx, year))
        .await?;
    // By the time SQLite's writer takes this empty job, it has moved the rows from its large log to the database file.
    app.db.write(|_| Ok(())).await?;
    Ok(low)
}

fn is_empty(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let any_product = diesel::select(diesel::dsl::exists(products::table.select(products::id)))
        .get_result::<bool>(tx.conn)?;
    let any_order = diesel::select(diesel::dsl::exists(orders::table.select(orders::id)))
        .get_result::<bool>(tx.conn)?;
    Ok(!any_product && !any_order)
}

/// Enters a rate for each week, the newest one a day old.
fn enter_rates(tx: &mut Tx<'_>, year: Year) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(98);
    let mut rate = 960_000;
    for week in (0..=DAYS / 7 + 1).rev() {
        tx.now = year.before_end(TimeDelta::days(week * 7 + 1));
        rate += random.random_range(-12_000..=14_000);
        let new = NewRate {
            day: tx.now.day(),
            rub_per_eur: RubPerEur(rate),
        };
        rates::set(tx, &new)?;
    }
    Ok(())
}

impl Year {
    fn opening(self) -> Moment {
        self.before_end(TimeDelta::days(DAYS + 1))
    }

    /// Returns when an order is booked. The orders are spread evenly, and the last one comes one step before the end.
    fn time(self, order: u32) -> Moment {
        let step = TimeDelta::days(DAYS) / i32::try_from(self.orders).unwrap_or(i32::MAX);
        self.before_end(step * i32::try_from(self.orders - order).unwrap_or(0))
    }

    fn before_end(self, time: TimeDelta) -> Moment {
        clock::at((self.end.utc() - time).trunc_subsecs(6).and_utc())
    }

    fn batches(self, size: u32) -> impl Iterator<Item = std::ops::Range<u32>> {
        let firsts = (0..self.orders).step_by(size as usize);
        firsts.map(move |first| first..self.orders.min(first + size))
    }
}
