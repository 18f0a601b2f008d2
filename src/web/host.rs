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
        Host::Domain(name) => Host::Domain(name.strip_suffix('.').unwrap_or(&name).to_owned()),
        address => address,
    })
}

/// Returns whether a header names a machine of the local network, such as the name of a container. Nobody outside can
/// own a name without a dot.
pub fn is_internal_name(header: &str) -> bool {
    matches!(parse(header), Some(Host::Domain(name)) if !name.contains('.'))
}
