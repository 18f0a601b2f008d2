//! Amounts of money in whole minor units, so that no fraction is lost. Roubles and euro are different types, so that
//! they cannot be mixed up.

use crate::{
    i18n::Locale,
    number::{Qty, pieces, thousands},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The highest accepted price, in minor units: ten million roubles or euro.
pub const MAX_PRICE: i64 = 1_000_000_000;

/// Why an amount was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("not an amount")]
    NotNumber,
    #[error("more than two decimals")]
    TooFine,
    #[error("negative")]
    Negative,
    #[error("above the largest price")]
    TooLarge,
    /// The total of several pieces is too large. Contains the highest allowed price per piece, in minor units.
    #[error("above the largest total")]
    TotalTooLarge(i64),
}

macro_rules! currency {
    ($(#[$meta:meta])* $name:ident, $sign:literal, $max_total:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(diesel::AsExpression, diesel::FromSqlRow))]
        #[cfg_attr(feature = "ssr", diesel(sql_type = diesel::sql_types::BigInt))]
        pub struct $name(pub i64);

        impl $name {
            /// Reads a price that a person typed: `1 299,90`, `1299.9` or `1299`, with at most two decimals.
            pub fn parse(text: &str) -> Result<Self, AmountError> {
                parse_minor(text).map(Self)
            }

            /// Formats the amount for people, with the currency sign: `1 299,90 ₽`, in English `1,299.90 ₽`.
            pub fn display(self, locale: Locale) -> String {
                format!("{}\u{a0}{}", group(self.0, locale), $sign)
            }

            /// Formats the amount as the initial value of an input field: `1299,90`, in English `1299.90`.
            pub fn input_value(self, locale: Locale) -> String {
                match locale {
                    Locale::ru => self.to_string().replace('.', ","),
                    Locale::en => self.to_string(),
                }
            }

            /// The largest allowed total, small enough that sums over everything a shop ever trades cannot overflow.
            pub const MAX_TOTAL: Self = Self($max_total);

            /// Returns the total of `qty` pieces, or `None` on overflow.
            pub fn times(self, qty: Qty) -> Option<Self> {
                self.0.checked_mul(qty.0).map(Self)
            }

            /// Returns the total of `qty` pieces, or an error if it exceeds `most`.
            pub fn total_within(self, most: Self, qty: Qty) -> Result<Self, AmountError> {
                self.times(qty)
                    .filter(|total| *total <= most)
                    .ok_or(AmountError::TotalTooLarge(most.0.max(0) / qty.0.max(1)))
            }
        }

        /// The plain decimal for machines: `1299.90`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let sign = if self.0 < 0 { "-" } else { "" };
                let minor = self.0.unsigned_abs();
                write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
            }
        }

        $crate::number::stored_as_bigint!($name);
    };
}

currency!(
    /// An amount in roubles, stored in kopecks: what customers pay.
    Rub,
    "₽",
    100_000_000_000
);
currency!(
    /// An amount in euro, stored in cents: what suppliers are paid.
    Eur,
    "€",
    10_000_000_000
);

impl Rub {
    /// Formats whole roubles briefly, for the labels of a chart: `1,5 млн ₽`, `250 тыс. ₽`; in English `1.5M ₽`.
    pub fn short(self, locale: Locale) -> String {
        let roubles = self.0 / 100;
        let (unit, words) = match (roubles.unsigned_abs(), locale) {
            (1_000_000.., Locale::ru) => (1_000_000, "\u{a0}млн"),
            (1_000_000.., Locale::en) => (1_000_000, "M"),
            (10_000.., Locale::ru) => (1_000, "\u{a0}тыс."),
            (10_000.., Locale::en) => (1_000, "k"),
            _ => (1, ""),
        };
        let (whole, tenths) = (roubles / unit, roubles % unit * 10 / unit);
        let point = match locale {
            Locale::ru => ',',
            Locale::en => '.',
        };
        let rest = if tenths == 0 {
            String::new()
        } else {
            format!("{point}{}", tenths.unsigned_abs())
        };
        let sign = if roubles < 0 { "−" } else { "" };
        format!("{sign}{}{rest}{words}\u{a0}₽", whole.unsigned_abs())
    }
}

/// Formats an amount in minor units without a currency sign, for a sentence or for a column whose head has
/// the sign: `1 299,90`, `1 299`.
pub fn amount(minor: i64, locale: Locale) -> String {
    if minor % 100 == 0 {
        pieces(minor / 100, locale)
    } else {
        group(minor, locale)
    }
}

fn parse_minor(text: &str) -> Result<i64, AmountError> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (negative, digits) = match compact.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, compact.as_str()),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(AmountError::NotNumber);
    }
    if fraction.trim_end_matches('0').len() > 2 {
        return Err(AmountError::TooFine);
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > 12 {
        return Err(AmountError::TooLarge);
    }
    let number = |part: &str| {
        part.bytes()
            .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'))
    };
    let cents = format!("{fraction:0<2}");
    let minor = number(whole) * 100 + number(&cents[..2]);
    match (negative && minor != 0, minor > MAX_PRICE) {
        (true, _) => Err(AmountError::Negative),
        (_, true) => Err(AmountError::TooLarge),
        _ => Ok(minor),
    }
}

fn group(minor: i64, locale: Locale) -> String {
    let sign = if minor < 0 { "−" } else { "" };
    let point = match locale {
        Locale::ru => ',',
        Locale::en => '.',
    };
    let minor = minor.unsigned_abs();
    format!(
        "{sign}{}{point}{:02}",
        thousands(minor / 100, locale),
        minor % 100
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_parsed_as_people_type_it() {
        for (text, kopecks) in [
            ("1299.90", 129_990),
            ("1 299,9", 129_990),
            ("1\u{a0}299", 129_900),
            ("0", 0),
            (",5", 50),
            ("7.", 700),
            ("1.500", 150),
        ] {
            assert_eq!(Rub::parse(text), Ok(Rub(kopecks)), "{text}");
        }
    }

    #[test]
    fn an_invalid_price_is_refused() {
        for (text, error) in [
            ("", AmountError::NotNumber),
            (".", AmountError::NotNumber),
            ("12 руб", AmountError::NotNumber),
            ("1e3", AmountError::NotNumber),
            ("1,2,3", AmountError::NotNumber),
            ("٣", AmountError::NotNumber),
            ("1.234", AmountError::TooFine),
            ("-1", AmountError::Negative),
            ("10000000.01", AmountError::TooLarge),
            ("99999999999999999999", AmountError::TooLarge),
        ] {
            assert_eq!(Eur::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_total_that_is_too_large_reports_the_highest_allowed_price() {
        let total = |price, qty| Eur(price).total_within(Eur::MAX_TOTAL, Qty(qty));
        assert_eq!(total(10_000, 1_000_000), Ok(Eur::MAX_TOTAL));
        assert_eq!(
            total(10_001, 1_000_000),
            Err(AmountError::TotalTooLarge(10_000))
        );
        assert_eq!(
            total(i64::MAX, 2),
            Err(AmountError::TotalTooLarge(5_000_000_000))
        );
        assert_eq!(
            Eur(3).total_within(Eur(-1), Qty(1)),
            Err(AmountError::TotalTooLarge(0))
        );
        assert_eq!(
            (Rub(7).times(Qty(3)), Rub(i64::MAX).times(Qty(2))),
            (Some(Rub(21)), None)
        );
        assert_eq!(amount(129_990, Locale::en), "1,299.90");
        assert_eq!(amount(129_900, Locale::ru), "1\u{a0}299");
    }

    #[test]
    fn an_amount_is_formatted_for_the_locale() {
        assert_eq!(Rub(129_990).display(Locale::ru), "1\u{a0}299,90\u{a0}₽");
        assert_eq!(Eur(123_456_789).display(Locale::en), "1,234,567.89\u{a0}€");
        assert_eq!(Rub(-5).to_string(), "-0.05");
        assert_eq!(Rub(129_990).input_value(Locale::ru), "1299,90");
        assert_eq!(pieces(12_500, Locale::ru), "12\u{a0}500");
        assert_eq!(Rub(150_000_000).short(Locale::ru), "1,5\u{a0}млн\u{a0}₽");
        assert_eq!(Rub(-5_000_000).short(Locale::en), "−50k\u{a0}₽");
    }
}
