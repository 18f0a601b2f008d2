//! The address on our slips, which leads to the page of the order or the basket.

use super::service;
use crate::{auth::Actor, error::Error, sheet::download::refuse, transaction::AppState};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

/// `GET /o/{number}`: redirects to the page of the order, or of its basket if that has several orders.
pub async fn open(
    State(app): State<AppState>,
    Path(number): Path<String>,
    parts: Parts,
) -> Response {
    let Ok(number) = number.parse::<i64>() else {
        return Error::NotFound.into_response();
    };
    let found = match Actor::of(&parts.extensions) {
        Ok(actor) => app.read(actor, move |tx| service::slip(tx, number)).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => (StatusCode::FOUND, [(header::LOCATION, found.path())]).into_response(),
        Err(error) => refuse(&error, &format!("/o/{number}")),
    }
}
