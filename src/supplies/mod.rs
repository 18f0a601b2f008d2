//! Supplies: goods bought from suppliers and received.

pub mod page;
pub mod supply_page;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod correction;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{codes::codes, moment::Moment, money::Eur, number::Qty, page::list_query};
use serde::{Deserialize, Serialize};

/// A supply: goods received from a supplier.
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
    /// Price of one piece.
    pub buy_price_eur: Eur,
    /// The user who received the supply.
    pub user_id: Option<String>,
    pub created_at: Moment,
    /// Incremented by every change.
    pub version: i64,
    /// Pieces that went back to the supplier.
    pub returned_qty: i64,
    /// When the supply was taken back as a whole.
    pub undone_at: Option<Moment>,
}

impl Supply {
    /// Returns what was paid. Every accepted price and quantity has a total, so the fallback is never used.
    pub fn total_eur(&self) -> Eur {
        let total = self.buy_price_eur.times(self.qty);
        total.unwrap_or(Eur(i64::MAX))
    }
}

codes! {
    /// The columns that the supply history can be sorted by.
    pub enum Sort {
        CreatedAt = "created_at",
    }
}

list_query! {
    /// The query parameters of the supply history, as they stand in its URL.
    pub struct Query {
        /// Words in the product's name, or parts of words
        product: String { example = "чай" },
        /// Beginning of the supplier's name
        supplier: String { example = "Tee" },
        /// First day
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
        /// Field to sort by; a leading `-` sorts in descending order
        sort: String { pattern = "^-?created_at$", example = "-created_at" },
    }
}
