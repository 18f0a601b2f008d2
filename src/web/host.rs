//! Reads the host in a header.

pub use url::Host;

/// The name of this machine for itself.
pub const LOCALHOST: &str = "localhost";

/// Parses the host in a header: a name in lower case without a trailing dot, or an address. The port is ignored.
pub fn parse(header: &str) -> Option<Host> {
    let authority: http::uri::Authority = header.parse().ok()?;
    if header.contains('@') {
        return None;
    }
    Host::parse(authority.host()).ok().map(|host| match host {
        Host::Domain(name) => Host::Domain(without_dot(&name)),
        address => address,
    })
}

/// Parses a host name in a setting, which has no port. A name in another alphabet is encoded as in a header.
pub fn parse_name(text: &str) -> Option<String> {
    let is_allowed = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_');
    match Host::parse(text).ok()? {
        Host::Domain(name) if name.chars().all(is_allowed) => Some(without_dot(&name)),
        Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

fn without_dot(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// Returns whether a header names a machine of the local network, such as the name of a container. Nobody outside can
/// own a name without a dot.
pub fn is_internal_name(header: &str) -> bool {
    matches!(parse(header), Some(Host::Domain(name)) if !name.contains('.'))
}
