//! Identifies the sender of a request, once for all handlers.

use crate::{
    act::Shop,
    api::request::Token,
    auth::{
        known::{self, Known},
        session, tokens,
    },
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_sessions::{Session, cookie::Key};

const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");
/// Makes the browser discard its cached pages.
const CACHE: HeaderValue = HeaderValue::from_static("\"cache\"");
/// Keeps responses for a signed-in user out of the cache. On a shared computer, the next person could otherwise see
/// them with the Back button.
const FOR_ONE: HeaderValue = HeaderValue::from_static("no-store");

/// Identifies the sender of a request by its token or session. After a sign-in the browser is marked as known; after a
/// sign-out its cache is cleared.
pub async fn identify(
    State((shop, key)): State<(Shop, Key)>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let known = Known::read(request.headers(), &key);
    let token = request.extensions().get::<Token>().cloned();
    let actor = match &token {
        Some(Token(token)) => tokens::service::actor(&shop, token).await,
        None => session::actor(&shop, &session).await,
    };
    let before = actor
        .as_ref()
        .ok()
        .and_then(|actor| actor.username().map(str::to_owned));
    let may_sign_in = *request.method() == Method::POST && token.is_none();
    request.extensions_mut().insert(actor);
    request.extensions_mut().insert(known.clone());
    let mut response = next.run(request).await;
    if before.is_some() {
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(FOR_ONE);
    }
    if !may_sign_in {
        return response;
    }
    match session::username(&session).await {
        Ok(Some(now)) if before.as_deref() != Some(&now) => {
            return (known::cookie(known, &now, &key), response).into_response();
        }
        Ok(None) if before.is_some() => {
            response.headers_mut().insert(CLEAR, CACHE);
        }
        _ => {}
    }
    response
}
