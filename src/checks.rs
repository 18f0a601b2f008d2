//! Reads what people typed into forms: every wrong field is named, all at once.

use crate::{
    error::{Error, FieldError, Problem},
    moment::day_read,
    money::{Eur, Rub},
    text::{tidy, tidy_lines},
};
use chrono::NaiveDate;

/// Rows on a page of a list, unless another number is asked for.
const PAGE: i64 = 50;
/// The most rows on a page.
const LARGEST_PAGE: i64 = 500;

/// The wrong fields found so far.
#[derive(Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes a wrong field.
    pub fn wrong(&mut self, field: &str, problem: Problem) {
        self.0.push(FieldError {
            field: field.to_owned(),
            problem,
        });
    }

    /// Unwraps a reading, or notes what is wrong and goes on with a stand-in that [`Self::done`] never lets out.
    pub fn take<T: Default>(&mut self, field: &str, read: Result<T, Problem>) -> T {
        read.unwrap_or_else(|problem| {
            self.wrong(field, problem);
            T::default()
        })
    }

    /// A line of text that must be there, of at most `max` characters.
    pub fn line(&mut self, field: &str, text: &str, max: usize) -> String {
        let line = self.optional_line(field, text, max);
        if line.is_none() && tidy(text).is_empty() {
            self.wrong(field, Problem::Required);
        }
        line.unwrap_or_default()
    }

    /// A line of text that may be missing.
    pub fn optional_line(&mut self, field: &str, text: &str, max: usize) -> Option<String> {
        let line = tidy(text);
        if line.chars().count() > max {
            self.wrong(field, Problem::TooLong(max));
            return None;
        }
        Some(line).filter(|line| !line.is_empty())
    }

    /// A text of several lines that may be missing.
    pub fn optional_text(&mut self, field: &str, text: &str, max: usize) -> Option<String> {
        let text = tidy_lines(text);
        if text.chars().count() > max {
            self.wrong(field, Problem::TooLong(max));
            return None;
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// A whole number from `min` to `max`.
    pub fn number(&mut self, field: &str, text: &str, min: i64, max: i64) -> i64 {
        self.take(field, number(&tidy(text), min, max))
    }

    /// A whole number, or `None` when nothing was typed.
    pub fn optional_number(&mut self, field: &str, text: &str, min: i64, max: i64) -> Option<i64> {
        (!text.trim().is_empty()).then(|| self.number(field, text, min, max))
    }

    /// A price in euro.
    pub fn eur(&mut self, field: &str, text: &str) -> Eur {
        self.take(
            field,
            required(&tidy(text)).and_then(|text| Eur::parse(text).map_err(Problem::from)),
        )
    }

    /// A price in euro, or `None` when nothing was typed.
    pub fn optional_eur(&mut self, field: &str, text: &str) -> Option<Eur> {
        (!text.trim().is_empty()).then(|| self.eur(field, text))
    }

    /// A price in roubles, or `None` when nothing was typed.
    pub fn optional_rub(&mut self, field: &str, text: &str) -> Option<Rub> {
        (!text.trim().is_empty())
            .then(|| self.take(field, Rub::parse(&tidy(text)).map_err(Problem::from)))
    }

    /// A day, as date fields send it or as people write it; `None` when nothing was typed.
    pub fn optional_day(&mut self, field: &str, text: &str) -> Option<NaiveDate> {
        (!text.trim().is_empty())
            .then(|| self.take(field, day_read(&tidy(text)).ok_or(Problem::NotDate)))
    }

    /// The days `from` and `to` of a filter; the last may not come before the first.
    pub fn optional_range(
        &mut self,
        from: &str,
        to: &str,
    ) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let wrong_before = self.0.len();
        let (from, to) = (self.optional_day("from", from), self.optional_day("to", to));
        // Of days that cannot be read, none comes first.
        let are_days = self.0.len() == wrong_before;
        if are_days && from.zip(to).is_some_and(|(from, to)| from > to) {
            self.wrong("to", Problem::BeforeStart);
        }
        (from, to)
    }

    /// One of an enumeration's codes, or `None` when nothing was chosen.
    pub fn optional_code<T: std::str::FromStr>(&mut self, field: &str, code: &str) -> Option<T> {
        if code.is_empty() {
            return None;
        }
        let read = code.parse().ok();
        if read.is_none() {
            self.wrong(field, Problem::NotOffered);
        }
        read
    }

    /// How many rows a page of a list shall have.
    pub fn page_size(&mut self, text: &str) -> i64 {
        self.optional_number("limit", text, 1, LARGEST_PAGE)
            .unwrap_or(PAGE)
    }

    /// The result of an act on what could be taken, or every wrong field of the reading and the act together.
    ///
    /// Who has no right is told that alone.
    pub fn join<T>(self, done: Result<T, Error>) -> Result<T, Error> {
        match done {
            done if self.0.is_empty() => done,
            Err(error @ (Error::SignedOut | Error::Forbidden)) => Err(error),
            Err(Error::Invalid(more)) => {
                let mut wrong = self.0;
                for field in more {
                    if !wrong.iter().any(|known| known.field == field.field) {
                        wrong.push(field);
                    }
                }
                Err(Error::Invalid(wrong))
            }
            _ => Err(Error::Invalid(self.0)),
        }
    }

    /// Whether everything could be taken.
    pub fn done(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}

fn required(text: &str) -> Result<&str, Problem> {
    if text.trim().is_empty() {
        Err(Problem::Required)
    } else {
        Ok(text)
    }
}

fn number(text: &str, min: i64, max: i64) -> Result<i64, Problem> {
    let compact: String = required(text)?
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let digits = compact.strip_prefix('-').unwrap_or(&compact);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::NotNumber);
    }
    match compact.parse::<i64>() {
        Ok(number) if number < min => Err(Problem::TooSmall(min)),
        Ok(number) if number <= max => Ok(number),
        _ if compact.starts_with('-') => Err(Problem::TooSmall(min)),
        _ => Err(Problem::TooLarge(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut checks = Checks::default();
        checks.line("name", " \n", 10);
        checks.line("supplier_name", "слишком длинно", 5);
        checks.number("qty", "-3", 1, 10);
        checks.number("min_stock", "1.5", 0, 10);
        checks.optional_rub("sell_price_rub", "12,345");
        checks.optional_day("from", "2026-02-30");
        let Err(Error::Invalid(wrong)) = checks.done() else {
            panic!("all was taken")
        };
        let found: Vec<_> = wrong
            .iter()
            .map(|wrong| (wrong.field.as_str(), wrong.problem.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("name", Problem::Required),
                ("supplier_name", Problem::TooLong(5)),
                ("qty", Problem::TooSmall(1)),
                ("min_stock", Problem::NotNumber),
                ("sell_price_rub", Problem::TooManyDecimals),
                ("from", Problem::NotDate),
            ]
        );
    }

    #[test]
    fn what_is_right_is_taken() {
        let mut checks = Checks::default();
        assert_eq!(checks.line("name", "  Чай  зелёный ", 20), "Чай зелёный");
        assert_eq!(checks.number("qty", "1 000", 1, 10_000), 1_000);
        assert_eq!(checks.optional_number("min_stock", " ", 0, 5), None);
        assert_eq!(
            checks
                .optional_text("description", "а\r\nб\u{7}\n", 10)
                .as_deref(),
            Some("а\nб")
        );
        let day = NaiveDate::from_ymd_opt(2026, 11, 23);
        assert_eq!(checks.optional_day("from", " 2026-11-23"), day);
        assert_eq!(checks.optional_day("from", "23.11.2026"), day);
        assert_eq!(checks.done(), Ok(()));
    }
}
