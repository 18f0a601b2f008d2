//! The stored form of a password: bcrypt of the normalized password.
//!
//! Passwords are compared in the form NFKC, so that it does not matter how a keyboard composes letters (NIST SP
//! 800-63B). A password that bcrypt cannot read as a whole is hashed with SHA-256 first; then the stored form has the
//! prefix [`PREHASHED`]. Earlier versions hashed the password as it was typed.

use base64::{Engine, prelude::BASE64_STANDARD};
use bcrypt::{BcryptError, HashParts};
use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Stands before the bcrypt hash of a password that was hashed with SHA-256 first.
pub const PREHASHED: &str = "sha256$";
/// The most bytes that bcrypt reads, without the terminating zero.
const BCRYPT_BYTES: usize = 71;

/// How an entered password compares with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Wrong,
    Right,
    /// Right, but the hash is not the one that would be made of the password today.
    RightButOutdated,
}

/// Returns the form in which a password is hashed and measured.
pub fn normalize(password: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(password)
}

/// Hashes a password.
pub fn hash(password: &str, cost: u32) -> Result<String, BcryptError> {
    let password = normalize(password);
    let hash = bcrypt::non_truncating_hash(&*bcrypt_input(&password), cost)?;
    Ok(if is_read_by_bcrypt(&password) {
        hash
    } else {
        format!("{PREHASHED}{hash}")
    })
}

/// Compares an entered password with a stored hash. A hash with a lower cost than `cost` is outdated.
pub fn compare(entered: &str, stored: &str, cost: u32) -> Result<Comparison, BcryptError> {
    let normalized = normalize(entered);
    let is_right = matches(&normalized, stored)?;
    // The number of bcrypt runs depends only on what was entered, so that the time does not tell one account from
    // another.
    let is_right_as_entered = normalized != entered && matches(entered, stored)?;
    Ok(match (is_right, is_right_as_entered) {
        (true, _) if cost_of(stored)? >= cost => Comparison::Right,
        (true, _) | (false, true) => Comparison::RightButOutdated,
        (false, false) => Comparison::Wrong,
    })
}

fn matches(password: &str, stored: &str) -> Result<bool, BcryptError> {
    let is_same = bcrypt::verify(&*bcrypt_input(password), bcrypt_part(stored))?;
    // Without this, the SHA-256 hash of a long password would be another password of the same account.
    Ok(is_same && is_read_by_bcrypt(password) != stored.starts_with(PREHASHED))
}

/// Returns what bcrypt reads of a password: the password itself, or its hash.
fn bcrypt_input(password: &str) -> Cow<'_, str> {
    if is_read_by_bcrypt(password) {
        Cow::Borrowed(password)
    } else {
        Cow::Owned(BASE64_STANDARD.encode(Sha256::digest(password)))
    }
}

/// Returns whether bcrypt can tell the password from all others. It repeats a short password with the terminating zero
/// between, so it cannot tell `a` from `a\0a`.
fn is_read_by_bcrypt(password: &str) -> bool {
    password.len() <= BCRYPT_BYTES && !password.contains('\0')
}

fn bcrypt_part(stored: &str) -> &str {
    stored.strip_prefix(PREHASHED).unwrap_or(stored)
}

fn cost_of(stored: &str) -> Result<u32, BcryptError> {
    Ok(bcrypt_part(stored).parse::<HashParts>()?.get_cost())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: u32 = 4;

    fn compared(entered: &str, stored: &str) -> Comparison {
        compare(entered, stored, COST).unwrap()
    }

    #[test]
    fn passwords_of_every_length_are_told_apart_by_their_last_character() {
        for length in [8, 70, 71, 72, 73, 144, 512] {
            let password = "p".repeat(length);
            let stored = hash(&password, COST).unwrap();
            assert_eq!(stored.starts_with(PREHASHED), length > 71, "{length}");
            assert_eq!(compared(&password, &stored), Comparison::Right, "{length}");
            for other in [
                format!("{}q", "p".repeat(length - 1)),
                "p".repeat(length - 1),
                "p".repeat(length + 1),
            ] {
                assert_eq!(compared(&other, &stored), Comparison::Wrong, "{other}");
            }
        }
    }

    #[test]
    fn a_zero_byte_does_not_end_a_password() {
        let (plain, zero) = ("longenough", "longenough\0longenough");
        let stored = hash(zero, COST).unwrap();
        assert_eq!(compared(zero, &stored), Comparison::Right);
        for other in [plain, "longenough\0", "longenough\0longenougi"] {
            assert_eq!(compared(other, &stored), Comparison::Wrong, "{other:?}");
        }
        assert_eq!(
            compared(zero, &hash(plain, COST).unwrap()),
            Comparison::Wrong
        );
    }

    #[test]
    fn the_digest_of_a_long_password_is_not_a_password() {
        let long = "самовар ".repeat(10);
        let digest = BASE64_STANDARD.encode(Sha256::digest(&long));
        let stored = hash(&long, COST).unwrap();
        assert_eq!(compared(&long, &stored), Comparison::Right);
        assert_eq!(compared(&digest, &stored), Comparison::Wrong);
        assert_eq!(
            compared(&long, &hash(&digest, COST).unwrap()),
            Comparison::Wrong
        );
    }

    #[test]
    fn it_does_not_matter_how_a_keyboard_composes_letters() {
        let composed = "чайник с ёлкой";
        let decomposed = "чаи\u{306}ник с е\u{308}лкои\u{306}";
        for (set, entered) in [(composed, decomposed), (decomposed, composed)] {
            let stored = hash(set, COST).unwrap();
            assert_eq!(compared(entered, &stored), Comparison::Right);
            assert_eq!(compared(set, &stored), Comparison::Right);
        }
    }

    #[test]
    fn hashes_of_earlier_versions_verify_and_are_outdated_where_they_differ() {
        let decomposed = "чаи\u{306}ник с е\u{308}лкои\u{306}";
        let old = bcrypt::hash(decomposed, COST).unwrap();
        assert_eq!(compared(decomposed, &old), Comparison::RightButOutdated);
        let old = bcrypt::hash("correct horse", COST).unwrap();
        assert_eq!(compared("correct horse", &old), Comparison::Right);
        assert_eq!(compared("correct house", &old), Comparison::Wrong);
        assert_eq!(
            compare("correct horse", &old, COST + 1).unwrap(),
            Comparison::RightButOutdated
        );
        let costly = hash("correct horse", COST + 1).unwrap();
        assert_eq!(compared("correct horse", &costly), Comparison::Right);
    }
}
