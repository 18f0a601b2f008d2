//! What can go wrong with a copy, in words for whoever runs the command.

use diesel::result::Error as DieselError;

/// Why a copy or a restore was given up. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Refused(String),
    #[error("the database said: {0}")]
    Database(#[from] DieselError),
}

impl From<String> for Trouble {
    fn from(words: String) -> Self {
        Self::Refused(words)
    }
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> Self {
        trouble.to_string()
    }
}
