//! The commands `sirius backup`, `sirius restore` and `sirius copy`.

use super::{books, open, say};
use sirius::{backup, config::Config, db::DatabaseUrl};
use std::{fs, path::Path, sync::Arc};

/// Backs up the database to a file.
pub fn backup(config: &Config, file: &Path, force: bool) -> Result<(), String> {
    backup::backup(&config.database_url, file, force)?;
    let bytes = fs::metadata(file).map_or(0, |file| file.len());
    say(&format!(
        "backed up {} to {} ({bytes} bytes)",
        config.database_url,
        file.display()
    ))
}

/// Restores a backup, then runs `sirius check` on it.
pub async fn restore(config: &Arc<Config>, file: &Path) -> Result<(), String> {
    backup::restore(&config.database_url, file)?;
    books::check(&open(config)?, false).await?;
    say(&format!(
        "restored {} into {}",
        file.display(),
        config.database_url
    ))
}

/// Copies the database into another one, then runs `sirius check` on the copy.
pub async fn copy(config: &Config, to: &DatabaseUrl) -> Result<(), String> {
    for copied in backup::copy(&config.database_url, to)? {
        say(&format!(
            "copied and compared: {} ({} rows)",
            copied.table, copied.rows
        ))?;
    }
    let copy = Arc::new(Config {
        database_url: to.clone(),
        ..config.clone()
    });
    books::check(&open(&copy)?, false).await
}
