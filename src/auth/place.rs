//! Where somebody signs in: the browser, and the address that it comes from.

use super::known::Known;
use crate::web::ClientInfo;
use axum::http::{header, request::Parts};
use serde::{Deserialize, Serialize};

/// Characters of a browser's name for itself that are kept.
const USER_AGENT: usize = 300;

/// Where somebody signed in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// What the browser calls itself.
    pub device: String,
    /// IP address.
    pub address: String,
    /// The address is that of a proxy on this machine, with everybody behind it.
    #[serde(skip)]
    pub is_proxy: bool,
    /// Who signed in there before.
    #[serde(skip)]
    pub known: Known,
}

impl Place {
    /// Where a request came from.
    pub fn of(parts: &Parts) -> Self {
        let device = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|device| device.to_str().ok())
            .unwrap_or_default();
        let ClientInfo {
            address,
            is_passed_on,
            ..
        } = ClientInfo::of(&parts.extensions);
        Self {
            device: device.chars().take(USER_AGENT).collect(),
            address: address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            is_proxy: is_passed_on && address.is_some_and(|address| address.is_loopback()),
            known: parts.extensions.get().cloned().unwrap_or_default(),
        }
    }
}
