//! Who sends a request: found out once, for all that ask.

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
/// What a browser keeps of pages.
const CACHE: HeaderValue = HeaderValue::from_static("\"cache\"");
/// What was drawn for one person is not kept: at a counter the next one would find it behind the Back button.
const FOR_ONE: HeaderValue = HeaderValue::from_static("no-store");

/// Finds out who sent a request. A browser in which somebody just signed in is known from then on; one in which
/// somebody signed out forgets the pages that it was shown.
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
