//! The command line of Sirius.

use clap::{Parser, Subcommand};
use sirius::{
    act::{Shop, Tx},
    auth::{Actor, Role, password},
    check, clock,
    config::{Config, LogFormat, Settings},
    db::{self, Db},
    demo,
    error::Error,
    i18n::Locale,
    phone, server,
    users::{Account, Query, service as accounts},
};
use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

/// Stock and orders of a small shop
#[derive(Parser)]
#[command(name = "sirius", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate the database and serve (the default)
    Serve,
    /// Bring the schema of the database up to date
    Migrate,
    /// Fill an empty database with believable goods and orders, always the same
    Demo {
        /// How many orders to make
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        orders: u32,
    },
    /// Manage accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Prove that ledger, counters, orders and roll-ups agree; exit with 1 when they do not
    Check {
        /// Make the roll-ups anew from the orders first
        #[arg(long)]
        repair: bool,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add an account; the password is asked for, or read from standard input
    Add {
        name: String,
        /// admin, manager or user
        #[arg(long, default_value = "user")]
        role: String,
    },
    /// Set a password; it is asked for, or read from standard input
    Password { name: String },
    /// Give an account a role: admin, manager or user
    Role { name: String, role: String },
    /// Let an account in that waits for approval
    Activate { name: String },
    /// Shut an account out, at once
    Block { name: String },
    /// Let a blocked account in again
    Unblock { name: String },
    /// Delete an account for good; the history keeps its name
    Delete { name: String },
    /// List the accounts: name, role, state
    List,
}

fn main() -> ExitCode {
    // A missing .env is no fault; a broken one is.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        return fail(&format!(".env: {error}"));
    }
    let cli = Cli::parse();
    let config = match cli.settings.check() {
        Ok(config) => Arc::new(config),
        Err(wrong) => return fail(&format!("wrong settings:\n  {}", wrong.join("\n  "))),
    };
    start_log(&config);
    clock::set_zone(config.shop_timezone);
    phone::set_region(config.shop_region);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(run(cli.command.unwrap_or(Command::Serve), config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn run(command: Command, config: Arc<Config>) -> Result<(), String> {
    match command {
        Command::Serve => server::serve(config).await,
        Command::Migrate => {
            let ran = db::migrate(&config.database_url)?;
            say(&format!(
                "{}: {} migrations ran",
                config.database_url,
                ran.len()
            ))
        }
        Command::Demo { orders } => {
            let made = demo::fill(&open(&config)?, orders).await?;
            say(&made)
        }
        Command::User(command) => user(command, &open(&config)?).await,
        Command::Check { repair } => run_check(&open(&config)?, repair).await,
    }
}

async fn user(command: UserCommand, shop: &Shop) -> Result<(), String> {
    let act = Actor::System;
    match command {
        UserCommand::Add { name, role } => {
            let role = read_role(&role)?;
            let hash = new_password(shop).await?;
            let account = shop
                .act(act, move |tx| accounts::add(tx, &name, role, &hash))
                .await
                .map_err(words)?;
            say(&format!("{} added as {}", account.username, account.role))
        }
        UserCommand::Password { name } => {
            let hash = new_password(shop).await?;
            shop.act(act, move |tx| {
                accounts::reset_password(tx, &name, &hash, false)
            })
            .await
            .map_err(words)?;
            say("password set; the account is signed out everywhere")
        }
        UserCommand::Role { name, role } => {
            let role = read_role(&role)?;
            let account = shop
                .act(act, move |tx| accounts::change_role(tx, &name, role))
                .await
                .map_err(words)?;
            say(&format!("{} is {}", account.username, account.role))
        }
        UserCommand::Activate { name } => state(shop, name, accounts::activate).await,
        UserCommand::Block { name } => state(shop, name, accounts::block).await,
        UserCommand::Unblock { name } => state(shop, name, accounts::unblock).await,
        UserCommand::Delete { name } => {
            let deleted = name.clone();
            shop.act(act, move |tx| accounts::delete(tx, &name))
                .await
                .map_err(words)?;
            say(&format!("{deleted} deleted"))
        }
        UserCommand::List => list_users(shop).await,
    }
}

async fn state(
    shop: &Shop,
    name: String,
    change: fn(&mut Tx<'_>, &str) -> Result<Account, Error>,
) -> Result<(), String> {
    let account = shop
        .act(Actor::System, move |tx| change(tx, &name))
        .await
        .map_err(words)?;
    say(&format!("{} is {}", account.username, account.state))
}

async fn list_users(shop: &Shop) -> Result<(), String> {
    let mut query = Query::default();
    loop {
        let asked = query.clone();
        let page = shop
            .look(Actor::System, move |tx| accounts::list(tx, &asked))
            .await
            .map_err(words)?;
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

async fn run_check(shop: &Shop, repair: bool) -> Result<(), String> {
    if repair {
        let rows = check::repair(shop).await.map_err(words)?;
        say(&format!("made anew: roll-ups ({rows})"))?;
    }
    let report = shop.db.read(check::check).await.map_err(words)?;
    for (name, rows) in &report.compared {
        say(&format!("compared: {name} ({rows})"))?;
    }
    if report.wrong.is_empty() {
        return say("everything agrees");
    }
    for line in &report.wrong {
        say(line)?;
    }
    Err(format!("{} rows disagree", report.wrong.len()))
}

fn open(config: &Arc<Config>) -> Result<Shop, String> {
    db::migrate(&config.database_url)?;
    let db = Db::connect(&config.database_url, config.database_connections).map_err(words)?;
    Ok(Shop {
        db,
        config: config.clone(),
    })
}

fn read_role(role: &str) -> Result<Role, String> {
    role.parse()
        .map_err(|_| format!("{role:?} is no role: admin, manager or user"))
}

async fn new_password(shop: &Shop) -> Result<String, String> {
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
    password::check(&typed)
        .map_err(|problem| format!("password: {}", problem.words(Locale::en)))?;
    password::hash(typed, shop.config.bcrypt_cost)
        .await
        .map_err(words)
}

/// The words of an error and of each wrong field.
fn words(error: Error) -> String {
    match &error {
        Error::Invalid(fields) => {
            let named = fields
                .iter()
                .map(|wrong| format!("{}: {}", wrong.field, wrong.problem.words(Locale::en)));
            named.collect::<Vec<_>>().join("\n")
        }
        error => error.words(Locale::en),
    }
}

fn say(line: &str) -> Result<(), String> {
    writeln!(io::stdout(), "{line}").map_err(|error| error.to_string())
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "sirius: {message}");
    ExitCode::FAILURE
}

fn start_log(config: &Config) {
    // The session layer has spans of its own, that say nothing.
    let quiet = "info,tower_sessions=warn,tower_sessions_core=warn";
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
