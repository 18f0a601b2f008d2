//! Classifies failed statements: a retry may help, the disk is full, or the program has a fault.

use crate::{error::Error, log_limit::LogLimit};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::fmt;

/// The disk of the database is full. Messages are compared because diesel does not pass on error codes; PostgreSQL
/// writes them in the language of its server.
const DISK_FULL: [&str; 3] = [
    "database or disk is full",
    "No space left on device",
    "не осталось свободного места",
];

/// The value has a NUL character. PostgreSQL cannot store such a text, so no row can match it.
const NUL_CHARACTER: [&str; 1] = ["0x00"];

/// The wait for a lock timed out, or there was a deadlock.
const LOCKED: [&str; 4] = [
    "lock timeout",
    "тайм-аута блокировки",
    "deadlock detected",
    "взаимоблокировка",
];

/// The problem passes in a moment, or when an administrator repairs the database.
const TRANSIENT: [&str; 7] = [
    "is locked",
    "disk I/O error",
    "unable to open database file",
    "readonly database",
    "canceling statement",
    // A transaction was idle for too long; in English and in Russian.
    "terminating connection",
    "закрытие подключения",
];

/// Clients can cause these at will, by sending many requests at once.
static LOCKS: LogLimit = LogLimit::new();
static WAITS: LogLimit = LogLimit::new();

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::RollbackErrorOnCommit { commit_error, .. } => (*commit_error).into(),
            DieselError::BrokenTransactionManager => unavailable(&error),
            DieselError::DatabaseError(kind, ref info) => {
                let says =
                    |words: &[&str]| words.iter().any(|words| info.message().contains(words));
                if says(&NUL_CHARACTER) {
                    Self::NotFound
                } else if says(&DISK_FULL) {
                    tracing::error!(%error, "the disk of the database is full");
                    Self::NoSpace
                } else if says(&LOCKED) {
                    if LOCKS.allows_one() {
                        tracing::warn!(%error, "could not get a lock");
                    }
                    Self::Locked
                } else if is_transient(&kind) || says(&TRANSIENT) {
                    unavailable(&error)
                } else {
                    failed("query", &error)
                }
            }
            _ => failed("query", &error),
        }
    }
}

/// Returns whether the connection was lost or another transaction interfered, so that a retry may succeed.
const fn is_transient(kind: &DatabaseErrorKind) -> bool {
    matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction
    )
}

/// Logs the cause of a fault and hides it from the user.
pub fn failed(what: &str, cause: &dyn fmt::Display) -> Error {
    tracing::error!(%cause, "{what} failed");
    Error::Internal
}

/// Logs that no connection became free in time.
pub fn busy(cause: &dyn fmt::Display) -> Error {
    if WAITS.allows_one() {
        tracing::warn!(%cause, "no database connection is free");
    }
    Error::Busy
}

/// Logs why the database cannot be used at the moment.
pub fn unavailable(cause: &dyn fmt::Display) -> Error {
    tracing::error!(%cause, "the database is unavailable");
    Error::Unavailable
}
