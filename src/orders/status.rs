//! Where an order stands.

use crate::{codes::codes, i18n::Locale};
use leptos_i18n::td_string;

codes! {
    /// Where an order stands.
    pub enum Status {
        /// Paid; its pieces are reserved.
        PaidNotIssued = "paid_not_issued",
        /// Handed out.
        PaidIssued = "paid_issued",
        /// Cancelled; its pieces may be sold again.
        PaidDenied = "paid_denied",
    }
}

impl Status {
    /// Its name for people.
    pub fn label(self, l: Locale) -> &'static str {
        match self {
            Self::PaidNotIssued => td_string!(l, status.paid_not_issued),
            Self::PaidIssued => td_string!(l, status.paid_issued),
            Self::PaidDenied => td_string!(l, status.paid_denied),
        }
    }
}
