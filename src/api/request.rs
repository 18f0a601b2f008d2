//! The inputs of endpoints: the caller, and the path, query and body of the request. All invalid fields and parameters
//! are reported at once.

use crate::{
    auth::{Actor, Me, client_origin::ClientOrigin},
    error::{Error, FieldError, Problem},
    fields::Fields,
    transaction::{AppState, Tx},
    validation::{Input, Request},
    web::media_type,
};
use axum::{
    body::{Bytes, HttpBody},
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, Path, Query, Request as HttpRequest,
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::headers::{Authorization, HeaderMapExt, authorization::Bearer};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use std::{collections::BTreeMap, fmt, marker::PhantomData};
use tower_sessions::Session;
use url::form_urlencoded;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        ObjectBuilder, RefOr, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ArrayItems, Schema, SchemaType},
    },
};

/// The caller of an endpoint, with access to the shop on their behalf.
pub struct Caller {
    pub app: AppState,
    pub actor: Actor,
    pub session: Session,
    /// The browser and the address from which the request was sent.
    pub place: ClientOrigin,
    /// Whether the caller is identified by an API token.
    has_token: bool,
}

impl Caller {
    /// Reads the request from the body and changes the shop.
    pub async fn submit<R: Request, T: Send + 'static>(
        &self,
        body: Body<R>,
        change: impl FnOnce(&mut Tx<'_>, &R) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.write(move |tx| {
            let request = body.input.request(&tx.actor)?;
            change(tx, &request)
        })
        .await
    }

    /// Changes the shop, in a write transaction.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.app.write(self.actor.clone(), operation).await
    }

    /// Reads from the shop, without changing it.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.app.read(self.actor.clone(), query).await
    }

    /// Reads from the shop with the parameters of a URL. Unknown and invalid parameters are reported together, after
    /// the permission check.
    pub async fn search<Q: Send + 'static, T: Send + 'static>(
        &self,
        Params { query, unknown }: Params<Q>,
        read: impl FnOnce(&mut Tx<'_>, &Q) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.read(move |tx| match read(tx, &query) {
            found if unknown.is_empty() => found,
            Err(error @ (Error::SignedOut | Error::Forbidden)) => Err(error),
            Err(Error::Invalid(wrong)) => Err(Error::Invalid([unknown, wrong].concat())),
            _ => Err(Error::Invalid(unknown)),
        })
        .await
    }

    /// Returns the signed-in user, or an error if the caller is identified by an API token. For what must not outlive a
    /// token, such as another token.
    pub fn session_user(&self) -> Result<&Me, Error> {
        let me = self.me()?;
        if self.has_token {
            return Err(Error::NeedsSession);
        }
        Ok(me)
    }

    /// Returns the signed-in user.
    pub fn me(&self) -> Result<&Me, Error> {
        self.actor.me()
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let session = parts.extensions.get::<Session>().cloned();
        Ok(Self {
            app: app.clone(),
            actor: Actor::of(&parts.extensions)?,
            place: ClientOrigin::of(parts),
            has_token: parts.extensions.get::<Token>().is_some(),
            session: session.ok_or(Error::Internal)?,
        })
    }
}

/// The bearer token of a request. If there is one, the session of the request is ignored.
#[derive(Clone)]
pub struct Token(pub String);

/// Reads `Authorization: Bearer …` into a [`Token`]. Only the API accepts tokens.
pub async fn read_token(mut request: HttpRequest, next: Next) -> Response {
    let header = request.headers().typed_get::<Authorization<Bearer>>();
    if let Some(Authorization(token)) = header {
        request
            .extensions_mut()
            .insert(Token(token.token().to_owned()));
    }
    next.run(request).await
}

/// A numeric id in the path. Anything but a number is answered with 404.
pub struct Id(pub i64);

impl FromRequestParts<AppState> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        Path::<i64>::from_request_parts(parts, app)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|_| Error::NotFound)
    }
}

/// A name or another text in the path.
pub struct Name(pub String);

impl FromRequestParts<AppState> for Name {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        Path::<String>::from_request_parts(parts, app)
            .await
            .map(|Path(name)| Self(name))
            .map_err(|_| Error::NotFound)
    }
}

/// A JSON object with the fields of `T` in the OpenAPI document.
pub struct Body<T> {
    /// The fields, with an error for each that is unknown or not of the documented type.
    pub input: Input,
    of: PhantomData<T>,
}

impl<T: PartialSchema> FromRequest<AppState> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: HttpRequest, app: &AppState) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let body = Bytes::from_request(request, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let refuse = |error: serde_json::Error| match error.classify() {
            Category::Data => Error::field("body", Problem::NotObject).into_response(),
            Category::Io | Category::Syntax | Category::Eof => {
                StatusCode::BAD_REQUEST.into_response()
            }
        };
        let Members(members) = serde_json::from_slice(&body).map_err(refuse)?;
        Ok(Self {
            input: read_object(members, &properties::<T>()),
            of: PhantomData,
        })
    }
}

/// The body of an endpoint that can do without one.
impl<T: PartialSchema> OptionalFromRequest<AppState> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: HttpRequest, app: &AppState) -> Result<Option<Self>, Response> {
        let is_empty = request.body().size_hint().exact() == Some(0);
        if is_empty && !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<AppState>>::from_request(request, app)
            .await
            .map(Some)
    }
}

/// The members of a JSON object. A repeated name is an error.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is repeated"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Returns the properties of `T` in the OpenAPI document.
fn properties<T: PartialSchema>() -> Properties {
    object_properties(&T::schema())
}

fn object_properties(schema: &RefOr<Schema>) -> Properties {
    match schema {
        RefOr::T(Schema::Object(object)) => object.properties.clone().into_iter().collect(),
        RefOr::T(_) | RefOr::Ref(_) => Properties::new(),
    }
}

/// The properties of an object in the OpenAPI document.
type Properties = BTreeMap<String, RefOr<Schema>>;

fn read_object(members: BTreeMap<String, &RawValue>, properties: &Properties) -> Input {
    let (mut fields, mut wrong) = (Fields::default(), Vec::new());
    read_members("", members, properties, &mut fields, &mut wrong);
    let mut input = Input::new(fields);
    for (name, problem) in wrong {
        input.add_error(&name, problem);
    }
    input
}

/// Reads the members of an object into fields whose names begin with `prefix`.
fn read_members(
    prefix: &str,
    members: BTreeMap<String, &RawValue>,
    properties: &Properties,
    fields: &mut Fields,
    wrong: &mut Vec<(String, Problem)>,
) {
    for (name, value) in members {
        let schema = properties.get(&name);
        let name = format!("{prefix}{name}");
        if schema.is_some_and(is_text_list) {
            match read_texts(value) {
                Ok(lines) => drop(fields.0.insert(name, lines)),
                Err(problem) => wrong.push((name, problem)),
            }
            continue;
        }
        if let Some(items) = schema.and_then(item_properties) {
            read_list(&name, value, &items, fields, wrong);
            continue;
        }
        let read = match schema {
            Some(schema) => Kind::of(schema).read(value.get()),
            None => Err(Problem::UnknownField),
        };
        match read {
            Ok(text) => drop(fields.0.insert(name, text)),
            Err(problem) => wrong.push((name, problem)),
        }
    }
}

/// Reads an array of objects. Their fields are named `list.0.field`.
fn read_list(
    list: &str,
    value: &RawValue,
    properties: &Properties,
    fields: &mut Fields,
    wrong: &mut Vec<(String, Problem)>,
) {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
        wrong.push((list.to_owned(), Problem::NotList));
        return;
    };
    for (number, item) in items.into_iter().enumerate() {
        let item_name = format!("{list}.{number}");
        let Ok(Members(members)) = serde_json::from_str(item.get()) else {
            wrong.push((item_name, Problem::NotObject));
            continue;
        };
        // An object without members is an item, too.
        for name in properties.keys() {
            fields
                .0
                .insert(format!("{item_name}.{name}"), String::new());
        }
        read_members(&format!("{item_name}."), members, properties, fields, wrong);
    }
}

/// Returns whether a property is an array of strings.
fn is_text_list(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Array(array)) = schema else {
        return false;
    };
    matches!(&array.items, ArrayItems::RefOrSchema(item)
        if matches!(&**item, RefOr::T(Schema::Object(text)) if has_type(&text.schema_type, &Type::String)))
}

/// Reads an array of strings as a text of one line for each, as forms send it; empty for `null`.
fn read_texts(value: &RawValue) -> Result<String, Problem> {
    let texts: Option<Vec<&RawValue>> =
        serde_json::from_str(value.get()).map_err(|_| Problem::NotList)?;
    let texts = texts.unwrap_or_default();
    let lines: Result<Vec<String>, Problem> = texts
        .iter()
        .map(|text| Kind::Text.read(text.get()))
        .collect();
    Ok(lines?.join("\n"))
}

/// Returns the properties of the objects in an array.
fn item_properties(schema: &RefOr<Schema>) -> Option<Properties> {
    let RefOr::T(Schema::Array(array)) = schema else {
        return None;
    };
    match &array.items {
        ArrayItems::RefOrSchema(item) => Some(object_properties(item)),
        ArrayItems::False => None,
    }
}

/// The kind of value that a property accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Whole,
    Amount,
    Rate,
}

impl Kind {
    fn of(schema: &RefOr<Schema>) -> Self {
        match schema {
            RefOr::Ref(reference) if reference.ref_location.ends_with("/Amount") => Self::Amount,
            RefOr::Ref(reference) if reference.ref_location.ends_with("/RateAmount") => Self::Rate,
            RefOr::T(Schema::Object(object)) if has_type(&object.schema_type, &Type::Integer) => {
                Self::Whole
            }
            RefOr::T(Schema::Object(object)) if has_type(&object.schema_type, &Type::Boolean) => {
                Self::Flag
            }
            // A nullable property is a `oneOf`.
            RefOr::T(Schema::OneOf(either)) => {
                let kinds = either.items.iter().map(Self::of);
                kinds.fold(
                    Self::Text,
                    |found, kind| if kind == Self::Text { found } else { kind },
                )
            }
            RefOr::T(_) | RefOr::Ref(_) => Self::Text,
        }
    }

    /// Returns the text of a JSON value, empty for `null`. A number keeps its digits, so that no fraction is rounded.
    fn read(self, json: &str) -> Result<String, Problem> {
        let refusal = match self {
            Self::Text => Problem::NotText,
            Self::Flag => Problem::NotFlag,
            Self::Whole => Problem::NotNumber,
            Self::Amount => Problem::NotAmount,
            Self::Rate => Problem::NotRate,
        };
        let text = match json.as_bytes().first() {
            Some(b'n') => return Ok(String::new()),
            Some(b't' | b'f') if self == Self::Flag => json.to_owned(),
            Some(b'"') => serde_json::from_str(json).map_err(|_| refusal.clone())?,
            Some(b'-' | b'0'..=b'9') if !matches!(self, Self::Text | Self::Flag) => json.to_owned(),
            _ => return Err(refusal),
        };
        match self {
            Self::Text => Ok(text),
            Self::Flag if matches!(&*text, "true" | "false") => Ok(text),
            Self::Whole => whole_number(&text).map(str::to_owned).ok_or(refusal),
            Self::Amount | Self::Rate if is_decimal(&text) => Ok(text),
            Self::Flag | Self::Amount | Self::Rate => Err(refusal),
        }
    }
}

fn has_type(of: &SchemaType, wanted: &Type) -> bool {
    match of {
        SchemaType::Type(of) => of == wanted,
        SchemaType::Array(either) => either.contains(wanted),
        SchemaType::AnyValue => false,
    }
}

/// Returns the integer part of a decimal whose fraction is zero.
fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = is_decimal(text) && fraction.bytes().all(|digit| digit == b'0');
    is_whole.then_some(whole)
}

/// Returns whether the text consists of digits, with an optional leading minus sign and an optional point between
/// digits.
fn is_decimal(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole) && is_digits(fraction)
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).as_deref() == Some("application/json")
}

/// The query parameters of a URL, with an error for each unknown one.
pub struct Params<T> {
    query: T,
    unknown: Vec<FieldError>,
}

impl<T: DeserializeOwned + IntoParams> FromRequestParts<AppState> for Params<T> {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, StatusCode> {
        let text = parts.uri.query().unwrap_or_default();
        let known = T::into_params(|| Some(ParameterIn::Query));
        let is_unknown = |name: &str| !known.iter().any(|known| known.name == name);
        let unknown = form_urlencoded::parse(text.as_bytes())
            .filter(|(name, _)| is_unknown(name))
            .map(|(name, _)| FieldError {
                field: name.into_owned(),
                problem: Problem::UnknownField,
            });
        // Fails if a parameter is repeated.
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self {
            query,
            unknown: unknown.collect(),
        })
    }
}

/// The `Idempotency-Key` header; empty if it was not sent.
pub struct IdempotencyKey(pub String);

const KEY: &str = "Idempotency-Key";
const LONGEST_KEY: usize = 255;

impl FromRequestParts<AppState> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Error> {
        let Some(key) = parts.headers.get(KEY) else {
            return Ok(Self(String::new()));
        };
        match key.to_str() {
            Ok(key) if key.len() <= LONGEST_KEY => Ok(Self(key.trim().to_owned())),
            Ok(_) => Err(Error::field(KEY, Problem::TooLong(LONGEST_KEY))),
            Err(_) => Err(Error::field(KEY, Problem::NotText)),
        }
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ParameterBuilder::new()
            .name(KEY)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A unique key of your choice. For seven days, a repeat of the request with the same key and body \
                 gets the first response and creates nothing new",
            ))
            .schema(Some(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .max_length(Some(LONGEST_KEY))
                    .pattern(Some("^[ -~]*$"))
                    .build(),
            ))
            .example(Some("till-1-2026-11-23-0042".into()))
            .build();
        vec![key]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_digits() {
        for (json, digits) in [
            ("1299.90", "1299.90"),
            ("\"1299.9\"", "1299.9"),
            ("0.10000000000000000001", "0.10000000000000000001"),
            ("-1", "-1"),
            ("null", ""),
        ] {
            assert_eq!(Kind::Amount.read(json), Ok(digits.to_owned()), "{json}");
        }
        for json in ["1e2", "\"1 299,90\"", "\"\"", "true", "[1]", "{}", "\"1.\""] {
            assert_eq!(Kind::Amount.read(json), Err(Problem::NotAmount), "{json}");
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        for (json, digits) in [("7", "7"), ("\"7\"", "7"), ("7.0", "7"), ("-7", "-7")] {
            assert_eq!(Kind::Whole.read(json), Ok(digits.to_owned()), "{json}");
        }
        for json in ["7.5", "7e1", "\"seven\"", "false"] {
            assert_eq!(Kind::Whole.read(json), Err(Problem::NotNumber), "{json}");
        }
        assert_eq!(Kind::Text.read("7"), Err(Problem::NotText));
    }

    #[test]
    fn a_flag_is_true_or_false() {
        for (json, text) in [("true", "true"), ("false", "false"), ("null", "")] {
            assert_eq!(Kind::Flag.read(json), Ok(text.to_owned()), "{json}");
        }
        for json in ["1", "\"yes\"", "[]"] {
            assert_eq!(Kind::Flag.read(json), Err(Problem::NotFlag), "{json}");
        }
        assert_eq!(Kind::Text.read("true"), Err(Problem::NotText));
    }
}
