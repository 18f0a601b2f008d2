//! Baskets: what one customer takes in one call, as orders of one product each.
//!
//! A basket has no row of its own. Its number is that of its first order, and its customer is that of all its orders.

pub mod actions;
pub mod form;
pub mod page;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{moment::Moment, money::Rub, orders::Order};
use serde::{Deserialize, Serialize};

/// The most lines that are booked at once.
pub const MAX_LINES: usize = 50;

/// A basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    pub id: i64,
    /// In E.164 format, or the name of an erasure.
    pub phone: String,
    /// The same number as shown to users.
    pub phone_shown: String,
    pub customer_name: Option<String>,
    /// At least one order, in the order of their numbers.
    pub orders: Vec<Order>,
    pub created_at: Moment,
}

impl Basket {
    /// Returns what the customer pays for all orders that were not denied.
    pub fn total_rub(&self) -> Rub {
        let orders = self.orders.iter();
        let counted = orders.filter(|order| order.status != crate::orders::Status::PaidDenied);
        Rub(counted.fold(0, |sum: i64, order| sum.saturating_add(order.total_rub().0)))
    }

    /// Returns how many orders wait to be issued or denied.
    pub fn waiting(&self) -> usize {
        self.orders.iter().filter(|order| order.waits()).count()
    }
}
