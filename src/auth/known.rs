//! Browsers that are known: somebody signed in there before.
//!
//! Whoever tries passwords makes an account wait, but only for strangers: its owner comes in from a browser that is
//! known. It opens nothing by itself.

use crate::{crypto::sha256, text::fold};
use axum::http::HeaderMap;
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key, SameSite},
};

const COOKIE: &str = "known";
/// Accounts that a browser is known for, the latest first.
const MOST: usize = 8;
/// Half a year.
const KEPT: time::Duration = time::Duration::seconds(15_768_000);
/// Characters of a mark.
const MARK: usize = 16;

/// The accounts that signed in in a browser before, by their marks.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<String>);

impl Known {
    /// What the browser brings, when the cookie is one of ours.
    pub fn read(headers: &HeaderMap, key: &Key) -> Self {
        let marks = SignedCookieJar::from_headers(headers, key.clone()).get(COOKIE);
        Self(marks.map_or_else(Vec::new, |marks| {
            marks.value().split('.').map(str::to_owned).collect()
        }))
    }

    /// Whether this account signed in here before.
    pub fn has(&self, username: &str) -> bool {
        self.0.contains(&mark(username))
    }

    #[cfg(test)]
    pub fn of(username: &str) -> Self {
        Self(vec![mark(username)])
    }
}

/// The cookie of a browser in which an account just signed in.
pub fn cookie(known: Known, username: &str, key: &Key) -> SignedCookieJar {
    let own = mark(username);
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

fn mark(username: &str) -> String {
    sha256(&fold(username)).chars().take(MARK).collect()
}
