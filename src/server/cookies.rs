//! Cookies behind HTTPS: called `__Host-…` and `Secure`, so that no other host and no plain connection gets or sets one.

use crate::web::ClientInfo;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};

const PREFIX: &str = "__Host-";

/// Gives every cookie its long name outside, behind HTTPS; inside it has its short one.
pub async fn guard(mut request: Request, next: Next) -> Response {
    if !ClientInfo::of(request.extensions()).is_secure {
        return next.run(request).await;
    }
    let kept = guarded(request.headers());
    request.headers_mut().remove(header::COOKIE);
    if let Some(kept) = kept {
        request.headers_mut().insert(header::COOKIE, kept);
    }
    let mut response = next.run(request).await;
    let set: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| {
            HeaderValue::from_str(&format!("{PREFIX}{}; Secure", cookie.to_str().ok()?)).ok()
        })
        .collect();
    response.headers_mut().remove(header::SET_COOKIE);
    for cookie in set {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The cookies that only we can have set, by their short names. Any other may come from a neighbour.
///
/// Read as they were sent: a decoded name may be ours without the prefix that browsers protect.
fn guarded(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(header::COOKIE).iter();
    let kept: Vec<_> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(PREFIX))
        .collect();
    HeaderValue::from_str(&kept.join("; "))
        .ok()
        .filter(|line| !line.is_empty())
}
