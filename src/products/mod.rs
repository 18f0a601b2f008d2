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

use crate::{codes::codes, moment::Moment};
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

/// What the list of products shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// Words of the name
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "чай"))]
    pub search: String,
    /// Only what runs low
    #[cfg_attr(feature = "ssr", param(value_type = Option<bool>, example = true))]
    pub low: String,
    /// The archive
    #[cfg_attr(feature = "ssr", param(value_type = Option<bool>, example = false))]
    pub archived: String,
    /// A field to sort by, with `-` before it when descending
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, pattern = "^-?(name|stock|on_hand|reserved|min_stock|buy_price_eur|sell_price_rub|supplier_name)$", example = "-stock"))]
    pub sort: String,
    /// Rows of the page
    #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50))]
    pub limit: String,
    /// `next` of the page before
    #[serde(alias = "cursor")]
    #[cfg_attr(feature = "ssr", param(rename = "cursor", value_type = Option<String>, example = "W3siSW50Ijo0Mn1d"))]
    pub after: String,
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub before: String,
}
