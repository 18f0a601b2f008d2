//! Files that come in: shown first, row by row, and written only when confirmed; all of it or nothing.

pub mod page;

#[cfg(feature = "ssr")]
pub mod plan;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod upload;

use crate::{
    auth::Permission, codes::codes, error::FieldError, log::Change, moment::Moment,
    ui::banner::Counts,
};
use serde::{Deserialize, Serialize};

codes! {
    /// What a file has.
    pub enum Kind {
        Products = "products",
        Supplies = "supplies",
    }
}

impl Kind {
    /// What one needs to bring such a file.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Products => Permission::EditProducts,
            Self::Supplies => Permission::Supplies,
        }
    }
}

codes! {
    /// What a row of a file would do.
    pub enum RowState {
        Wrong = "wrong",
        New = "new",
        Changed = "changed",
        /// On record as it stands in the file.
        Same = "same",
    }
}

/// What became of a file that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sent {
    /// It waits to be confirmed.
    Waits(Preview),
    /// It was confirmed and did this.
    Done(Counts),
}

/// An import of the same content, not long ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    pub at: Moment,
    /// Who confirmed it; `None`: the system.
    pub user_id: Option<String>,
}

/// What a file would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Names the file that was sent.
    pub upload: String,
    pub file_name: String,
    /// Stands for exactly this plan: what is confirmed is what was shown.
    pub digest: String,
    /// The last import of the same content within a day: it is asked whether the file is meant again.
    pub earlier: Option<Earlier>,
    pub new: usize,
    pub changed: usize,
    pub same: usize,
    pub wrong: usize,
    /// The first rows, wrong ones before all others.
    pub rows: Vec<PreviewRow>,
}

/// What a row of the file would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// Its line in the file.
    pub line: u64,
    pub state: RowState,
    /// The product that it speaks of.
    pub title: String,
    pub changes: Vec<Change>,
    /// Wrong cells, by their column.
    pub problems: Vec<FieldError>,
}
