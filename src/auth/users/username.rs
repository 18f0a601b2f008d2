//! The rules for the names of new accounts: no two look alike, and none is changed silently.

use crate::{audit, error::Problem, text::fold};
use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

/// Allowed length of a user name in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=64;

/// Reads the name of a new account.
pub fn read(username: &str) -> Result<String, Problem> {
    if username.is_empty() {
        Err(Problem::Required)
    } else if !is_normalized(username) || !username.chars().all(is_allowed) {
        Err(Problem::NotUsername)
    } else if !username.is_single_script() {
        Err(Problem::MixedAlphabets)
    } else if !username.chars().any(char::is_alphabetic) {
        Err(Problem::NoLetter)
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

/// Returns whether people could take one name for the other (Unicode Technical Standard 39), in any case.
pub fn look_alike(one: &str, other: &str) -> bool {
    skeleton(one).eq(skeleton(other)) || skeleton(&fold(one)).eq(skeleton(&fold(other)))
}

fn is_normalized(username: &str) -> bool {
    ComposingNormalizerBorrowed::new_nfkc().is_normalized(username)
}

/// Letters that are not in use today, and those that nobody sees, are not recommended for identifiers.
fn is_allowed(c: char) -> bool {
    let is_known = c.is_alphabetic() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    is_known && c.identifier_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_script_are_accepted_as_they_are() {
        for name in [
            "анна",
            "Ёлка-2",
            "boris.b-1_",
            "Žižka",
            "Müller",
            "Αννα",
            "ქეთი",
            "Գոհար",
            "田中さん",
            "김철수",
        ] {
            assert_eq!(read(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn names_that_are_invisible_or_imitate_others_are_refused() {
        for (name, problem) in [
            ("", Problem::Required),
            ("\u{3164}\u{3164}\u{3164}", Problem::NotUsername),
            ("ан\u{200b}на", Problem::NotUsername),
            ("ан\u{ad}на", Problem::NotUsername),
            ("анна\u{fe0f}", Problem::NotUsername),
            ("ｂｏｓｓ", Problem::NotUsername),
            ("бори\u{306}с", Problem::NotUsername),
            ("ﬁona", Problem::NotUsername),
            ("анна ", Problem::NotUsername),
            ("анна анна", Problem::NotUsername),
            ("\u{391}нна", Problem::MixedAlphabets),
            ("\u{430}nna", Problem::MixedAlphabets),
            ("склад-A", Problem::MixedAlphabets),
            ("123", Problem::NoLetter),
            ("-_.", Problem::NoLetter),
            ("System", Problem::Taken),
            ("аб", Problem::TooShort(3)),
        ] {
            assert_eq!(read(name), Err(problem), "{name:?}");
        }
    }

    #[test]
    fn letters_of_different_alphabets_look_alike() {
        for (one, other) in [
            ("рос", "poc"),
            ("РОС", "POC"),
            ("Ivan", "lvan"),
            ("boris1", "borisl"),
            ("анна", "АННА"),
        ] {
            assert!(look_alike(one, other), "{one} {other}");
        }
        for (one, other) in [("анна", "инна"), ("boris1", "boris2"), ("ann-1", "ann_1")] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
    }
}
