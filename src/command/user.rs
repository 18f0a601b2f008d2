//! `sirius user`: manages accounts without a browser. The operation log records these changes as made by the system.

use super::{error_message, say};
use clap::Subcommand;
use sirius::{
    auth::{
        Actor, Role, new_password, password,
        users::{Account, Query, service as accounts},
    },
    error::Error,
    i18n::Locale,
    transaction::{AppState, Tx},
};
use std::io::{self, BufRead, IsTerminal};

#[derive(Subcommand)]
pub enum Command {
    /// Add an account; the password is prompted for, or read from standard input
    Add {
        name: String,
        /// admin, manager or user
        #[arg(long, default_value = "user")]
        role: String,
    },
    /// Set a password; it is prompted for, or read from standard input
    Password { name: String },
    /// Remove the second factor of an account whose owner has lost it
    #[command(name = "reset-2fa")]
    ResetSecondFactor { name: String },
    /// Change the role of an account: admin, manager or user
    Role { name: String, role: String },
    /// Activate an account that waits for approval
    Activate { name: String },
    /// Block an account at once
    Block { name: String },
    /// Unblock an account
    Unblock { name: String },
    /// Delete an account permanently; the operation log keeps its name
    Delete { name: String },
    /// List the accounts with their roles and states
    List,
}

/// Runs a command on the accounts.
pub async fn run(command: Command, app: &AppState) -> Result<(), String> {
    let act = Actor::System;
    match command {
        Command::Add { name, role } => {
            let role = read_role(&role)?;
            let hash = new_password(app, &name).await?;
            let account = app
                .write(act, move |tx| accounts::add(tx, &name, role, &hash))
                .await
                .map_err(error_message)?;
            say(&format!("{} added as {}", account.username, account.role))
        }
        Command::Password { name } => {
            let hash = new_password(app, &name).await?;
            app.write(act, move |tx| {
                accounts::reset_password(tx, &name, &hash, false)
            })
            .await
            .map_err(error_message)?;
            say("set the password and ended all sessions of the account")
        }
        Command::ResetSecondFactor { name } => {
            let account = app
                .write(act, move |tx| accounts::reset_second_factor(tx, &name))
                .await
                .map_err(error_message)?;
            say(&format!(
                "{} has no second factor and can set up a new one",
                account.username
            ))
        }
        Command::Role { name, role } => {
            let role = read_role(&role)?;
            let account = app
                .write(act, move |tx| accounts::change_role(tx, &name, role))
                .await
                .map_err(error_message)?;
            say(&format!("{} is {}", account.username, account.role))
        }
        Command::Activate { name } => state(app, name, accounts::activate).await,
        Command::Block { name } => state(app, name, accounts::block).await,
        Command::Unblock { name } => state(app, name, accounts::unblock).await,
        Command::Delete { name } => {
            let deleted = name.clone();
            app.write(act, move |tx| accounts::delete(tx, &name))
                .await
                .map_err(error_message)?;
            say(&format!("{deleted} deleted"))
        }
        Command::List => list_users(app).await,
    }
}

async fn state(
    app: &AppState,
    name: String,
    change: fn(&mut Tx<'_>, &str) -> Result<Account, Error>,
) -> Result<(), String> {
    let account = app
        .write(Actor::System, move |tx| change(tx, &name))
        .await
        .map_err(error_message)?;
    say(&format!("{} is {}", account.username, account.state))
}

async fn list_users(app: &AppState) -> Result<(), String> {
    let mut query = Query::default();
    loop {
        let asked = query.clone();
        let page = app
            .read(Actor::System, move |tx| accounts::list(tx, &asked))
            .await
            .map_err(error_message)?;
        for account in page.items {
            say(&format!(
                "{}\t{}\t{}",
                account.username, account.role, account.state
            ))?;
        }
        match page.after {
            Some(after) => query.after = after,
            None => return Ok(()),
        }
    }
}

fn read_role(role: &str) -> Result<Role, String> {
    role.parse()
        .map_err(|_| format!("{role:?} is not a role; use admin, manager or user"))
}

async fn new_password(app: &AppState, username: &str) -> Result<String, String> {
    let typed = if io::stdin().is_terminal() {
        rpassword::prompt_password("New password: ").map_err(|error| error.to_string())?
    } else {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    new_password::check(&typed, username)
        .map_err(|problem| format!("password: {}", problem.message(Locale::en)))?;
    password::hash(typed, app.config.bcrypt_cost, password::HashPriority::OWN)
        .await
        .map_err(error_message)
}
