//! What a search of the log found.

use super::Operation;
use crate::{moment::Moment, page::Page};
use serde::{Deserialize, Serialize};

/// A page of the log, and how far it looked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    pub page: Page<Operation>,
    /// It stopped here before the page was full; the next page looks on.
    pub looked_to: Option<Moment>,
}
