//! The routes for file downloads and uploads.

use super::pages::no_index;
use crate::{
    act::Shop, analytics, import, log, orders, products, sheet::download::download, supplies,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

/// Returns the routes of the CSV downloads.
pub fn downloads(shop: Shop) -> Router {
    Router::new()
        .route("/admin/analytics.csv", get(analytics::csv::download))
        .route("/admin/logs.csv", get(download::<log::Query>))
        .layer(no_index())
        .route("/orders.csv", get(download::<orders::Query>))
        .route("/products.csv", get(download::<products::Query>))
        .route(
            "/products/{id}/movements.csv",
            get(products::movements_csv::download),
        )
        .route("/supplies.csv", get(download::<supplies::Query>))
        .with_state(shop)
}

/// Returns the routes of uploads, whose bodies may be larger than those of other requests.
pub fn uploads(shop: Shop) -> Router {
    let limit = DefaultBodyLimit::max(import::upload::LARGEST);
    Router::new()
        .route(
            "/uploads/{kind}",
            post(import::upload::receive).layer(limit),
        )
        .with_state(shop)
}
