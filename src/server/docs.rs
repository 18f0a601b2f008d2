//! The OpenAPI document, and the pages that show it (Swagger UI, embedded in the binary).

use crate::{auth::Actor, server_context, transaction::AppState};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

const DOCUMENT: &str = "/api/openapi.json";

/// Allows inline styles, which Swagger UI needs, and nothing from other hosts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

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
        .try_it_out_enabled(true);
    Router::from(SwaggerUi::new("/docs").config(config))
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
        .layer(middleware::from_fn(ask_to_sign_in))
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
