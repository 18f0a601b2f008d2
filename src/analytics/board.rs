//! The data of the analytics page.

use super::{Rate, Summary, figures::Figures, reorder::Reorder};
use crate::preset::Preset;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Everything that the analytics page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnalyticsData {
    /// The selected preset; `None` for a custom range.
    pub preset: Option<Preset>,
    pub summary: Summary,
    pub before: Compared,
    /// Number and name of the product that the report is limited to.
    pub product: Option<(i64, String)>,
    /// The newest exchange rate.
    pub rate: Option<Rate>,
    /// Whether that rate is more than a week old.
    pub is_rate_old: bool,
    pub reorder: Vec<Reorder>,
    /// Whether the shop has any products.
    pub has_products: bool,
}

/// The earlier range that the summary is compared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compared {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub totals: Figures,
}
