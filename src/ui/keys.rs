//! The choice whether single keys act on the page (`shortcuts.rs`).

use crate::codes::codes;

codes! {
    /// Whether single keys act. Speech input and shaky hands may press them by accident.
    #[derive(Default)]
    pub enum Keys labelled by keys {
        #[default]
        On = "on" => on,
        Off = "off" => off,
    }
}

/// The cookie that stores the choice.
pub const COOKIE: &str = "keys";

impl Keys {
    /// Returns the value of `data-keys` on the document, where the stylesheet hides the keys from buttons.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::On => None,
            Self::Off => Some(self.code()),
        }
    }
}
