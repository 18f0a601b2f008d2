//! Refuses requests that another site made a visitor's browser send (CSRF).
//!
//! The layer in tower-http compares `Origin` with `Host`, which a proxy may rewrite, and checks neither the scheme nor
//! the `Referer`.

use crate::{
    api::request::Token,
    error::Error,
    web::{ClientInfo, media_type},
};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that changes something if another site made the browser send it.
pub async fn protect_changes(request: Request, next: Next) -> Response {
    if is_change(&request) {
        refuse_other_sites(request, next).await
    } else {
        next.run(request).await
    }
}

/// Refuses any request that another site made the browser send.
///
/// A request with a token is accepted, because a browser never sends a token on its own.
pub async fn refuse_other_sites(request: Request, next: Next) -> Response {
    let client = ClientInfo::of(request.extensions());
    let has_token = request.extensions().get::<Token>().is_some();
    if has_token || is_trusted_source(request.headers(), &client) {
        next.run(request).await
    } else {
        Error::OtherSite.into_response()
    }
}

/// Answers a form request to the API with 415 if it has no token and does not say which site sent it. It probably comes
/// from a program that did not set its media type. A browser never sends a token on its own.
pub async fn refuse_silent_forms(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let has_token = request.extensions().get::<Token>().is_some();
    if !has_token && is_change(&request) && is_form(headers) && has_no_origin_headers(headers) {
        StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()
    } else {
        next.run(request).await
    }
}

fn is_change(request: &Request) -> bool {
    !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    )
}

/// Returns whether a request comes from our own pages or from a program.
///
/// Browsers say where a request comes from. The oldest ones send only a `Referer` with a form. When a script of another
/// site sends anything but a form, every browser adds an `Origin`. So a request that has none of these headers and is
/// not a form comes from a program, which has no visitor's cookies.
fn is_trusted_source(headers: &HeaderMap, client: &ClientInfo) -> bool {
    let text = |name: &HeaderName| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(site) = text(&FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(&header::ORIGIN), text(&header::REFERER)) {
        (Some(from), _) | (None, Some(from)) => is_ours(from, client),
        (None, None) => !is_form(headers),
    }
}

fn has_no_origin_headers(headers: &HeaderMap) -> bool {
    [&FETCH_SITE, &header::ORIGIN, &header::REFERER]
        .iter()
        .all(|name| !headers.contains_key(*name))
}

fn is_ours(address: &str, client: &ClientInfo) -> bool {
    let Ok(from) = Url::parse(address) else {
        return false;
    };
    // If we do not know that the visitor uses HTTPS, a proxy in front of us may still use it, so both schemes match.
    let scheme_fits = from.scheme() == "https" || (from.scheme() == "http" && !client.is_secure);
    scheme_fits && client.host.as_deref() == Some(from.authority())
}

/// Returns whether a form on any site could send a body of this media type.
fn is_form(headers: &HeaderMap) -> bool {
    matches!(
        media_type(headers).as_deref(),
        Some("application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(sent: &[(HeaderName, &str)], is_secure: bool) -> bool {
        let headers = sent
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        let client = ClientInfo {
            is_secure,
            host: Some("shop.example:3000".into()),
            ..ClientInfo::default()
        };
        is_trusted_source(&headers, &client)
    }

    #[test]
    fn sec_fetch_site_takes_precedence_over_origin() {
        let origin = (header::ORIGIN, "http://shop.example:3000");
        for (site, expected) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("", false),
        ] {
            assert_eq!(
                allowed(&[(FETCH_SITE, site), origin.clone()], false),
                expected,
                "{site}"
            );
        }
    }

    #[test]
    fn the_whole_origin_is_compared() {
        for (origin, plain, secure) in [
            ("http://shop.example:3000", true, false),
            ("https://shop.example:3000", true, true),
            ("http://shop.example", false, false),
            ("http://shop.example:3000.evil.example", false, false),
            ("http://evil.example/shop.example:3000", false, false),
            ("ftp://shop.example:3000", false, false),
            ("null", false, false),
        ] {
            assert_eq!(
                allowed(&[(header::ORIGIN, origin)], false),
                plain,
                "{origin}"
            );
            assert_eq!(
                allowed(&[(header::ORIGIN, origin)], true),
                secure,
                "{origin}"
            );
        }
    }

    #[test]
    fn a_form_without_origin_is_refused_but_a_program_is_not() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let own_page = "http://shop.example:3000/orders";
        let other_site = "http://evil.example/";
        for (sent, expected) in [
            (vec![], true),
            (vec![(header::CONTENT_TYPE, "application/json")], true),
            (vec![(header::CONTENT_TYPE, form)], false),
            (vec![(header::CONTENT_TYPE, "Text/Plain")], false),
            (vec![(header::CONTENT_TYPE, "text/plain ;x")], false),
            (
                vec![(header::CONTENT_TYPE, "multipart/form-data; boundary=x")],
                false,
            ),
            (
                vec![(header::CONTENT_TYPE, form), (header::REFERER, own_page)],
                true,
            ),
            (
                vec![(header::CONTENT_TYPE, form), (header::REFERER, other_site)],
                false,
            ),
            (vec![(header::REFERER, other_site)], false),
        ] {
            assert_eq!(allowed(&sent, false), expected, "{sent:?}");
        }
    }
}
