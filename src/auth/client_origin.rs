//! The origin of a sign-in: the browser and its address.

use super::{totp::remembered_browser::RememberedBrowser, trusted_browser::TrustedBrowser};
use crate::web::ClientInfo;
use axum::http::{header, request::Parts, uri::Authority};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Maximum number of characters kept of a `User-Agent` header.
const USER_AGENT: usize = 300;

/// The browser and the address from which a request was sent. Kept in the session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClientOrigin {
    /// The `User-Agent` header.
    pub device: String,
    /// IP address; empty if unknown.
    pub address: String,
    /// The address belongs to an untrusted proxy on this machine, so that all of its clients share it.
    #[serde(skip)]
    pub is_proxy: bool,
    /// The request came from this machine itself, and not through a proxy.
    #[serde(skip)]
    pub is_local: bool,
    /// The accounts that have signed in from this browser before.
    #[serde(skip)]
    pub known: TrustedBrowser,
    /// The accounts whose second factor was entered in this browser.
    #[serde(skip)]
    pub remembered: RememberedBrowser,
}

impl ClientOrigin {
    /// Returns the browser and the address of a request.
    pub fn of(parts: &Parts) -> Self {
        let device = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|device| device.to_str().ok())
            .unwrap_or_default();
        let client = ClientInfo::of(&parts.extensions);
        let is_local = is_local(&client);
        let ClientInfo {
            address,
            is_behind_untrusted_proxy: is_passed_on,
            ..
        } = client;
        Self {
            device: device.chars().take(USER_AGENT).collect(),
            address: address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            is_proxy: is_passed_on && address.is_some_and(|address| address.is_loopback()),
            is_local,
            known: parts.extensions.get().cloned().unwrap_or_default(),
            remembered: parts.extensions.get().cloned().unwrap_or_default(),
        }
    }
}

/// Returns whether a request came from this machine itself: from a loopback address, for this machine by its own name.
/// A proxy on this machine also has a loopback address, but passes on the name of the site, or adds its headers.
fn is_local(client: &ClientInfo) -> bool {
    let is_loopback = client.address.is_some_and(|address| address.is_loopback());
    let host = client.host.as_deref().and_then(|host| host.parse().ok());
    is_loopback
        && !client.is_behind_untrusted_proxy
        && host.is_some_and(|host: Authority| names_this_machine(host.host()))
}

fn names_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str, host: &str, is_behind_untrusted_proxy: bool) -> ClientInfo {
        ClientInfo {
            address: address.parse().ok(),
            host: Some(host.into()),
            is_behind_untrusted_proxy,
            ..ClientInfo::default()
        }
    }

    #[test]
    fn only_a_request_from_this_machine_to_itself_is_local() {
        for host in [
            "127.0.0.1:3000",
            "localhost",
            "LOCALHOST:3000",
            "[::1]:3000",
        ] {
            for address in ["127.0.0.1", "::1", "127.9.9.9"] {
                assert!(is_local(&client(address, host, false)), "{address} {host}");
            }
            assert!(!is_local(&client("203.0.113.7", host, false)), "{host}");
            assert!(!is_local(&client("unknown", host, false)), "{host}");
            assert!(!is_local(&client("127.0.0.1", host, true)), "{host}");
        }
        for host in [
            "shop.example",
            "192.168.1.5:3000",
            "localhost.example",
            "",
            "a b",
        ] {
            assert!(!is_local(&client("127.0.0.1", host, false)), "{host}");
        }
        assert!(!is_local(&ClientInfo {
            address: "127.0.0.1".parse().ok(),
            ..ClientInfo::default()
        }));
    }
}
