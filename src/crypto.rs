//! Hashes and random keys.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write;

/// SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// HMAC-SHA-256 in hexadecimal: without the secret nobody finds out by trying what text it is of.
pub fn keyed_hash(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new(&Sha512::digest(secret));
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A fresh idempotency key.
pub fn new_key() -> String {
    let random = rand::random::<u128>();
    format!("{random:032x}")
}
