//! Supplies: goods that were bought and came in.

pub mod page;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{codes::codes, moment::Moment, money::Eur};
use serde::{Deserialize, Serialize};

/// Goods that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Supply {
    pub id: i64,
    pub product_id: i64,
    /// The product's name at that time.
    pub product_name: String,
    pub qty: i64,
    pub supplier_name: String,
    /// Of one piece.
    pub buy_price_eur: Eur,
    /// Who received it.
    pub user_id: Option<String>,
    pub created_at: Moment,
}

impl Supply {
    /// What was paid. Every price and every quantity that was ever taken has one.
    pub fn total_eur(&self) -> Eur {
        let total = self.buy_price_eur.times(self.qty);
        total.unwrap_or(Eur(i64::MAX))
    }
}

codes! {
    /// What the history of supplies is sorted by.
    pub enum Sort {
        CreatedAt = "created_at",
    }
}

/// What the history of supplies shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    pub product: String,
    /// The beginning of the supplier's name.
    pub supplier: String,
    /// First day, `2026-11-23`.
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

/// What the form of a supply says, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The product's id; empty: it is named.
    pub product_id: String,
    /// The product's name.
    pub product: String,
    pub qty: String,
    pub supplier_name: String,
    pub buy_price_eur: String,
}
