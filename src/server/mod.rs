//! The HTTP server: what answers requests, and what every one of them passes through.

mod assets;
mod csrf;
mod forms;
mod headers;
mod identity;

pub use assets::Built;

use crate::{
    act::Shop,
    analytics, api,
    app::App,
    auth::session::Sessions,
    config::Config,
    db::{self, Db},
    import, log, orders, products,
    shell::shell,
    stock, supplies,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware,
    routing::{get, post},
    serve::ListenerExt,
};
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tower_http::{
    compression::{CompressionLayer, CompressionLevel},
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer},
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 256 * 1024;
/// How long requests that run may still take after SIGTERM.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How often sessions that are over are forgotten.
const SESSION_SWEEP: Duration = Duration::from_secs(3_600);

/// The paths of the pages. Found once: while Leptos looks for them, no page of the process gets its data.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The paths of the pages, as `/orders/{id}`.
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(AxumRouteListing::path)
}

/// Serves until SIGTERM or Ctrl-C, then finishes what runs.
pub async fn serve(config: Arc<Config>) -> Result<(), String> {
    let ran = db::migrate(&config.database_url)?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.len(), "the schema is up to date");
    }
    let db = Db::connect(&config.database_url, config.database_connections)
        .map_err(|error| error.to_string())?;
    let key = config
        .cookie_key()
        .map_err(|error| format!("cannot keep the secret key: {error}"))?;
    let cost = config.bcrypt_cost;
    tokio::task::spawn_blocking(move || crate::auth::password::warm_up(cost));
    let shop = Shop {
        db,
        config: config.clone(),
    };
    welcome(&shop).await;
    tokio::spawn(sweep_sessions(Sessions(shop.db.clone())));

    let listener = tokio::net::TcpListener::bind(config.site_addr)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.site_addr))?;
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tracing::info!(
        "serving http://{} from {}",
        config.site_addr,
        config.database_url
    );
    let (stop, stopped) = tokio::sync::watch::channel(());
    let service = router(shop, &key).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        signal().await;
        tracing::info!("finishing what runs");
        drop(stop);
    });
    let overdue = async {
        let mut stopped = stopped;
        let _ = stopped.changed().await;
        tokio::time::sleep(SHUTDOWN_LIMIT).await;
    };
    tokio::select! {
        served = server.into_future() => served.map_err(|error: io::Error| error.to_string()),
        () = overdue => {
            tracing::warn!("some requests took too long and were cut");
            Ok(())
        }
    }
}

async fn signal() {
    use tokio::signal::{ctrl_c, unix};
    let Ok(mut terminate) = unix::signal(unix::SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = ctrl_c() => {}
    }
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

async fn sweep_sessions(sessions: Sessions) {
    let mut ticks = tokio::time::interval(SESSION_SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = sessions.delete_expired().await {
            tracing::warn!(%error, "sessions that are over were not forgotten");
        }
    }
}

/// Everything that answers requests.
pub fn router(shop: Shop, key: &tower_sessions::cookie::Key) -> Router {
    let options = LeptosOptions::builder().output_name("sirius").build();
    let sessions = SessionManagerLayer::new(Sessions(shop.db.clone()))
        .with_name("sirius")
        .with_secure(shop.config.cookie_secure)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(
            shop.config
                .session_max_age
                .try_into()
                .unwrap_or(time::Duration::DAY),
        ))
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
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .merge(files(shop.clone()))
        .layer(middleware::from_fn(forms::answer))
        .layer(middleware::from_fn(headers::hide_from_indexes))
        .layer(middleware::from_fn_with_state(shop, identity::identify))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ))
        .layer(sessions)
        .layer(middleware::from_fn(csrf::refuse_other_sites))
        .layer(middleware::from_fn(api::problem::answer))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(assets::serve))
        .layer(SetResponseHeaderLayer::overriding(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new())
                .on_response(DefaultOnResponse::new()),
        )
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Files to take away and to bring; those that come may be larger than anything else.
fn files(shop: Shop) -> Router {
    Router::new()
        .route("/orders.csv", get(orders::csv::download))
        .route("/products.csv", get(products::csv::download))
        .route("/products/{id}/movements.csv", get(stock::csv::download))
        .route("/supplies.csv", get(supplies::csv::download))
        .route("/admin/analytics.csv", get(analytics::csv::download))
        .route("/admin/logs.csv", get(log::csv::download))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .route(
            "/uploads/{kind}",
            post(import::upload::receive).layer(DefaultBodyLimit::max(import::upload::LARGEST)),
        )
        .with_state(shop)
}
