//! Products: what the shop sells, at what price, and how much of it is in stock.

pub mod codes;
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
pub mod lookup;
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
    /// The fields that people edit. Each supply also sets the purchase price and the supplier.
    #[serde(flatten)]
    #[cfg_attr(feature = "ssr", diesel(embed))]
    pub data: ProductData,
    /// Pieces ever received: opening stock, supplies and corrections.
    pub quantity: i64,
    /// Pieces on hand.
    pub on_hand: i64,
    /// Pieces in orders that are paid but not issued.
    pub reserved: i64,
    /// Pieces available for sale: on hand minus reserved.
    pub stock: i64,
    pub is_low_stock: bool,
    /// Incremented by every edit, by archiving and restoring, and by a supply that changes the purchase price or
    /// supplier.
    pub version: i64,
    pub created_at: Moment,
    pub archived_at: Option<Moment>,
    /// Pieces written off.
    pub written_off: i64,
}

impl Deref for Product {
    type Target = ProductData;

    fn deref(&self) -> &ProductData {
        &self.data
    }
}

codes! {
    /// The columns that the product list can be sorted by.
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
    /// The query parameters of the product list, as they stand in its URL.
    pub struct Query {
        /// Words in the name, or parts of words
        search: String { example = "чай" },
        /// Only products below their minimum
        low: bool { example = true },
        /// Only archived products
        archived: bool { example = false },
        /// Field to sort by; a leading `-` sorts in descending order
        sort: String {
            pattern = "^-?(name|stock|on_hand|reserved|min_stock|buy_price_eur|sell_price_rub|supplier_name)$",
            example = "-stock"
        },
    }
}
