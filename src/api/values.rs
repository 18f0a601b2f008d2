//! The values of requests and answers: money, times, lists, what was made.

use crate::{
    error::Problem,
    moment::Moment,
    money::{Eur, Rub},
    page::Page,
};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat},
    },
};

/// A field of a request as it was sent. Numbers keep their digits: no fraction is rounded on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// Not there, or `null`.
    #[default]
    Missing,
    Text(String),
    Number(String),
    Other,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let raw = raw.get();
        Ok(match raw.as_bytes().first() {
            Some(b'n') => Self::Missing,
            Some(b'"') => serde_json::from_str(raw).map_or(Self::Other, Self::Text),
            Some(b'-' | b'0'..=b'9') => Self::Number(raw.to_owned()),
            _ => Self::Other,
        })
    }
}

impl Given {
    /// A string; empty when it is missing.
    pub fn text(self) -> Result<String, Problem> {
        match self {
            Self::Missing => Ok(String::new()),
            Self::Text(text) => Ok(text),
            Self::Number(_) | Self::Other => Err(Problem::NotText),
        }
    }

    /// The digits of a whole number; empty when it is missing.
    pub fn whole(self) -> Result<String, Problem> {
        match self {
            Self::Missing => Ok(String::new()),
            Self::Text(digits) | Self::Number(digits) if is_decimal(&digits) => {
                match digits.split_once('.') {
                    None => Ok(digits),
                    Some((whole, zeros)) if zeros.bytes().all(|zero| zero == b'0') => {
                        Ok(whole.to_owned())
                    }
                    Some(_) => Err(Problem::NotNumber),
                }
            }
            Self::Text(_) | Self::Number(_) | Self::Other => Err(Problem::NotNumber),
        }
    }

    /// The digits of an amount of money; empty when it is missing.
    pub fn amount(self) -> Result<String, Problem> {
        match self {
            Self::Missing => Ok(String::new()),
            Self::Text(digits) | Self::Number(digits) if is_decimal(&digits) => Ok(digits),
            Self::Text(_) | Self::Number(_) | Self::Other => Err(Problem::NotAmount),
        }
    }

    /// A whole number that must be there.
    pub fn number(self) -> Result<i64, Problem> {
        match self.whole()?.as_str() {
            "" => Err(Problem::Required),
            digits => digits.parse().map_err(|_| Problem::NotNumber),
        }
    }
}

/// Whether the text is digits, perhaps with a sign before and a point between them.
fn is_decimal(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole) && is_digits(fraction)
}

/// A parameter that is on or off, as the filters of the pages say it.
pub fn flag(text: Option<String>) -> Result<String, Problem> {
    match text.as_deref() {
        Some("true" | "1") => Ok("1".to_owned()),
        Some("false" | "0" | "") | None => Ok(String::new()),
        Some(_) => Err(Problem::NotFlag),
    }
}

/// An amount of money in a request: a string or a number, exact, with at most two decimals.
pub struct Amount;

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^[0-9]{1,8}(\.[0-9]{1,2})?$"));
        let number = ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0))
            .maximum(Some(10_000_000));
        AnyOfBuilder::new()
            .item(text)
            .item(number)
            .description(Some("An amount of money: a string or a number, exact, with at most two decimals, up to ten million"))
            .examples([serde_json::json!("1299.90")])
            .into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}

/// An amount of money in an answer.
#[derive(Debug, Serialize)]
pub struct Money(String);

impl From<Rub> for Money {
    fn from(amount: Rub) -> Self {
        Self(amount.to_string())
    }
}

impl From<Eur> for Money {
    fn from(amount: Eur) -> Self {
        Self(amount.to_string())
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^-?[0-9]+\.[0-9]{2}$"))
            .description(Some("An amount of money: a decimal with two places"))
            .examples([serde_json::json!("1299.90")])
            .into()
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

/// An instant in an answer.
#[derive(Debug)]
pub struct Time(pub Moment);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339 in UTC, always with six digits of the second: texts sort as instants do"))
            .examples([serde_json::json!("2026-11-23T11:05:00.000000Z")])
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        "Time".into()
    }
}

/// A page of a list
#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// The `cursor` of the page after this; `null` on the last
    #[schema(required = true)]
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// A page as the API tells it.
    pub fn of<U: Into<T>>(page: Page<U>) -> Json<Self> {
        Json(Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.after,
        })
    }

    /// A list that has no second page.
    pub fn whole<U: Into<T>>(items: Vec<U>) -> Json<Self> {
        Self::of(Page {
            items,
            before: None,
            after: None,
        })
    }
}

/// The answer to what created something: 201, where it is, and how it looks.
pub struct Made<T> {
    at: String,
    body: T,
}

impl<T> Made<T> {
    /// Something that was made and is found at `at`.
    pub const fn at(at: String, body: T) -> Self {
        Self { at, body }
    }
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let location = [(header::LOCATION, self.at)];
        (StatusCode::CREATED, location, Json(self.body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(json: &str) -> Given {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_amount_keeps_its_digits() {
        for (json, digits) in [
            ("1299.90", "1299.90"),
            ("\"1299.9\"", "1299.9"),
            ("0.10000000000000000001", "0.10000000000000000001"),
            ("-1", "-1"),
            ("null", ""),
        ] {
            assert_eq!(given(json).amount(), Ok(digits.to_owned()), "{json}");
        }
        for json in ["1e2", "\"1 299,90\"", "\"\"", "true", "[1]", "{}", "\"1.\""] {
            assert_eq!(given(json).amount(), Err(Problem::NotAmount), "{json}");
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        for (json, digits) in [("7", "7"), ("\"7\"", "7"), ("7.0", "7"), ("-7", "-7")] {
            assert_eq!(given(json).whole(), Ok(digits.to_owned()), "{json}");
        }
        for json in ["7.5", "7e1", "\"seven\"", "false"] {
            assert_eq!(given(json).whole(), Err(Problem::NotNumber), "{json}");
        }
        assert_eq!(given("null").number(), Err(Problem::Required));
        assert_eq!(
            given("99999999999999999999").number(),
            Err(Problem::NotNumber)
        );
    }
}
