//! The command line of Sirius.

mod command;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use command::{books, copies, customer, open, say, user};
use sirius::{
    clock,
    config::{Config, LogFormat, Settings, start_warnings},
    db::DatabaseUrl,
    demo, phone, server,
};
use std::{
    io::{self, IsTerminal, Write},
    panic,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// Pages make many small strings, which the allocator of glibc handles slowly and gives back late.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long unfinished work may continue at shutdown. Without this limit, a hanging database would block the exit
/// forever.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

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
    /// Migrate the database and start the server (default)
    Serve,
    /// Bring the database schema up to date
    Migrate,
    /// Fill an empty database with realistic products and orders, the same every time
    Demo {
        /// Number of orders to create
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        orders: u32,
        /// Number of products to create
        #[arg(
            long,
            default_value_t = demo::KINDS,
            value_parser = clap::value_parser!(u16).range(1..=i64::from(demo::MOST))
        )]
        products: u16,
    },
    /// Manage accounts
    #[command(subcommand)]
    User(user::Command),
    /// Erase customers
    #[command(subcommand)]
    Customer(customer::Command),
    /// Check that the ledger, counters, orders and rollups agree; exit with 1 if they do not
    Check {
        /// Rebuild the rollups from the orders first
        #[arg(long)]
        repair: bool,
    },
    /// Back up all data to a file; the server may keep running
    Backup {
        file: PathBuf,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Restore a backup into an empty database, and check it
    Restore { file: PathBuf },
    /// Copy all data into another, empty database (SQLite or PostgreSQL), and compare every row
    Copy {
        /// URL of the other database, in the format of `DATABASE_URL`
        #[arg(long, value_name = "URL")]
        to: DatabaseUrl,
    },
}

fn main() -> ExitCode {
    // A missing .env file is fine; an invalid one is an error. One in a folder above may belong to somebody else.
    if let Err(error) = dotenvy::from_path(".env")
        && !error.not_found()
    {
        return fail(&match error {
            // The parser's own message quotes the line, which may contain a password.
            dotenvy::Error::LineParse(..) => {
                ".env: invalid line; write NAME=value, and put quotes around a value with spaces or special characters"
                    .to_owned()
            }
            error => format!(".env: {error}"),
        });
    }
    let options = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&options).unwrap_or_else(|error| error.exit());
    let config = match cli.settings.check() {
        Ok(config) => Arc::new(config),
        Err(wrong) => return fail(&format!("invalid settings:\n  {}", wrong.join("\n  "))),
    };
    start_log(&config);
    if let Some(warning) = start_warnings::of_options(&options) {
        tracing::warn!("{warning}");
    }
    clock::set_zone(config.shop_timezone);
    phone::set_region(config.shop_region);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let done = runtime.block_on(run(cli.command.unwrap_or(Command::Serve), config));
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn run(command: Command, config: Arc<Config>) -> Result<(), String> {
    match command {
        Command::Serve => server::serve(config).await,
        Command::Migrate => {
            let ran = sirius::migrate::migrate(&config.database_url)?;
            say(&format!(
                "{}: {} migrations ran",
                config.database_url,
                ran.len()
            ))
        }
        Command::Demo { orders, products } => {
            let made = demo::fill(&open(&config)?, orders, products).await?;
            say(&made)
        }
        Command::User(command) => user::run(command, &open(&config)?).await,
        Command::Customer(command) => {
            config.database_url.must_exist()?;
            customer::run(command, &open(&config)?).await
        }
        Command::Check { repair } => {
            config.database_url.must_exist()?;
            books::check(&open(&config)?, repair).await
        }
        Command::Backup { file, force } => copies::backup(&config, &file, force),
        Command::Restore { file } => copies::restore(&config, &file).await,
        Command::Copy { to } => copies::copy(&config, &to).await,
    }
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "sirius: {message}");
    ExitCode::FAILURE
}

fn start_log(config: &Config) {
    // The spans of the session layer carry no useful information, and anybody with the cookie of a session that has
    // ended can cause its warnings at will.
    let quiet = "info,tower_sessions=error,tower_sessions_core=error";
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // On a full disk, reporting that the log cannot be written would panic the thread.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    panic::set_hook(Box::new(
        |panic| tracing::error!(%panic, "the program panicked"),
    ));
    match config.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
