//! The rules for new passwords, and the generator of one-time passwords.

use super::password_hash::normalize;
use crate::{error::Problem, text::fold};
use rand::RngExt;

/// Minimum length of a password in characters.
const MIN: usize = 8;
/// Maximum length of a password in characters.
pub const MAX: usize = 128;

/// The commonest passwords that are long enough, in the form of [`fold`], one on each line.
///
/// They are those of `django/contrib/auth/common-passwords.txt.gz` in Django 5.2.19, made by Royce Williams from
/// leaked passwords; its BSD licence is in `common_passwords.LICENSE`.
const COMMON: &str = include_str!("common_passwords.txt");

/// The name of the shop, which strangers try first.
const SHOP: [&str; 2] = ["сириус", "sirius"];

/// The letters of the Russian keyboard, and those of the English one on the same keys.
const RUSSIAN_KEYS: &str = "йцукенгшщзхъфывапролджэячсмитьбю";
const ENGLISH_KEYS: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.";

/// Checks a new password for an account with this name.
pub fn check(password: &str, username: &str) -> Result<(), Problem> {
    let length = normalize(password).chars().count();
    let (folded, name) = (fold(password), fold(username));
    if password.is_empty() {
        Err(Problem::Required)
    } else if length < MIN {
        Err(Problem::TooShort(MIN))
    } else if length > MAX {
        Err(Problem::TooLong(MAX))
    } else if is_common(&folded) || is_common(&on_english_keys(&folded)) {
        Err(Problem::CommonPassword)
    } else if !name.is_empty() && folded.contains(&name) {
        Err(Problem::NameInPassword)
    } else if SHOP.iter().any(|shop| folded.contains(shop)) {
        Err(Problem::ShopInPassword)
    } else {
        Ok(())
    }
}

fn is_common(folded: &str) -> bool {
    COMMON.lines().any(|common| common == folded)
}

/// Returns what the same keys type on the English keyboard: `йцукенгш` is `qwertyui`.
fn on_english_keys(text: &str) -> String {
    let key = |letter| {
        let mut keys = RUSSIAN_KEYS.chars().zip(ENGLISH_KEYS.chars());
        keys.find(|(russian, _)| *russian == letter)
            .map_or(letter, |(_, english)| english)
    };
    text.chars().map(key).collect()
}

/// Generates a one-time password: twelve letters and digits that are hard to confuse.
pub fn one_time() -> String {
    const SIGNS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    (0..12)
        .map(|_| char::from(SIGNS[random.random_range(0..SIGNS.len())]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_sorted_and_in_folded_form() {
        let common: Vec<_> = COMMON.lines().collect();
        assert!(common.len() >= 3_000, "{}", common.len());
        assert!(common.is_sorted_by(|one, next| one < next));
        for password in common {
            assert!(password.chars().count() >= MIN, "{password}");
            assert_eq!(fold(password), password);
        }
    }

    #[test]
    fn common_passwords_are_refused_whatever_their_case_and_keyboard() {
        for common in [
            "password123",
            "PassWord123",
            "ｐａｓｓｗｏｒｄ",
            "qwertyuiop",
            "йцукенгшщз",
            "ЗФЫЫЦЩКВ",
            "12345678",
        ] {
            assert_eq!(
                check(common, "анна"),
                Err(Problem::CommonPassword),
                "{common}"
            );
        }
        for good in [
            "correct horse",
            "password 1234 anything",
            "самовар-на-столе",
        ] {
            assert_eq!(check(good, "анна"), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_names_of_the_user_and_of_the_shop_are_refused() {
        for (password, problem) in [
            ("АннА-любит-чай", Problem::NameInPassword),
            ("наш Сириус лучший", Problem::ShopInPassword),
            ("SIRIUS-на-складе", Problem::ShopInPassword),
        ] {
            assert_eq!(check(password, "анна"), Err(problem), "{password}");
        }
        // The name was not entered.
        assert_eq!(check("correct horse", ""), Ok(()));
    }

    #[test]
    fn long_passphrases_in_cyrillic_are_accepted() {
        for (length, expected) in [
            (7, Err(Problem::TooShort(8))),
            (8, Ok(())),
            (64, Ok(())),
            (128, Ok(())),
            (129, Err(Problem::TooLong(128))),
        ] {
            let letters = "жёлтый самовар на столе ".chars().cycle();
            let password: String = letters.take(length).collect();
            assert_eq!(check(&password, "анна"), expected, "{length}");
        }
        assert_eq!(check(&"🙂".repeat(128), "анна"), Ok(()));
        assert_eq!(check("", "анна"), Err(Problem::Required));
    }

    #[test]
    fn one_time_passwords_pass_the_rules() {
        for _ in 0..100 {
            assert_eq!(check(&one_time(), "анна"), Ok(()));
        }
    }
}
