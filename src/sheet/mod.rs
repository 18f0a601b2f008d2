//! CSV as spreadsheets open and save it. `crate::sheet`, so that nobody takes it for the crate `csv`.

pub mod cells;
pub mod download;
pub mod read;

use serde::Deserialize;

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For a Russian Excel: BOM, `;`, decimal comma, the shop's time, heads in words.
    #[default]
    Excel,
    /// For programs: `,`, decimal point, ISO 8601 in UTC, heads in codes.
    Plain,
}
