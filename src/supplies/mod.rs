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

use crate::{codes::codes, moment::Moment, money::Eur, number::Qty, page::list_query};
use serde::{Deserialize, Serialize};

/// Goods that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::supplies)
)]
pub struct Supply {
    pub id: i64,
    pub product_id: i64,
    /// The product's name at that time.
    pub product_name: String,
    pub qty: Qty,
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

list_query! {
    /// What the history of supplies shows: the state of its URL, as it was typed.
    pub struct Query {
        /// The product's name, or words of it
        product: String { example = "чай" },
        /// The beginning of the supplier's name
        supplier: String { example = "Tee" },
        /// First day
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
        /// A field to sort by, with `-` before it when descending
        sort: String { pattern = "^-?created_at$", example = "-created_at" },
    }
}
