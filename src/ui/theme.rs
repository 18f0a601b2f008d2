//! The colours of the pages: light, dark, or as the system of the user has them.

use crate::codes::codes;

codes! {
    /// A choice of colours. Its code is the name of the theme in the stylesheet.
    #[derive(Default)]
    pub enum Theme labelled by theme {
        /// As the system has them.
        #[default]
        System = "system" => system,
        Light = "sirius" => light,
        Dark = "sirius-night" => dark,
    }
}

/// The cookie that stores the choice.
pub const COOKIE: &str = "theme";

impl Theme {
    /// Returns the value of `data-theme` on the document; the stylesheet follows the system without it.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.code()),
        }
    }
}
