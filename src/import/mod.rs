//! CSV import: a file is first shown row by row, and written only after confirmation, as a whole or not at all.

pub mod page;

#[cfg(feature = "ssr")]
pub mod plan;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod upload;
#[cfg(feature = "ssr")]
pub mod waiting;

use crate::{
    audit::Change, auth::Permission, codes::codes, error::FieldError, moment::Moment,
    ui::banner::Counts,
};
use serde::{Deserialize, Serialize};

codes! {
    /// The kind of data in a file.
    pub enum Kind {
        Products = "products",
        Supplies = "supplies",
    }
}

impl Kind {
    /// Returns the permission that an import of this kind needs.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Products => Permission::EditProducts,
            Self::Supplies => Permission::Supplies,
        }
    }
}

codes! {
    /// The effect of a row of a file.
    pub enum RowState {
        Wrong = "wrong",
        New = "new",
        Changed = "changed",
        /// Already recorded with the same values.
        Same = "same",
    }
}

/// The state of an uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UploadState {
    /// Not confirmed yet.
    Waits(Preview),
    /// Confirmed and imported, with the number of rows by effect.
    Done(Counts),
}

/// A recent import of the same content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousImport {
    pub at: Moment,
    /// The user who confirmed it; `None` for the system.
    pub user_id: Option<String>,
}

/// The preview of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Id of the uploaded file.
    pub upload: String,
    pub file_name: String,
    /// Hash of the planned changes, sent with the confirmation so that exactly what was shown is imported.
    pub digest: String,
    /// The last import of the same content within 24 hours: the user is asked whether to import it again.
    pub earlier: Option<PreviousImport>,
    pub new: usize,
    pub changed: usize,
    pub same: usize,
    pub wrong: usize,
    /// The first rows, invalid ones before all others.
    pub rows: Vec<PreviewRow>,
}

/// A row of the preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// Line number in the file.
    pub line: u64,
    pub state: RowState,
    /// Name of the product.
    pub title: String,
    pub changes: Vec<Change>,
    /// Invalid cells, by column.
    pub problems: Vec<FieldError>,
}
