//! Reads what people enter: every wrong field is named, all at once.
//!
//! A form, a JSON object or a row of a file becomes an [`Input`]; a [`Request`] reads its fields from it, each by one of
//! the parsers of this module.

use crate::{
    auth::{Actor, Permission},
    error::{Error, FieldError, Problem},
    fields::Fields,
    moment::day_read,
    money::{Eur, Rub},
    number::Qty,
    text::{tidy, tidy_lines},
};
use chrono::NaiveDate;
use std::{ops::RangeInclusive, str::FromStr};

/// Rows on a page of a list, unless another number is asked for.
const PAGE: i64 = 50;
/// The most rows on a page.
const LARGEST_PAGE: i64 = 500;

/// Something that people ask for, made of the fields that they entered.
pub trait Request: Sized + Send + 'static {
    /// The right that it needs.
    const PERMISSION: Permission;

    /// Reads the fields. A wrong field is noted and gets a stand-in; [`Input::request`] then refuses the whole request.
    fn read(input: &mut Input) -> Self;
}

/// The fields of a request, and which of them are wrong.
#[derive(Debug, Default)]
pub struct Input {
    fields: Fields,
    /// Fields that are missing leave things as they are, instead of making them empty.
    is_partial: bool,
    checks: Checks,
}

impl Input {
    /// Fields as they were entered; what is missing is empty.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            ..Self::default()
        }
    }

    /// Fields of a partial edit: a missing one changes nothing.
    pub fn partial(fields: Fields) -> Self {
        Self {
            is_partial: true,
            ..Self::new(fields)
        }
    }

    /// What was entered into a field.
    pub fn text(&self, field: &str) -> &str {
        self.fields.0.get(field).map_or("", String::as_str)
    }

    /// Notes a wrong field. The first problem of a field is the one that is told.
    pub fn wrong(&mut self, field: &str, problem: Problem) {
        if !self.checks.0.iter().any(|wrong| wrong.field == field) {
            self.checks.wrong(field, problem);
        }
    }

    /// Reads a field.
    pub fn read<T: Default>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> T {
        self.read_or(field, T::default(), parse)
    }

    /// Reads a field of a type that has no default; `stand_in` takes the place of what is wrong.
    pub fn read_or<T>(
        &mut self,
        field: &str,
        stand_in: T,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> T {
        match parse(self.text(field)) {
            Ok(read) => read,
            Err(problem) => {
                self.wrong(field, problem);
                stand_in
            }
        }
    }

    /// Enters a field that comes from elsewhere, as from the path of a URL.
    pub fn enter(&mut self, field: &str, text: String) {
        self.fields.0.insert(field.to_owned(), text);
    }

    /// Reads a field into what is there already.
    pub fn update<T>(
        &mut self,
        field: &str,
        value: &mut T,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) {
        if self.is_partial && !self.fields.0.contains_key(field) {
            return;
        }
        match parse(self.text(field)) {
            Ok(read) => *value = read,
            Err(problem) => self.wrong(field, problem),
        }
    }

    /// The request, if whoever makes it has the right and every field could be taken.
    pub fn request<T: Request>(mut self, actor: &Actor) -> Result<T, Error> {
        actor.may(T::PERMISSION)?;
        let request = T::read(&mut self);
        self.done().map(|()| request)
    }

    /// Whether everything could be taken.
    pub fn done(self) -> Result<(), Error> {
        self.checks.done()
    }
}

/// The wrong fields found so far.
#[derive(Debug, Default)]
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

    /// The days `from` and `to` of a filter; the last may not come before the first.
    pub fn range(&mut self, from: &str, to: &str) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let wrong_before = self.0.len();
        let from = self.take("from", optional(day)(from));
        let to = self.take("to", optional(day)(to));
        // Of days that cannot be read, none comes first.
        let are_days = self.0.len() == wrong_before;
        if are_days && from.zip(to).is_some_and(|(from, to)| from > to) {
            self.wrong("to", Problem::BeforeStart);
        }
        (from, to)
    }

    /// One of an enumeration's codes, or `None` when nothing was chosen.
    pub fn code<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, optional(code)(text))
    }

    /// How many rows a page of a list shall have.
    pub fn page_size(&mut self, text: &str) -> i64 {
        self.take("limit", optional(number(1..=LARGEST_PAGE))(text))
            .unwrap_or(PAGE)
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

/// Something that is on or off, as filters say it.
pub fn flag(text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(Problem::NotFlag),
    }
}

/// Something that may be missing.
pub fn optional<T>(
    parse: impl FnOnce(&str) -> Result<T, Problem>,
) -> impl FnOnce(&str) -> Result<Option<T>, Problem> {
    |text| {
        if tidy(text).is_empty() {
            Ok(None)
        } else {
            parse(text).map(Some)
        }
    }
}

/// A line of text of at most `max` characters.
pub fn line(max: usize) -> impl Fn(&str) -> Result<String, Problem> {
    move |text| short(required(text)?, max)
}

/// A text of several lines, of at most `max` characters.
pub fn lines(max: usize) -> impl Fn(&str) -> Result<String, Problem> {
    move |text| short(tidy_lines(text), max)
}

/// A whole number.
pub fn number(range: RangeInclusive<i64>) -> impl Fn(&str) -> Result<i64, Problem> {
    move |text| {
        let (min, max) = range.clone().into_inner();
        let text = required(text)?;
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
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
}

/// The quantity of an order or a supply.
pub fn qty(text: &str) -> Result<Qty, Problem> {
    number(1..=Qty::MAX.0)(text).map(Qty)
}

/// A price in euro.
pub fn eur(text: &str) -> Result<Eur, Problem> {
    Ok(Eur::parse(&required(text)?)?)
}

/// A price in roubles.
pub fn rub(text: &str) -> Result<Rub, Problem> {
    Ok(Rub::parse(&required(text)?)?)
}

/// A day, as date fields send it or as people write it.
pub fn day(text: &str) -> Result<NaiveDate, Problem> {
    day_read(&required(text)?).ok_or(Problem::NotDate)
}

/// One of an enumeration's codes.
pub fn code<T: FromStr>(text: &str) -> Result<T, Problem> {
    match text {
        "" => Err(Problem::Required),
        code => code.parse().map_err(|_| Problem::NotOffered),
    }
}

fn required(text: &str) -> Result<String, Problem> {
    Some(tidy(text))
        .filter(|text| !text.is_empty())
        .ok_or(Problem::Required)
}

fn short(text: String, max: usize) -> Result<String, Problem> {
    if text.chars().count() > max {
        Err(Problem::TooLong(max))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(fields: &[(&str, &str)]) -> Input {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Input::new(Fields(fields.iter().map(owned).collect()))
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut input = input(&[
            ("name", " \n"),
            ("supplier_name", "слишком длинно"),
            ("qty", "-3"),
            ("min_stock", "1.5"),
            ("sell_price_rub", "12,345"),
            ("from", "2026-02-30"),
        ]);
        input.read("name", line(10));
        input.read("supplier_name", line(5));
        input.read("qty", number(1..=10));
        input.read("min_stock", number(0..=10));
        input.read("sell_price_rub", rub);
        input.read("from", optional(day));
        input.wrong("qty", Problem::NotNumber);
        let Err(Error::Invalid(wrong)) = input.done() else {
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
        assert_eq!(line(20)("  Чай  зелёный ").as_deref(), Ok("Чай зелёный"));
        assert_eq!(number(1..=10_000)("1 000"), Ok(1_000));
        assert_eq!(optional(number(0..=5))(" "), Ok(None));
        assert_eq!(lines(10)("а\r\nб\u{7}\n").as_deref(), Ok("а\nб"));
        let day_of = NaiveDate::from_ymd_opt(2026, 11, 23);
        assert_eq!(optional(day)(" 2026-11-23"), Ok(day_of));
        assert_eq!(optional(day)("23.11.2026"), Ok(day_of));
    }

    #[test]
    fn a_missing_field_is_empty_or_leaves_things_as_they_are() {
        let (mut whole, mut part) = (Some(Rub(100)), Some(Rub(100)));
        Input::new(Fields::default()).update("price", &mut whole, optional(rub));
        Input::partial(Fields::default()).update("price", &mut part, optional(rub));
        assert_eq!((whole, part), (None, Some(Rub(100))));
    }
}
