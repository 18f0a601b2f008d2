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
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// The product's name, or words of it
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "чай"))]
    pub product: String,
    /// The beginning of the supplier's name
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "Tee"))]
    pub supplier: String,
    /// First day
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-01"))]
    pub from: String,
    /// Last day
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-30"))]
    pub to: String,
    /// A field to sort by, with `-` before it when descending
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, pattern = "^-?created_at$", example = "-created_at"))]
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
