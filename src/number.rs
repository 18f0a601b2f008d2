//! Quantities, and the display of whole numbers.

use crate::i18n::Locale;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Maps a newtype over `i64` to a `BIGINT` column.
macro_rules! stored_as_bigint {
    ($name:ident) => {
        #[cfg(feature = "ssr")]
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                self.0.to_sql(out)
            }
        }

        #[cfg(feature = "ssr")]
        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                i64::from_sql(bytes).map(Self)
            }
        }
    };
}
pub(crate) use stored_as_bigint;

/// The form of a noun that goes with a number: `1 заказ`, `3 заказа`, `5 заказов`. English has no [`Self::Few`].
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plural {
    One,
    Few,
    Many,
}

/// Returns the form of a noun that goes with a number.
#[cfg(feature = "ssr")]
pub const fn plural(count: usize, locale: Locale) -> Plural {
    match (locale, count % 100, count % 10) {
        (Locale::ru, 11..=14, _) => Plural::Many,
        (Locale::ru, _, 1) => Plural::One,
        (Locale::ru, _, 2..=4) => Plural::Few,
        (Locale::en, ..) if count == 1 => Plural::One,
        (Locale::ru | Locale::en, ..) => Plural::Many,
    }
}

/// A number of pieces in an order or a supply.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ssr", derive(diesel::AsExpression, diesel::FromSqlRow))]
#[cfg_attr(feature = "ssr", diesel(sql_type = diesel::sql_types::BigInt))]
pub struct Qty(pub i64);

stored_as_bigint!(Qty);

impl Qty {
    /// The largest quantity, and the most pieces of one product that may be on hand.
    pub const MAX: Self = Self(1_000_000);

    /// The quantity for display: `12 500`, in English `12,500`.
    pub fn display(self, locale: Locale) -> String {
        pieces(self.0, locale)
    }
}

/// Returns the number of pieces that is typed so far; spaces between digits are allowed.
pub fn typed_pieces(text: &str) -> Option<i64> {
    let digits: String = text.split_whitespace().collect();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The digits alone, for forms and machines.
impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Formats a number of pieces: `12 500`, in English `12,500`.
pub fn pieces(count: i64, locale: Locale) -> String {
    let sign = if count < 0 { "−" } else { "" };
    format!("{sign}{}", thousands(count.unsigned_abs(), locale))
}

/// Formats a number with a separator between thousands.
pub fn thousands(number: u64, locale: Locale) -> String {
    let separator = match locale {
        Locale::ru => '\u{a0}',
        Locale::en => ',',
    };
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}
