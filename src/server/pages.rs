//! The routes of the pages, and of the server functions that the pages call.

use super::executor;
use crate::{app::App, scan, server_context::ClientCall, shell::shell, transaction::AppState};
use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue},
    routing::{MethodFilter, get, on},
};
use leptos::{config::LeptosOptions, prelude::provide_context, server_fn::axum::server_fn_paths};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, generate_route_list, handle_server_fns_with_context,
    render_app_async_with_context,
};
use std::sync::LazyLock;
use tower_http::set_header::SetResponseHeaderLayer;

/// The routes of the pages. The list is generated once, because no page in the process can load its data while Leptos
/// generates it.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    executor::install();
    generate_route_list(App)
});

/// Returns the paths of the pages, such as `/orders/{id}`.
pub fn paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(AxumRouteListing::path)
}

/// Returns the routes of the pages, with a 404 page for every other path.
pub fn router(app: AppState) -> Router {
    let draw = render_app_async_with_context(move || provide_context(app.clone()), shell);
    let (admin, others): (Vec<_>, Vec<_>) = PAGES
        .iter()
        .cloned()
        .partition(|page| page.path().starts_with("/admin"));
    Router::new()
        .leptos_routes_with_handler(admin, draw.clone())
        .layer(no_index())
        .leptos_routes_with_handler(others, draw.clone())
        .fallback(draw)
        .with_state(LeptosOptions::builder().output_name("sirius").build())
}

/// Returns the route of the address on slips, which redirects to a page.
pub fn slips(app: AppState) -> Router {
    Router::new()
        .route("/o/{number}", get(scan::page::open))
        .with_state(app)
}

/// Returns a layer that tells search engines not to index a response.
pub fn no_index() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    )
}

/// Returns the routes of the server functions, which clients call. The server itself calls the functions without a
/// request when it renders a page.
pub fn functions(app: AppState) -> Router {
    let call = move |request: Request| {
        let app = app.clone();
        let context = move || {
            provide_context(app.clone());
            provide_context(ClientCall);
        };
        handle_server_fns_with_context(context, request)
    };
    server_fn_paths().fold(
        Router::new(),
        |routes, (path, method)| match MethodFilter::try_from(method) {
            Ok(method) => routes.route(path, on(method, call.clone())),
            Err(_) => routes,
        },
    )
}
