//! The visitor, on the server: from the request.

use super::Visitor;
use crate::{auth::Actor, error::Error, i18n::Locale, web::ClientInfo};
use axum::http::{HeaderMap, header, request::Parts};
use leptos::prelude::*;

/// Who sent the request, and the language of his cookie. Russian without one.
pub fn visitor() -> Visitor {
    let Some(parts) = use_context::<Parts>() else {
        return Visitor::default();
    };
    let actor = parts.extensions.get::<Result<Actor, Error>>();
    let me = match actor {
        Some(Ok(Actor::User(me))) => Some(me.clone()),
        _ => None,
    };
    Visitor {
        locale: locale_of(&parts.headers),
        me,
        is_unknown: matches!(
            actor,
            Some(Err(Error::Unavailable | Error::Busy | Error::Locked))
        ),
    }
}

/// The title of the document as HTML: Leptos writes it as it is, and there may be a product's name in it.
pub fn title(text: String) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The number of the request.
pub fn request_id() -> String {
    use_context::<Parts>()
        .map(|parts| ClientInfo::of(&parts.extensions).id.to_string())
        .unwrap_or_default()
}

/// The language of a request's cookie. Russian without one.
fn locale_of(headers: &HeaderMap) -> Locale {
    cookie(headers, "lang")
        .and_then(|lang| lang.parse().ok())
        .unwrap_or_default()
}

/// Forms are sent by browsers only.
pub async fn post(_path: &str, _fields: String) -> Result<String, Error> {
    Err(Error::Offline)
}

/// The language for somebody who has no page before him: of his cookie, else the first of `Accept-Language` that we speak.
pub fn language(headers: &HeaderMap) -> Locale {
    let chosen = cookie(headers, "lang").and_then(|lang| lang.parse().ok());
    let accepted = || {
        let languages = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        languages
            .split(',')
            .filter_map(|range| range.trim().split(['-', ';']).next())
            .find_map(|language| language.to_ascii_lowercase().parse().ok())
    };
    chosen.or_else(accepted).unwrap_or_default()
}

/// A cookie of a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
