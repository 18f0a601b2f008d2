//! The routes of files: those to take away, and those that people bring.

use super::{csrf, pages::no_index};
use crate::{act::Shop, analytics, import, log, orders, products, supplies};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};

/// Tables as CSV. Who took one is put on record, so that only our own pages and programs may ask.
pub fn downloads(shop: Shop) -> Router {
    Router::new()
        .route("/admin/analytics.csv", get(analytics::csv::download))
        .route("/admin/logs.csv", get(log::csv::download))
        .layer(no_index())
        .route("/orders.csv", get(orders::csv::download))
        .route("/products.csv", get(products::csv::download))
        .route(
            "/products/{id}/movements.csv",
            get(products::movements_csv::download),
        )
        .route("/supplies.csv", get(supplies::csv::download))
        .layer(middleware::from_fn(csrf::refuse_other_sites))
        .with_state(shop)
}

/// Files to load: larger than anything else that is sent.
pub fn uploads(shop: Shop) -> Router {
    let limit = DefaultBodyLimit::max(import::upload::LARGEST);
    Router::new()
        .route(
            "/uploads/{kind}",
            post(import::upload::receive).layer(limit),
        )
        .with_state(shop)
}
