//! The rules for the names of new accounts.

use crate::{audit, error::Problem};

/// Allowed length of a user name in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=64;

/// Reads the name of a new account.
pub fn read(text: &str) -> Result<String, Problem> {
    let username = text.trim();
    let allowed = |c: char| c.is_alphabetic() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if username.is_empty() {
        Err(Problem::Required)
    } else if !username.chars().all(allowed) {
        Err(Problem::NotUsername)
    } else if username.split(|c: char| !c.is_alphabetic()).any(is_mixed) {
        Err(Problem::MixedAlphabets)
    } else if audit::is_system(username) {
        Err(Problem::Taken)
    } else if username.chars().count() < *NAME.start() {
        Err(Problem::TooShort(*NAME.start()))
    } else if username.chars().count() > *NAME.end() {
        Err(Problem::TooLong(*NAME.end()))
    } else {
        Ok(username.to_owned())
    }
}

/// Returns whether a word mixes ASCII letters with others, which could make it look like another name.
fn is_mixed(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_alphabetic()) && !word.is_ascii()
}
