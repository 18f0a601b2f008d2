//! The status of an order.

use crate::codes::codes;

codes! {
    /// The status of an order.
    pub enum Status labelled by status {
        /// Paid and waiting to be issued; its pieces are reserved.
        PaidNotIssued = "paid_not_issued" => paid_not_issued,
        /// Issued to the customer.
        PaidIssued = "paid_issued" => paid_issued,
        /// Denied (cancelled); its pieces are available again.
        PaidDenied = "paid_denied" => paid_denied,
    }
}
