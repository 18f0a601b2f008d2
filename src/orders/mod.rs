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
    number::Qty,
    page::list_query,
};
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::orders)
)]
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
    pub qty: Qty,
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

list_query! {
    /// What the list of orders shows: the state of its URL, as it was typed.
    pub struct Query {
        /// Where the order stands
        status: Status { inline, example = "paid_not_issued" },
        /// Three digits or more, from the start or the end of the phone
        phone: String { example = "4567" },
        /// The order's number
        id: i64 { minimum = 1, example = 42 },
        /// Words of the customer's name, or their beginnings
        customer: String { example = "мария" },
        /// The product's name, or words of it
        product: String { example = "чай" },
        /// First day of creation
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
        /// A field to sort by, with `-` before it when descending
        sort: String { pattern = "^-?(created_at|phone|status)$", example = "-created_at" },
    }
}
