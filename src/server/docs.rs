//! The OpenAPI document, and the pages that show it (Swagger UI, embedded in the binary).

use super::assets::BuiltFiles;
use crate::{auth::Actor, error::Error, server_context, transaction::AppState, ui};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use leptos_i18n::td_string;
use std::sync::LazyLock;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

const DOCUMENT: &str = "/api/openapi.json";

/// Allows inline styles, which Swagger UI needs, and nothing from other hosts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Swagger UI has colours for dark pages, but chooses them only with a button of its own.
const CHOOSE_COLOURS: &str = "
const theme = document.documentElement.dataset.theme;
const isDark = theme ? theme === 'sirius-night' : matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.classList.toggle('dark-mode', isDark);
";

static BUILT: LazyLock<BuiltFiles> = LazyLock::new(BuiltFiles::find);

static JSON: LazyLock<String> =
    LazyLock::new(|| super::api::document().to_pretty_json().unwrap_or_default());

/// Returns the endpoint that serves the OpenAPI document.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// Read this document
///
/// OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "contract",
    tag = "contract",
    security(()),
    responses((status = OK, description = "The document", body = Object))
)]
async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str())
}

/// Returns the pages under `/docs`, for signed-in users.
pub fn router() -> Router {
    let config = Config::new([DOCUMENT])
        .validator_url("none")
        .use_base_layout()
        .try_it_out_enabled(true);
    Router::from(SwaggerUi::new("/docs").config(config))
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
        .layer(middleware::from_fn(use_own_style))
        .layer(middleware::from_fn(ask_to_sign_in))
}

/// Gives the page of Swagger UI the colours, the typeface and the header of all pages.
async fn use_own_style(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let is_script = path == "/docs/swagger-initializer.js";
    if !is_script && !matches!(path.as_str(), "/docs/" | "/docs/index.html") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.ok();
    let Some(text) = text.and_then(|text| String::from_utf8(text.into()).ok()) else {
        return Error::Internal.into_response();
    };
    let changed = if is_script {
        text + CHOOSE_COLOURS
    } else {
        own_page(&text, &headers)
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(changed))
}

/// Returns the page of Swagger UI with our stylesheet and header.
fn own_page(page: &str, headers: &HeaderMap) -> String {
    let locale = ui::language(headers);
    let name = td_string!(locale, ui.app_name);
    let theme = ui::chosen_theme(headers).attribute();
    let theme = theme.map(|theme| format!(" data-theme=\"{theme}\""));
    let html = format!("<html lang=\"en\"{}>", theme.unwrap_or_default());
    let style = &BUILT.style;
    let head = format!(
        "<title>API · {name}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1, viewport-fit=cover\">\n\
         <link rel=\"stylesheet\" href=\"{style}\">"
    );
    let body = format!(
        "<body class=\"api-docs\">\n<header class=\"site-header\" lang=\"{locale}\"><div class=\"site-header-row\">\
         <a class=\"logo\" href=\"/\"><img src=\"/favicon.svg\" alt=\"\" width=\"28\" height=\"28\"> {name}</a>\
         <a class=\"menu-link\" href=\"/account\">{account}</a></div></header>",
        account = td_string!(locale, auth.account),
    );
    page.replace("<html lang=\"en\">", &html)
        .replace("<title>Swagger UI</title>", &head)
        .replace("<body>", &body)
}

async fn ask_to_sign_in(request: Request, next: Next) -> Response {
    match Actor::of(request.extensions()) {
        Ok(Actor::User(_)) => next.run(request).await,
        Err(error) => error.into_response(),
        Ok(Actor::Nobody | Actor::System) => {
            let sign_in = [(header::LOCATION, server_context::sign_in_page("/docs/"))];
            (StatusCode::FOUND, sign_in).into_response()
        }
    }
}
