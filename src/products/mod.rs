//! Products: what the shop sells, at what price, and how much of it there is.

pub mod combobox;
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

use crate::{
    codes::codes,
    moment::Moment,
    money::{Eur, Rub},
};
use serde::{Deserialize, Serialize};

/// A product with its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Product {
    pub id: i64,
    pub name: String,
    pub description: Option<String>,
    /// Pieces ever received: supplies and corrections.
    pub quantity: i64,
    /// Pieces in the shop.
    pub on_hand: i64,
    /// Pieces in orders that are paid and not issued.
    pub reserved: i64,
    /// Pieces that may be sold: on hand, less reserved.
    pub stock: i64,
    /// Fewer available pieces than this are low.
    pub min_stock: i64,
    pub is_low_stock: bool,
    /// What a piece cost last: each supply sets it, and somebody may correct it.
    pub buy_price_eur: Option<Eur>,
    pub sell_price_rub: Option<Rub>,
    /// Who brought the last supply.
    pub supplier_name: Option<String>,
    /// Raised by every edit, and by a supply at another price or from another supplier.
    pub version: i64,
    pub created_at: Moment,
    pub archived_at: Option<Moment>,
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

/// What the list of products shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Words of the name.
    pub search: String,
    /// `1`: only what runs low.
    pub low: String,
    /// `1`: the archive.
    pub archived: String,
    /// A code of [`Sort`], with `-` before it when descending.
    pub sort: String,
    /// Rows on a page; empty: 50.
    pub limit: String,
    pub after: String,
    pub before: String,
}

/// What the form of a product says, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub name: String,
    pub description: String,
    pub min_stock: String,
    pub buy_price_eur: String,
    pub sell_price_rub: String,
    pub supplier_name: String,
}
