//! A list, a page at a time.

use crate::error::FieldError;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor of the page before; `None` on the first.
    pub before: Option<String>,
    /// Cursor of the page after; `None` on the last.
    pub after: Option<String>,
}

/// What a list found by its filters; those that could not be taken were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found<T> {
    pub found: T,
    /// The filters that were left out, and why.
    pub wrong: Vec<FieldError>,
}
