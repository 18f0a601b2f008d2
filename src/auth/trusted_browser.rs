//! The signed cookie that remembers which accounts have signed in from a browser.
//!
//! Password guessing throttles an account only for unknown browsers, so its owner can still sign in from a known one.
//! The cookie grants no access by itself.

use crate::{crypto::sha256, text::fold};
use axum::http::HeaderMap;
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key, SameSite},
};

const COOKIE: &str = "known";
/// Maximum number of accounts that a browser remembers; the most recent come first.
const MOST: usize = 8;
/// Lifetime of the cookie: half a year.
const KEPT: time::Duration = time::Duration::seconds(15_768_000);
/// Length of a mark in characters.
const MARK: usize = 16;

/// The accounts that have signed in from a browser, each as a short hash (mark) of its name.
#[derive(Clone, Debug, Default)]
pub struct TrustedBrowser(Vec<String>);

impl TrustedBrowser {
    /// Reads the cookie. Contains no accounts if the cookie is missing or its signature is invalid.
    pub fn read(headers: &HeaderMap, key: &Key) -> Self {
        let marks = SignedCookieJar::from_headers(headers, key.clone()).get(COOKIE);
        Self(marks.map_or_else(Vec::new, |marks| {
            marks.value().split('.').map(str::to_owned).collect()
        }))
    }

    /// Returns whether this account has signed in from the browser before.
    pub fn has(&self, username: &str) -> bool {
        self.0.contains(&name_hash(username))
    }

    #[cfg(test)]
    pub fn of(username: &str) -> Self {
        Self(vec![name_hash(username)])
    }
}

/// Builds the cookie for a browser from which an account has just signed in.
pub fn cookie(known: TrustedBrowser, username: &str, key: &Key) -> SignedCookieJar {
    let own = name_hash(username);
    let others = known.0.into_iter().filter(|mark| *mark != own);
    let marks: Vec<_> = std::iter::once(own.clone())
        .chain(others)
        .take(MOST)
        .collect();
    let cookie = Cookie::build((COOKIE, marks.join(".")))
        .path("/")
        .max_age(KEPT)
        .http_only(true)
        .same_site(SameSite::Lax);
    SignedCookieJar::new(key.clone()).add(cookie)
}

fn name_hash(username: &str) -> String {
    sha256(&fold(username)).chars().take(MARK).collect()
}
