//! CSV files as spreadsheets open and save them. The module is not named `csv`, to avoid confusion with the crate.

pub mod cells;
pub mod download;
pub mod read;

use serde::Deserialize;

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For Excel in Russia: byte order mark, `;`, decimal comma, the shop's local time, readable column names.
    #[default]
    Excel,
    /// For programs: `,`, decimal point, ISO 8601 in UTC, field codes as column names.
    Plain,
}
