//! The stock of a product: its counters, the operations that move them, and the ledger of all movements.

pub mod ledger;
pub mod reason;

#[cfg(feature = "ssr")]
pub mod counters;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    codes::{Code, codes},
    moment::Moment,
};
use serde::{Deserialize, Serialize};

codes! {
    /// Why the stock moved.
    pub enum MovementKind labelled by movement {
        /// Pieces on hand when the product was added.
        Opening = "opening" => opening,
        Supply = "supply" => supply,
        /// A count that found more or fewer pieces than expected.
        Correction = "correction" => correction,
        Reserve = "reserve" => reserve,
        Release = "release" => release,
        Issue = "issue" => issue,
        /// An issued or denied order waits again.
        Reopen = "reopen" => reopen,
        /// A customer brought pieces back.
        Return = "return" => return_,
        WriteOff = "write_off" => write_off,
        /// The quantity or the price of a supply was corrected.
        SupplyEdit = "supply_edit" => supply_edit,
        /// Pieces went back to the supplier.
        SupplyReturn = "supply_return" => supply_return,
        /// A supply, a count or a write-off was taken back.
        Undo = "undo" => undo,
    }
}

/// One row of the ledger, as shown to users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::stock_movements)
)]
pub struct Movement {
    pub id: i64,
    pub kind: Code<MovementKind>,
    /// Change in pieces ever received.
    pub quantity: i64,
    /// Change in pieces issued.
    pub issued: i64,
    /// Change in pieces reserved.
    pub reserved: i64,
    pub on_hand_after: i64,
    pub stock_after: i64,
    pub supply_id: Option<i64>,
    pub order_id: Option<i64>,
    /// The reason, as typed.
    pub note: Option<String>,
    pub user_id: Option<String>,
    pub created_at: Moment,
}

impl Movement {
    /// Returns the change in pieces on hand.
    pub const fn on_hand(&self) -> i64 {
        self.quantity - self.issued
    }

    /// Returns the change in pieces available for sale.
    pub const fn stock(&self) -> i64 {
        self.quantity - self.issued - self.reserved
    }
}
