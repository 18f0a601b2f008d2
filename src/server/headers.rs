//! Sets the security headers of every response.
//!
//! The layer in tower-http sets one header only, and does not run when a connection is refused before the router.

use crate::web::ClientInfo;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// The policy of responses that are not pages: if a browser ever shows one as a page, it loads and runs nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);
/// The `Retry-After` of a 503 response that does not set its own, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");
/// The `Strict-Transport-Security` header: HTTPS only, for one year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Returns the `Permissions-Policy` header with the rule for the camera.
macro_rules! permissions {
    ($camera:literal) => {
        HeaderValue::from_static(concat!(
            $camera,
            ", accelerometer=(), autoplay=(), browsing-topics=(), clipboard-read=(), display-capture=(), \
             encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
             identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), \
             otp-credentials=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), \
             publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), \
             window-management=(), xr-spatial-tracking=()"
        ))
    };
}

const NO_CAMERA: HeaderValue = permissions!("camera=()");
const OWN_CAMERA: HeaderValue = permissions!("camera=(self)");

/// A response extension that marks a page whose script may use the camera.
#[derive(Clone, Copy, Debug)]
pub struct UsesCamera;

/// The headers that no handler can override.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // Without JavaScript, a refused form uses the `Referer` to lead back to its page.
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
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

/// Sets the headers of a response.
pub async fn set_headers(request: Request, next: Next) -> Response {
    let is_secure = ClientInfo::of(request.extensions()).is_secure;
    let mut response = next.run(request).await;
    put_always(&mut response);
    let headers = response.headers_mut();
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// Sets the headers that do not depend on the request.
pub fn put_always(response: &mut Response) {
    let is_passing = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let uses_camera = response.extensions().get::<UsesCamera>().is_some();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    let permissions = if uses_camera { OWN_CAMERA } else { NO_CAMERA };
    headers.insert(PERMISSIONS_POLICY, permissions);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(POLICY);
    // A response that does not set its own may have been made for one user.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    if is_passing {
        headers
            .entry(header::RETRY_AFTER)
            .or_insert(RETRY_AFTER_SECONDS);
    }
}
