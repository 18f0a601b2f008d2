//! One server at a time on a SQLite file: the queue of messages and the bot take that for granted.

use super::{migrations, url::DatabaseUrl};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
};

/// Keeps other servers from a SQLite file until the lock is dropped, or the process ends, however it does. Commands
/// go on beside it. Several servers may share a PostgreSQL database.
pub fn serve_alone(url: &DatabaseUrl) -> Result<Option<File>, String> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Ok(None);
    };
    // The file itself is not locked: to close it once more would end SQLite's own locks. One file has one lock,
    // whatever link leads to it.
    let mut lock = path.canonicalize().unwrap_or_else(|_| path.clone());
    lock.as_mut_os_string().push(".lock");
    let opened = migrations::make_folder(migrations::folder_of(path)).and_then(|()| {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&lock)
    });
    let file = opened.map_err(|error| format!("cannot use {}: {error}", lock.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(format!(
            "{} is served already, by a process that holds {}: end that one first. \
             Several servers share a PostgreSQL database, never a SQLite file",
            path.display(),
            lock.display()
        )),
        Err(TryLockError::Error(error)) => Err(format!("cannot lock {}: {error}", lock.display())),
    }
}
