//! Headers that every answer has, whatever it is: what a browser may do with it.
//!
//! The layer of tower-http sets one header, and is not asked where a connection is refused before the router.

use crate::web::ClientInfo;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// Of answers that are no page: should a browser ever show one as a page, it loads and runs nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);
/// Seconds after which what is not to be had now may be.
const AGAIN: HeaderValue = HeaderValue::from_static("5");
/// A year.
const TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What no answer may change.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // Forms without JavaScript come back by it.
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    // The camera reads bar codes.
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(self), accelerometer=(), autoplay=(), browsing-topics=(), clipboard-read=(), \
             display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
             identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), \
             otp-credentials=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), \
             publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), \
             window-management=(), xr-spatial-tracking=()",
        ),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Puts them on an answer.
pub async fn put(request: Request, next: Next) -> Response {
    let is_secure = ClientInfo::of(request.extensions()).is_secure;
    let mut response = next.run(request).await;
    put_always(&mut response);
    let headers = response.headers_mut();
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT);
    }
    response
}

/// Puts on an answer what it has whatever was asked.
pub fn put_always(response: &mut Response) {
    let is_passing = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(POLICY);
    // What is not said otherwise may have been drawn for one person.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    if is_passing {
        headers.entry(header::RETRY_AFTER).or_insert(AGAIN);
    }
}
