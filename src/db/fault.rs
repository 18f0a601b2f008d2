//! What a failed statement means for whoever waits: to try again, to make room, or that the program has a fault.

use crate::error::Error;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::fmt;

/// The disk of the database has no room. diesel passes no code on, and PostgreSQL speaks the language of its server.
const FULL: [&str; 3] = [
    "database or disk is full",
    "No space left on device",
    "не осталось свободного места",
];

/// PostgreSQL has no text with a zero in it, whoever asks for one.
const UNSPEAKABLE: [&str; 1] = ["0x00"];

/// Others held too long what was asked for, or waited for us while we waited for them.
const LOCKED: [&str; 4] = [
    "lock timeout",
    "тайм-аута блокировки",
    "deadlock detected",
    "взаимоблокировка",
];

/// What is over in a moment, or when somebody has looked after the database.
const PASSING: [&str; 7] = [
    "is locked",
    "disk I/O error",
    "unable to open database file",
    "readonly database",
    "canceling statement",
    // A transaction that did nothing for too long, in English and in Russian.
    "terminating connection",
    "закрытие подключения",
];

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::RollbackErrorOnCommit { commit_error, .. } => (*commit_error).into(),
            DieselError::BrokenTransactionManager => unavailable(&error),
            DieselError::DatabaseError(kind, ref info) => {
                let says =
                    |words: &[&str]| words.iter().any(|words| info.message().contains(words));
                if says(&UNSPEAKABLE) {
                    Self::NotFound
                } else if says(&FULL) {
                    tracing::error!(%error, "no space for the database");
                    Self::NoSpace
                } else if says(&LOCKED) {
                    tracing::warn!(%error, "a lock could not be had");
                    Self::Locked
                } else if is_passing(&kind) || says(&PASSING) {
                    unavailable(&error)
                } else {
                    failed("query", &error)
                }
            }
            _ => failed("query", &error),
        }
    }
}

/// Whether the connection is gone, or others were in the way: the same may go well the next time.
const fn is_passing(kind: &DatabaseErrorKind) -> bool {
    matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction
    )
}

/// Logs the cause of a fault and keeps it from the user.
pub fn failed(what: &str, cause: &dyn fmt::Display) -> Error {
    tracing::error!(%cause, "{what} failed");
    Error::Internal
}

/// Logs that there is more to do than connections for it.
pub fn busy(cause: &dyn fmt::Display) -> Error {
    tracing::warn!(%cause, "no connection is free");
    Error::Busy
}

/// Logs why the database cannot be used at this moment.
pub fn unavailable(cause: &dyn fmt::Display) -> Error {
    tracing::error!(%cause, "the database is unavailable");
    Error::Unavailable
}
