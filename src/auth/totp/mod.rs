//! The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when the app is lost.

pub mod code_page;
pub mod section;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod authenticator;
#[cfg(feature = "ssr")]
pub mod enrolment;
#[cfg(feature = "ssr")]
pub mod pending;
#[cfg(feature = "ssr")]
pub mod recovery;
#[cfg(feature = "ssr")]
pub mod remembered_browser;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod sign_in;

use crate::moment::Moment;
use serde::{Deserialize, Serialize};

/// The second factor of the signed-in user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    pub state: State,
    /// What was created just now; shown only once.
    pub fresh: Option<Fresh>,
}

/// How far a second factor is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Off,
    /// The secret was created. Signing in asks for no code until one of the app has confirmed it.
    Waiting,
    On {
        since: Moment,
        /// Number of recovery codes that are not used yet.
        left: i64,
    },
}

/// A secret that is shown only once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fresh {
    Secret {
        /// In base32, to type it into an app.
        secret: String,
        /// The URL of the QR code with the secret.
        qr_code: String,
    },
    /// The recovery codes, one on each line.
    RecoveryCodes(String),
}
