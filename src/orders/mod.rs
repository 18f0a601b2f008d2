//! Orders: taken by phone and paid, then issued or denied.

pub mod form;
pub mod list;
pub mod page;
pub mod row;
pub mod stage;
pub mod status;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod names;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod service;

pub use status::Status;

use crate::{
    codes::{Code, codes},
    error::Problem,
    moment::Moment,
    money::Rub,
};
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Order {
    pub id: i64,
    /// E.164.
    pub phone: String,
    /// The same for people.
    pub phone_shown: String,
    pub customer_name: Option<String>,
    pub product_id: i64,
    /// The product's name when it was sold.
    pub product_name: String,
    pub qty: i64,
    /// Of one piece, as sold.
    pub unit_price_rub: Rub,
    pub status: Code<Status>,
    pub created_at: Moment,
    pub issued_at: Option<Moment>,
    pub denied_at: Option<Moment>,
    /// Who created or last changed it.
    pub user_id: Option<String>,
    /// Raised by every change.
    pub version: i64,
}

impl Order {
    /// What the customer pays. Every price and every quantity that was ever taken has one.
    pub fn total_rub(&self) -> Rub {
        let total = self.unit_price_rub.times(self.qty);
        total.unwrap_or(Rub(i64::MAX))
    }
}

/// Fewer digits of a phone than this find too much to be of use.
const PHONE_DIGITS: usize = 3;

/// What is wrong with digits of a phone to look for.
pub fn phone_problem(text: &str) -> Option<Problem> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (digits < PHONE_DIGITS).then_some(Problem::TooFewDigits(PHONE_DIGITS))
}

/// Reads an order's number as people write it: `№ 601`.
pub fn read_number(text: &str) -> Result<i64, Problem> {
    let number = text.trim().trim_start_matches(['№', '#']).trim_start();
    let number = number.parse().map_err(|_| Problem::NotNumber)?;
    if number < 1 {
        return Err(Problem::TooSmall(1));
    }
    Ok(number)
}

/// What is wrong with an order's number to look for.
pub fn number_problem(text: &str) -> Option<Problem> {
    read_number(text).err()
}

codes! {
    /// What the list of orders is sorted by.
    pub enum Sort {
        CreatedAt = "created_at",
        Phone = "phone",
        Status = "status",
    }
}

/// What the list of orders shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// A code of [`Status`].
    pub status: String,
    /// Digits of the phone, from its start or its end.
    pub phone: String,
    /// The order's number.
    pub id: String,
    /// Beginnings of words of the customer's name.
    pub customer: String,
    /// Words of the product's name.
    pub product: String,
    /// First day of creation, `2026-11-23`.
    pub from: String,
    /// Last day.
    pub to: String,
    /// A code of [`Sort`], with `-` before it when descending; the newest first when empty.
    pub sort: String,
    /// Rows on a page; empty: 50.
    pub limit: String,
    pub after: String,
    pub before: String,
}

/// What the form of an order says, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub phone: String,
    pub customer_name: String,
    /// The product's id; empty: it is named.
    pub product_id: String,
    /// The product's name.
    pub product: String,
    pub qty: String,
    /// Of one piece; empty: the product's price.
    pub unit_price_rub: String,
}
