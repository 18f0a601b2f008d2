//! Over HTTPS, prefixes cookies with `__Host-` and marks them `Secure`, so that no other host and no plain HTTP
//! connection can read or set them.

use crate::web::ClientInfo;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};

const PREFIX: &str = "__Host-";

/// Over HTTPS, adds the prefix to every cookie in a response, and strips it from every cookie in a request. The rest of
/// the program uses the short names.
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

/// Returns the cookies that have the prefix, without it; `None` if there are none. Any other cookie may have been set
/// by a neighbouring host.
///
/// Names are compared as they were sent. Browsers protect only the literal prefix: an encoded one would match after
/// decoding, although any host can set it.
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
