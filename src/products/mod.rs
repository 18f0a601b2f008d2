//! Products: what the shop sells, at what price, and how much of it there is.

pub mod combobox;
pub mod data;
pub mod first;
pub mod form;
pub mod list;
pub mod offer;
pub mod page;
pub mod picker;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
mod json;
#[cfg(feature = "ssr")]
pub mod movements_csv;
#[cfg(feature = "ssr")]
pub mod names;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod service;

pub use data::ProductData;

use crate::{codes::codes, moment::Moment, page::list_query};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// A product with its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::products)
)]
pub struct Product {
    pub id: i64,
    /// What people entered. Each supply sets the purchase price and the supplier.
    #[serde(flatten)]
    #[cfg_attr(feature = "ssr", diesel(embed))]
    pub data: ProductData,
    /// Pieces ever received: supplies and corrections.
    pub quantity: i64,
    /// Pieces in the shop.
    pub on_hand: i64,
    /// Pieces in orders that are paid and not issued.
    pub reserved: i64,
    /// Pieces that may be sold: on hand, less reserved.
    pub stock: i64,
    pub is_low_stock: bool,
    /// Raised by every edit, and by a supply at another price or from another supplier.
    pub version: i64,
    pub created_at: Moment,
    pub archived_at: Option<Moment>,
}

impl Deref for Product {
    type Target = ProductData;

    fn deref(&self) -> &ProductData {
        &self.data
    }
}

codes! {
    /// What the list of products is sorted by.
    pub enum Sort {
        Name = "name",
        Stock = "stock",
        OnHand = "on_hand",
        Reserved = "reserved",
        MinStock = "min_stock",
        BuyPrice = "buy_price_eur",
        SellPrice = "sell_price_rub",
        Supplier = "supplier_name",
    }
}

list_query! {
    /// What the list of products shows: the state of its URL, as it was typed.
    pub struct Query {
        /// Words of the name
        search: String { example = "чай" },
        /// Only what runs low
        low: bool { example = true },
        /// The archive
        archived: bool { example = false },
        /// A field to sort by, with `-` before it when descending
        sort: String { pattern = "^-?(name|stock|on_hand|reserved|min_stock|buy_price_eur|sell_price_rub|supplier_name)$", example = "-stock" },
    }
}
