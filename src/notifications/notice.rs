//! The contents of notifications, as the outbox stores them.

use super::Kind;
use crate::{money::Rub, orders::Order};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// Largest number of products named in one message; a link leads to the others.
const NAMED: usize = 30;

/// The content of a notification, as the outbox stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    LowStock(LowStock),
    OrderCreated(OrderNotice),
    OrderIssued(OrderNotice),
    OrderDenied(OrderNotice),
    Test {
        /// The user who asked for the test.
        by: Option<String>,
    },
}

impl Notice {
    /// Returns the kind of the notice.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::LowStock(_) => Kind::LowStock,
            Self::OrderCreated(_) => Kind::OrderCreated,
            Self::OrderIssued(_) => Kind::OrderIssued,
            Self::OrderDenied(_) => Kind::OrderDenied,
            Self::Test { .. } => Kind::Test,
        }
    }

    /// Replaces the customer by the name of an erasure.
    pub fn erase_customer(&mut self, name: &str) {
        match self {
            Self::OrderCreated(order) | Self::OrderIssued(order) | Self::OrderDenied(order) => {
                name.clone_into(&mut order.phone);
                order.customer = None;
            }
            Self::LowStock(_) | Self::Test { .. } => {}
        }
    }

    /// Returns the order that the notice is about, if any.
    pub const fn order(&self) -> Option<&OrderNotice> {
        match self {
            Self::OrderCreated(order) | Self::OrderIssued(order) | Self::OrderDenied(order) => {
                Some(order)
            }
            Self::LowStock(_) | Self::Test { .. } => None,
        }
    }
}

/// Products that fell below their minimum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStock {
    /// The products that the message names.
    pub products: Vec<LowProduct>,
    /// The number of other products.
    pub more: usize,
    /// The ids of the other products. A notice from an earlier version has only their number.
    #[serde(default)]
    pub rest: BTreeSet<i64>,
}

/// A product as it was when it fell below its minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowProduct {
    pub id: i64,
    pub name: String,
    pub stock: i64,
    pub min_stock: i64,
}

/// An order as it was at the time of the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNotice {
    pub id: i64,
    pub product: String,
    pub qty: i64,
    pub total_rub: Rub,
    pub phone: String,
    pub customer: Option<String>,
    /// The user who caused the event.
    pub by: Option<String>,
}

impl LowStock {
    /// Creates a notice that names the first products and counts the others.
    pub fn of(mut products: Vec<LowProduct>) -> Self {
        let rest: BTreeSet<i64> = products
            .split_off(NAMED.min(products.len()))
            .into_iter()
            .map(|product| product.id)
            .collect();
        Self {
            products,
            more: rest.len(),
            rest,
        }
    }

    /// Iterates over the ids of all products whose ids are known.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        let named = self.products.iter().map(|product| product.id);
        named.chain(self.rest.iter().copied())
    }

    /// Drops the products that are not in `low`; products whose ids are unknown stay.
    pub fn keep(&mut self, low: &HashSet<i64>) {
        self.products.retain(|product| low.contains(&product.id));
        let unknown = self.unknown();
        self.rest.retain(|id| low.contains(id));
        self.more = self.rest.len() + unknown;
    }

    /// Whether the notice has no products.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty() && self.more == 0
    }

    /// Returns the number of products whose ids are unknown.
    fn unknown(&self) -> usize {
        self.more.saturating_sub(self.rest.len())
    }

    /// Merges two notices. A product in both appears once, as it is in the later one.
    fn and(mut self, later: Self) -> Self {
        let unknown = self.unknown() + later.unknown();
        for product in later.products {
            match self
                .products
                .iter_mut()
                .find(|known| known.id == product.id)
            {
                Some(known) => *known = product,
                None => self.products.push(product),
            }
        }
        let mut joined = Self::of(self.products);
        joined.rest.extend(self.rest);
        joined.rest.extend(later.rest);
        for product in &joined.products {
            joined.rest.remove(&product.id);
        }
        joined.more = joined.rest.len() + unknown;
        joined
    }
}

impl From<Order> for OrderNotice {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            total_rub: order.total_rub(),
            product: order.product_name,
            qty: order.qty.0,
            phone: order.phone_shown,
            customer: order.customer_name,
            by: order.user_id,
        }
    }
}

/// Merges the notices of one message: low-stock notices are combined, and of any others only the last one is kept.
pub fn joined(notices: Vec<Notice>) -> Option<Notice> {
    notices.into_iter().reduce(|one, next| match (one, next) {
        (Notice::LowStock(one), Notice::LowStock(next)) => Notice::LowStock(one.and(next)),
        (_, next) => next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: i64, name: &str) -> LowProduct {
        LowProduct {
            id,
            name: name.to_owned(),
            stock: 2,
            min_stock: 5,
        }
    }

    #[test]
    fn joined_notices_name_each_product_once() {
        let again = LowProduct {
            stock: 0,
            ..product(1, "чай")
        };
        let notices = [
            LowStock::of(vec![product(1, "чай")]),
            LowStock::of(vec![product(2, "кофе"), again.clone()]),
        ];
        let joined = joined(notices.into_iter().map(Notice::LowStock).collect());
        let expected = LowStock::of(vec![again, product(2, "кофе")]);
        assert_eq!(joined, Some(Notice::LowStock(expected)));
    }

    #[test]
    fn products_that_recovered_are_dropped() {
        let mut low = LowStock::of((1..=40).map(|id| product(id, "чай")).collect());
        assert_eq!((low.products.len(), low.more), (30, 10));
        low.keep(&HashSet::from([1, 39, 40]));
        assert_eq!((low.products.len(), low.more), (1, 2));
        low.keep(&HashSet::new());
        assert!(low.is_empty());
        // An earlier version stored only the number of products.
        let old = r#"{"products": [], "more": 3}"#;
        let mut low: LowStock = serde_json::from_str(old).unwrap();
        low.keep(&HashSet::new());
        assert_eq!(low.more, 3);
    }
}
