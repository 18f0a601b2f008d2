//! `/.well-known/security.txt`, which tells where to report a vulnerability (RFC 9116).

use crate::{clock, config::Config};
use axum::{Router, http::header, response::IntoResponse, routing::get};
use chrono::TimeDelta;

const PATH: &str = "/.well-known/security.txt";
/// How long a copy of the file may be used; the RFC recommends less than a year.
const VALID_FOR: TimeDelta = TimeDelta::days(180);

/// Returns the route of the file, or none without a contact.
pub fn routes(config: &Config) -> Router {
    let Some(contact) = &config.security_contact else {
        return Router::new();
    };
    let mut text = format!("Contact: {contact}\nPreferred-Languages: ru, en\n");
    // The RFC allows only addresses with https here.
    if config.notifications.is_public() {
        text += &format!("Canonical: {}{PATH}\n", config.notifications.site);
    }
    Router::new().route(PATH, get(async move || security_txt(&text)))
}

fn security_txt(text: &str) -> impl IntoResponse + use<> {
    let expires = clock::now().utc() + VALID_FOR;
    let expires = expires.format("%Y-%m-%dT%H:%M:%SZ");
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{text}Expires: {expires}\n"),
    )
}
