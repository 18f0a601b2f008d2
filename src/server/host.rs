//! Refuses requests that name a host under which the shop is not served.
//!
//! A page of another site can point its own name at the address of this server (DNS rebinding). The browser of a
//! visitor then takes both for one site, and lets that page read and send what it likes. Such a request names a foreign
//! host.

use crate::{
    config::Config,
    error::Error,
    web::{
        ClientInfo,
        host::{self, Host},
    },
};
use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{collections::HashSet, sync::Arc};

/// The names under which the shop is served. It is served under every IP address, too, because rebinding needs a name.
#[derive(Debug)]
pub struct ServedHosts(HashSet<String>);

impl ServedHosts {
    /// Returns the names in the settings, and `localhost`: the state for [`check`].
    pub fn of(config: &Config) -> Arc<Self> {
        let site = url::Url::parse(&config.notifications.site).ok();
        let public = match site.and_then(|site| host::parse(site.host_str()?)) {
            Some(Host::Domain(name)) => Some(name),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => None,
        };
        let names = config.allowed_hosts.iter().cloned().chain(public);
        Arc::new(Self(names.chain([host::LOCALHOST.to_owned()]).collect()))
    }

    /// Returns whether the shop is served under the host in a header, whatever its port.
    fn contain(&self, header: &str) -> bool {
        host::parse(header).is_some_and(|host| match host {
            Host::Domain(name) => self.0.contains(&name),
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        })
    }
}

/// Answers a request for a foreign host with 421. A request without a host comes from no browser, and is accepted.
pub async fn check(
    State(served): State<Arc<ServedHosts>>,
    request: Request,
    next: Next,
) -> Response {
    if is_for_us(&request, &served) {
        next.run(request).await
    } else {
        Error::UnknownHost.into_response()
    }
}

/// Returns whether every host that a request names is ours. Behind a trusted proxy, the host is the one that the client
/// asked for. The proxy itself may reach us under an internal name, but not under a public one: a script in a browser
/// beside the proxy can send `X-Forwarded-Host`, but not choose `Host`.
fn is_for_us(request: &Request, served: &ServedHosts) -> bool {
    let client = ClientInfo::of(request.extensions());
    let asked = client.host.as_deref();
    let is_ours = |name: &str| {
        served.contain(name)
            || (asked.is_some_and(|asked| asked != name) && host::is_internal_name(name))
    };
    let lines = request.headers().get_all(header::HOST).iter();
    let mut named = lines.map(|line| line.to_str().unwrap_or_default()).chain(
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str()),
    );
    asked.is_none_or(|asked| served.contain(asked)) && named.all(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_served_under_its_names_and_every_address() {
        let hosts = ServedHosts::of(&Config {
            allowed_hosts: vec!["counter.local".to_owned()],
            ..Config::for_tests()
        });
        for host in [
            "shop.example",
            "SHOP.example.:443",
            "shop.example:8443",
            "counter.local:3000",
            "localhost",
            "LocalHost.:3000",
            "127.0.0.1:3000",
            "203.0.113.7",
            "[::1]:3000",
            "[2001:db8::1]",
        ] {
            assert!(hosts.contain(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "shop.example.evil.example",
            "evil.example:3000",
            "shop.example@evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "sub.shop.example",
            "counter",
            "::1",
            "[::1",
            "shop.example/",
            "shop.example, evil.example",
            ".",
        ] {
            assert!(!hosts.contain(host), "{host}");
        }
    }
}
