//! The URL of the database, read and shown in a way that never reveals a part of the password.

use std::{fmt, path::PathBuf, str::FromStr};

/// The database to use, from `DATABASE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(':') => {
                Ok(Self::Sqlite(path.into()))
            }
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                check_postgres(rest)?;
                Ok(Self::Postgres(url.to_owned()))
            }
            _ => Err("must be sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned()),
        }
    }
}

/// Shows the URL without the password, which may be in front of the host or among the options at the end.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite {}", path.display()),
            Self::Postgres(url) => {
                let place = url.split(['?', '#']).next().unwrap_or_default();
                let place = place.rsplit_once('@').map_or("", |(_, place)| place);
                write!(f, "PostgreSQL {place}")
            }
        }
    }
}

impl DatabaseUrl {
    /// Returns whether it contains a password.
    pub fn has_password(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => url::Url::parse(url).is_ok_and(|url| {
                url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
            }),
        }
    }

    /// Refuses a SQLite file that does not exist. Creating one would hide a mistake in its name.
    pub fn must_exist(&self) -> Result<(), String> {
        match self {
            Self::Sqlite(path) if !path.is_file() => {
                Err(format!("there is no database {}", path.display()))
            }
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }
}

/// Refuses what libpq would refuse, because its message would quote a part that may belong to the password.
fn check_postgres(rest: &str) -> Result<(), String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_plain = rest
        .chars()
        .all(|sign| !sign.is_whitespace() && !sign.is_control());
    let is_encoded = rest.split('%').skip(1).all(|code| {
        let code = code.as_bytes();
        code.len() >= 2 && code[..2].iter().all(u8::is_ascii_hexdigit)
    });
    let is_host = |host: &str| {
        let after_name = host.rsplit_once(']').map_or(host, |(_, port)| port);
        let port = after_name.split_once(':').map_or("", |(_, port)| port);
        port.bytes().all(|sign| sign.is_ascii_digit())
    };
    if is_plain && is_encoded && !user.contains('@') && hosts.split(',').all(is_host) {
        Ok(())
    } else {
        Err("in a user name or password, write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %25 for %, \
             %20 for a space; a port must be a number"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_is_displayed_without_its_password() {
        for url in [
            "postgres://anna:secret@db.example:5432/shop",
            "postgres://anna@db.example:5432/shop?password=secret",
            "postgres://anna:s%40cret@db.example:5432/shop",
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), "PostgreSQL db.example:5432/shop");
        }
    }

    #[test]
    fn an_unencoded_password_is_rejected_and_not_repeated_in_the_error() {
        for url in [
            "postgres://anna:se%cret@db.example/shop",
            "postgres://anna:secret%@db.example/shop",
            "postgres://anna:sec ret@db.example/shop",
            "postgres://anna:sec@secret@db.example/shop",
            "postgres://anna:secret/x@db.example/shop",
            "postgres://anna:secret?x@db.example/shop",
            "postgres://anna:secret#x@db.example/shop",
        ] {
            let refused = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(
                refused.contains("%40 for @") && !refused.contains("sec"),
                "{url}: {refused}"
            );
        }
        for url in [
            "postgres:///shop?host=/run/postgresql&password=a%20b",
            "postgres://anna:a%40b@[::1]:5432,db.example:5433,other/shop",
            "postgresql://localhost",
        ] {
            assert!(url.parse::<DatabaseUrl>().is_ok(), "{url}");
        }
    }
}
