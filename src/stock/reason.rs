//! Why pieces came back or were written off.

use crate::codes::codes;

codes! {
    /// Why a customer brings pieces back.
    pub enum ReturnReason labelled by return_reason {
        Unsuitable = "unsuitable" => unsuitable,
        Defective = "defective" => defective,
        /// The shop made a mistake.
        Mistake = "mistake" => mistake,
        Other = "other" => other,
    }
}

codes! {
    /// Why pieces were written off.
    pub enum WriteOffReason labelled by write_off_reason {
        Damage = "damage" => damage,
        Expiry = "expiry" => expiry,
        Loss = "loss" => loss,
        OwnUse = "own_use" => own_use,
        Gift = "gift" => gift,
        /// A customer brought the pieces back, and they are not fit for sale. Only a return writes off with this
        /// reason.
        Return = "return" => return_,
    }
}

impl WriteOffReason {
    /// The reasons that a user can give.
    pub const OFFERED: [Self; 5] = [
        Self::Damage,
        Self::Expiry,
        Self::Loss,
        Self::OwnUse,
        Self::Gift,
    ];
}
