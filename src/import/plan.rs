//! What the rows of a file would do, whatever they are about.

use super::RowState;
use crate::{
    error::{Error, FieldError},
    log::Change,
    sheet::read::Row,
};

/// A row of a file, and what it would do: nothing, when it is wrong or the same.
pub struct Planned<A> {
    pub line: u64,
    pub title: String,
    pub changes: Vec<Change>,
    pub outcome: Outcome<A>,
}

/// What a row comes to.
pub enum Outcome<A> {
    New(A),
    Changed(A),
    Same,
    Wrong(Vec<FieldError>),
}

impl<A> Planned<A> {
    /// What becomes of the row.
    pub fn state(&self) -> RowState {
        match self.outcome {
            Outcome::New(_) => RowState::New,
            Outcome::Changed(_) => RowState::Changed,
            Outcome::Same => RowState::Same,
            Outcome::Wrong(_) => RowState::Wrong,
        }
    }

    /// Its wrong cells.
    pub fn problems(&self) -> &[FieldError] {
        match &self.outcome {
            Outcome::Wrong(problems) => problems,
            Outcome::New(_) | Outcome::Changed(_) | Outcome::Same => &[],
        }
    }
}

/// The wrong cells of a row, as a check tells them.
pub fn problems(error: Error) -> Result<Vec<FieldError>, Error> {
    match error {
        Error::Invalid(problems) => Ok(problems),
        error => Err(error),
    }
}

/// What a row does that cannot be read: nothing.
pub fn unreadable<A>(row: &Row, title: &str) -> Option<Planned<A>> {
    row.problem.as_ref().map(|problem| Planned {
        line: row.line,
        title: title.to_owned(),
        changes: Vec::new(),
        outcome: Outcome::Wrong(vec![problem.clone()]),
    })
}
