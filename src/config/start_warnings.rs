//! What is unsafe about how the program was started, although it is allowed.

use super::Config;
use crate::db::DatabaseUrl;
use clap::{ArgMatches, parser::ValueSource};
use std::{fs, os::unix::fs::MetadataExt};

/// The options with secrets: their ids and the names of their settings.
const SECRETS: [(&str, &str); 4] = [
    ("database_url", "DATABASE_URL"),
    ("secret_key", "SECRET_KEY"),
    ("telegram_bot_token", "TELEGRAM_BOT_TOKEN"),
    ("smtp_url", "SMTP_URL"),
];

/// Returns a warning if secrets came as options, because every user of the machine can list the options of a process.
pub fn of_options(options: &ArgMatches) -> Option<String> {
    let is_option = |id: &str| options.value_source(id) == Some(ValueSource::CommandLine);
    let is_secret = |id: &str| {
        let text = options
            .get_one::<String>(id)
            .map(String::as_str)
            .unwrap_or_default();
        id != "database_url"
            || text
                .parse()
                .is_ok_and(|url: DatabaseUrl| url.has_password())
    };
    let mut given: Vec<_> = SECRETS
        .iter()
        .filter(|(id, _)| is_option(id) && is_secret(id))
        .map(|(_, name)| *name)
        .collect();
    let target = options.subcommand_matches("copy");
    if target
        .and_then(|copy| copy.get_one("to"))
        .is_some_and(DatabaseUrl::has_password)
    {
        given.push("the password in --to");
    }
    (!given.is_empty()).then(|| {
        format!(
            "secrets are options of the command line, where every user of this machine can read them: {}; \
             put settings into .env or the environment, and the password of PostgreSQL into PGPASSWORD",
            given.join(", ")
        )
    })
}

/// Returns a warning for each risk of serving with these settings as the user who runs the program.
pub fn of_server(config: &Config) -> Vec<String> {
    let address = config.site_addr;
    let mut warnings = Vec::new();
    if is_root() {
        warnings.push("running as root: run Sirius as a user of its own".to_owned());
    }
    if !address.ip().is_loopback() && !config.notifications.is_public() {
        warnings.push(format!(
            "serving plain HTTP on {address}: others in the network can read passwords and customers' data; \
             put a proxy with HTTPS in front, and set PUBLIC_URL and TRUST_PROXY"
        ));
    }
    warnings
}

/// Returns whether the program runs as root, to whom its folder in `/proc` then belongs.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_warned_of_unless_a_proxy_serves_https() {
        let is_warned = |address: &str, site: &str, trust_proxy| {
            let mut config = Config {
                site_addr: address.parse().unwrap(),
                trust_proxy,
                ..Config::for_tests()
            };
            config.notifications.site = site.to_owned();
            let warnings = of_server(&config);
            warnings
                .iter()
                .any(|warning| warning.starts_with("serving plain HTTP"))
        };
        let proxy = || vec!["10.0.0.5/32".parse().unwrap()];
        for (address, site, trust_proxy, expected) in [
            ("0.0.0.0:3000", "http://0.0.0.0:3000", vec![], true),
            ("[::]:3000", "http://shop.example", vec![], true),
            ("192.168.1.5:3000", "http://192.168.1.5:3000", vec![], true),
            ("0.0.0.0:3000", "https://shop.example", vec![], false),
            ("0.0.0.0:3000", "http://0.0.0.0:3000", proxy(), true),
            ("127.0.0.1:3000", "http://127.0.0.1:3000", vec![], false),
            ("[::1]:3000", "http://[::1]:3000", vec![], false),
        ] {
            assert_eq!(
                is_warned(address, site, trust_proxy),
                expected,
                "{address} {site}"
            );
        }
    }
}
