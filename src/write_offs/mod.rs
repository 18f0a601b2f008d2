//! Write-offs: pieces that left the stock without being sold.

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod service;

pub use crate::stock::reason::WriteOffReason as Reason;

use crate::{codes::Code, moment::Moment, money::Eur, number::Qty};
use serde::{Deserialize, Serialize};

/// A write-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::write_offs)
)]
pub struct WriteOff {
    pub id: i64,
    pub product_id: i64,
    pub qty: Qty,
    pub reason: Code<Reason>,
    /// Cost of the pieces that have a purchase price.
    pub cost_eur: Eur,
    /// Pieces without a purchase price.
    pub uncosted_qty: i64,
    pub user_id: Option<String>,
    pub created_at: Moment,
}
