//! What the page of analytics shows.

use super::{Preset, Rate, Summary, figures::Figures, reorder::Reorder};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Everything that the page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Board {
    /// The preset that is shown, when it is one.
    pub preset: Option<Preset>,
    pub summary: Summary,
    pub before: Compared,
    /// Products beyond those that the summary has.
    pub more_products: usize,
    /// The one product that is shown, when it is one.
    pub product: Option<(i64, String)>,
    /// The newest rate.
    pub rate: Option<Rate>,
    /// Whether it is older than a week.
    pub is_rate_old: bool,
    pub reorder: Vec<Reorder>,
    /// Whether the shop has any product.
    pub has_products: bool,
}

/// The range that the summary is compared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compared {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub totals: Figures,
}
