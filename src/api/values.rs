//! The values of requests and answers: money, times, lists, what was made.

use crate::{
    moment::Moment,
    money::{Eur, Rub},
    page::Page,
};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat},
    },
};

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

/// The object of a schema, with one more property and its own description.
pub fn with_property(
    schema: RefOr<Schema>,
    description: &str,
    name: &str,
    property: ObjectBuilder,
    is_required: bool,
) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else {
        return schema;
    };
    object.description = Some(description.to_owned());
    object.properties.insert(name.to_owned(), property.into());
    if is_required {
        object.required.push(name.to_owned());
    }
    object.into()
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
