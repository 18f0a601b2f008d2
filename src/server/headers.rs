//! Headers of answers.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

/// Keeps the admin's pages out of search engines.
pub async fn hide_from_indexes(request: Request, next: Next) -> Response {
    let is_hidden = request.uri().path().starts_with("/admin");
    let mut response = next.run(request).await;
    if is_hidden {
        response.headers_mut().insert(
            HeaderName::from_static("x-robots-tag"),
            HeaderValue::from_static("noindex, nofollow"),
        );
    }
    response
}
