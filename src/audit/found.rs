//! The result of a search in the operation log.

use super::Operation;
use crate::{moment::Moment, page::Page};
use serde::{Deserialize, Serialize};

/// A page of the log, and how far the search got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    pub page: Page<Operation>,
    /// Set if the search stopped at this time before the page was full; the next page continues from there.
    pub looked_to: Option<Moment>,
}
