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

impl Stage {
    /// Returns how far a shop is that has products, or orders.
    pub const fn of(has_products: bool, has_orders: bool) -> Self {
        match (has_products, has_orders) {
            (_, true) => Self::Selling,
            (true, false) => Self::Stocked,
            (false, false) => Self::Empty,
        }
    }
}

/// Returns how far the shop has been set up, given the orders on a page. Reads at most one row of each table, and
/// nothing if there is an order.
#[cfg(feature = "ssr")]
pub fn stage(tx: &mut Tx<'_>, shown: &[Order]) -> Result<Stage, Error> {
    if !shown.is_empty() {
        return Ok(Stage::Selling);
    }
    let has_products = crate::products::search::has_products(tx)?;
    Ok(Stage::of(has_products, super::search::any(tx)?))
}
