//! Orders: taken by phone and paid, then issued or denied.

pub mod bulk;
pub mod counts;
pub mod elsewhere;
pub mod form;
pub mod list;
pub mod page;
pub mod row;
pub mod stage;
pub mod status;
pub mod today;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod names;
#[cfg(feature = "ssr")]
pub mod returns;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod service;

pub use crate::stock::reason::ReturnReason;
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
    /// In E.164 format, or the name of an erasure.
    pub phone: String,
    /// The same number as shown to users.
    pub phone_shown: String,
    pub customer_name: Option<String>,
    pub product_id: i64,
    /// The product's name when it was sold.
    pub product_name: String,
    pub qty: Qty,
    /// Price of one piece, as sold.
    pub unit_price_rub: Rub,
    pub status: Code<Status>,
    pub created_at: Moment,
    pub issued_at: Option<Moment>,
    pub denied_at: Option<Moment>,
    /// The user who created or last changed the order.
    pub user_id: Option<String>,
    /// Incremented by every change.
    pub version: i64,
    /// The number of the first order of the same basket: what one customer took in one call.
    pub basket_id: i64,
    /// Issued pieces that the customer brought back.
    pub returned_qty: i64,
}

impl Order {
    /// Returns whether the order waits to be issued or denied.
    pub fn waits(&self) -> bool {
        self.status == Status::PaidNotIssued
    }

    /// Returns whether the customer was erased. Then phone and name say so.
    pub fn is_erased(&self) -> bool {
        !self.phone.starts_with('+')
    }

    /// Returns what the customer pays. Every accepted price and quantity has a total, so the fallback is never used.
    pub fn total_rub(&self) -> Rub {
        let total = self.unit_price_rub.times(self.qty);
        total.unwrap_or(Rub(i64::MAX))
    }
}

/// The fewest phone digits to search for; fewer would match too many orders.
pub const PHONE_DIGITS: usize = 3;

/// Returns what is wrong with the phone digits of a search.
pub fn phone_problem(text: &str) -> Option<Problem> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (digits < PHONE_DIGITS).then_some(Problem::TooFewDigits(PHONE_DIGITS))
}

/// Reads an order number as people write it: `№ 601`.
pub fn read_number(text: &str) -> Result<i64, Problem> {
    let number = text.trim().trim_start_matches(['№', '#']).trim_start();
    let number = number.parse().map_err(|_| Problem::NotNumber)?;
    if number < 1 {
        return Err(Problem::TooSmall(1));
    }
    Ok(number)
}

/// Returns what is wrong with the order number of a search.
pub fn number_problem(text: &str) -> Option<Problem> {
    read_number(text).err()
}

codes! {
    /// The columns that the list of orders can be sorted by.
    pub enum Sort {
        CreatedAt = "created_at",
        Phone = "phone",
        Status = "status",
    }
}

list_query! {
    /// The query parameters of the list of orders, as they stand in its URL.
    pub struct Query {
        /// Status of the order
        status: Status { inline, example = "paid_not_issued" },
        /// At least three digits from the start or the end of the phone number
        phone: String { example = "4567" },
        /// Number of the order, or of its basket
        id: i64 { minimum = 1, example = 42 },
        /// Words of the customer's name, or beginnings of words
        customer: String { example = "мария" },
        /// Words in the product's name, or parts of words
        product: String { example = "чай" },
        /// First day of creation
        from: String { format = Date, example = "2026-11-01" },
        /// Last day of creation
        to: String { format = Date, example = "2026-11-30" },
        /// Field to sort by; a leading `-` sorts in descending order
        sort: String { pattern = "^-?(created_at|phone|status)$", example = "-created_at" },
    }
}
