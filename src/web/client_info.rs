//! What is known of the client of a request: its address, the scheme, the host that it asked for, and the request's id.
//!
//! Only this module reads `X-Forwarded-*` and decides whether a proxy is trusted. tower-http takes the request id that
//! anybody sends, and `axum-client-ip` knows one source of the address and neither scheme nor host.

use crate::config::{Config, CookieSecure};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue,
        header::{self, FORWARDED},
    },
    middleware::Next,
    response::Response,
};
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

/// The header with the number of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// Characters of a number that a proxy gave.
const LONGEST_ID: usize = 64;

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    /// The number by which the log, the answer and people speak of the request.
    pub id: Arc<str>,
    /// Where the visitor is: behind a proxy that is trusted, the address that the proxy saw.
    pub address: Option<IpAddr>,
    /// Whether somebody passed the request on of whom the settings do not know: then nobody knows whose it is.
    pub is_passed_on: bool,
    /// Whether the visitor came over HTTPS, as far as one can know.
    pub is_secure: bool,
    /// The host that the visitor typed.
    pub host: Option<Arc<str>>,
}

impl ClientInfo {
    /// Of a request that the layer has seen.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    fn read(config: &Config, headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let trusted = |name: HeaderName| last(headers, &name).filter(|_| config.trust_proxy);
        let address = match trusted(FORWARDED_FOR) {
            // What cannot be read is nobody's address, not the proxy's.
            Some(forwarded) => read_address(forwarded),
            None => peer,
        };
        let host = trusted(FORWARDED_HOST).or_else(|| last(headers, &header::HOST));
        let is_secure = match config.cookie_secure {
            CookieSecure::Always => true,
            CookieSecure::Never => false,
            CookieSecure::Auto => {
                trusted(FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
            }
        };
        let is_passed_on = [&FORWARDED_FOR, &FORWARDED, &REAL_IP, &header::VIA]
            .iter()
            .any(|name| headers.contains_key(*name));
        Self {
            id: trusted(REQUEST_ID)
                .filter(|id| is_id(id))
                .map_or_else(new_id, Into::into),
            address: address.map(|address| address.to_canonical()),
            is_passed_on: is_passed_on && !config.trust_proxy,
            is_secure,
            host: host.map(Into::into),
        }
    }
}

/// Adds the [`ClientInfo`] to a request, and its id to the answer.
pub async fn read_client_info(
    State(config): State<Arc<Config>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer.ip());
    let client = ClientInfo::read(&config, request.headers(), peer);
    let id = HeaderValue::from_str(&client.id);
    request.extensions_mut().insert(client);
    let mut response = next.run(request).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What a rate limit counts as one client: an IPv4 address, or the /64 network of an IPv6 address.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

/// What the nearest proxy says: it adds to what came, at the end, as a part of the line or as a line of its own.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

/// An address, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(allowed)
}

/// A number for a request.
pub fn new_id() -> Arc<str> {
    format!("{:016x}", rand::random::<u64>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(trust_proxy: bool, cookie_secure: CookieSecure) -> Config {
        Config {
            trust_proxy,
            cookie_secure,
            ..Config::of_tests()
        }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_added_itself() {
        // The visitor wrote the first line himself.
        let sent = headers(&[
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-for", "10.0.0.2, 203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("x-request-id", "proxy-1"),
            ("host", "127.0.0.1:3000"),
        ]);
        let believed = ClientInfo::read(&config(true, CookieSecure::Auto), &sent, Some(PEER));
        assert_eq!(believed.address, "203.0.113.7".parse().ok());
        assert_eq!(believed.host.as_deref(), Some("shop.example"));
        assert_eq!(&*believed.id, "proxy-1");
        assert!(believed.is_secure && !believed.is_passed_on);

        let doubted = ClientInfo::read(&config(false, CookieSecure::Auto), &sent, Some(PEER));
        assert_eq!(doubted.address, Some(PEER));
        assert_eq!(doubted.host.as_deref(), Some("127.0.0.1:3000"));
        assert_ne!(&*doubted.id, "proxy-1");
        assert!(!doubted.is_secure && doubted.is_passed_on);
    }

    #[test]
    fn what_a_trusted_proxy_does_not_know_is_nobodys_address() {
        let config = config(true, CookieSecure::Auto);
        for said in ["unknown", "", "203.0.113.7, _hidden"] {
            let sent = headers(&[("x-forwarded-for", said)]);
            assert_eq!(ClientInfo::read(&config, &sent, Some(PEER)).address, None);
        }
        assert_eq!(
            ClientInfo::read(&config, &headers(&[]), Some(PEER)).address,
            Some(PEER)
        );
    }

    #[test]
    fn a_proxy_is_noticed_by_whatever_it_adds() {
        let config = config(false, CookieSecure::Auto);
        for name in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert!(
                ClientInfo::read(&config, &headers(&[(name, "1.1")]), Some(PEER)).is_passed_on,
                "{name}"
            );
        }
    }

    #[test]
    fn a_number_with_signs_that_would_confuse_the_log_is_replaced() {
        let config = config(true, CookieSecure::Auto);
        for id in ["", "a b", "\u{7f}1", &"x".repeat(65)] {
            let mut sent = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(id.as_bytes()) {
                sent.insert(REQUEST_ID, value);
            }
            assert_eq!(ClientInfo::read(&config, &sent, None).id.len(), 16, "{id}");
        }
    }

    #[test]
    fn an_address_may_have_a_port() {
        for (text, address) in [
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(read_address(text), address.parse().ok());
        }
        assert_eq!(read_address("unknown"), None);
    }

    #[test]
    fn the_setting_decides_over_what_a_proxy_says() {
        let sent = headers(&[("x-forwarded-proto", "https")]);
        for (setting, is_secure) in [
            (CookieSecure::Always, true),
            (CookieSecure::Never, false),
            (CookieSecure::Auto, true),
        ] {
            let client = ClientInfo::read(&config(true, setting), &sent, None);
            assert_eq!(client.is_secure, is_secure, "{setting:?}");
        }
    }
}
