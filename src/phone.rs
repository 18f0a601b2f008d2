//! Phone numbers: read in any common notation, stored in E.164, and found by their first or last digits.

use crate::{error::Problem, text::tidy};
use phonenumber::{
    Metadata, Mode, PhoneNumber,
    country::{self, Id},
    metadata::DATABASE,
};
use serde::Serialize;
use std::sync::OnceLock;

static REGION: OnceLock<Id> = OnceLock::new();

/// Characters that may separate the digits of a number, besides spaces.
const PUNCTUATION: &str = "-\u{2010}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}()[]./~";

/// Sets the region of numbers that are typed without a country code, at start. Later calls have no effect.
pub fn set_region(region: Id) {
    let _ = REGION.set(region);
}

/// A number that is valid in the numbering plan of its country, in the forms that an order stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Phone {
    /// E.164: `+79161234567`.
    pub e164: String,
    /// For people: the national form for the shop's region, if a search finds it; else the international form.
    #[serde(skip)]
    pub shown: String,
}

impl Phone {
    /// Reads a number, or returns `None` if the text is not a valid number.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(region(), text)
    }

    /// Reads a number that a person entered; the error says what is wrong.
    pub fn entered(text: &str) -> Result<Self, Problem> {
        Self::parse(text).ok_or_else(|| {
            if tidy(text).is_empty() {
                Problem::Required
            } else if has_more(text) {
                Problem::NotOnePhone
            } else {
                Problem::NotPhone
            }
        })
    }

    fn read(region: Id, text: &str) -> Option<Self> {
        let typed = TypedNumber::read(text)?;
        let number = if typed.has_plus {
            international(&typed.digits)
        } else {
            national(region, &typed.digits)
        }?;
        let form = |mode| number.format().mode(mode).to_string();
        let e164 = form(Mode::E164);
        let national = (number.country().id() == Some(region)).then(|| form(Mode::National));
        Some(Self {
            shown: national
                .filter(|shown| is_found_by(region, &e164, shown))
                .unwrap_or_else(|| form(Mode::International)),
            e164,
        })
    }

    /// Returns the number without its plus sign.
    pub fn digits(&self) -> &str {
        self.e164.trim_start_matches('+')
    }

    /// Returns whether a text has this number in it, in any notation, with or without the country code.
    pub fn is_in(&self, text: &str) -> bool {
        let code = phonenumber::parse(None, &self.e164).map_or_else(
            |_| String::new(),
            |number| number.country().code().to_string(),
        );
        let Some(national) = self
            .digits()
            .strip_prefix(&code)
            .filter(|rest| !rest.is_empty())
        else {
            return false;
        };
        tidy(text).split(|c| !is_of_number(c)).any(|part| {
            let digits: String = part.chars().filter(char::is_ascii_digit).collect();
            digits.contains(national)
        })
    }

    /// Returns the digits in reverse order.
    pub fn reversed(&self) -> String {
        self.digits().chars().rev().collect()
    }
}

/// Returns whether a text is a number followed by more digits, such as an extension or a second number.
fn has_more(text: &str) -> bool {
    let text = tidy(text);
    let Some(end) = text.find(|c| !is_of_number(c)) else {
        return false;
    };
    let (number, rest) = text.split_at(end);
    rest.contains(|c: char| c.is_ascii_digit()) && Phone::parse(number).is_some()
}

/// Returns the possible first digits of a number in E.164, without the plus sign, if a person typed `digits`.
///
/// These are the digits as typed, the digits with the country code in front (for `916…`), and the digits with the
/// country code instead of the national prefix (for `8916…`).
pub fn possible_prefixes(digits: &str) -> [String; 3] {
    beginnings_in(region(), digits)
}

fn beginnings_in(region: Id, digits: &str) -> [String; 3] {
    let metadata = DATABASE.by_id(region.as_ref());
    let code = metadata.map_or_else(String::new, |metadata| metadata.country_code().to_string());
    let without_prefix = metadata
        .and_then(|metadata| without_prefix(metadata, digits))
        .unwrap_or(digits);
    [
        digits.to_owned(),
        format!("{code}{digits}"),
        format!("{code}{without_prefix}"),
    ]
}

/// Returns whether every search by the first digits of a national form finds the number. In Argentina and Mexico, the
/// national form of some numbers has other digits; these numbers are shown in international form.
fn is_found_by(region: Id, e164: &str, shown: &str) -> bool {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    (3..=digits.len()).all(|length| {
        beginnings_in(region, &digits[..length])
            .iter()
            .any(|start| e164[1..].starts_with(start))
    })
}

fn region() -> Id {
    *REGION.get_or_init(|| Id::RU)
}

/// A typed text in which every character may be part of a number.
struct TypedNumber {
    has_plus: bool,
    digits: String,
}

impl TypedNumber {
    fn read(text: &str) -> Option<Self> {
        let text = tidy(text);
        if !text.chars().all(is_of_number) {
            return None;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let before = text.split(|c: char| c.is_ascii_digit()).next()?;
        // A plus sign is valid only before the digits.
        let (pluses, leading) = (text.matches('+').count(), before.matches('+').count());
        (pluses == leading && pluses <= 1).then_some(Self {
            has_plus: pluses == 1,
            digits,
        })
    }
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || c == '+' || c.is_whitespace() || PUNCTUATION.contains(c)
}

/// Returns the number with these digits, which include the country code.
///
/// The library strips the national prefix of the region that it is given, which is wrong for a number with a country
/// code: for Russia, it would strip the 8 from +49 89. Without a region, it strips the prefix of the number's own
/// country, although some numbers begin with the same digit. Spain has no national prefix, so nothing is stripped.
fn exact(digits: &str) -> Option<PhoneNumber> {
    valid(Some(country::ES), &format!("+{digits}"))
}

fn valid(region: Option<Id>, text: &str) -> Option<PhoneNumber> {
    let number = phonenumber::parse(region, text).ok()?;
    phonenumber::is_valid(&number).then_some(number)
}

/// Returns the number with these digits, which include the country code and possibly a national prefix after it, as in
/// `+44 (0)20 …`.
fn international(digits: &str) -> Option<PhoneNumber> {
    exact(digits).or_else(|| valid(None, &format!("+{digits}")))
}

/// Returns the number with these digits, as dialled in a region.
fn national(region: Id, digits: &str) -> Option<PhoneNumber> {
    let metadata = DATABASE.by_id(region.as_ref())?;
    let code = metadata.country_code();
    without_prefix(metadata, digits)
        .and_then(|rest| exact(&format!("{code}{rest}")))
        .or_else(|| exact(&format!("{code}{digits}")))
        // With the country code, but without the plus sign.
        .or_else(|| exact(digits).filter(|number| number.country().code() == code))
        // With a carrier code or another prefix of the region.
        .or_else(|| valid(Some(region), digits).filter(|number| number.country().code() == code))
        // With the prefix for international calls.
        .or_else(|| {
            let prefix = metadata.international_prefix()?.find(digits)?;
            let rest = digits.get(prefix.end()..).filter(|_| prefix.start() == 0)?;
            exact(rest)
        })
}

/// Returns the digits after the national prefix of a region, or `None` if they do not begin with it.
fn without_prefix<'d>(metadata: &Metadata, digits: &'d str) -> Option<&'d str> {
    let by_rule = metadata
        .national_prefix_for_parsing()
        .filter(|_| metadata.national_prefix_transform_rule().is_none())
        .and_then(|rule| rule.find(digits))
        .filter(|found| found.start() == 0)
        .map(|found| found.end());
    let plain = metadata
        .national_prefix()
        .filter(|prefix| digits.starts_with(prefix))
        .map(str::len);
    digits
        .get(by_rule.or(plain)?..)
        .filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use phonenumber::Type;

    const TYPES: [Type; 9] = [
        Type::FixedLine,
        Type::Mobile,
        Type::TollFree,
        Type::PremiumRate,
        Type::SharedCost,
        Type::PersonalNumber,
        Type::Voip,
        Type::Pager,
        Type::Uan,
    ];

    /// Returns an example number of each type in each country, with the country.
    fn examples() -> impl Iterator<Item = (Option<Id>, String)> {
        DATABASE.iter().flat_map(|metadata| {
            let kinds = TYPES.into_iter();
            let examples = kinds.filter_map(|kind| metadata.descriptors().get(kind)?.example());
            examples.map(|example| {
                let e164 = format!("+{}{example}", metadata.country_code());
                (metadata.id().parse().ok(), e164)
            })
        })
    }

    #[test]
    fn a_number_is_parsed_in_any_common_notation() {
        for text in [
            "8 (916) 123-45-67",
            "+7 916 123 45 67",
            "9161234567",
            "89161234567",
            "79161234567",
            " (+7)\u{a0}916.123–45–67",
            "＋７ ９１６ １２３‑４５‑６７",
            "\u{202a}+7\u{200b}9161234567\u{202c}",
            "+7 (8) 916 123-45-67",
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
    fn a_number_with_a_plus_keeps_its_country_code() {
        for (text, e164) in [
            ("+49 89 12345678", "+498912345678"),
            ("+62 812 3456 7890", "+6281234567890"),
            ("+81 80 1234 5678", "+818012345678"),
            ("+84 812345678", "+84812345678"),
            ("+998 88 123 45 67", "+998881234567"),
            ("+90 850 123 45 67", "+908501234567"),
            ("+86 851 8888 8888", "+8685188888888"),
            ("+7 800 555-35-35", "+78005553535"),
            ("+39 06 6982", "+39066982"),
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("8~10 49 89 12345678", "+498912345678"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().e164, e164, "{text}");
        }
        let mut count = 0;
        for (_, e164) in examples() {
            for region in [Id::RU, Id::DE, Id::US, Id::IT, Id::BY] {
                let phone = Phone::read(region, &e164);
                let phone = phone.unwrap_or_else(|| panic!("{e164} is refused in {region:?}"));
                assert_eq!(phone.e164, e164, "{region:?}");
            }
            count += 1;
        }
        assert!(count > 1_000, "{count}");
    }

    #[test]
    fn the_displayed_form_of_a_number_parses_to_the_same_number() {
        for (region, e164) in examples() {
            let Some(region) = region else { continue };
            let phone = Phone::read(region, &e164).unwrap();
            let again = Phone::read(region, &phone.shown);
            assert_eq!(again.as_ref(), Some(&phone), "{region:?} {phone:?}");
        }
        for (text, e164) in [
            ("8 800 555-35-35", "+78005553535"),
            ("800 555-35-35", "+78005553535"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().e164, e164, "{text}");
        }
        assert_eq!(
            Phone::read(Id::BY, "8 029 123-45-67").unwrap().e164,
            "+375291234567"
        );
    }

    #[test]
    fn an_invalid_number_is_refused() {
        for text in [
            "",
            "+",
            "чай",
            "12",
            "+7 916 123 45 6",
            "+7 916 123 45 6o",
            "+7 916 123 45 6о",
            "8 (000) 000-00-00",
            "8 916 123+45-67",
            "++7 916 123-45-67",
            "tel:+79161234567",
            "8 800 GOOGLE-1",
            "8 (495) 123-45-67 доб. 12",
            "8 (495) 123-45-67 x12",
            "+7 495 123-45-67#12",
            "+7 495 123-45-67;ext=12",
        ] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_extension_or_second_number_is_distinguished_from_a_typo() {
        for text in [
            "8 (495) 123-45-67 доб. 12",
            "+7 495 123-45-67#12",
            "8 916 123-45-67, 8 903 123-45-67",
        ] {
            assert!(has_more(text), "{text}");
        }
        for text in [
            "8 (495) 123-45-67",
            "+7 916 123 45 6o",
            "8 916 123-45-67 Анна",
            "чай 12",
        ] {
            assert!(!has_more(text), "{text}");
        }
    }

    #[test]
    fn a_search_covers_domestic_and_international_prefixes() {
        assert_eq!(possible_prefixes("8916"), ["8916", "78916", "7916"]);
        assert_eq!(possible_prefixes("916"), ["916", "7916", "7916"]);
        for (region, e164, typed) in [
            (Id::RU, "+79161234567", "8916"),
            (Id::DE, "+498912345678", "08912"),
            (Id::GB, "+442079460018", "02079"),
            (Id::UA, "+380501234567", "05012"),
            (Id::US, "+12025550123", "20255"),
            (Id::US, "+12025550123", "12025"),
            (Id::IT, "+39066982", "0669"),
            (Id::BY, "+375291234567", "8029"),
            (Id::HU, "+36201234567", "0620"),
        ] {
            let found = beginnings_in(region, typed);
            assert!(
                found.iter().any(|start| e164[1..].starts_with(start)),
                "{region:?} {typed}: {found:?}"
            );
        }
    }

    #[test]
    fn every_prefix_of_the_national_form_finds_the_number() {
        for (region, e164) in examples() {
            let Some(region) = region else { continue };
            let shown = Phone::read(region, &e164).unwrap().shown;
            let typed: String = shown.chars().filter(char::is_ascii_digit).collect();
            for length in 3..=typed.len() {
                let found = beginnings_in(region, &typed[..length]);
                assert!(
                    found.iter().any(|start| e164[1..].starts_with(start)),
                    "{region:?} {e164} {}: {found:?}",
                    &typed[..length]
                );
            }
        }
    }
}
