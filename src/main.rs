//! The command line of Sirius.

mod command;

use clap::{Parser, Subcommand};
use command::{books, copies, open, say, user};
use sirius::{
    clock,
    config::{Config, LogFormat, Settings},
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

/// How long work that nobody waits for any more may still take at the end. In a database that hangs it has no end.
const LAST_WORK: Duration = Duration::from_secs(5);

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
    User(user::Command),
    /// Prove that ledger, counters, orders and roll-ups agree; exit with 1 when they do not
    Check {
        /// Make the roll-ups anew from the orders first
        #[arg(long)]
        repair: bool,
    },
    /// Write all data into one file, while the server runs
    Backup {
        file: PathBuf,
        /// Replace the file when it is there already
        #[arg(long)]
        force: bool,
    },
    /// Bring a backup back into an empty database, and check it
    Restore { file: PathBuf },
    /// Copy all data into another, empty database, of either kind, and compare every row
    Copy {
        /// The other database, named as `DATABASE_URL` names one
        #[arg(long, value_name = "URL")]
        to: DatabaseUrl,
    },
}

fn main() -> ExitCode {
    // A missing .env is no fault; a broken one is.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        return fail(&match error {
            // What it says has the rest of the line in it, and that may be a password.
            dotenvy::Error::LineParse(..) => {
                ".env: a line cannot be read; write NAME=value, and quotes around a value with spaces or signs"
                    .to_owned()
            }
            error => format!(".env: {error}"),
        });
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
    let done = runtime.block_on(run(cli.command.unwrap_or(Command::Serve), config));
    runtime.shutdown_timeout(LAST_WORK);
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
        Command::Demo { orders } => {
            let made = demo::fill(&open(&config)?, orders).await?;
            say(&made)
        }
        Command::User(command) => user::run(command, &open(&config)?).await,
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
    // The session layer has spans of its own, that say nothing.
    let quiet = "info,tower_sessions=warn,tower_sessions_core=warn";
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // On a full disk, saying that nothing can be said would end the thread that tries.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    panic::set_hook(Box::new(
        |panic| tracing::error!(%panic, "a fault of the program"),
    ));
    match config.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
