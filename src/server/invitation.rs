//! Takes the token of an invitation out of the address of its link, because addresses are in histories and logs.

use crate::auth::invitation_cookie;
use axum::{
    extract::{Request, State},
    http::Uri,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::cookie::Key;
use url::form_urlencoded;

const PAGE: &str = "/register";

/// Moves the token of an invitation link into a cookie, and gives later requests the token from there.
pub async fn keep_out_of_address(
    State(key): State<Key>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(token) = token_in(request.uri()) {
        return (invitation_cookie::put(token, &key), Redirect::to(PAGE)).into_response();
    }
    if let Some(token) = invitation_cookie::read(request.headers(), &key) {
        request.extensions_mut().insert(token);
    }
    next.run(request).await
}

fn token_in(address: &Uri) -> Option<String> {
    let query = address.query().filter(|_| address.path() == PAGE)?;
    let (_, token) = form_urlencoded::parse(query.as_bytes())
        .find(|(name, token)| name == "invitation" && !token.is_empty())?;
    Some(token.into_owned())
}
