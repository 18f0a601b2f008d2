//! The address on our slips, which leads to the page of the order or the basket.

use super::service;
use crate::{auth::Actor, error::Error, server_context::sign_in_page, transaction::AppState};
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
) -> Result<Response, Error> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound)?;
    let found = match Actor::of(&parts.extensions) {
        Ok(actor) => app.read(actor, move |tx| service::slip(tx, number)).await,
        Err(error) => Err(error),
    };
    let page = match found {
        Ok(found) => found.path(),
        Err(Error::SignedOut) => sign_in_page(&format!("/o/{number}")),
        Err(error) => return Err(error),
    };
    Ok((StatusCode::FOUND, [(header::LOCATION, page)]).into_response())
}
