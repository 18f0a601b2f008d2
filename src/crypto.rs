//! Hashes and random keys.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write;

/// Returns the SHA-256 hash of a text in hexadecimal.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Returns the HMAC-SHA-256 of a text in hexadecimal. Without the secret, the text cannot be found by trying
/// candidates.
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

/// Returns a new random key of 128 bits in hexadecimal.
pub fn new_key() -> String {
    let random = rand::random::<u128>();
    format!("{random:032x}")
}
