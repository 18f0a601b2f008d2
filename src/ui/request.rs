//! The visitor, on the server: from the request.

use super::Visitor;
use crate::{auth::Actor, door::cookie, error::Error};
use axum::http::request::Parts;
use leptos::prelude::*;

/// Who sent the request, and the language of his cookie. Russian without one.
pub fn visitor() -> Visitor {
    let Some(parts) = use_context::<Parts>() else {
        return Visitor::default();
    };
    let me = match parts.extensions.get::<Result<Actor, Error>>() {
        Some(Ok(Actor::User(me))) => Some(me.clone()),
        _ => None,
    };
    Visitor {
        locale: cookie(&parts.headers, "lang")
            .and_then(|lang| lang.parse().ok())
            .unwrap_or_default(),
        me,
    }
}

/// Forms are sent by browsers only.
pub async fn post(_path: &str, _fields: String) -> Result<String, Error> {
    Err(Error::Offline)
}
