//! What the customers page shows: what is stored about a number, and what the retention period will erase.

use crate::{moment::Moment, page::UrlQuery};
use serde::{Deserialize, Serialize};

/// The retention of customers as it is set, and its last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Days after the last order; `None` if the setting is off.
    pub days: Option<u32>,
    /// `None` until there was a run with this setting.
    pub run: Option<Run>,
}

/// A run of the retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub run_at: Moment,
    pub next_at: Moment,
    /// `None` while the run goes on.
    pub counts: Option<Counts>,
}

/// How many customers a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Customers that the run erased.
    pub erased: i64,
    /// Customers who are due, but have waiting orders.
    pub waiting: i64,
    /// Customers who are due at the next run, if they order nothing until then.
    pub due: i64,
}

/// The customer that a page is about. They are named by an order or by an entry of the log, so that the number is in no
/// address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// An order with the number.
    pub order: String,
    /// An entry of the log that replaced the number by another, if no order has it any more.
    pub former: String,
}

impl UrlQuery for Subject {
    fn read(text: &dyn Fn(&str) -> String) -> Self {
        Self {
            order: text("order"),
            former: text("former"),
        }
    }
}

impl Subject {
    /// Returns whether the address names nobody.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.former.is_empty()
    }

    /// Returns the parameters of an address about the customer: `?order=123`.
    pub fn query(&self) -> String {
        match (self.order.as_str(), self.former.as_str()) {
            ("", former) => format!("?former={former}"),
            (order, _) => format!("?order={order}"),
        }
    }
}

/// What is stored about a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub phone_shown: String,
    /// The names that orders with the number have.
    pub names: Vec<String>,
    pub orders: i64,
    /// The first and the last order; `None` if only the log has the number.
    pub period: Option<[Moment; 2]>,
    /// The numbers of the orders that wait.
    pub waiting: Vec<i64>,
    pub log_entries: i64,
    pub notifications: i64,
}
