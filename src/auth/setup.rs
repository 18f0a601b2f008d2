//! The setup code, with which the first account can be registered from another machine.
//!
//! It depends on the secret key alone, so that each server of a shop accepts the code that any of them has printed.

use super::{client_origin::ClientOrigin, security_log, throttle::LoginAttempt};
use crate::{
    auth::Actor,
    config::Config,
    crypto::{keyed_hash, sha256},
    error::{Error, Problem},
    text::tidy_code,
    transaction::AppState,
};

/// Number of hexadecimal digits of the code: 48 bits, of which nobody finds one within the limit of tries.
const DIGITS: usize = 12;

/// Returns the setup code, as in `3f9a-02bc-77d1`; `None` if there is no secret key yet.
pub fn code(config: &Config) -> Option<String> {
    let hash = keyed_hash(config.secret_key.as_deref()?, "setup code");
    let digits: Vec<char> = hash.chars().take(DIGITS).collect();
    let groups: Vec<String> = digits.chunks(4).map(String::from_iter).collect();
    Some(groups.join("-"))
}

/// Returns an error if the first account may not be registered from there: from this machine itself it may, from
/// another one with the setup code.
pub async fn ensure_allowed(
    app: &AppState,
    entered: &str,
    place: &ClientOrigin,
) -> Result<(), Error> {
    if place.is_local {
        return Ok(());
    }
    if entered.trim().is_empty() {
        return Err(Error::field("setup_code", Problem::Required));
    }
    let attempt = LoginAttempt::setup(place);
    attempt.begin(app).await?;
    let (right, place) = (is_right(&app.config, entered), place.clone());
    app.write(Actor::Nobody, move |tx| {
        if right {
            attempt.reset(tx)
        } else {
            security_log::record_failed_sign_in(tx, "", &place)
        }
    })
    .await?;
    if right {
        Ok(())
    } else {
        Err(Error::field("setup_code", Problem::WrongSetupCode))
    }
}

fn is_right(config: &Config, entered: &str) -> bool {
    // Hashes are compared, so that the time tells nothing about the code.
    code(config).is_some_and(|code| sha256(&tidy_code(&code)) == sha256(&tidy_code(entered)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(secret: Option<&str>) -> Config {
        Config {
            secret_key: secret.map(str::to_owned),
            ..Config::for_tests()
        }
    }

    #[test]
    fn the_code_depends_on_the_secret_key_alone() {
        let one = code(&config(Some("one"))).unwrap();
        assert_eq!(one.len(), 14, "{one}");
        assert_eq!(code(&config(Some("one"))).as_deref(), Some(one.as_str()));
        assert_ne!(code(&config(Some("other"))), Some(one));
        assert_eq!(code(&config(None)), None);
    }

    #[test]
    fn separators_and_case_do_not_matter() {
        let config = config(Some("one"));
        let code = code(&config).unwrap();
        for entered in [
            code.clone(),
            code.replace('-', ""),
            format!(" {} ", code.replace('-', " ").to_uppercase()),
        ] {
            assert!(is_right(&config, &entered), "{entered}");
        }
        for entered in ["", "-", &code[1..], &format!("{code}0")] {
            assert!(!is_right(&config, entered), "{entered}");
        }
        assert!(!is_right(&self::config(None), ""));
    }
}
