//! The stock of a product: its counters, how they move, and the ledger of every movement.

pub mod ledger;

#[cfg(feature = "ssr")]
pub mod counters;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    codes::{Code, codes},
    i18n::Locale,
    moment::Moment,
};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// The most pieces of one product that the shop may hold.
pub const MAX_PIECES: i64 = 1_000_000;

codes! {
    /// Why the stock moved.
    pub enum MovementKind {
        /// What was there when the product was added.
        Opening = "opening",
        Supply = "supply",
        /// A count that found more or fewer pieces than expected.
        Correction = "correction",
        Reserve = "reserve",
        Release = "release",
        Issue = "issue",
    }
}

impl MovementKind {
    /// Its name for people.
    pub fn label(self, l: Locale) -> &'static str {
        match self {
            Self::Opening => td_string!(l, movement.opening),
            Self::Supply => td_string!(l, movement.supply),
            Self::Correction => td_string!(l, movement.correction),
            Self::Reserve => td_string!(l, movement.reserve),
            Self::Release => td_string!(l, movement.release),
            Self::Issue => td_string!(l, movement.issue),
        }
    }
}

/// One row of the ledger, as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
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
