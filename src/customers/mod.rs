//! Customers, who are known by their phone number: erasing what identifies one, while orders, stock and sums stay.

pub mod act;
pub mod overview;
pub mod page;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod export;
#[cfg(feature = "ssr")]
mod leftovers;
#[cfg(feature = "ssr")]
mod person;
#[cfg(feature = "ssr")]
pub mod records;
#[cfg(feature = "ssr")]
pub mod retention;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod traces;

use crate::{moment::Moment, page::list_query};
use serde::{Deserialize, Serialize};

/// How an erased customer is called, before the number of the erasure. The migration that made the table of erasures
/// has the same words in its checks.
pub const ERASED: &str = "Покупатель удалён № ";

/// Returns how a customer is called after an erasure.
pub fn erased_name(erasure: i64) -> String {
    format!("{ERASED}{erasure}")
}

/// An erasure of a customer, as it stays on record: without the number and the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::erasures)
)]
pub struct Erasure {
    pub id: i64,
    pub reason: String,
    /// The user who erased; `None` for the program itself and the command line.
    pub user_id: Option<String>,
    pub created_at: Moment,
    /// Orders whose customer was erased.
    pub orders: i64,
    /// Entries of the operation log whose values were erased.
    pub log_entries: i64,
    /// Notifications whose customer was erased.
    pub notifications: i64,
    /// Uploaded files that were deleted, because they had the number in them.
    pub uploads: i64,
    /// Notes about stock from which the number was erased.
    pub notes: i64,
    /// When the file of SQLite was rewritten, so that none of its bytes are left; `None` if this still has to be done,
    /// and on PostgreSQL.
    pub purged_at: Option<Moment>,
}

list_query! {
    /// The parameters of the list of erasures, as they stand in its URL.
    pub struct Query {
        /// First day
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
    }
}
