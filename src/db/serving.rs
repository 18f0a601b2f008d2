//! Allows one server at a time on a SQLite file, because the notification queue and the bot rely on it.

use super::{migrations, url::DatabaseUrl};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
};

/// Keeps other servers away from a SQLite file until the lock is dropped or the process ends in any way. Commands still
/// work alongside. Several servers may share a PostgreSQL database.
pub fn lock_for_server(url: &DatabaseUrl) -> Result<Option<File>, String> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Ok(None);
    };
    // The database file itself is not locked, because closing another handle of it would release SQLite's own locks.
    // The path is canonical, so that all links to a file share one lock.
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
            "another server already uses {} and holds {}: stop it first. \
             Several servers can share a PostgreSQL database, but not a SQLite file",
            path.display(),
            lock.display()
        )),
        Err(TryLockError::Error(error)) => Err(format!("cannot lock {}: {error}", lock.display())),
    }
}
