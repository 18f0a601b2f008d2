//! How far a new shop has been set up, so that an empty list can suggest the next step.

#[cfg(feature = "ssr")]
use crate::{error::Error, orders::Order, transaction::Tx};
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

/// Returns how far the shop has been set up, given the orders on a page. Reads at most one row of each table, and
/// nothing if there is an order.
#[cfg(feature = "ssr")]
pub fn stage(tx: &mut Tx<'_>, shown: &[Order]) -> Result<Stage, Error> {
    if !shown.is_empty() {
        return Ok(Stage::Selling);
    }
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
