//! Requests that another site made a visitor's browser send.

use super::identity::bearer;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Refuses a change that another site asked a visitor's browser for (CSRF).
///
/// Browsers say where a request comes from; scripts that say nothing have no cookies to abuse.
/// A token is nothing that a browser sends by itself.
pub async fn refuse_other_sites(request: Request, next: Next) -> Response {
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && bearer(&request).is_none() && !is_from_here(request.headers()) {
        return (StatusCode::FORBIDDEN, "the request came from another site").into_response();
    }
    next.run(request).await
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host),
        (None, Some(_), None) => false,
        (None, None, _) => true,
    }
}
