//! `sirius demo`: a year of a small shop, made through the same services as the real one.
//!
//! Fixed seed: the same goods, customers and orders each time, ending now.

mod goods;

use crate::{
    act::{Shop, Tx},
    analytics::{figures::RubPerEur, rates},
    auth::Actor,
    clock,
    error::Error,
    i18n::Locale,
    moment::Moment,
    orders, products,
    schema::{orders as orders_table, products as products_table},
    supplies,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use goods::{CUSTOMERS, GOODS, Good, OPERATORS};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::collections::VecDeque;

/// How many orders share one transaction: few, so that a small demo shows progress early; many, where a commit costs.
const BATCH: u32 = 100;
const LARGE_BATCH: u32 = 5_000;
/// From so many orders on, transactions are large.
const LARGE: u32 = 20_000;
/// The year that the orders spread over.
const DAYS: i64 = 365;
/// An order is settled this many orders later, so that the newest still wait.
const SETTLED_AFTER: usize = 12;

/// Fills an empty database and says what was made.
pub async fn fill(shop: &Shop, count: u32) -> Result<String, String> {
    let words = |error: Error| error.words(Locale::en);
    if !shop.look(Actor::System, is_empty).await.map_err(words)? {
        return Err("the database is not empty: demo data goes into an empty one only".to_owned());
    }
    let end = Utc::now();
    let mut demo = Demo {
        random: StdRng::seed_from_u64(2_026),
        products: Vec::new(),
        waiting: VecDeque::new(),
    };
    let opening = clock::at(end - TimeDelta::days(DAYS + 1));
    demo = shop
        .act_at(opening, move |tx| demo.open(tx))
        .await
        .map_err(words)?;
    shop.act_at(opening, move |tx| enter_rates(tx, end))
        .await
        .map_err(words)?;
    let step = TimeDelta::days(DAYS) / i32::try_from(count).unwrap_or(i32::MAX);
    let size = if count < LARGE { BATCH } else { LARGE_BATCH };
    for first in (0..count).step_by(size as usize) {
        let batch = first..count.min(first + size);
        let times: Vec<Moment> = batch
            .map(|order| clock::at(end - step * i32::try_from(count - order).unwrap_or(0)))
            .collect();
        demo = shop
            .act_at(opening, move |tx| demo.trade(tx, &times))
            .await
            .map_err(words)?;
    }
    let low = shop
        .act_at(clock::at(end), move |tx| demo.close(tx))
        .await
        .map_err(words)?;
    Ok(format!(
        "made {} products, {count} orders and the supplies for them; {low} products run low",
        GOODS.len()
    ))
}

fn is_empty(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let any_product = diesel::select(diesel::dsl::exists(
        products_table::table.select(products_table::id),
    ))
    .get_result::<bool>(tx.conn)?;
    let any_order = diesel::select(diesel::dsl::exists(
        orders_table::table.select(orders_table::id),
    ))
    .get_result::<bool>(tx.conn)?;
    Ok(!any_product && !any_order)
}

/// A rate for each week, the newest a day old.
fn enter_rates(tx: &mut Tx<'_>, end: DateTime<Utc>) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(98);
    let mut rate = 960_000;
    for week in (0..=DAYS / 7 + 1).rev() {
        tx.now = clock::at(end - TimeDelta::days(week * 7 + 1));
        rate += random.random_range(-12_000..=14_000);
        let (day, rate) = (tx.now.day().to_string(), RubPerEur(rate).to_string());
        rates::set(tx, &day, &rate)?;
    }
    Ok(())
}

struct Demo {
    random: StdRng,
    products: Vec<Stocked>,
    /// Orders that wait, the oldest first.
    waiting: VecDeque<i64>,
}

struct Stocked {
    good: &'static Good,
    /// Pieces that may be sold.
    stock: i64,
}

impl Demo {
    /// Adds the goods.
    fn open(mut self, tx: &mut Tx<'_>) -> Result<Self, Error> {
        for good in GOODS {
            let (name, sell, buy, min_stock, supplier) = *good;
            let draft = products::Draft {
                name: name.to_owned(),
                min_stock: min_stock.to_string(),
                sell_price_rub: crate::money::Rub(sell).to_string(),
                buy_price_eur: crate::money::Eur(buy).to_string(),
                supplier_name: supplier.to_owned(),
                ..products::Draft::default()
            };
            products::service::create(tx, "", &draft, "")?;
            self.products.push(Stocked { good, stock: 0 });
        }
        Ok(self)
    }

    /// Books an order at each of the times, receives supplies where the stock ends, and settles older orders.
    fn trade(mut self, tx: &mut Tx<'_>, times: &[Moment]) -> Result<Self, Error> {
        for time in times {
            tx.now = *time;
            self.book(tx)?;
            if self.waiting.len() > SETTLED_AFTER
                && let Some(order) = self.waiting.pop_front()
            {
                self.settle(tx, order)?;
            }
        }
        Ok(self)
    }

    fn book(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let index = self.random.random_range(0..self.products.len());
        let qty = [1, 1, 1, 2, 2, 3, 5]
            .choose(&mut self.random)
            .copied()
            .unwrap_or(1);
        if self.products[index].stock < qty {
            self.supply(tx, index)?;
        }
        let (name, price, ..) = *self.products[index].good;
        let is_discounted = self.random.random_bool(0.1);
        let price = if is_discounted { price * 9 / 10 } else { price };
        let operator = OPERATORS.choose(&mut self.random).copied().unwrap_or("916");
        let named = self.random.random_bool(0.8);
        let draft = orders::Draft {
            phone: format!("+7{operator}{:07}", self.random.random_range(0..10_000_000)),
            customer_name: CUSTOMERS
                .choose(&mut self.random)
                .filter(|_| named)
                .map(ToString::to_string)
                .unwrap_or_default(),
            product_id: String::new(),
            product: name.to_owned(),
            qty: qty.to_string(),
            unit_price_rub: crate::money::Rub(price).to_string(),
        };
        let order = orders::service::create(tx, "", &draft)?;
        self.products[index].stock -= qty;
        self.waiting.push_back(order.id);
        Ok(())
    }

    fn supply(&mut self, tx: &mut Tx<'_>, index: usize) -> Result<(), Error> {
        let (name, _, price, min_stock, supplier) = *self.products[index].good;
        let qty = min_stock * self.random.random_range(2..5);
        let price = price * self.random.random_range(94..107) / 100;
        let draft = supplies::Draft {
            product_id: String::new(),
            product: name.to_owned(),
            qty: qty.to_string(),
            supplier_name: supplier.to_owned(),
            buy_price_eur: crate::money::Eur(price).to_string(),
        };
        supplies::service::receive(tx, "", &draft)?;
        self.products[index].stock += qty;
        Ok(())
    }

    fn settle(&mut self, tx: &mut Tx<'_>, order: i64) -> Result<(), Error> {
        if self.random.random_bool(0.05) {
            let order = orders::service::deny(tx, order)?;
            if let Some(product) = self
                .products
                .iter_mut()
                .find(|product| product.good.0 == order.product_name)
            {
                product.stock += order.qty;
            }
        } else {
            orders::service::issue(tx, order)?;
        }
        Ok(())
    }

    /// Receives supplies at the end, but for a few goods, and tells how many run low.
    fn close(mut self, tx: &mut Tx<'_>) -> Result<usize, Error> {
        for index in 0..self.products.len() {
            let is_low = self.products[index].stock < self.products[index].good.3;
            if is_low && index % 7 != 0 {
                self.supply(tx, index)?;
            }
        }
        Ok(self
            .products
            .iter()
            .filter(|product| product.stock < product.good.3)
            .count())
    }
}
