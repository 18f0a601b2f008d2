//! The events in the shop of the demo, independent of how they are written to the database.

use super::goods::{CUSTOMERS, GOODS, Good, OPERATORS};
use crate::{
    error::Error,
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::collections::VecDeque;

/// An order is settled this many orders later, so that the newest are still waiting.
const SETTLED_AFTER: usize = 12;

/// The share of orders that belong to the same customer as the order before.
const IN_BASKET: f64 = 0.2;

/// Writes the events of the demo: through the services, or into memory and from there in bulk. A good is identified by
/// its index in [`GOODS`].
pub trait Recorder {
    /// Sets the time of the events that follow.
    fn at(&mut self, now: Moment);
    /// Receives a supply from the good's supplier.
    fn receive(&mut self, good: usize, qty: Qty, price: Eur) -> Result<(), Error>;
    /// Books an order and returns its id.
    fn book(&mut self, order: OrderRequest) -> Result<i64, Error>;
    fn issue(&mut self, order: i64) -> Result<(), Error>;
    fn deny(&mut self, order: i64) -> Result<(), Error>;
}

/// An order to be booked.
pub struct OrderRequest {
    /// The first order of the basket, if this is not the first.
    pub first_order: Option<i64>,
    pub customer: Customer,
    pub good: usize,
    pub qty: Qty,
    pub unit_price_rub: Rub,
}

/// Whoever takes a basket.
#[derive(Clone)]
pub struct Customer {
    pub phone: String,
    pub name: Option<&'static str>,
}

/// Generates the events, and tracks the state of the shop that they depend on.
pub struct Scenario {
    random: StdRng,
    /// Pieces of each good that are available for sale.
    stock: Vec<i64>,
    /// The waiting orders, oldest first.
    waiting: VecDeque<Waiting>,
    /// The newest basket: its first order, and its customer.
    basket: Option<(i64, Customer)>,
}

struct Waiting {
    order: i64,
    good: usize,
    qty: Qty,
}

impl Scenario {
    /// Starts with an empty stock of so many products, and with the same random seed each time.
    pub fn new(products: u16) -> Self {
        Self {
            random: StdRng::seed_from_u64(2_026),
            stock: vec![0; products.into()],
            waiting: VecDeque::new(),
            basket: None,
        }
    }

    /// Books an order at each of the times, receives supplies when stock runs out, and settles older orders.
    pub fn trade(
        &mut self,
        hands: &mut impl Recorder,
        times: impl Iterator<Item = Moment>,
    ) -> Result<(), Error> {
        for time in times {
            hands.at(time);
            self.book(hands)?;
            if self.waiting.len() > SETTLED_AFTER
                && let Some(order) = self.waiting.pop_front()
            {
                self.settle(hands, &order)?;
            }
        }
        Ok(())
    }

    fn book(&mut self, hands: &mut impl Recorder) -> Result<(), Error> {
        let good = self.random.random_range(0..self.stock.len());
        let qty = [1, 1, 1, 2, 2, 3, 5]
            .choose(&mut self.random)
            .copied()
            .unwrap_or(1);
        if self.stock[good] < qty {
            self.supply(hands, good)?;
        }
        let price = GOODS[good].sell_price_rub;
        let is_discounted = self.random.random_bool(0.1);
        let price = if is_discounted { price * 9 / 10 } else { price };
        let (first_order, customer) = self.customer();
        let order = hands.book(OrderRequest {
            first_order,
            customer: customer.clone(),
            good,
            qty: Qty(qty),
            unit_price_rub: Rub(price),
        })?;
        self.basket = Some((first_order.unwrap_or(order), customer));
        self.stock[good] -= qty;
        self.waiting.push_back(Waiting {
            order,
            good,
            qty: Qty(qty),
        });
        Ok(())
    }

    /// Returns the newest basket with its customer, or no basket and a new customer.
    fn customer(&mut self) -> (Option<i64>, Customer) {
        let goes_on = self.random.random_bool(IN_BASKET);
        if let Some((first, customer)) = self.basket.take_if(|_| goes_on) {
            return (Some(first), customer);
        }
        let operator = OPERATORS.choose(&mut self.random).copied().unwrap_or("916");
        let is_named = self.random.random_bool(0.8);
        let name = CUSTOMERS.choose(&mut self.random).copied();
        let customer = Customer {
            phone: format!("+7{operator}{:07}", self.random.random_range(0..10_000_000)),
            name: name.filter(|_| is_named),
        };
        (None, customer)
    }

    fn supply(&mut self, hands: &mut impl Recorder, good: usize) -> Result<(), Error> {
        let Good {
            buy_price_eur,
            min_stock,
            ..
        } = GOODS[good];
        let qty = min_stock * self.random.random_range(2..5);
        let price = buy_price_eur * self.random.random_range(94..107) / 100;
        hands.receive(good, Qty(qty), Eur(price))?;
        self.stock[good] += qty;
        Ok(())
    }

    fn settle(&mut self, hands: &mut impl Recorder, settled: &Waiting) -> Result<(), Error> {
        if self.random.random_bool(0.05) {
            hands.deny(settled.order)?;
            self.stock[settled.good] += settled.qty.0;
            Ok(())
        } else {
            hands.issue(settled.order)
        }
    }

    /// Receives supplies of most goods that are low, and returns how many goods remain low.
    pub fn close(&mut self, hands: &mut impl Recorder, now: Moment) -> Result<usize, Error> {
        let is_low = |stock: i64, good: usize| stock < GOODS[good].min_stock;
        hands.at(now);
        for good in 0..self.stock.len() {
            if is_low(self.stock[good], good) && good % 7 != 0 {
                self.supply(hands, good)?;
            }
        }
        let left = self.stock.iter().enumerate();
        Ok(left.filter(|(good, stock)| is_low(**stock, *good)).count())
    }
}
