//! The HTTP server: start and shutdown, the router and its layers.

pub mod api;
pub mod assets;
mod connections;
mod cookies;
mod csrf;
mod docs;
mod executor;
mod files;
mod forms;
mod headers;
mod identity;
mod limits;
pub mod pages;
mod refusals;
mod router;
pub mod watching;

pub use router::router;

use crate::{
    act::{self, Shop},
    auth::{Actor, session_store::Sessions, throttle},
    bot::{conversation::Bot, poll::Ear},
    config::Config,
    db::{self, Db},
    notifications::{
        outbox::Outbox,
        worker::{Channels, Worker},
    },
};
use std::{sync::Arc, time::Duration};

/// How long running requests may take to finish after SIGTERM.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How often expired rows are deleted.
const SWEEP: Duration = Duration::from_secs(3_600);

/// Serves until SIGTERM or Ctrl-C, then lets running requests finish.
pub async fn serve(config: Arc<Config>) -> Result<(), String> {
    let _alone = db::serve_alone(&config.database_url)?;
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
    let shop = Shop {
        db,
        config: config.clone(),
        listener: &Outbox,
    };
    welcome(&shop).await;
    let channels = Channels::of(&shop)?;
    tokio::spawn(sweep(shop.clone()));
    tokio::spawn(watching::keep_up());

    let listener = tokio::net::TcpListener::bind(config.site_addr)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.site_addr))?;
    tracing::info!(
        "serving http://{} from {}",
        config.site_addr,
        config.database_url
    );
    let stop = stop()?;
    let worker = Worker::start(shop.clone(), channels);
    let ear = Bot::of(&shop).map(Ear::start);
    let served = connections::serve(listener, router(shop, &key), &config, stop).await;
    let stop_ear = async {
        if let Some(ear) = ear {
            ear.stop().await;
        }
    };
    tokio::join!(stop_ear, worker.stop());
    served.map_err(|error| error.to_string())
}

/// Resolves at SIGTERM or Ctrl-C. A second signal ends the process at once, even if requests are still running.
fn stop() -> Result<impl Future<Output = ()>, String> {
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

/// Logs how to create the first account, if there are no accounts yet.
async fn welcome(shop: &Shop) {
    let address = shop.config.site_addr;
    let empty = shop
        .look(crate::auth::Actor::System, crate::auth::service::any_user)
        .await
        == Ok(false);
    if empty {
        tracing::info!(
            "there are no accounts yet: register at http://{address}/register to become the admin"
        );
        tracing::info!("to try Sirius with sample products and orders, run: sirius demo");
    }
}

/// Deletes expired sessions, password attempts and idempotency keys at regular intervals.
async fn sweep(shop: Shop) {
    let sessions = Sessions(shop.db.clone());
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = forget(&shop, &sessions).await {
            tracing::warn!(%error, "could not delete expired sessions, password attempts and idempotency keys");
        }
    }
}

async fn forget(shop: &Shop, sessions: &Sessions) -> Result<(), crate::error::Error> {
    sessions.delete_expired().await?;
    shop.act(Actor::System, throttle::sweep).await?;
    while !shop.act(Actor::System, act::forget_keys).await? {}
    Ok(())
}
