//! Analytics: what was sold, what was earned, what to reorder; the rates that turn euro into roubles.
//!
//! Every figure is exact until it is shown: a cost in roubles is the sum, order by order, of the cost in euro
//! times the rate of the day of issue. It is rounded once, to the kopeck, where it becomes a figure; so rows of
//! a table may differ from their total by a kopeck, and each is right.
//!
//! Pieces without a purchase price are not free: what they brought is a sum of its own, and profit and margin are
//! taken over the rest.

pub mod board;
pub mod chart;
pub mod figures;
pub mod page;
mod periods;
pub mod products;
pub mod rates_page;
pub mod reorder;
mod totals;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod period;
#[cfg(feature = "ssr")]
pub mod rates;
#[cfg(feature = "ssr")]
pub mod rollup;
#[cfg(feature = "ssr")]
pub mod sales;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod sums;

use crate::{codes::codes, moment::Moment};
use chrono::NaiveDate;
use figures::{Figures, Share};
use serde::{Deserialize, Serialize};

codes! {
    /// A range of days that has a name.
    pub enum Preset {
        Today = "today",
        /// Today and the six days before.
        Week = "7days",
        /// From the first of the month until today.
        ThisMonth = "month",
        LastMonth = "last_month",
        /// From the first of January until today.
        Year = "year",
    }
}

codes! {
    /// How long the periods of a report are.
    pub enum By {
        Day = "day",
        /// From Monday.
        Week = "week",
        Month = "month",
    }
}

codes! {
    /// What the table of products is sorted by.
    pub enum Sort {
        Name = "name",
        Orders = "orders",
        Qty = "qty",
        Revenue = "revenue",
        Share = "share",
        Cost = "cost",
        Profit = "profit",
        Margin = "margin",
        AveragePrice = "average",
        Discount = "discount",
        Denied = "denied",
        /// Revenue of the pieces without a purchase price.
        Uncosted = "uncosted",
    }
}

/// What the page shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// A code of [`Preset`]; stands back behind days that are given.
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub preset: String,
    /// First day of issue; the first of the month when it is missing
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-01"))]
    pub from: String,
    /// Last day, inclusive; today when it is missing
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-30"))]
    pub to: String,
    /// Number of a product; all when it is missing
    #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, example = 7))]
    pub product_id: String,
    /// Length of the periods
    #[cfg_attr(feature = "ssr", param(value_type = Option<By>, inline, default = "day", example = "day"))]
    pub by: String,
    /// A code of [`Sort`], with `-` before it when descending; the most revenue first when empty.
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub sort: String,
}

/// What was sold in a range of days, both inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub by: By,
    pub totals: Figures,
    /// Products that were issued or denied in the range.
    pub products: Vec<ProductFigures>,
    /// Every period of the range, the empty ones too.
    pub periods: Vec<PeriodFigures>,
}

/// What was sold of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFigures {
    pub product_id: i64,
    pub product_name: String,
    pub figures: Figures,
    /// Of the revenue of the range.
    pub share: Option<Share>,
}

/// What was sold in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodFigures {
    /// First day of the period; in a range that cuts it, only the days of the range count.
    pub start: NaiveDate,
    pub figures: Figures,
}

/// A rate of the euro, which holds until the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::exchange_rates)
)]
pub struct Rate {
    pub day: NaiveDate,
    #[cfg_attr(feature = "ssr", diesel(deserialize_as = i64))]
    pub rub_per_eur: figures::RubPerEur,
    /// Who entered it.
    pub user_id: Option<String>,
    pub created_at: Moment,
}
