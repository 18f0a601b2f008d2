//! The signed cookie that remembers in which browser a second factor was entered, so that it is not asked for again.

use crate::{crypto::sha256, moment::Moment};
use axum::http::HeaderMap;
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key, SameSite},
};
use std::sync::{Arc, OnceLock};

const COOKIE: &str = "remembered";
/// Maximum number of accounts that a browser remembers; the most recent come first.
const MOST: usize = 8;
/// How long an account is remembered, in seconds: 30 days.
const KEPT: i64 = 2_592_000;

/// The accounts whose second factor was entered in a browser. An account is remembered by a hash of its name and its
/// encrypted secret, so that it is forgotten when its second factor is set up anew.
#[derive(Clone, Debug, Default)]
pub struct RememberedBrowser {
    marks: Vec<Mark>,
    /// What the handler of the request adds. Shared with the layer that sets the cookie.
    added: Arc<OnceLock<Mark>>,
}

#[derive(Clone, Debug)]
struct Mark {
    hash: String,
    /// The end of its validity, in seconds since 1970.
    until: i64,
}

impl RememberedBrowser {
    /// Reads the cookie. Contains no accounts if the cookie is missing or its signature is invalid.
    pub fn read(headers: &HeaderMap, key: &Key) -> Self {
        let cookie = SignedCookieJar::from_headers(headers, key.clone()).get(COOKIE);
        let marks = cookie.map_or_else(Vec::new, |marks| {
            marks.value().split('.').filter_map(Mark::read).collect()
        });
        Self {
            marks,
            added: Arc::default(),
        }
    }

    /// Returns whether the second factor of an account, with this encrypted secret, was entered in the browser.
    pub fn has(&self, username: &str, sealed: &str, now: Moment) -> bool {
        let (hash, now) = (hash_of(username, sealed), seconds(now));
        let mut marks = self.marks.iter();
        marks.any(|mark| mark.hash == hash && mark.until > now)
    }

    /// Remembers an account from now on.
    pub fn add(&self, username: &str, sealed: &str, now: Moment) {
        let mark = Mark {
            hash: hash_of(username, sealed),
            until: seconds(now) + KEPT,
        };
        let _ = self.added.set(mark);
    }

    /// Returns the cookie, or none if nothing was added.
    pub fn cookie(self, key: &Key) -> SignedCookieJar {
        let jar = SignedCookieJar::new(key.clone());
        let Some(added) = self.added.get() else {
            return jar;
        };
        let others = self.marks.iter().filter(|mark| mark.hash != added.hash);
        let marks: Vec<_> = std::iter::once(added)
            .chain(others)
            .take(MOST)
            .map(|mark| format!("{}-{}", mark.hash, mark.until))
            .collect();
        let cookie = Cookie::build((COOKIE, marks.join(".")))
            .path("/")
            .max_age(time::Duration::seconds(KEPT))
            .http_only(true)
            .same_site(SameSite::Lax);
        jar.add(cookie)
    }
}

impl Mark {
    fn read(text: &str) -> Option<Self> {
        let (hash, until) = text.split_once('-')?;
        Some(Self {
            hash: hash.to_owned(),
            until: until.parse().ok()?,
        })
    }
}

fn hash_of(username: &str, sealed: &str) -> String {
    sha256(&format!("{username}/{sealed}"))
}

fn seconds(now: Moment) -> i64 {
    now.utc().and_utc().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use axum::{http::header, response::IntoResponse};
    use chrono::TimeDelta;

    /// Returns the browser that sends the cookie which it got.
    fn after(browser: RememberedBrowser, key: &Key) -> RememberedBrowser {
        let answer = browser.cookie(key).into_response();
        let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let sent = set.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, sent.parse().unwrap());
        RememberedBrowser::read(&headers, key)
    }

    #[test]
    fn an_account_is_remembered_with_its_secret_for_thirty_days() {
        let (key, now) = (Key::from(&[7; 64]), clock::now());
        let browser = RememberedBrowser::default();
        assert!(browser.clone().cookie(&key).iter().next().is_none());
        browser.add("анна", "secret", now);
        let browser = after(browser, &key);
        let in_days = |days| clock::at(now.utc().and_utc() + TimeDelta::days(days));
        assert!(browser.has("анна", "secret", in_days(29)));
        assert!(!browser.has("анна", "secret", in_days(31)));
        assert!(!browser.has("анна", "a new secret", now));
        assert!(!browser.has("борис", "secret", now));
        browser.add("борис", "his secret", now);
        let browser = after(browser, &key);
        assert!(browser.has("анна", "secret", now) && browser.has("борис", "his secret", now));
    }
}
