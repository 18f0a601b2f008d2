//! Monitoring: a log line for each request, metrics for Prometheus, and health checks for a load balancer.

use super::{assets::IsAsset, error_pages::panicked};
use crate::{
    db::Load, error::Error, log_limit::LogLimit, notifications, transaction::AppState,
    web::ClientInfo,
};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    borrow::Cow,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// How long the database may take to answer a health check.
const PROBE: Duration = Duration::from_secs(2);
/// How often recorded values are aggregated, so that they do not pile up while nobody reads the metrics.
const UPKEEP: Duration = Duration::from_secs(5);
/// The buckets of the latency histogram, in seconds.
const LATENCIES: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const DURATION: &str = "http_request_duration_seconds";

/// Clients can cause a response of 503 at will, for example by signing in too often.
static OVERLOADS: LogLimit = LogLimit::new();
static NUMBERS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Returns the routes for monitoring.
pub fn routes(app: AppState) -> Router {
    recorder();
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(app)
}

/// Installs the metrics recorder on the first call. Returns `None` if that failed.
fn recorder() -> Option<&'static PrometheusHandle> {
    let install = || {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &LATENCIES)
            .ok()?;
        let handle = builder
            .install_recorder()
            .inspect_err(|error| tracing::error!(%error, "could not install the metrics recorder"))
            .ok()?;
        describe();
        Some(handle)
    };
    NUMBERS.get_or_init(install).as_ref()
}

fn describe() {
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time until the response of a request began, by method, route and status"
    );
    for kind in ["out_of_stock", "reserved"] {
        counter!("sirius_stock_conflicts_total", "kind" => kind).absolute(0);
    }
    describe_counter!(
        "sirius_stock_conflicts_total",
        "Operations refused because of insufficient stock"
    );
    describe_counter!(
        "sirius_refused_total",
        "Requests refused because of a rate, connection or time limit"
    );
    describe_gauge!(
        "sirius_database_connections",
        "Pooled database connections that are open or idle, and requests waiting for one"
    );
    describe_gauge!(
        "sirius_database_connections_max",
        "Maximum number of pooled database connections"
    );
    describe_gauge!("sirius_live_streams", "Open streams of changes");
    describe_gauge!(
        "sirius_write_queue",
        "Operations waiting for the SQLite writer"
    );
}

/// Aggregates the recorded values at regular intervals. Never returns.
pub async fn run_upkeep() {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        if let Some(numbers) = recorder() {
            numbers.run_upkeep();
        }
    }
}

/// Logs each request and records its metrics when its response begins. Every log line of the request has its id.
pub async fn log_request(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let client = ClientInfo::of(request.extensions());
    let method = method(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| Cow::Owned(path.as_str().to_owned()));
    let shown = route.as_deref().unwrap_or_default();
    // The route and not the URL, which may contain the customer that somebody searched for.
    let span = tracing::info_span!("request", id = %client.id, method, route = shown);
    let answer = async move {
        let response = next.run(request).await;
        let status = response.status();
        let took = begun.elapsed();
        let milliseconds = took.as_millis();
        let is_overload = status == StatusCode::SERVICE_UNAVAILABLE;
        if status.is_server_error() && (!is_overload || OVERLOADS.allows_one()) {
            tracing::warn!(status = status.as_u16(), milliseconds, "request answered");
        } else {
            tracing::debug!(status = status.as_u16(), milliseconds, "request answered");
        }
        let route = if response.extensions().get::<IsAsset>().is_some() {
            Cow::Borrowed("static")
        } else {
            route.unwrap_or(Cow::Borrowed("missing"))
        };
        let status = status.as_str().to_owned();
        histogram!(DURATION, "method" => method, "route" => route, "status" => status).record(took);
        if let Some(kind) = response
            .extensions()
            .get::<Error>()
            .and_then(Error::overload_label)
        {
            counter!("sirius_refused_total", "kind" => kind).increment(1);
        }
        response
    };
    answer.instrument(span).await
}

/// Returns the layer that turns a panic in a handler into an error response.
pub fn catch_panics() -> CatchPanicLayer<fn(Box<dyn std::any::Any + Send>) -> Response> {
    CatchPanicLayer::custom(panicked as fn(_) -> _)
}

/// Maps a method to one of a few labels, because clients can send any name.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Returns 200 if the database answers and has the schema of this program, else 503.
async fn ready(State(app): State<AppState>) -> Response {
    let (status, words) = match timeout(PROBE, app.db.has_schema()).await {
        Ok(Ok(true)) => (StatusCode::OK, "ok"),
        Ok(Ok(false)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the schema is not up to date",
        ),
        Ok(Err(_)) | Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer",
        ),
    };
    (status, words).into_response()
}

/// Returns the metrics to the addresses in `METRICS_ALLOW`, and 404 to all others.
async fn metrics_text(State(app): State<AppState>, request: Request) -> Response {
    let is_allowed = ClientInfo::of(request.extensions()).is_in(&app.config.metrics_allow);
    let Some(numbers) = recorder().filter(|_| is_allowed) else {
        return Error::NotFound.into_response();
    };
    update_gauges(&app).await;
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        Body::from(numbers.render()),
    )
        .into_response()
}

/// Updates the gauges, which are read on demand.
async fn update_gauges(app: &AppState) {
    let Load {
        most,
        open,
        idle,
        waiting,
        queued,
    } = app.db.load();
    let number = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    for (state, connections) in [("open", open), ("idle", idle), ("waiting", waiting)] {
        gauge!("sirius_database_connections", "state" => state).set(number(connections));
    }
    gauge!("sirius_database_connections_max").set(number(most));
    if let Some(queued) = queued {
        gauge!("sirius_write_queue").set(number(queued));
    }
    // If the database does not answer, the gauges keep their last values.
    if let Ok(Ok(load)) = timeout(PROBE, notifications::upkeep::counts(app)).await {
        for (state, count) in load {
            let count = usize::try_from(count).unwrap_or_default();
            gauge!("sirius_notifications", "state" => state.code()).set(number(count));
        }
    }
}
