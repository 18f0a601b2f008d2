//! Whole numbers as people read them.

use crate::i18n::Locale;

/// A number of pieces for people: `12 500`, in English `12,500`.
pub fn pieces(count: i64, locale: Locale) -> String {
    let sign = if count < 0 { "−" } else { "" };
    format!("{sign}{}", thousands(count.unsigned_abs(), locale))
}

/// A number with its thousands apart.
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
