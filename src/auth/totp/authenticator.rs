//! The secret that an account shares with an authenticator app, and the codes that both compute from it.

use crate::{crypto, error::Error, moment::Moment};
use base64::{Engine, prelude::BASE64_STANDARD};
use qrcode::{QrCode, render::svg};
use std::fmt;
use totp_rs::{Builder, Secret, Totp};

/// Under which name an authenticator app lists the account.
const ISSUER: &str = "Sirius";
/// Minimum width of the QR code in pixels.
const QR_WIDTH: u32 = 240;

/// A shared secret. Codes have six digits and change every 30 seconds; one from the step before or after is accepted.
pub struct Authenticator(Totp);

impl Authenticator {
    /// Generates a secret for an account.
    pub fn generate(username: &str) -> Result<Self, Error> {
        Self::new(username, Secret::generate())
    }

    /// Reads a secret from base32.
    pub fn read(username: &str, secret: &str) -> Result<Self, Error> {
        let secret = Secret::try_from_base32(secret).map_err(|error| fault(&error))?;
        Self::new(username, secret)
    }

    /// Decrypts the secret of an account from the database.
    pub fn unseal(username: &str, sealed: &str, key: &str) -> Result<Self, Error> {
        let secret = crypto::unseal(key, username, sealed)
            .ok_or_else(|| fault(&"cannot decrypt the secret: was SECRET_KEY changed?"))?;
        Self::read(username, &secret)
    }

    fn new(username: &str, secret: Secret) -> Result<Self, Error> {
        Builder::new()
            .with_account_name(username)
            .with_issuer(Some(ISSUER))
            .with_secret(secret)
            .build()
            .map(Self)
            .map_err(|error| fault(&error))
    }

    /// Encrypts the secret for the database.
    pub fn seal(&self, key: &str) -> Result<String, Error> {
        crypto::seal(key, self.0.account_name(), &self.secret()).map_err(|error| fault(&error))
    }

    /// Returns the secret in base32, as people type it into an app.
    pub fn secret(&self) -> String {
        self.0.secret().to_base32()
    }

    /// Returns the address that an authenticator app reads from the QR code.
    pub fn url(&self) -> Result<String, Error> {
        self.0.to_url().map_err(|error| fault(&error))
    }

    /// Returns the QR code of the address as a `data:` URL of an SVG image.
    pub fn qr_code(&self) -> Result<String, Error> {
        let code = QrCode::new(self.url()?).map_err(|error| fault(&error))?;
        let image = code
            .render::<svg::Color<'_>>()
            .min_dimensions(QR_WIDTH, QR_WIDTH)
            .build();
        let image = BASE64_STANDARD.encode(image);
        Ok(format!("data:image/svg+xml;base64,{image}"))
    }

    /// Returns the time step of a code, or `None` if it is wrong. Spaces, with which apps show a code, do not matter.
    pub fn step_of(&self, code: &str, now: Moment) -> Option<i64> {
        let code: String = code.chars().filter(|sign| !sign.is_whitespace()).collect();
        let seconds = u64::try_from(now.utc().and_utc().timestamp()).ok()?;
        let step = self.0.check(&code, seconds)?;
        i64::try_from(step).ok()
    }
}

fn fault(error: &dyn fmt::Display) -> Error {
    tracing::error!(%error, "a second factor failed");
    Error::Internal
}
