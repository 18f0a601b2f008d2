//! `sirius customer`: erases a customer without a browser. The operation log records this as done by the system.

use super::{error_message, say};
use clap::Subcommand;
use sirius::{
    auth::Actor,
    customers::{erased_name, service},
    fields::Fields,
    transaction::AppState,
    validation::Input,
};
use std::io::{self, BufRead, IsTerminal, Write};

#[derive(Subcommand)]
pub enum Command {
    /// Erase the number and the name of a customer everywhere; the last four digits are prompted for, or read from
    /// standard input
    Erase {
        phone: String,
        /// Why the customer is erased; it stays on record and must not name them
        #[arg(long)]
        reason: String,
    },
}

/// Runs a command on the customers.
pub async fn run(command: Command, app: &AppState) -> Result<(), String> {
    match command {
        Command::Erase { phone, reason } => erase(app, phone, reason).await,
    }
}

async fn erase(app: &AppState, phone: String, reason: String) -> Result<(), String> {
    let fields = [
        ("phone", phone),
        ("last_digits", last_digits()?),
        ("reason", reason),
    ];
    let fields = fields.map(|(name, text)| (name.to_owned(), text));
    let input = Input::new(Fields(fields.into_iter().collect()));
    let erasure = app
        .write(Actor::System, move |tx| {
            let request = input.request(&tx.actor)?;
            service::erase(tx, &request)
        })
        .await
        .map_err(error_message)?;
    say(&format!(
        "{}: {} orders, {} log entries, {} notifications, {} uploads, {} notes",
        erased_name(erasure.id),
        erasure.orders,
        erasure.log_entries,
        erasure.notifications,
        erasure.uploads,
        erasure.notes
    ))
}

fn last_digits() -> Result<String, String> {
    if io::stdin().is_terminal() {
        write!(
            io::stderr(),
            "This cannot be undone. Last four digits of the number: "
        )
        .map_err(|error| error.to_string())?;
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    Ok(line.trim().to_owned())
}
