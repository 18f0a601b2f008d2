//! Telephone numbers: read as people say them, kept in E.164, found by any run of digits from the start or the end.

use phonenumber::{Mode, country::Id};
use std::sync::OnceLock;

static REGION: OnceLock<Id> = OnceLock::new();

/// Sets the region of numbers that are typed without a country code, once, at start.
pub fn set_region(region: Id) {
    let _ = REGION.set(region);
}

/// A number that exists in its country's plan, in the forms that an order keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// E.164: `+79161234567`.
    pub e164: String,
    /// For people: in national form at home, in international form abroad.
    pub shown: String,
}

impl Phone {
    /// Reads a number; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let number = phonenumber::parse(Some(region()), text).ok()?;
        if !phonenumber::is_valid(&number) {
            return None;
        }
        let mode = if number.country().id() == Some(region()) {
            Mode::National
        } else {
            Mode::International
        };
        Some(Self {
            e164: number.format().mode(Mode::E164).to_string(),
            shown: number.format().mode(mode).to_string(),
        })
    }

    /// The number without its plus.
    pub fn digits(&self) -> &str {
        self.e164.trim_start_matches('+')
    }

    /// The digits from the last to the first.
    pub fn reversed(&self) -> String {
        self.digits().chars().rev().collect()
    }
}

/// The first digits that a number may have when a person typed `digits`: as it stands,
/// and with the country code for the national prefix (`8…`) or without either (`916…`).
pub fn beginnings(digits: &str) -> [String; 3] {
    let code = region_code();
    let without_prefix = digits
        .strip_prefix('8')
        .filter(|_| code == "7")
        .unwrap_or(digits);
    [
        digits.to_owned(),
        format!("{code}{digits}"),
        format!("{code}{without_prefix}"),
    ]
}

fn region() -> Id {
    *REGION.get_or_init(|| Id::RU)
}

fn region_code() -> String {
    phonenumber::metadata::DATABASE
        .by_id(region().as_ref())
        .map_or_else(String::new, |metadata| metadata.country_code().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_it_is_said() {
        for text in [
            "8 (916) 123-45-67",
            "+7 916 123 45 67",
            "9161234567",
            "89161234567",
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(
                (phone.e164.as_str(), phone.shown.as_str()),
                ("+79161234567", "8 (916) 123-45-67"),
                "{text}"
            );
        }
        assert_eq!(
            Phone::parse("+49 30 901820").unwrap().shown,
            "+49 30 901820"
        );
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "чай", "12", "+7 916 123 45 6", "8 (000) 000-00-00"] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_search_knows_the_ways_to_begin_a_number() {
        assert_eq!(beginnings("8916"), ["8916", "78916", "7916"]);
        assert_eq!(beginnings("916"), ["916", "7916", "7916"]);
    }
}
