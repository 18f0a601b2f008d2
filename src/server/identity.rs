//! Who sends a request: found out once, for all that ask.

use crate::{
    act::Shop,
    api,
    auth::{session, tokens},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tower_sessions::Session;

/// Finds out who sent a request, once for all that ask.
pub async fn identify(
    State(shop): State<Shop>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let token = bearer(&request).map(str::to_owned);
    let actor = match token {
        Some(token) => tokens::service::actor(&shop, &token).await,
        None => session::actor(&shop, &session).await,
    };
    request.extensions_mut().insert(actor);
    next.run(request).await
}

/// The token that signs a request in: under the API only, and then the session is not asked.
pub fn bearer(request: &Request) -> Option<&str> {
    if !api::is_api(request.uri().path()) {
        return None;
    }
    api::request::bearer(request.headers())
}
