//! The routes for file downloads and uploads.

use super::{pages::no_index, scan};
use crate::{
    analytics, audit, customers, import, orders, products, sheet::download::download, supplies,
    transaction::AppState,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

/// Returns the routes of the CSV downloads.
pub fn downloads(app: AppState) -> Router {
    Router::new()
        .route("/admin/analytics.csv", get(analytics::csv::download))
        .route("/admin/logs.csv", get(download::<audit::Query>))
        .route(
            "/admin/customers.json",
            get(customers::export::download_json),
        )
        .route("/admin/customers.csv", get(customers::export::download_csv))
        .layer(no_index())
        .route("/orders.csv", get(download::<orders::Query>))
        .route("/products.csv", get(download::<products::Query>))
        .route(
            "/products/{id}/movements.csv",
            get(products::movements_csv::download),
        )
        .route("/supplies.csv", get(download::<supplies::Query>))
        .with_state(app)
}

/// Returns the routes of uploads, whose bodies may be larger than those of other requests.
pub fn uploads(app: AppState) -> Router {
    let limit = DefaultBodyLimit::max(import::upload::MAX_BYTES);
    Router::new()
        .route(
            "/uploads/{kind}",
            post(import::upload::receive).layer(limit),
        )
        .route(
            scan::PATH,
            post(scan::receive).layer(DefaultBodyLimit::max(scan::MAX_FORM)),
        )
        .with_state(app)
}
