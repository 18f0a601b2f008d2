//! The signed cookie with the token of an invitation, between the link and the registration.

use crate::server_context;
use axum::http::{HeaderMap, request::Parts};
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key, SameSite},
};
use leptos::prelude::use_context;

const COOKIE: &str = "invited";
/// How long a person may take to register.
const KEPT: time::Duration = time::Duration::hours(1);

/// The token of the invitation with which a browser came.
#[derive(Clone)]
pub struct InvitationToken(String);

/// Builds the cookie. It is sent when a link on another site leads here, as the link of an invitation does.
pub fn put(token: String, key: &Key) -> SignedCookieJar {
    let cookie = Cookie::build((COOKIE, token))
        .path("/")
        .max_age(KEPT)
        .http_only(true)
        .same_site(SameSite::Lax);
    SignedCookieJar::new(key.clone()).add(cookie)
}

/// Reads the cookie.
pub fn read(headers: &HeaderMap, key: &Key) -> Option<InvitationToken> {
    let cookie = SignedCookieJar::from_headers(headers, key.clone()).get(COOKIE)?;
    Some(InvitationToken(cookie.value().to_owned()))
}

/// Returns the token of the visitor; empty without an invitation.
pub fn token() -> String {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<InvitationToken>().cloned())
        .map_or_else(String::new, |InvitationToken(token)| token)
}

/// Deletes the cookie of the visitor.
pub fn forget() {
    server_context::delete_cookie(COOKIE);
}
