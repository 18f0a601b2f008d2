//! The stock of a product: its counters, how they move, and the ledger of every movement.

pub mod ledger;

#[cfg(feature = "ssr")]
pub mod counters;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    codes::{Code, codes},
    moment::Moment,
};
use serde::{Deserialize, Serialize};

codes! {
    /// Why the stock moved.
    pub enum MovementKind labelled by movement {
        /// What was there when the product was added.
        Opening = "opening" => opening,
        Supply = "supply" => supply,
        /// A count that found more or fewer pieces than expected.
        Correction = "correction" => correction,
        Reserve = "reserve" => reserve,
        Release = "release" => release,
        Issue = "issue" => issue,
    }
}

/// One row of the ledger, as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::stock_movements)
)]
pub struct Movement {
    pub id: i64,
    pub kind: Code<MovementKind>,
    /// Change of what was ever received, pieces.
    pub quantity: i64,
    /// Change of what was handed out.
    pub issued: i64,
    /// Change of what is reserved.
    pub reserved: i64,
    pub on_hand_after: i64,
    pub stock_after: i64,
    pub supply_id: Option<i64>,
    pub order_id: Option<i64>,
    pub note: Option<String>,
    pub user_id: Option<String>,
    pub created_at: Moment,
}

impl Movement {
    /// Change of what is on hand, pieces.
    pub const fn on_hand(&self) -> i64 {
        self.quantity - self.issued
    }

    /// Change of what is available, pieces.
    pub const fn stock(&self) -> i64 {
        self.quantity - self.issued - self.reserved
    }
}
