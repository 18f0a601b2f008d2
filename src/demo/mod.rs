//! `sirius demo`: a year of a small shop.
//!
//! Fixed seed: the same goods, customers and orders each time, ending now. A small demo is told to the services of the
//! real shop; a large one is worked out in memory by their arithmetic and written in bulk, to the same rows.

mod books;
mod goods;
mod rows;
mod services;
mod story;

use crate::{
    act::{Shop, Tx},
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
};
use chrono::{SubsecRound, TimeDelta};
use diesel::prelude::*;
use goods::GOODS;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use story::Story;

/// Orders that share one transaction of the services: few, so that a demo that is stopped leaves what it has made.
const BATCH: u32 = 100;
/// From so many orders on, a demo is written in bulk.
pub const LARGE: u32 = 20_000;
/// The year that the orders spread over.
const DAYS: i64 = 365;

/// How a demo is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the services, act by act: some hundreds of orders a second.
    Services,
    /// In one transaction of whole rows: some thousands a second.
    Bulk,
}

/// A year to be made.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    pub orders: u32,
    pub end: Moment,
}

/// Fills an empty database and says what was made.
pub async fn fill(shop: &Shop, orders: u32) -> Result<String, String> {
    let way = if orders < LARGE {
        Way::Services
    } else {
        Way::Bulk
    };
    let end = clock::now();
    make(shop, Year { orders, end }, way).await
}

/// Fills an empty database in one of the ways and says what was made.
pub async fn make(shop: &Shop, year: Year, way: Way) -> Result<String, String> {
    let words = |error: Error| error.words(Locale::en);
    if !shop.look(Actor::System, is_empty).await.map_err(words)? {
        return Err("the database is not empty: demo data goes into an empty one only".to_owned());
    }
    let low = match way {
        Way::Services => by_services(shop, year).await,
        Way::Bulk => in_bulk(shop, year).await,
    };
    Ok(format!(
        "made {} products, {} orders and the supplies for them; {} products run low",
        GOODS.len(),
        year.orders,
        low.map_err(words)?
    ))
}

async fn by_services(shop: &Shop, year: Year) -> Result<usize, Error> {
    let opening = year.opening();
    shop.act_at(opening, move |tx| {
        services::add_goods(tx)?;
        enter_rates(tx, year)
    })
    .await?;
    let mut story = Story::new();
    for batch in year.batches(BATCH) {
        story = shop
            .act_at(opening, move |tx| {
                story.trade(tx, batch.map(|order| year.time(order)))?;
                Ok(story)
            })
            .await?;
    }
    shop.act_at(year.end, move |tx| story.close(tx, year.end))
        .await
}

async fn in_bulk(shop: &Shop, year: Year) -> Result<usize, Error> {
    let low = shop
        .act_at(year.opening(), move |tx| books::write(tx, year))
        .await?;
    // Behind the next act of SQLite's writer, what it has written is in the database file.
    shop.db.write(|_| Ok(())).await?;
    Ok(low)
}

fn is_empty(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let any_product = diesel::select(diesel::dsl::exists(products::table.select(products::id)))
        .get_result::<bool>(tx.conn)?;
    let any_order = diesel::select(diesel::dsl::exists(orders::table.select(orders::id)))
        .get_result::<bool>(tx.conn)?;
    Ok(!any_product && !any_order)
}

/// A rate for each week, the newest a day old.
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

    /// When an order is booked: the orders spread evenly, the last one a step before the end.
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
