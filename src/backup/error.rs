//! The errors of copying and restoring, with messages for the person who runs the command.

use diesel::result::Error as DieselError;

/// Why a copy or a restore was abandoned. No data was changed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{0}")]
    Refused(String),
    #[error("database error: {0}")]
    Database(#[from] DieselError),
}

impl From<String> for CopyError {
    fn from(words: String) -> Self {
        Self::Refused(words)
    }
}

impl From<CopyError> for String {
    fn from(trouble: CopyError) -> Self {
        trouble.to_string()
    }
}
