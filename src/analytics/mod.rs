//! Analytics: reports on sales and profit, the list of products to reorder, and exchange rates from euros to roubles.
//!
//! Figures are exact until they are displayed. A cost in roubles is the sum over all orders of the cost in euros times
//! the rate on the day of issue. It is rounded to the kopeck only once, when it becomes a figure. The sum of the rows
//! of a table may therefore differ from the total by a kopeck.
//!
//! Pieces without a purchase price are not treated as free: their revenue is summed separately, and profit and margin
//! are computed from the other pieces.

pub mod board;
pub mod chart;
pub mod figures;
pub mod page;
mod periods;
pub mod products;
mod range;
pub mod rates_page;
pub mod reorder;
mod totals;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod entries;
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

use crate::{
    codes::codes,
    moment::Moment,
    page::{UrlQuery, list_query},
};
use chrono::NaiveDate;
use figures::{Figures, Share};
use serde::{Deserialize, Serialize};

codes! {
    /// The length of the periods in a report.
    pub enum By {
        Day = "day",
        /// Starts on Monday.
        Week = "week",
        Month = "month",
    }
}

codes! {
    /// The column by which the sales by product are sorted.
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
        /// Revenue from pieces without a purchase price.
        Uncosted = "uncosted",
        /// What customers got back.
        Returned = "returned",
        /// Cost of the pieces written off.
        WrittenOff = "written_off",
    }
}

/// The parameters of a report, as typed in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// A code of [`crate::preset::Preset`]; ignored when `from` or `to` is given.
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub preset: String,
    /// First day of the range; defaults to the first day of the month that contains `to`
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-01"))]
    pub from: String,
    /// Last day of the range, inclusive; defaults to today, or to `from` if that is later
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-30"))]
    pub to: String,
    /// Number of a product; all products if omitted
    #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, example = 7))]
    pub product_id: String,
    /// Length of the periods in the report
    #[cfg_attr(feature = "ssr", param(value_type = Option<By>, inline, default = "day", example = "day"))]
    pub by: String,
}

impl UrlQuery for Query {
    fn read(text: &dyn Fn(&str) -> String) -> Self {
        Self {
            preset: text("preset"),
            from: text("from"),
            to: text("to"),
            product_id: text("product_id"),
            by: text("by"),
        }
    }
}

list_query! {
    /// The parameters of the sales by product, as typed in the URL.
    pub struct ProductQuery {
        /// A named range of days; ignored when `from` or `to` is given
        preset: Preset { ignore },
        /// First day of the range; defaults to the first day of the month that contains `to`
        from: String { format = Date, example = "2026-11-01" },
        /// Last day of the range, inclusive; defaults to today, or to `from` if that is later
        to: String { format = Date, example = "2026-11-30" },
        /// Field to sort by; a leading `-` sorts in descending order
        sort: String {
            pattern = "^-?(name|orders|qty|revenue|share|cost|profit|margin|average|discount|denied|uncosted\
                |returned|written_off)$",
            example = "-revenue"
        },
    }
}

/// The sales in a range of days, both ends inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub by: By,
    pub totals: Figures,
    /// Every period of the range, including those without sales.
    pub periods: Vec<PeriodFigures>,
}

/// The sales of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFigures {
    pub product_id: i64,
    pub product_name: String,
    pub figures: Figures,
    /// The product's share of the revenue of the range.
    pub share: Option<Share>,
}

/// The sales in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodFigures {
    /// First day of the period. It may lie before the range, but only days within the range are counted.
    pub start: NaiveDate,
    pub figures: Figures,
}

/// A euro exchange rate, valid from its day until the next rate.
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
    /// The user who entered the rate.
    pub user_id: Option<String>,
    pub created_at: Moment,
}
