//! The commands, one file for each kind, and what they share.

pub mod books;
pub mod copies;
pub mod customer;
pub mod user;

use sirius::{
    config::Config, db::Db, error::Error, i18n::Locale, live::hub::Hub,
    notifications::outbox::Outbox, transaction::AppState,
};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Migrates the database in the settings and opens its shop.
pub fn open(config: &Arc<Config>) -> Result<AppState, String> {
    sirius::migrate::migrate(&config.database_url)?;
    let db =
        Db::connect(&config.database_url, config.database_connections).map_err(error_message)?;
    Ok(AppState {
        db,
        config: config.clone(),
        listener: &Outbox,
        live: Hub::new(),
    })
}

/// Returns the message of an error, with a line for each wrong field.
pub fn error_message(error: Error) -> String {
    match &error {
        Error::Invalid(fields) => {
            let named = fields
                .iter()
                .map(|wrong| format!("{}: {}", wrong.field, wrong.problem.message(Locale::en)));
            named.collect::<Vec<_>>().join("\n")
        }
        error => error.message(Locale::en),
    }
}

/// Prints a line to standard output.
pub fn say(line: &str) -> Result<(), String> {
    writeln!(io::stdout(), "{line}").map_err(|error| error.to_string())
}
