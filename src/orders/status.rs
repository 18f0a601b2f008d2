//! Where an order stands.

use crate::codes::codes;

codes! {
    /// Where an order stands.
    pub enum Status labelled by status {
        /// Paid; its pieces are reserved.
        PaidNotIssued = "paid_not_issued" => paid_not_issued,
        /// Handed out.
        PaidIssued = "paid_issued" => paid_issued,
        /// Cancelled; its pieces may be sold again.
        PaidDenied = "paid_denied" => paid_denied,
    }
}
