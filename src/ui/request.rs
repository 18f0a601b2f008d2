//! The visitor, on the server: from the request.

use super::Visitor;
use crate::{auth::Actor, error::Error, i18n::Locale, web::ClientInfo};
use axum::http::{HeaderMap, header, request::Parts};
use axum_extra::extract::CookieJar;
use leptos::prelude::*;

/// Who sent the request, and the language of their cookie. Russian without one.
pub fn visitor() -> Visitor {
    let Some(parts) = use_context::<Parts>() else {
        return Visitor::default();
    };
    let actor = Actor::of(&parts.extensions);
    Visitor {
        locale: chosen(&parts.headers).unwrap_or_default(),
        is_unknown: matches!(actor, Err(Error::Unavailable | Error::Busy | Error::Locked)),
        me: match actor {
            Ok(Actor::User(me)) => Some(me),
            _ => None,
        },
    }
}

/// The title of the document as HTML: Leptos writes it as it is, and there may be a product's name in it.
pub fn title(text: String) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Keeps the number of the last request that failed where `ui::request_id` finds it: every call goes through `fetch`.
pub const KEEP_REQUEST_ID: &str = "const ask = window.fetch; window.fetch = async (...what) => { const answer = await ask(...what); \
    if (answer.status >= 500) document.body.dataset.request = answer.headers.get('x-request-id') ?? ''; return answer; };";

/// The number of the request.
pub fn request_id() -> String {
    use_context::<Parts>()
        .map(|parts| ClientInfo::of(&parts.extensions).id.to_string())
        .unwrap_or_default()
}

/// Forms are sent by browsers only.
pub async fn post(_path: &str, _fields: String) -> Result<String, Error> {
    Err(Error::Offline)
}

/// The language for somebody who has no page yet: of their cookie, else the first of `Accept-Language` that we speak.
pub fn language(headers: &HeaderMap) -> Locale {
    let accepted = || {
        let languages = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        languages
            .split(',')
            .filter_map(|range| range.trim().split(['-', ';']).next())
            .find_map(|language| language.to_ascii_lowercase().parse().ok())
    };
    chosen(headers).or_else(accepted).unwrap_or_default()
}

/// The language of a request's cookie.
fn chosen(headers: &HeaderMap) -> Option<Locale> {
    let cookies = CookieJar::from_headers(headers);
    cookies.get("lang")?.value().parse().ok()
}
