//! The server-side counterpart of `document`: reads the visitor from the request.

use super::{Visitor, draft::Draft, keys, theme};
use crate::{auth::Actor, clock, error::Error, i18n::Locale, web::ClientInfo};
use axum::http::{HeaderMap, header, request::Parts};
use axum_extra::extract::CookieJar;
use chrono::NaiveDate;
use leptos::prelude::*;
use std::str::FromStr;

/// Returns who sent the request, and the language from their cookie, or Russian without a cookie.
pub fn visitor() -> Visitor {
    let Some(parts) = use_context::<Parts>() else {
        return Visitor::default();
    };
    let actor = Actor::of(&parts.extensions);
    Visitor {
        locale: page_language(&parts),
        theme: chosen_theme(&parts.headers),
        keys: cookie(&parts.headers, keys::COOKIE).unwrap_or_default(),
        is_unknown: matches!(actor, Err(Error::Unavailable | Error::Busy | Error::Locked)),
        me: match actor {
            Ok(Actor::User(me)) => Some(me),
            _ => None,
        },
    }
}

/// Returns the refused form that the visitor sent before, if this page shows it again.
pub fn draft() -> Option<Draft> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get().cloned())
}

/// Returns the current day of the shop.
pub fn today() -> NaiveDate {
    clock::now().day()
}

/// Returns the document title as HTML. Leptos does not escape it, and it may contain the name of a product.
pub fn title(text: String) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns the request id.
pub fn request_id() -> String {
    use_context::<Parts>()
        .map(|parts| ClientInfo::of(&parts.extensions).id.to_string())
        .unwrap_or_default()
}

/// Always fails: only browsers send forms.
pub async fn post(_path: &str, _fields: String) -> Result<String, Error> {
    Err(Error::Offline)
}

/// Returns the language for a response outside the pages: from the cookie, else the first supported one in
/// `Accept-Language`.
pub fn language(headers: &HeaderMap) -> Locale {
    let accepted = || {
        let languages = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        languages
            .split(',')
            .filter_map(|range| range.trim().split(['-', ';']).next())
            .find_map(|language| language.to_ascii_lowercase().parse().ok())
    };
    cookie_language(headers)
        .or_else(accepted)
        .unwrap_or_default()
}

/// Returns the language of the pages: from the cookie, or Russian without a cookie.
pub fn page_language(request: &Parts) -> Locale {
    cookie_language(&request.headers).unwrap_or_default()
}

/// Returns the colours that the user chose, from the cookie.
pub fn chosen_theme(headers: &HeaderMap) -> theme::Theme {
    cookie(headers, theme::COOKIE).unwrap_or_default()
}

/// Returns the language from the cookie of a request.
fn cookie_language(headers: &HeaderMap) -> Option<Locale> {
    cookie(headers, "lang")
}

/// Returns the choice that a cookie stores.
fn cookie<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    let cookies = CookieJar::from_headers(headers);
    cookies.get(name)?.value().parse().ok()
}
