//! The plan of an import: the effect of each row, for any kind of data.

use super::RowState;
use crate::{
    audit::Change,
    error::{Error, FieldError},
    sheet::read::Row,
};

/// A row of a file and its effect.
pub struct Planned<A> {
    pub line: u64,
    pub title: String,
    pub changes: Vec<Change>,
    pub outcome: Outcome<A>,
}

/// The effect of a row. A row that is wrong or already recorded changes nothing.
pub enum Outcome<A> {
    New(A),
    Changed(A),
    Same,
    Wrong(Vec<FieldError>),
}

impl<A> Planned<A> {
    /// Returns the effect of the row without its data.
    pub fn state(&self) -> RowState {
        match self.outcome {
            Outcome::New(_) => RowState::New,
            Outcome::Changed(_) => RowState::Changed,
            Outcome::Same => RowState::Same,
            Outcome::Wrong(_) => RowState::Wrong,
        }
    }

    /// Returns the invalid cells of the row.
    pub fn problems(&self) -> &[FieldError] {
        match &self.outcome {
            Outcome::Wrong(problems) => problems,
            Outcome::New(_) | Outcome::Changed(_) | Outcome::Same => &[],
        }
    }
}

/// Returns the invalid cells from a validation error, and passes on any other error.
pub fn problems(error: Error) -> Result<Vec<FieldError>, Error> {
    match error {
        Error::Invalid(problems) => Ok(problems),
        error => Err(error),
    }
}

/// Returns the plan for a row that cannot be read, or `None` if it can.
pub fn unreadable<A>(row: &Row, title: &str) -> Option<Planned<A>> {
    row.problem.as_ref().map(|problem| Planned {
        line: row.line,
        title: title.to_owned(),
        changes: Vec::new(),
        outcome: Outcome::Wrong(vec![problem.clone()]),
    })
}
