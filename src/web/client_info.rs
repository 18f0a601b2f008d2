//! Finds out the client address, the scheme and the host of a request, and gives the request its id.
//!
//! Only this module reads `X-Forwarded-*` and decides whether a proxy is trusted. tower-http accepts the request id
//! that any client sends; `axum-client-ip` reads the address from one source only, and neither scheme nor host.

use super::host::{self, Host};
use crate::config::{Config, CookieSecure};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Uri, Version,
        header::{self, FORWARDED},
    },
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Once},
};

/// The header with the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// The headers by which a proxy is recognised.
const FORWARDING: [HeaderName; 6] = [
    FORWARDED_FOR,
    FORWARDED_PROTO,
    FORWARDED_HOST,
    REAL_IP,
    FORWARDED,
    header::VIA,
];
/// The maximum length of a request id from a proxy, in bytes.
const LONGEST_ID: usize = 64;

/// What is known about the client of a request.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    /// The request id, which appears in the log and in the response.
    pub id: Arc<str>,
    /// The client address. Behind a trusted proxy, it is the address that the proxy saw.
    pub address: Option<IpAddr>,
    /// Whether a proxy passed the request on.
    pub is_forwarded: bool,
    /// Whether a proxy that is not trusted passed the request on. Then its real client is unknown.
    pub is_behind_untrusted_proxy: bool,
    /// Whether the client uses HTTPS, as far as is known.
    pub is_secure: bool,
    /// The host that the client asked for.
    pub host: Option<Arc<str>>,
}

impl ClientInfo {
    /// Returns what [`read_client_info`] found, or the default if that layer did not run.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Returns whether a program on this machine sent the request itself and for itself, not a proxy on behalf of
    /// somebody else.
    pub fn is_this_machine(&self) -> bool {
        let host = self.host.as_deref().and_then(host::parse);
        !self.is_forwarded
            && self.address.is_some_and(|address| address.is_loopback())
            && host.is_some_and(|host| is_local(&host))
    }

    /// Returns whether the client is known to be in one of these networks. A loopback address counts only for this
    /// machine itself.
    pub fn is_in(&self, networks: &[IpNet]) -> bool {
        let is_known = !self.is_behind_untrusted_proxy;
        self.address.filter(|_| is_known).is_some_and(|address| {
            contains(networks, address) && (!address.is_loopback() || self.is_this_machine())
        })
    }

    fn read(config: &Config, version: Version, headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let peer = peer.map(|peer| peer.to_canonical());
        let is_trusted = peer.is_some_and(|peer| contains(&config.trust_proxy, peer));
        let trusted =
            |name: HeaderName| value_of_nearest_proxy(headers, &name).filter(|_| is_trusted);
        let address = if is_trusted && headers.contains_key(FORWARDED_FOR) {
            forwarded_address(headers, &config.trust_proxy)
        } else {
            peer
        };
        let asked = value_of_nearest_proxy(headers, &header::HOST);
        let is_secure = match config.cookie_secure {
            CookieSecure::Always => true,
            CookieSecure::Never => false,
            CookieSecure::Auto => {
                trusted(FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
            }
        };
        let is_forwarded = FORWARDING.iter().any(|name| headers.contains_key(name))
            || peer.is_some_and(|peer| peer.is_loopback()) && is_for_others(version, headers);
        Self {
            id: trusted(REQUEST_ID)
                .filter(|id| is_id(id))
                .map_or_else(new_id, Into::into),
            address,
            is_forwarded,
            is_behind_untrusted_proxy: is_forwarded && !is_trusted,
            is_secure,
            host: trusted(FORWARDED_HOST).or(asked).map(Into::into),
        }
    }
}

/// Returns whether a request from a loopback address is not for this machine itself, although no header says so. nginx
/// adds none by default, but sends HTTP/1.0; and browsers name the site whose page sends a form.
fn is_for_others(version: Version, headers: &HeaderMap) -> bool {
    let is_elsewhere = |host: &str| !host::parse(host).is_some_and(|host| is_local(&host));
    let host = value_of_nearest_proxy(headers, &header::HOST);
    let pages = [header::ORIGIN, header::REFERER].map(|name| {
        let page = headers.get(name)?.to_str().ok()?.parse::<Uri>().ok()?;
        page.scheme()?;
        page.host().map(str::to_owned)
    });
    version <= Version::HTTP_10
        || host.is_some_and(is_elsewhere)
        || pages.iter().flatten().any(|site| is_elsewhere(site))
}

/// Returns whether a host is this machine under a name or an address that only itself can use.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == host::LOCALHOST,
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Returns the client address in `X-Forwarded-For`: the last one that is not a trusted proxy, because everything before
/// it may be made up. An unreadable value means an unknown address, not that of the proxy.
fn forwarded_address(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let values = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut client = None;
    for value in values {
        let address = read_address(value.trim())?.to_canonical();
        client = Some(address);
        if !contains(trusted, address) {
            break;
        }
    }
    client
}

/// Says once in the log that a proxy on this machine is not trusted, because then all its clients look like one.
fn warn_of_untrusted_proxy(client: &ClientInfo) {
    static ONCE: Once = Once::new();
    if client.is_behind_untrusted_proxy && client.address.is_some_and(|peer| peer.is_loopback()) {
        ONCE.call_once(|| {
            tracing::warn!(
                "a proxy on this machine passes requests on, but TRUST_PROXY does not name it: all its clients share \
                 the limits of one address"
            );
        });
    }
}

/// Adds the [`ClientInfo`] to a request, and the request id to the response.
pub async fn read_client_info(
    State(config): State<Arc<Config>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer.ip());
    let client = ClientInfo::read(&config, request.version(), request.headers(), peer);
    warn_of_untrusted_proxy(&client);
    let id = HeaderValue::from_str(&client.id);
    request.extensions_mut().insert(client);
    let mut response = next.run(request).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Returns what a rate limit counts as one client: an IPv4 address, or the /64 network of an IPv6 address.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

/// Returns the value that the nearest proxy added. A proxy appends its value to the header that it received, or adds
/// another header line.
fn value_of_nearest_proxy<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

/// Parses an address, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(allowed)
}

/// Makes a random request id.
pub fn new_id() -> Arc<str> {
    format!("{:016x}", rand::random::<u64>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::loopback;

    fn config(trust_proxy: bool, cookie_secure: CookieSecure) -> Config {
        Config {
            trust_proxy: if trust_proxy { loopback() } else { Vec::new() },
            cookie_secure,
            ..Config::for_tests()
        }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn read(config: &Config, headers: &HeaderMap, peer: Option<IpAddr>) -> ClientInfo {
        ClientInfo::read(config, Version::HTTP_11, headers, peer)
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn only_the_values_that_a_trusted_proxy_added_are_used() {
        // The client sent the first header line itself.
        let sent = headers(&[
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-for", "10.0.0.2, 203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("x-request-id", "proxy-1"),
            ("host", "127.0.0.1:3000"),
        ]);
        let trusted = read(&config(true, CookieSecure::Auto), &sent, Some(PEER));
        assert_eq!(trusted.address, "203.0.113.7".parse().ok());
        assert_eq!(trusted.host.as_deref(), Some("shop.example"));
        assert_eq!(&*trusted.id, "proxy-1");
        assert!(trusted.is_secure && !trusted.is_behind_untrusted_proxy);

        let untrusted = read(&config(false, CookieSecure::Auto), &sent, Some(PEER));
        assert_eq!(untrusted.address, Some(PEER));
        assert_eq!(untrusted.host.as_deref(), Some("127.0.0.1:3000"));
        assert_ne!(&*untrusted.id, "proxy-1");
        assert!(!untrusted.is_secure && untrusted.is_behind_untrusted_proxy);
    }

    #[test]
    fn a_client_address_unknown_to_a_trusted_proxy_is_none() {
        let config = config(true, CookieSecure::Auto);
        for value in ["unknown", "", "203.0.113.7, _hidden"] {
            let sent = headers(&[("x-forwarded-for", value)]);
            assert_eq!(read(&config, &sent, Some(PEER)).address, None);
        }
        assert_eq!(read(&config, &headers(&[]), Some(PEER)).address, Some(PEER));
    }

    #[test]
    fn any_proxy_header_reveals_an_untrusted_proxy() {
        let config = config(false, CookieSecure::Auto);
        for name in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert!(
                read(&config, &headers(&[(name, "1.1")]), Some(PEER)).is_behind_untrusted_proxy,
                "{name}"
            );
        }
    }

    #[test]
    fn an_invalid_request_id_is_replaced() {
        let config = config(true, CookieSecure::Auto);
        for id in ["", "a b", "\u{7f}1", &"x".repeat(65)] {
            let mut sent = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(id.as_bytes()) {
                sent.insert(REQUEST_ID, value);
            }
            assert_eq!(read(&config, &sent, Some(PEER)).id.len(), 16, "{id}");
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
    fn the_cookie_secure_setting_overrides_the_proxy() {
        let sent = headers(&[("x-forwarded-proto", "https")]);
        for (setting, is_secure) in [
            (CookieSecure::Always, true),
            (CookieSecure::Never, false),
            (CookieSecure::Auto, true),
        ] {
            let client = read(&config(true, setting), &sent, Some(PEER));
            assert_eq!(client.is_secure, is_secure, "{setting:?}");
        }
    }

    #[test]
    fn only_a_peer_in_a_trusted_network_names_the_client() {
        let config = Config {
            trust_proxy: vec!["10.0.0.0/24".parse().unwrap()],
            ..Config::for_tests()
        };
        let sent = headers(&[
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-proto", "https"),
            ("host", "10.0.0.9:3000"),
        ]);
        for (peer, address, host) in [
            ("10.0.0.5", "203.0.113.7", "shop.example"),
            ("::ffff:10.0.0.5", "203.0.113.7", "shop.example"),
            ("10.0.1.5", "10.0.1.5", "10.0.0.9:3000"),
            ("127.0.0.1", "127.0.0.1", "10.0.0.9:3000"),
        ] {
            let client = read(&config, &sent, peer.parse().ok());
            assert_eq!(client.address, address.parse().ok(), "{peer}");
            assert_eq!(client.host.as_deref(), Some(host), "{peer}");
            assert_eq!(client.is_secure, host == "shop.example", "{peer}");
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_is_not_a_trusted_proxy() {
        let config = Config {
            trust_proxy: vec![
                "127.0.0.0/8".parse().unwrap(),
                "10.0.0.0/24".parse().unwrap(),
            ],
            ..Config::for_tests()
        };
        for (sent, address) in [
            ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.0.0.5", "203.0.113.7"),
            (
                "198.51.100.1, 203.0.113.7, 10.0.0.5, 127.0.0.1",
                "203.0.113.7",
            ),
            ("198.51.100.1, ::ffff:10.0.0.5", "198.51.100.1"),
            ("10.0.0.6, 10.0.0.5", "10.0.0.6"),
        ] {
            let client = read(&config, &headers(&[("x-forwarded-for", sent)]), Some(PEER));
            assert_eq!(client.address, address.parse().ok(), "{sent}");
        }
    }

    #[test]
    fn a_peer_on_loopback_is_this_machine_unless_it_passes_requests_on() {
        let is_this_machine = |lines: &[(&'static str, &str)], peer: &str, trust_proxy| {
            let config = config(trust_proxy, CookieSecure::Auto);
            let client = read(&config, &headers(lines), peer.parse().ok());
            client.is_this_machine()
        };
        for (lines, expected) in [
            (&[("host", "localhost:3000")][..], true),
            (&[("host", "LOCALHOST.")], true),
            (&[("host", "127.0.0.1:3000")], true),
            (&[("host", "[::1]:3000")], true),
            (&[], false),
            (&[("host", "")], false),
            (&[("host", "shop.example")], false),
            (&[("host", "203.0.113.7")], false),
            (
                &[("host", "localhost"), ("x-forwarded-for", "127.0.0.1")],
                false,
            ),
            (
                &[("host", "localhost"), ("x-forwarded-host", "localhost")],
                false,
            ),
            (
                &[("host", "localhost"), ("x-forwarded-proto", "http")],
                false,
            ),
            (
                &[("host", "localhost"), ("forwarded", "for=127.0.0.1")],
                false,
            ),
            (&[("host", "localhost"), ("via", "1.1 proxy")], false),
            (
                &[("host", "localhost"), ("origin", "https://shop.example")],
                false,
            ),
            (
                &[("host", "localhost"), ("referer", "http://shop.example/")],
                false,
            ),
            (
                &[("host", "localhost"), ("origin", "http://localhost:3000")],
                true,
            ),
            (
                &[("host", "[::1]"), ("referer", "http://[::1]:3000/register")],
                true,
            ),
            (&[("host", "localhost"), ("origin", "null")], true),
        ] {
            for trust_proxy in [true, false] {
                assert_eq!(
                    is_this_machine(lines, "127.0.0.1", trust_proxy),
                    expected,
                    "{lines:?}"
                );
            }
            assert!(!is_this_machine(lines, "203.0.113.7", false), "{lines:?}");
        }
    }

    #[test]
    fn http_1_0_on_loopback_comes_from_a_proxy() {
        let sent = headers(&[("host", "127.0.0.1:3000")]);
        let config = config(false, CookieSecure::Auto);
        let read = |version| ClientInfo::read(&config, version, &sent, Some(PEER));
        assert!(read(Version::HTTP_11).is_this_machine());
        assert!(!read(Version::HTTP_10).is_this_machine());
        assert!(read(Version::HTTP_10).is_behind_untrusted_proxy);
    }
}
