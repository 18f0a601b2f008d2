//! The router of the REST API, which mounts the endpoints of every feature.

use super::docs;
use crate::{
    analytics, api::ApiDoc, audit, auth, baskets, customers, notifications, orders, products, scan,
    supplies, transaction::AppState, undo, write_offs,
};
use axum::{Router, http::StatusCode, routing::any};
use utoipa::{OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;

/// Returns the routes of the API, with a 404 for every unknown path under `/api`.
pub fn router(app: AppState) -> Router {
    let (endpoints, _) = endpoints().split_for_parts();
    endpoints
        .route("/api", any(missing))
        .route("/api/", any(missing))
        .route("/api/{*rest}", any(missing))
        .with_state(app)
}

/// Returns the OpenAPI document.
pub fn document() -> openapi::OpenApi {
    endpoints().into_openapi()
}

fn endpoints() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(auth::api::routes())
        .merge(auth::tokens::api::routes())
        .merge(auth::chats::api::routes())
        .merge(auth::totp::api::routes())
        .merge(products::api::routes())
        .merge(supplies::api::routes())
        .merge(orders::api::routes())
        .merge(baskets::api::routes())
        .merge(write_offs::api::routes())
        .merge(scan::api::routes())
        .merge(scan::relay::routes())
        .merge(undo::api::routes())
        .merge(auth::users::api::routes())
        .merge(analytics::api::routes())
        .merge(audit::api::routes())
        .merge(customers::api::routes())
        .merge(notifications::api::routes())
        .merge(customers::export::routes())
        .merge(docs::routes())
}

async fn missing() -> StatusCode {
    StatusCode::NOT_FOUND
}
