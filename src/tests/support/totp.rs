//! The authenticator app of a test.

use crate::{auth::totp::authenticator::Authenticator, tests::support::logs};
use chrono::Utc;
use totp_rs::{Builder, Secret};

/// Returns the code that an authenticator app shows a number of time steps from now. The server accepts those of -1, 0
/// and 1.
pub fn totp_code(secret: &str, steps: i64) -> String {
    logs::forbid_in_log(secret);
    let secret = Secret::try_from_base32(secret).unwrap();
    let app = Builder::new().with_secret(secret).build_noncompliant();
    let time = Utc::now().timestamp() + steps * 30;
    app.generate(time.try_into().unwrap()).to_string()
}

/// Returns a new secret that belongs to no account.
pub fn another_secret() -> String {
    Authenticator::generate("никто").unwrap().secret()
}
