//! Hashes, random keys, and the encryption of secrets in the database.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use openssl::{
    error::ErrorStack,
    symm::{Cipher, decrypt_aead, encrypt_aead},
};
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

/// Length of the nonce of AES-GCM in bytes.
const NONCE: usize = 12;
/// Length of the authentication tag of AES-GCM in bytes.
const TAG: usize = 16;

/// Encrypts a text with AES-256-GCM for storage, as base64. Only [`unseal`] with the same secret and context reads it.
/// The context is public: it says to whom the text belongs.
pub fn seal(secret: &str, context: &str, text: &str) -> Result<String, ErrorStack> {
    let nonce = rand::random::<[u8; NONCE]>();
    let mut tag = [0; TAG];
    let encrypted = encrypt_aead(
        Cipher::aes_256_gcm(),
        &encryption_key(secret),
        Some(&nonce),
        context.as_bytes(),
        text.as_bytes(),
        &mut tag,
    )?;
    let sealed = [&nonce[..], &encrypted, &tag].concat();
    Ok(BASE64_STANDARD_NO_PAD.encode(sealed))
}

/// Decrypts a text from [`seal`]; `None` if the secret or the context is another one.
pub fn unseal(secret: &str, context: &str, sealed: &str) -> Option<String> {
    let sealed = BASE64_STANDARD_NO_PAD.decode(sealed).ok()?;
    let (nonce, rest) = sealed.split_at_checked(NONCE)?;
    let (encrypted, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    let text = decrypt_aead(
        Cipher::aes_256_gcm(),
        &encryption_key(secret),
        Some(nonce),
        context.as_bytes(),
        encrypted,
        tag,
    );
    String::from_utf8(text.ok()?).ok()
}

/// Derives the encryption key, so that it differs from every other key that is made from the secret.
fn encryption_key(secret: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new(&Sha512::digest(secret));
    mac.update(b"sirius: encryption of secrets in the database");
    mac.finalize().into_bytes().into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_is_read_only_with_its_secret_and_context() {
        let sealed = seal("key", "анна", "JBSWY3DP").unwrap();
        assert!(!sealed.contains("JBSWY3DP"));
        assert_ne!(sealed, seal("key", "анна", "JBSWY3DP").unwrap());
        assert_eq!(unseal("key", "анна", &sealed).as_deref(), Some("JBSWY3DP"));
        assert_eq!(unseal("another key", "анна", &sealed), None);
        assert_eq!(unseal("key", "борис", &sealed), None);
        assert_eq!(unseal("key", "анна", &sealed[1..]), None);
        assert_eq!(unseal("key", "анна", ""), None);
    }
}
