//! The HTTP server: what answers requests, and what every one of them passes through.

pub mod api;
mod assets;
mod connections;
mod cookies;
mod csrf;
mod docs;
mod forms;
mod headers;
mod identity;
mod limits;
mod refusals;
pub mod watching;

pub use assets::Built;

use crate::{
    act::{self, Shop},
    analytics,
    app::App,
    auth::{Actor, session_store::Sessions, throttle},
    bot::{conversation::Bot, poll::Ear, webhook},
    config::Config,
    db::{self, Db},
    import, log,
    notifications::{
        outbox::Outbox,
        worker::{Channels, Worker},
    },
    orders, products,
    shell::shell,
    supplies, web,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use limits::Rates;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tower_http::{
    compression::{CompressionLayer, CompressionLevel},
    limit::RequestBodyLimitLayer,
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 256 * 1024;
/// How long requests that run may still take after SIGTERM.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_secs(3_600);

/// The paths of the pages. Found once: while Leptos looks for them, no page of the process gets its data.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    watching::follow_tasks();
    generate_route_list(App)
});

/// The paths of the pages, as `/orders/{id}`.
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(AxumRouteListing::path)
}

/// Serves until SIGTERM or Ctrl-C, then finishes what runs.
pub async fn serve(config: Arc<Config>) -> Result<(), String> {
    let _alone = db::serve_alone(&config.database_url)?;
    let ran = crate::migrate::migrate(&config.database_url)?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.len(), "the schema is up to date");
    }
    let db = Db::connect(&config.database_url, config.database_connections)
        .map_err(|error| error.to_string())?;
    let unkept = |error| format!("cannot keep the secret key: {error}");
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

/// Comes at SIGTERM or Ctrl-C. A second one ends the process at once, whatever still runs.
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
        tracing::info!("finishing what runs");
        tokio::spawn(async move {
            next().await;
            tracing::warn!("told again to end: what runs is cut");
            std::process::exit(1);
        });
    })
}

/// Says what to do first, while nobody has registered.
async fn welcome(shop: &Shop) {
    let address = shop.config.site_addr;
    let empty = shop
        .look(crate::auth::Actor::System, crate::auth::service::any_user)
        .await
        == Ok(false);
    if empty {
        tracing::info!(
            "nobody has registered yet: the first account, made at http://{address}/register, becomes the admin"
        );
        tracing::info!("for goods and orders to try Sirius with, run: sirius demo");
    }
}

/// Forgets what is over: sessions, tries at passwords, and idempotency keys.
async fn sweep(shop: Shop) {
    let sessions = Sessions(shop.db.clone());
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = forget(&shop, &sessions).await {
            tracing::warn!(%error, "what is over was not forgotten");
        }
    }
}

async fn forget(shop: &Shop, sessions: &Sessions) -> Result<(), crate::error::Error> {
    sessions.delete_expired().await?;
    shop.act(Actor::System, throttle::sweep).await?;
    while !shop.act(Actor::System, act::forget_keys).await? {}
    Ok(())
}

/// Everything that answers requests.
pub fn router(shop: Shop, key: &tower_sessions::cookie::Key) -> Router {
    let options = LeptosOptions::builder().output_name("sirius").build();
    let config = shop.config.clone();
    let age = config.session_max_age.try_into();
    let sessions = SessionManagerLayer::new(Sessions(shop.db.clone()))
        .with_name("sirius")
        // `cookies::guard` knows whether the visitor came over HTTPS.
        .with_secure(false)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(age.unwrap_or(time::Duration::DAY)))
        .with_signed(key.clone());
    let context = {
        let shop = shop.clone();
        move || provide_context(shop.clone())
    };
    let missing = leptos_axum::render_app_async_with_context(context.clone(), shell);
    Router::new()
        .leptos_routes_with_context(&options, PAGES.clone(), context, shell)
        .fallback(missing)
        .with_state(options)
        .merge(api::router(shop.clone()))
        .merge(webhook::router(&shop))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(middleware::from_fn(limits::keep_size))
        .merge(files(shop.clone()))
        .layer(middleware::from_fn(forms::answer))
        .layer(middleware::from_fn_with_state(
            (shop.clone(), key.clone()),
            identity::identify,
        ))
        .layer(sessions)
        // Who watches is not asked who he is: that would ask the database.
        .merge(watching::routes(shop))
        .layer(middleware::from_fn(csrf::refuse_other_sites))
        .layer(middleware::from_fn(cookies::guard))
        .layer(middleware::from_fn(assets::serve))
        .layer(middleware::from_fn_with_state(
            Arc::new(Rates::new(&config)),
            limits::keep_rate,
        ))
        .layer(watching::catch_panics())
        .layer(middleware::from_fn_with_state(
            config.clone(),
            limits::keep_time,
        ))
        .layer(middleware::from_fn(crate::api::problem::answer))
        .layer(middleware::from_fn(refusals::tell))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(headers::put))
        .layer(middleware::from_fn(watching::watch))
        .layer(middleware::from_fn_with_state(
            config,
            web::client_info::read_client_info,
        ))
}

/// Files to take away and to bring; those that come may be larger than anything else.
fn files(shop: Shop) -> Router {
    Router::new()
        .route("/orders.csv", get(orders::csv::download))
        .route("/products.csv", get(products::csv::download))
        .route(
            "/products/{id}/movements.csv",
            get(products::movements_csv::download),
        )
        .route("/supplies.csv", get(supplies::csv::download))
        .route("/admin/analytics.csv", get(analytics::csv::download))
        .route("/admin/logs.csv", get(log::csv::download))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(middleware::from_fn(limits::keep_size))
        .route(
            "/uploads/{kind}",
            post(import::upload::receive).layer(DefaultBodyLimit::max(import::upload::LARGEST)),
        )
        .with_state(shop)
}
