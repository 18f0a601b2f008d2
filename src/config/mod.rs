//! The settings, which come from the environment, `.env` and the command line, and are all checked at start.

pub mod notifications;
mod secret_file;
mod settings;
pub mod start_warnings;
mod wrong;

pub use settings::{Settings, loopback};

use crate::{auth::Role, db::DatabaseUrl};
use chrono_tz::Tz;
use ipnet::IpNet;
use phonenumber::country::Id as Region;
use sha2::{Digest, Sha512};
use std::{io, net::SocketAddr, path::PathBuf, time::Duration};
use tower_sessions::cookie::Key;
use url::Url;

/// The checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: DatabaseUrl,
    pub site_addr: SocketAddr,
    /// If `None`, a key is generated once and kept in a file.
    pub secret_key: Option<String>,
    pub session_max_age: Duration,
    pub registration: Registration,
    pub manager_in_admin: bool,
    /// The roles that need a second factor.
    pub require_2fa: Vec<Role>,
    pub cookie_secure: CookieSecure,
    /// The networks of the proxies whose `X-Forwarded-*` headers are believed.
    pub trust_proxy: Vec<IpNet>,
    /// More names under which the shop is served, in lower case.
    pub allowed_hosts: Vec<String>,
    /// Requests per second from one address; 0 means no limit.
    pub rate_limit: u32,
    pub max_connections: usize,
    pub request_timeout: Duration,
    pub metrics_allow: Vec<IpNet>,
    /// Where to report a vulnerability: a `mailto:` or `https:` address.
    pub security_contact: Option<Url>,
    pub shop_timezone: Tz,
    pub shop_region: Region,
    /// Days after a customer's last order until the customer is erased; `None` means never.
    pub customer_retention_days: Option<u32>,
    pub bcrypt_cost: u32,
    pub database_connections: usize,
    pub log_format: LogFormat,
    pub notifications: notifications::Config,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// An admin must activate each account.
    Approval,
    Open,
    Closed,
}

/// Whether cookies are sent over HTTPS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieSecure {
    /// If a trusted proxy says that the client uses HTTPS.
    Auto,
    Always,
    Never,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Returns the secret key; empty if [`Self::with_secret`] was not called, as on the command line.
    pub fn loaded_secret(&self) -> &str {
        self.secret_key.as_deref().unwrap_or_default()
    }

    /// Returns settings for tests: the defaults, with cheap password hashes and open registration.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self {
            database_url: DatabaseUrl::Sqlite("sirius.db".into()),
            site_addr: ([127, 0, 0, 1], 0).into(),
            secret_key: None,
            session_max_age: Duration::from_secs(3_600),
            registration: Registration::Open,
            manager_in_admin: false,
            require_2fa: Vec::new(),
            cookie_secure: CookieSecure::Auto,
            trust_proxy: Vec::new(),
            allowed_hosts: Vec::new(),
            rate_limit: 50,
            max_connections: 2_000,
            request_timeout: Duration::from_secs(30),
            metrics_allow: vec![IpNet::from(std::net::IpAddr::from([127, 0, 0, 1]))],
            security_contact: None,
            shop_timezone: chrono_tz::Europe::Moscow,
            shop_region: Region::RU,
            customer_retention_days: None,
            bcrypt_cost: 4,
            database_connections: 8,
            log_format: LogFormat::Text,
            notifications: notifications::Config::of_tests(),
        }
    }

    /// Returns the key that signs the cookies. Without `SECRET_KEY` it is generated once and kept in a file that only
    /// its owner can read, because changing it signs everybody out.
    pub fn cookie_key(&self) -> io::Result<Key> {
        self.secret()
            .map(|secret| Key::from(&Sha512::digest(secret)))
    }

    /// Returns the same settings, with the secret from the file if none was given.
    pub fn with_secret(&self) -> io::Result<Self> {
        Ok(Self {
            secret_key: Some(self.secret()?),
            ..self.clone()
        })
    }

    fn secret(&self) -> io::Result<String> {
        match &self.secret_key {
            Some(secret) => Ok(secret.clone()),
            None => secret_file::read_or_make(&self.secret_file()),
        }
    }

    fn secret_file(&self) -> PathBuf {
        match &self.database_url {
            DatabaseUrl::Sqlite(path) => path.with_extension("secret"),
            DatabaseUrl::Postgres(_) => PathBuf::from("data/sirius.secret"),
        }
    }
}
