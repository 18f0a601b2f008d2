//! How far a new shop has been set up, so that an empty list can suggest the next step.

#[cfg(feature = "ssr")]
use crate::{error::Error, transaction::Tx};
use serde::{Deserialize, Serialize};

/// How far a shop has been set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The shop has no products.
    Empty,
    /// The shop has products but no orders.
    Stocked,
    Selling,
}

/// Returns how far the shop has been set up. Reads at most one row of each table.
#[cfg(feature = "ssr")]
pub fn stage(tx: &mut Tx<'_>) -> Result<Stage, Error> {
    Ok(
        match (
            crate::products::search::has_products(tx)?,
            super::search::any(tx)?,
        ) {
            (_, true) => Stage::Selling,
            (true, false) => Stage::Stocked,
            (false, false) => Stage::Empty,
        },
    )
}
