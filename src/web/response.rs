//! Errors as HTTP responses, and helpers for headers.

use crate::error::Error;
use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

impl IntoResponse for Error {
    /// Sets the status and `Retry-After`, and adds the error itself as an extension for the layer that writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        put_retry_after(response.headers_mut(), &self);
        response.extensions_mut().insert(self);
        response
    }
}

/// Returns the media type of a body in lower case, without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let line = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = line.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

/// Sets `Retry-After` if the error says how long to wait.
pub fn put_retry_after(headers: &mut HeaderMap, error: &Error) {
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
}
