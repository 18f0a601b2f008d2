//! The HTTP server: pages, their server functions, static files; what every request passes through.

use crate::{
    act::Shop,
    analytics, api,
    app::App,
    auth::{
        session::{self, Sessions},
        tokens,
    },
    bot::{conversation::Bot, poll::Ear, webhook},
    config::Config,
    db::{self, Db},
    door,
    error::Error,
    import, log,
    notifications::worker::{Channels, Worker},
    orders, products,
    shell::shell,
    stock, supplies,
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::{
    collections::BTreeMap,
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
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::SameSite};
use url::{Url, form_urlencoded};

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 256 * 1024;
/// How long requests that run may still take after SIGTERM.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How often sessions that are over are forgotten.
const SESSION_SWEEP: Duration = Duration::from_secs(3_600);

/// The paths of the pages. Found once: while Leptos looks for them, no page of the process gets its data.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// What the client is built into: wasm, JavaScript, styles, icons. Part of the program in release builds.
#[derive(rust_embed::Embed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Assets;

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
    let channels = Arc::new(Channels::of(&shop)?);
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
    let worker = Worker::start(shop.clone(), channels);
    let ear = Bot::of(&shop).map(Ear::start);
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
    let served = tokio::select! {
        served = server.into_future() => served.map_err(|error: io::Error| error.to_string()),
        () = overdue => {
            tracing::warn!("some requests took too long and were cut");
            Ok(())
        }
    };
    if let Some(ear) = ear {
        ear.stop().await;
    }
    worker.stop().await;
    served
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
        .merge(webhook::router(&shop))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .merge(files(shop.clone()))
        .layer(middleware::from_fn(answer_function))
        .layer(middleware::from_fn(hide_from_indexes))
        .layer(middleware::from_fn_with_state(shop, identify))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ))
        .layer(sessions)
        .layer(middleware::from_fn(refuse_other_sites))
        .layer(middleware::from_fn(api::problem::answer))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(serve_asset))
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

/// Finds out who sent a request, once for all that ask.
async fn identify(
    State(shop): State<Shop>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let token = bearer(&request).map(str::to_owned);
    let actor = match token {
        Some(token) => tokens::service::actor(&shop, &token).await,
        None => session::actor(&shop, &session).await,
    };
    request.extensions_mut().insert(actor);
    next.run(request).await
}

/// The token that signs a request in: under the API only, and then the session is not asked.
fn bearer(request: &Request) -> Option<&str> {
    if !api::is_api(request.uri().path()) {
        return None;
    }
    api::request::bearer(request.headers())
}

/// Refuses a change that another site asked a visitor's browser for (CSRF).
///
/// Browsers say where a request comes from; scripts that say nothing have no cookies to abuse.
/// A token is nothing that a browser sends by itself.
async fn refuse_other_sites(request: Request, next: Next) -> Response {
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && bearer(&request).is_none() && !is_from_here(request.headers()) {
        return (StatusCode::FORBIDDEN, "the request came from another site").into_response();
    }
    next.run(request).await
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host),
        (None, Some(_), None) => false,
        (None, None, _) => true,
    }
}

/// Keeps the admin's pages out of search engines.
async fn hide_from_indexes(request: Request, next: Next) -> Response {
    let is_hidden = request.uri().path().starts_with("/admin");
    let mut response = next.run(request).await;
    if is_hidden {
        response.headers_mut().insert(
            HeaderName::from_static("x-robots-tag"),
            HeaderValue::from_static("noindex, nofollow"),
        );
    }
    response
}

/// What a server function needs around it: scripts get the status of an error, plain forms what was typed.
async fn answer_function(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/fn/") {
        return next.run(request).await;
    }
    if door::wants_html(request.headers()) {
        keep_typed(request, next).await
    } else {
        give_status(next.run(request).await).await
    }
}

/// Gives an answer the status of the error in it; every error of a server function is a 500 at first.
async fn give_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<Error>(&body) {
        parts.status = error.status();
    }
    Response::from_parts(parts, Body::from(body))
}

/// Without JavaScript, a refused form leads back to its page with the error in the URL:
/// what was typed goes along, so that nobody types it again. Never passwords.
async fn keep_typed(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let typed = typed_fields(&body);
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok());
    if let Some(location) = location.and_then(|location| with_typed(location, &typed))
        && let Ok(location) = HeaderValue::from_str(&location)
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The address of a page that shows an error, with what was typed, and without what it said of earlier sends.
fn with_typed(location: &str, typed: &str) -> Option<String> {
    let location = Url::parse(location).ok()?;
    let latest = |name: &str| {
        location
            .query_pairs()
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    };
    let (path, error) = (latest("__path")?, latest("__err")?);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            location
                .query_pairs()
                .filter(|(name, _)| !door::is_passing(name)),
        )
        .append_pair("__path", &path)
        .append_pair("__err", &error)
        .append_pair("__typed", typed)
        .finish();
    Some(format!("{}?{query}", location.path()))
}

/// The fields of a form, as `ui::form` reads them.
fn typed_fields(body: &Bytes) -> String {
    let fields: BTreeMap<_, _> = form_urlencoded::parse(body)
        .filter(|(name, _)| !name.contains("password"))
        .collect();
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&fields).unwrap_or_default())
}

/// Answers with a static file, when the path names one.
async fn serve_asset(request: Request, next: Next) -> Response {
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        let encodings = request
            .headers()
            .get(header::ACCEPT_ENCODING)
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or_default();
        if let Some(asset) = asset(request.uri(), encodings) {
            return asset;
        }
    }
    next.run(request).await
}

fn asset(uri: &Uri, encodings: &str) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    if path.is_empty() || path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = || Assets::get(path).map(|file| (file, None));
    let packed = |suffix: &str, encoding: &'static str| {
        let accepted = encodings.split(',').any(|offer| {
            offer
                .split(';')
                .next()
                .is_some_and(|name| name.trim() == encoding)
        });
        accepted
            .then(|| Assets::get(&format!("{path}.{suffix}")))
            .flatten()
            .map(|file| (file, Some(encoding)))
    };
    let (file, encoding) = packed("br", "br")
        .or_else(|| packed("gz", "gzip"))
        .or_else(plain)?;
    // Names of built files have a hash of what is in them.
    let cache = if path.starts_with("pkg/") {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = (
        [
            (header::CONTENT_TYPE, mime.as_ref()),
            (header::CACHE_CONTROL, cache),
            (header::VARY, "accept-encoding"),
        ],
        Body::from(file.data),
    )
        .into_response();
    if let Some(encoding) = encoding {
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// Where the built files are, by their hashed names; empty while the client is not built.
#[derive(Clone, Debug, Default)]
pub struct Built {
    pub script: String,
    pub wasm: String,
    pub style: String,
}

impl Built {
    /// Looks the names up.
    pub fn find() -> Self {
        let find = |suffix: &str| {
            Assets::iter()
                .find(|name| name.starts_with("pkg/sirius.") && name.ends_with(suffix))
                .map(|name| format!("/{name}"))
                .unwrap_or_default()
        };
        Self {
            script: find(".js"),
            wasm: find(".wasm"),
            style: find(".css"),
        }
    }
}
