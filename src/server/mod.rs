//! The HTTP server: start and shutdown, the router and its layers.

pub mod api;
pub mod assets;
mod authentication;
mod connections;
mod cookies;
mod csrf;
mod docs;
mod error_pages;
mod executor;
mod files;
pub mod form_drafts;
mod form_fallback;
mod headers;
mod host;
pub mod install;
mod invitation;
mod limits;
pub mod live;
pub mod pages;
mod print;
mod refusals;
mod router;
mod scan;
mod security_txt;
pub mod telemetry;

pub use router::router;

use crate::{
    auth::{Actor, security_log, session_store::Sessions, setup, throttle},
    bot::{conversation::Bot, poll::UpdatePoller},
    clock,
    config::{Config, start_warnings},
    customers::retention,
    db::{self, Db},
    import::waiting,
    live::{hub::Hub, postgres},
    notifications::{
        outbox::Outbox,
        worker::{Channels, Worker},
    },
    transaction::{self, AppState},
};
use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

/// How long running requests may take to finish after SIGTERM.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How often expired rows are deleted.
const SWEEP: Duration = Duration::from_secs(600);

/// Serves until SIGTERM or Ctrl-C, then lets running requests finish.
pub async fn serve(config: Arc<Config>) -> Result<(), String> {
    for warning in start_warnings::of_server(&config) {
        tracing::warn!("{warning}");
    }
    let _alone = db::lock_for_server(&config.database_url)?;
    let ran = crate::migrate::migrate(&config.database_url)?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.len(), "migrated the database");
    }
    let db = Db::connect(&config.database_url, config.database_connections)
        .map_err(|error| error.to_string())?;
    let unkept = |error| format!("cannot read or create the secret key: {error}");
    let config = Arc::new(config.with_secret().map_err(unkept)?);
    let key = config.cookie_key().map_err(unkept)?;
    let cost = config.bcrypt_cost;
    tokio::task::spawn_blocking(move || crate::auth::password::warm_up(cost));
    let app = AppState {
        db,
        config: config.clone(),
        listener: &Outbox,
        live: Hub::new(),
    };
    postgres::start(&config.database_url, &app.live)
        .map_err(|error| format!("cannot start the thread for live changes: {error}"))?;
    print_first_steps(&app).await;
    let channels = Channels::of(&app)?;
    tokio::spawn(clean_up_periodically(app.clone()));
    tokio::spawn(erase_periodically(app.clone()));
    tokio::spawn(telemetry::run_upkeep());

    let listener = tokio::net::TcpListener::bind(config.site_addr)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.site_addr))?;
    tracing::info!(
        "serving http://{} from {}",
        config.site_addr,
        config.database_url
    );
    let stop = shutdown_signal()?;
    let worker = Worker::start(app.clone(), channels);
    let ear = Bot::of(&app).map(UpdatePoller::start);
    // Streams have no end of their own, so the requests that must finish do not include them.
    let hub = app.live.clone();
    let stop = async move {
        stop.await;
        hub.close();
    };
    let served = connections::serve(listener, router(app, &key), &config, stop).await;
    let stop_ear = async {
        if let Some(ear) = ear {
            ear.stop().await;
        }
    };
    tokio::join!(stop_ear, worker.stop());
    served.map_err(|error| error.to_string())
}

/// Resolves at SIGTERM or Ctrl-C. A second signal ends the process at once, even if requests are still running.
fn shutdown_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        next().await;
        tracing::info!("shutting down once running requests have finished");
        tokio::spawn(async move {
            next().await;
            tracing::warn!("received a second signal; exiting at once");
            std::process::exit(1);
        });
    })
}

/// Says how to create the first account, if there are no accounts yet. The setup code is a secret, so it goes to
/// standard output and not to the log.
async fn print_first_steps(app: &AppState) {
    let address = app.config.site_addr;
    let empty = app
        .read(crate::auth::Actor::System, crate::auth::service::any_user)
        .await
        == Ok(false);
    if !empty {
        return;
    }
    tracing::info!(
        "there are no accounts yet: register at http://{address}/register to become the admin"
    );
    tracing::info!("to try Sirius with sample products and orders, run: sirius demo");
    let code = setup::code(&app.config).unwrap_or_default();
    let printed = writeln!(
        io::stdout(),
        "setup code, to register the first account from another machine: {code}"
    );
    if let Err(error) = printed {
        tracing::warn!(%error, "could not print the setup code");
    }
}

/// Deletes expired sessions, password attempts, refused forms, idempotency keys and uploaded files at regular
/// intervals.
async fn clean_up_periodically(app: AppState) {
    let sessions = Sessions(app.db.clone());
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = delete_expired(&app, &sessions).await {
            tracing::warn!(%error, "could not delete what has expired");
        }
    }
}

/// Erases customers whose retention period has ended, apart from the other upkeep because a first run may take long.
/// Repeats what an erasure could not finish, because a download needed the write-ahead log.
async fn erase_periodically(app: AppState) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = retention::run(&app, clock::now()).await {
            tracing::warn!(%error, "could not erase the customers whose retention period has ended");
        }
        if let Err(error) = app.db.purge().await {
            tracing::warn!(%error, "could not rewrite the database without what was erased; will retry");
        }
    }
}

async fn delete_expired(app: &AppState, sessions: &Sessions) -> Result<(), crate::error::Error> {
    sessions.delete_expired().await?;
    while !app
        .write(Actor::System, security_log::record_uncounted_tries)
        .await?
    {}
    app.write(Actor::System, throttle::sweep).await?;
    app.write(Actor::System, form_drafts::delete_expired)
        .await?;
    while !app
        .write(Actor::System, transaction::delete_expired_keys)
        .await?
    {}
    app.write(Actor::System, waiting::delete_expired).await
}
