//! The settings as read from the environment, `.env` and the command line.

use super::wrong::{SettingErrors, flag};
use super::{Config, CookieSecure, LogFormat, Registration, notifications};
use crate::{auth::Role, db::DatabaseUrl, web::host};
use ipnet::{IpNet, Ipv4Net};
use lettre::Address;
use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    time::Duration,
};
use url::Url;

/// The minimum length of the key that signs the cookies, in bytes.
pub(super) const SHORTEST_SECRET: usize = 32;

/// The settings as given, unchecked.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings (also read from the environment and .env)")]
pub struct Settings {
    /// The database.
    #[arg(
        long,
        help = "Database: sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME",
        env = "DATABASE_URL",
        default_value = "sqlite://data/sirius.db",
        hide_env_values = true,
        global = true
    )]
    database_url: String,
    /// Address to listen on
    #[arg(
        long,
        env = "LEPTOS_SITE_ADDR",
        default_value = "127.0.0.1:3000",
        global = true
    )]
    site_addr: String,
    /// Key that signs the cookies, at least 32 characters; if unset, it is generated once and kept in a file
    #[arg(
        long,
        env = "SECRET_KEY",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true,
        global = true
    )]
    secret_key: String,
    /// Seconds from sign-in until a session expires
    #[arg(
        long,
        env = "SESSION_MAX_AGE",
        default_value = "1209600",
        global = true
    )]
    session_max_age: String,
    /// Who may register: approval (an admin must activate each account), open (anybody) or closed (by invitation only)
    #[arg(long, env = "REGISTRATION", default_value = "approval", global = true)]
    registration: String,
    /// Let managers see the admin pages, except the user accounts: true or false
    #[arg(long, env = "MANAGER_IN_ADMIN", default_value = "false", global = true)]
    manager_in_admin: String,
    /// Roles that need two-factor authentication, separated by commas, such as admin,manager
    #[arg(
        long,
        env = "REQUIRE_2FA",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    require_2fa: String,
    /// Send cookies over HTTPS only: true, false, or auto (if a trusted proxy says that the client uses HTTPS)
    #[arg(long, env = "COOKIE_SECURE", default_value = "auto", global = true)]
    cookie_secure: String,
    /// Addresses and networks of reverse proxies whose headers X-Forwarded-For, -Proto, -Host and X-Request-Id are
    /// believed, separated by commas; true: a proxy on this machine; false: none
    #[arg(long, env = "TRUST_PROXY", default_value = "false", global = true)]
    trust_proxy: String,
    /// More host names under which Sirius is opened, separated by commas
    #[arg(
        long,
        env = "ALLOWED_HOSTS",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    allowed_hosts: String,
    /// Requests per second from one address, with bursts of ten times as many; 0: no limit
    #[arg(long, env = "RATE_LIMIT", default_value = "50", global = true)]
    rate_limit: String,
    /// Maximum number of open connections
    #[arg(long, env = "MAX_CONNECTIONS", default_value = "2000", global = true)]
    max_connections: String,
    /// Seconds within which a request must arrive and its response must begin
    #[arg(long, env = "REQUEST_TIMEOUT", default_value = "30", global = true)]
    request_timeout: String,
    /// Addresses and networks that may read /metrics, separated by commas
    #[arg(
        long,
        env = "METRICS_ALLOW",
        default_value = "127.0.0.0/8,::1",
        global = true
    )]
    metrics_allow: String,
    /// Where to report a vulnerability, for /.well-known/security.txt: mailto:ADDRESS or an https:// address
    #[arg(
        long,
        env = "SECURITY_CONTACT",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    security_contact: String,
    /// Time zone of the shop
    #[arg(
        long,
        env = "SHOP_TIMEZONE",
        default_value = "Europe/Moscow",
        global = true
    )]
    shop_timezone: String,
    /// Country of phone numbers that have no country code
    #[arg(long, env = "SHOP_REGION", default_value = "RU", global = true)]
    shop_region: String,
    /// Days after a customer's last order until the customer is erased, at least 30; 0: never
    #[arg(
        long,
        env = "CUSTOMER_RETENTION_DAYS",
        default_value = "0",
        global = true
    )]
    customer_retention_days: String,
    /// Cost of a password hash, from 4 to 31; each step doubles the work
    #[arg(long, env = "BCRYPT_COST", default_value = "12", global = true)]
    bcrypt_cost: String,
    /// Maximum number of pooled connections to the database
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value = "8", global = true)]
    database_connections: String,
    /// Format of the log: text or json
    #[arg(long, env = "LOG_FORMAT", default_value = "text", global = true)]
    log_format: String,
    #[command(flatten)]
    notifications: notifications::Settings,
}

impl Settings {
    /// Checks every setting, and returns a line for each wrong one.
    pub fn check(self) -> Result<Config, Vec<String>> {
        let mut wrong = SettingErrors::default();
        let secret_key = Some(self.secret_key).filter(|key| !key.is_empty());
        if secret_key
            .as_ref()
            .is_some_and(|key| key.len() < SHORTEST_SECRET)
        {
            wrong.note("SECRET_KEY", "must have at least 32 characters");
        }
        let database_url = wrong.take("DATABASE_URL", DatabaseUrl::from_str(&self.database_url));
        let site_addr = wrong.take(
            "LEPTOS_SITE_ADDR",
            self.site_addr
                .parse()
                .map_err(|_| "must be ADDRESS:PORT, such as 127.0.0.1:3000"),
        );
        let session_max_age = wrong.take(
            "SESSION_MAX_AGE",
            in_range(&self.session_max_age, 60, 31_536_000),
        );
        let registration = wrong.take("REGISTRATION", self.registration.parse());
        let manager_in_admin = wrong.take("MANAGER_IN_ADMIN", flag(&self.manager_in_admin));
        let require_2fa = wrong.take("REQUIRE_2FA", roles(&self.require_2fa));
        let cookie_secure = wrong.take("COOKIE_SECURE", self.cookie_secure.parse());
        let trust_proxy = wrong.take("TRUST_PROXY", proxies(&self.trust_proxy));
        let allowed_hosts = wrong.take("ALLOWED_HOSTS", host_names(&self.allowed_hosts));
        let rate_limit = wrong.take("RATE_LIMIT", in_range(&self.rate_limit, 0, 1_000_000));
        let max_connections = wrong.take(
            "MAX_CONNECTIONS",
            in_range(&self.max_connections, 1, 1_000_000),
        );
        let request_timeout =
            wrong.take("REQUEST_TIMEOUT", in_range(&self.request_timeout, 1, 3_600));
        let metrics_allow = wrong.take("METRICS_ALLOW", networks(&self.metrics_allow));
        let security_contact = wrong.take("SECURITY_CONTACT", contact(&self.security_contact));
        let shop_timezone = wrong.take(
            "SHOP_TIMEZONE",
            self.shop_timezone
                .parse()
                .map_err(|_| "must be a time zone such as Europe/Moscow"),
        );
        let shop_region = wrong.take(
            "SHOP_REGION",
            self.shop_region
                .parse()
                .map_err(|_| "must be a country code such as RU"),
        );
        let customer_retention_days = wrong.take(
            "CUSTOMER_RETENTION_DAYS",
            retention_days(&self.customer_retention_days),
        );
        let bcrypt_cost = wrong.take("BCRYPT_COST", in_range(&self.bcrypt_cost, 4, 31));
        let database_connections = wrong.take(
            "DATABASE_CONNECTIONS",
            in_range(&self.database_connections, 1, 1_000),
        );
        let log_format = wrong.take("LOG_FORMAT", self.log_format.parse());
        let notifications = self.notifications.check(&mut wrong, site_addr);
        let config = || {
            Some(Config {
                database_url: database_url?,
                site_addr: site_addr?,
                secret_key,
                session_max_age: Duration::from_secs(session_max_age?),
                registration: registration?,
                manager_in_admin: manager_in_admin?,
                require_2fa: require_2fa?,
                cookie_secure: cookie_secure?,
                trust_proxy: trust_proxy?,
                allowed_hosts: allowed_hosts?,
                rate_limit: rate_limit?,
                max_connections: max_connections?,
                request_timeout: Duration::from_secs(request_timeout?),
                metrics_allow: metrics_allow?,
                security_contact: security_contact?,
                shop_timezone: shop_timezone?,
                shop_region: shop_region?,
                customer_retention_days: customer_retention_days?,
                bcrypt_cost: bcrypt_cost?,
                database_connections: database_connections?,
                log_format: log_format?,
                notifications: notifications?,
            })
        };
        match config() {
            Some(config) if wrong.is_empty() => Ok(config),
            _ => Err(wrong.into_lines()),
        }
    }
}

fn in_range<T: FromStr + PartialOrd + Display>(text: &str, min: T, max: T) -> Result<T, String> {
    match text.parse() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => Err(format!("must be a whole number from {min} to {max}")),
    }
}

/// Parses the days until a customer is erased; `None` stands for never.
fn retention_days(text: &str) -> Result<Option<u32>, String> {
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(days @ 30..=36_500) => Ok(Some(days)),
        _ => Err("must be 0 or a whole number from 30 to 36500".to_owned()),
    }
}

/// Parses a list of networks and single addresses.
fn networks(list: &str) -> Result<Vec<IpNet>, String> {
    let network = |text: &str| {
        text.parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| {
                format!("must be addresses or networks such as 10.0.0.0/8, but {text:?} is neither")
            })
    };
    items(list).map(network).collect()
}

/// Parses the address for reports of vulnerabilities.
fn contact(text: &str) -> Result<Option<Url>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    Url::parse(text)
        .ok()
        .filter(|url| match url.scheme() {
            "https" => true,
            "mailto" => url.path().parse::<Address>().is_ok(),
            _ => false,
        })
        .map(Some)
        .ok_or("must be mailto:security@shop.example or https://shop.example/security")
}

/// Parses a list of roles.
fn roles(list: &str) -> Result<Vec<Role>, String> {
    let role = |text: &str| {
        text.parse()
            .map_err(|_| format!("must be roles (admin, manager, user), but {text:?} is none"))
    };
    items(list).map(role).collect()
}

/// Returns the parts of a list that are not empty.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Parses the networks of the trusted proxies, or `true` or `false`.
fn proxies(text: &str) -> Result<Vec<IpNet>, String> {
    match flag(text.trim()) {
        Ok(true) => Ok(loopback()),
        Ok(false) => Ok(Vec::new()),
        Err(_) => networks(text).map_err(|wrong| format!("must be true or false, or {wrong}")),
    }
}

/// Returns the networks of the machine itself.
pub fn loopback() -> Vec<IpNet> {
    vec![
        IpNet::from(Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8).trunc()),
        IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]
}

/// Parses a list of host names, without ports.
fn host_names(list: &str) -> Result<Vec<String>, String> {
    let name = |text: &str| {
        host::parse_name(text).ok_or_else(|| {
            format!("must be host names without a port, such as shop.example, but {text:?} is none")
        })
    };
    items(list).map(name).collect()
}

impl FromStr for CookieSecure {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" | "" => Ok(Self::Auto),
            "true" | "1" => Ok(Self::Always),
            "false" | "0" => Ok(Self::Never),
            _ => Err("must be true, false or auto"),
        }
    }
}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "approval" => Ok(Self::Approval),
            "closed" => Ok(Self::Closed),
            _ => Err("must be open, approval or closed"),
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        settings: Settings,
    }

    fn check(args: &[&str]) -> Result<Config, Vec<String>> {
        CommandLine::try_parse_from([&["sirius"], args].concat())
            .unwrap()
            .settings
            .check()
    }

    #[test]
    fn by_default_an_admin_lets_new_people_in() {
        let config = check(&[]).unwrap();
        assert_eq!(config.registration, Registration::Approval);
    }

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let result = check(&[
            "--database-url",
            "mysql://x",
            "--bcrypt-cost",
            "40",
            "--shop-timezone",
            "Mars",
            "--registration",
            "no",
            "--require-2fa",
            "admin,owner",
            "--secret-key",
            "short",
            "--customer-retention-days",
            "29",
        ]);
        let reported: Vec<_> = result
            .unwrap_err()
            .iter()
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            reported,
            [
                "SECRET_KEY",
                "DATABASE_URL",
                "REGISTRATION",
                "REQUIRE_2FA",
                "SHOP_TIMEZONE",
                "CUSTOMER_RETENTION_DAYS",
                "BCRYPT_COST"
            ]
        );
    }

    #[test]
    fn the_security_contact_is_a_mail_or_web_address() {
        let contact = |value: &str| check(&["--security-contact", value]);
        for good in [
            "mailto:security@shop.example",
            "https://shop.example/security",
        ] {
            let config = contact(good).unwrap();
            assert_eq!(config.security_contact.unwrap().as_str(), good);
        }
        assert_eq!(contact("").unwrap().security_contact, None);
        for bad in [
            "security@shop.example",
            "mailto:",
            "mailto:nobody",
            "http://shop.example",
            "tel:+79161234567",
        ] {
            assert!(
                contact(bad).unwrap_err()[0].starts_with("SECURITY_CONTACT:"),
                "{bad}"
            );
        }
    }

    #[test]
    fn trusted_proxies_are_a_list_of_networks() {
        let parse = |text: &str| {
            let proxies = check(&["--trust-proxy", text])?.trust_proxy;
            let shown: Vec<_> = proxies.iter().map(ToString::to_string).collect();
            Ok::<_, Vec<String>>(shown)
        };
        let loopback = vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()];
        for (text, expected) in [
            ("", vec![]),
            ("false", vec![]),
            ("0", vec![]),
            ("true", loopback.clone()),
            ("1", loopback),
            (
                "10.0.0.5, 172.16.0.0/12",
                vec!["10.0.0.5/32".to_owned(), "172.16.0.0/12".to_owned()],
            ),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        assert!(
            parse("proxy.local").unwrap_err()[0]
                .starts_with("TRUST_PROXY: must be true or false, or must be addresses")
        );
    }

    #[test]
    fn allowed_hosts_are_names() {
        let parse =
            |text: &str| Ok::<_, Vec<String>>(check(&["--allowed-hosts", text])?.allowed_hosts);
        assert_eq!(
            parse("Counter.local, лавка.рф.").unwrap(),
            ["counter.local", "xn--80aaf6ac.xn--p1ai"]
        );
        for wrong in ["shop.example:3000", "https://shop.example", "*", "10.0.0.5"] {
            assert!(
                parse(wrong).unwrap_err()[0].starts_with("ALLOWED_HOSTS: must be host names"),
                "{wrong}"
            );
        }
    }
}
