//! How far a shop has come: an empty list says what to do next.

#[cfg(feature = "ssr")]
use crate::{act::Tx, error::Error};
use serde::{Deserialize, Serialize};

/// How far a shop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It has no product.
    Empty,
    /// It has products and has sold nothing.
    Stocked,
    Selling,
}

/// How far the shop has come. Reads one row of each table at most.
#[cfg(feature = "ssr")]
pub fn stage(tx: &mut Tx<'_>) -> Result<Stage, Error> {
    Ok(
        match (crate::products::search::any(tx)?, super::search::any(tx)?) {
            (_, true) => Stage::Selling,
            (true, false) => Stage::Stocked,
            (false, false) => Stage::Empty,
        },
    )
}
