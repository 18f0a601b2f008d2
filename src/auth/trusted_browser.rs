//! The signed cookie that remembers which accounts have signed in from a browser.
//!
//! Password guessing throttles an account only for unknown browsers, so its owner can still sign in from a known one.
//! The cookie grants no access by itself.

use crate::{
    crypto::{new_key, sha256},
    text::fold,
};
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

/// The accounts that have signed in from a browser.
#[derive(Clone, Debug, Default)]
pub struct TrustedBrowser {
    /// A random id, which the browser keeps; empty in a cookie of an earlier version.
    id: String,
    /// A short hash (mark) of each account's name.
    accounts: Vec<String>,
}

impl TrustedBrowser {
    /// Reads the cookie. Contains no accounts if the cookie is missing or its signature is invalid.
    pub fn read(headers: &HeaderMap, key: &Key) -> Self {
        SignedCookieJar::from_headers(headers, key.clone())
            .get(COOKIE)
            .map_or_else(Self::default, |cookie| Self::parse(cookie.value()))
    }

    fn parse(cookie: &str) -> Self {
        let (ids, accounts) = cookie
            .split('.')
            .map(str::to_owned)
            .partition::<Vec<_>, _>(|part| part.len() != MARK);
        Self {
            id: ids.into_iter().next().unwrap_or_default(),
            accounts,
        }
    }

    /// Returns whether this account has signed in from the browser before.
    pub fn has(&self, username: &str) -> bool {
        self.accounts.contains(&name_hash(username))
    }

    /// Returns the random id of the browser.
    pub fn id(&self) -> &str {
        &self.id
    }

    #[cfg(test)]
    pub fn of(username: &str) -> Self {
        Self {
            id: new_key(),
            accounts: vec![name_hash(username)],
        }
    }
}

/// Builds the cookie for a browser from which an account has just signed in.
pub fn cookie(known: TrustedBrowser, username: &str, key: &Key) -> SignedCookieJar {
    let id = Some(known.id)
        .filter(|id| !id.is_empty())
        .unwrap_or_else(new_key);
    let own = name_hash(username);
    let others = known.accounts.into_iter().filter(|mark| *mark != own);
    let marks = std::iter::once(own.clone()).chain(others).take(MOST);
    let parts: Vec<_> = std::iter::once(id).chain(marks).collect();
    let cookie = Cookie::build((COOKIE, parts.join(".")))
        .path("/")
        .max_age(KEPT)
        .http_only(true)
        .same_site(SameSite::Lax);
    SignedCookieJar::new(key.clone()).add(cookie)
}

fn name_hash(username: &str) -> String {
    sha256(&fold(username)).chars().take(MARK).collect()
}
