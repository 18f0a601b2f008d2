//! The values that requests and responses share: money, times, lists and created resources.

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

/// An amount of money in a request: a string or a number with at most two decimals, read exactly.
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
            .description(Some(
                "An amount of money: a string or a number with at most two decimals, read exactly, \
                 up to ten million",
            ))
            .examples([serde_json::json!("1299.90")])
            .into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}

/// Returns an object schema with one more property and another description.
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

/// An amount of money in a response.
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
            .description(Some("An amount of money with two decimals"))
            .examples([serde_json::json!("1299.90")])
            .into()
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

/// An instant in a response.
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
            .description(Some(
                "An instant as RFC 3339 in UTC, always with six decimals of the second, \
                 so that strings sort by time",
            ))
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
    /// The `cursor` of the next page; `null` on the last page
    #[schema(required = true)]
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// Converts a page into a response.
    pub fn of<U: Into<T>>(page: Page<U>) -> Json<Self> {
        Json(Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.after,
        })
    }

    /// Converts a complete list into a response with a single page.
    pub fn whole<U: Into<T>>(items: Vec<U>) -> Json<Self> {
        Self::of(Page {
            items,
            before: None,
            after: None,
        })
    }
}

/// A response with status 201, the path of the created resource in `Location`, and the resource itself.
pub struct Created<T> {
    at: String,
    body: T,
}

impl<T> Created<T> {
    /// Returns the response for a resource that was created at the path `at`.
    pub const fn at(at: String, body: T) -> Self {
        Self { at, body }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(header::LOCATION, self.at)];
        (StatusCode::CREATED, location, Json(self.body)).into_response()
    }
}
