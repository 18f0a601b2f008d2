//! Errors as HTTP responses.

use crate::error::Error;
use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

impl IntoResponse for Error {
    /// The status and `Retry-After`, with the error itself as an extension for the layer that writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        put_retry_after(response.headers_mut(), &self);
        response.extensions_mut().insert(self);
        response
    }
}

/// Sets `Retry-After` when it is known how long to wait.
pub fn put_retry_after(headers: &mut HeaderMap, error: &Error) {
    if let Some(seconds) = error.wait() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
}
