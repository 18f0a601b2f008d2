//! The origin of a sign-in: the browser and its address.

use super::{totp::remembered_browser::RememberedBrowser, trusted_browser::TrustedBrowser};
use crate::web::ClientInfo;
use axum::http::{header, request::Parts};
use serde::{Deserialize, Serialize};

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
        let is_local = client.is_this_machine();
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
