//! What browsers need to install the shop as an app: the manifest, and the page that the service worker
//! (`browser/worker.js`) shows while the server cannot be reached.

use super::error_pages;
use crate::ui;
use axum::{
    Router,
    http::{HeaderName, header, request::Parts},
    response::{Html, IntoResponse},
    routing::get,
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use serde_json::{Value, json};

/// The colour of the site header in both themes, which installed apps give to their title bar.
pub const HEADER_COLOUR: &str = "#152857";

/// Returns the routes, which everybody may request.
pub fn routes() -> Router {
    Router::new()
        .route("/manifest.webmanifest", get(manifest))
        .route("/offline", get(offline))
}

async fn manifest(request: Parts) -> impl IntoResponse {
    let locale = ui::page_language(&request);
    let name = td_string!(locale, ui.app_name);
    let shortcut = |name, url| json!({ "name": name, "url": url });
    let manifest = json!({
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "lang": locale.to_string(),
        "name": name,
        "short_name": name,
        "description": td_string!(locale, offline.description),
        "theme_color": HEADER_COLOUR,
        "background_color": "#ffffff",
        "icons": [icon("192", "any"), icon("512", "any"), icon("maskable-512", "maskable")],
        "shortcuts": [
            shortcut(td_string!(locale, orders.new_order), "/orders/new"),
            shortcut(td_string!(locale, nav.orders), "/orders"),
        ],
    });
    let media_type = [(header::CONTENT_TYPE, "application/manifest+json")];
    (media_type, varied(), manifest.to_string())
}

/// Describes one of the files in `public/icons`, whose name ends with its size.
fn icon(name: &str, purpose: &str) -> Value {
    let size = name.rsplit('-').next().unwrap_or_default();
    json!({
        "src": format!("/icons/{name}.png"),
        "sizes": format!("{size}x{size}"),
        "type": "image/png",
        "purpose": purpose,
    })
}

async fn offline(request: Parts) -> impl IntoResponse {
    let locale = ui::page_language(&request);
    let contents = view! {
        <p class="mb-4">{td_string!(locale, offline.hint)}</p>
        <p>
            // Requests the page that was wanted again.
            <a class="btn btn-primary" href="">
                {td_string!(locale, offline.retry)}
            </a>
        </p>
    };
    let theme = ui::chosen_theme(&request.headers);
    let heading = td_string!(locale, offline.title);
    let page = error_pages::document(locale, theme, heading, contents);
    let policy = [(header::CONTENT_SECURITY_POLICY, error_pages::POLICY)];
    (policy, varied(), Html(page))
}

/// Both depend on the language of the visitor.
const fn varied() -> [(HeaderName, &'static str); 1] {
    [(header::VARY, "cookie")]
}
