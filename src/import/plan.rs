//! The plan of an import: the effect of each row, for any kind of data.

use super::RowState;
use crate::{
    audit::Change,
    error::{Error, FieldError},
    sheet::read::Row,
};
use std::collections::{HashMap, HashSet};

/// The plan of a whole file.
pub struct Plan<A> {
    pub rows: Vec<Planned<A>>,
    pub basis: Basis,
}

/// The products that a file names, as they were when its plan was made. The plan holds as long as they stay the same.
pub struct Basis {
    /// By folded name: the id and version of the product, or `None` if there is none of this name.
    products: HashMap<String, Option<(i64, i64)>>,
}

impl Basis {
    /// Notes the id and version of each product that a file names, by its folded name.
    pub fn new(names: HashSet<String>, version: impl Fn(&String) -> Option<(i64, i64)>) -> Self {
        let noted = |name: String| {
            let version = version(&name);
            (name, version)
        };
        Self {
            products: names.into_iter().map(noted).collect(),
        }
    }

    /// Returns the folded names in the file.
    pub fn names(&self) -> Vec<String> {
        self.products.keys().cloned().collect()
    }

    /// Returns whether all products still have these ids and versions.
    pub fn holds(&self, present: &HashMap<String, (i64, i64)>) -> bool {
        self.products
            .iter()
            .all(|(name, noted)| present.get(name) == noted.as_ref())
    }
}

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
