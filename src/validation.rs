//! Reads what people enter, and reports all invalid fields at once.
//!
//! A form, a JSON object or a row of a file becomes an [`Input`]. A [`Request`] reads its fields from it, each with one
//! of the parsers of this module.

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
use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

/// Default number of rows per page.
const PAGE: i64 = 50;
/// Maximum number of rows per page.
const LARGEST_PAGE: i64 = 500;

/// A typed request that is read from entered fields.
pub trait Request: Sized + Send + 'static {
    /// The permission that the request needs.
    const PERMISSION: Permission;

    /// Reads the fields. An invalid field is noted and gets a placeholder; [`Input::request`] then refuses the request.
    fn read(input: &mut Input) -> Self;
}

/// The entered fields of a request, and the problems found in them.
#[derive(Debug, Default)]
pub struct Input {
    fields: Fields,
    /// A missing field leaves the value unchanged instead of clearing it.
    is_partial: bool,
    validator: Validator,
}

impl Input {
    /// Creates an input in which a missing field counts as empty.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            ..Self::default()
        }
    }

    /// Creates the input of a partial edit, in which a missing field changes nothing.
    pub fn partial(fields: Fields) -> Self {
        Self {
            is_partial: true,
            ..Self::new(fields)
        }
    }

    /// Returns the text entered into a field.
    pub fn text(&self, field: &str) -> &str {
        self.fields.0.get(field).map_or("", String::as_str)
    }

    /// Notes a problem of a field. Only the first problem of each field is reported.
    pub fn add_error(&mut self, field: &str, problem: Problem) {
        if !self.validator.0.iter().any(|wrong| wrong.field == field) {
            self.validator.wrong(field, problem);
        }
    }

    /// Reads a field. If it is invalid, notes the problem and returns the default.
    pub fn read<T: Default>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> T {
        self.read_or(field, T::default(), parse)
    }

    /// Reads a field. If it is invalid, notes the problem and returns `stand_in`.
    pub fn read_or<T>(
        &mut self,
        field: &str,
        stand_in: T,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> T {
        match parse(self.text(field)) {
            Ok(read) => read,
            Err(problem) => {
                self.add_error(field, problem);
                stand_in
            }
        }
    }

    /// Reads a list of objects, whose fields are named `list.0.field`, `list.1.field` and so on. There must be at least
    /// one and at most `max`. `read` gets the number and the fields of each.
    pub fn list<T>(
        &mut self,
        list: &str,
        max: usize,
        read: impl Fn(usize, &mut Self) -> T,
    ) -> Vec<T> {
        let mut items: BTreeMap<usize, Fields> = BTreeMap::new();
        for (name, text) in &self.fields.0 {
            let Some((number, field)) = item_field(list, name) else {
                continue;
            };
            let fields = items.entry(number).or_default();
            fields.0.insert(field.to_owned(), text.clone());
        }
        if items.len() > max {
            self.add_error(list, Problem::TooManyItems(max));
            return Vec::new();
        }
        if items.is_empty() {
            self.add_error(list, Problem::Required);
        }
        let mut read_item = |(number, fields)| {
            let mut item = Self::new(fields);
            let value = read(number, &mut item);
            for wrong in item.validator.0 {
                self.add_error(&format!("{list}.{number}.{}", wrong.field), wrong.problem);
            }
            value
        };
        items.into_iter().map(&mut read_item).collect()
    }

    /// Returns whether any field belongs to a list.
    pub fn has_items(&self, list: &str) -> bool {
        let mut names = self.fields.0.keys();
        names.any(|name| item_field(list, name).is_some())
    }

    /// Sets a field that comes from elsewhere, for example from the path of a URL.
    pub fn enter(&mut self, field: &str, text: String) {
        self.fields.0.insert(field.to_owned(), text);
    }

    /// Reads a field into an existing value. The value stays unchanged if the field is invalid, or if it is missing
    /// from a partial edit.
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
            Err(problem) => self.add_error(field, problem),
        }
    }

    /// Reads a request. Returns an error if the actor lacks the permission, or if any field is invalid.
    pub fn request<T: Request>(mut self, actor: &Actor) -> Result<T, Error> {
        actor.may(T::PERMISSION)?;
        let request = T::read(&mut self);
        self.finish().map(|()| request)
    }

    /// Returns an error with all problems, if there are any.
    pub fn finish(self) -> Result<(), Error> {
        self.validator.done()
    }
}

/// Splits the name of a field of an item into the item's number and the field: `lines.2.qty`.
fn item_field<'n>(list: &str, name: &'n str) -> Option<(usize, &'n str)> {
    let rest = name.strip_prefix(list)?.strip_prefix('.')?;
    let (number, field) = rest.split_once('.')?;
    Some((number.parse().ok()?, field))
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Validator(Vec<FieldError>);

impl Validator {
    /// Notes a problem of a field.
    pub fn wrong(&mut self, field: &str, problem: Problem) {
        self.0.push(FieldError {
            field: field.to_owned(),
            problem,
        });
    }

    /// Unwraps a result. On an error, notes the problem and returns the default; [`Self::done`] then fails.
    pub fn take<T: Default>(&mut self, field: &str, read: Result<T, Problem>) -> T {
        read.unwrap_or_else(|problem| {
            self.wrong(field, problem);
            T::default()
        })
    }

    /// Reads the days `from` and `to` of a filter; `to` must not be before `from`.
    pub fn range(&mut self, from: &str, to: &str) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let wrong_before = self.0.len();
        let from = self.take("from", optional(day)(from));
        let to = self.take("to", optional(day)(to));
        // Invalid days cannot be compared.
        let are_days = self.0.len() == wrong_before;
        if are_days && from.zip(to).is_some_and(|(from, to)| from > to) {
            self.wrong("to", Problem::BeforeStart);
        }
        (from, to)
    }

    /// Reads a code of an enumeration, or `None` if nothing was chosen.
    pub fn code<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, optional(code)(text))
    }

    /// Reads the number of rows per page; if the text is empty, returns the default.
    pub fn page_size(&mut self, text: &str) -> i64 {
        self.take("limit", optional(number(1..=LARGEST_PAGE))(text))
            .unwrap_or(PAGE)
    }

    /// Returns an error with all problems, if there are any.
    pub fn done(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}

/// Parses a flag: `true` or `1` is on; `false`, `0` or an empty text is off.
pub fn flag(text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(Problem::NotFlag),
    }
}

/// Makes a parser optional: an empty text gives `None`.
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

/// Parses a text that must not be empty and is kept as it was entered, such as a password.
pub fn entered(text: &str) -> Result<String, Problem> {
    match text {
        "" => Err(Problem::Required),
        text => Ok(text.to_owned()),
    }
}

/// Parses a line of text of at most `max` characters, which must not be empty.
pub fn line(max: usize) -> impl Fn(&str) -> Result<String, Problem> {
    move |text| short(required(text)?, max)
}

/// Parses a text of several lines and at most `max` characters, which may be empty.
pub fn lines(max: usize) -> impl Fn(&str) -> Result<String, Problem> {
    move |text| short(tidy_lines(text), max)
}

/// Parses a whole number in a range. Spaces between digits are allowed.
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

/// Parses the quantity of an order or a supply.
pub fn qty(text: &str) -> Result<Qty, Problem> {
    number(1..=Qty::MAX.0)(text).map(Qty)
}

/// Parses a price in euro.
pub fn eur(text: &str) -> Result<Eur, Problem> {
    Ok(Eur::parse(&required(text)?)?)
}

/// Parses a price in roubles.
pub fn rub(text: &str) -> Result<Rub, Problem> {
    Ok(Rub::parse(&required(text)?)?)
}

/// Parses a day, as date inputs send it or as people write it.
pub fn day(text: &str) -> Result<NaiveDate, Problem> {
    day_read(&required(text)?).ok_or(Problem::NotDate)
}

/// Parses a code of an enumeration.
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
        input.add_error("qty", Problem::NotNumber);
        let Err(Error::Invalid(errors)) = input.finish() else {
            panic!("no field was refused")
        };
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.problem.clone()))
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
    fn valid_values_are_accepted() {
        assert_eq!(line(20)("  Чай  зелёный ").as_deref(), Ok("Чай зелёный"));
        assert_eq!(number(1..=10_000)("1 000"), Ok(1_000));
        assert_eq!(optional(number(0..=5))(" "), Ok(None));
        assert_eq!(lines(10)("а\r\nб\u{7}\n").as_deref(), Ok("а\nб"));
        let expected = NaiveDate::from_ymd_opt(2026, 11, 23);
        assert_eq!(optional(day)(" 2026-11-23"), Ok(expected));
        assert_eq!(optional(day)("23.11.2026"), Ok(expected));
    }

    #[test]
    fn a_missing_field_clears_the_value_unless_the_input_is_partial() {
        let (mut full, mut partial) = (Some(Rub(100)), Some(Rub(100)));
        Input::new(Fields::default()).update("price", &mut full, optional(rub));
        Input::partial(Fields::default()).update("price", &mut partial, optional(rub));
        assert_eq!((full, partial), (None, Some(Rub(100))));
    }
}
