//! What endpoints are given: who calls, and what was asked, read with every mistake noted.

use crate::{
    act::{Shop, Tx},
    auth::{Actor, Me, place::Place},
    checks::Checks,
    error::{Error, Problem},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use std::collections::BTreeMap;
use tower_sessions::Session;
use url::form_urlencoded;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        ObjectBuilder, RefOr, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Schema,
    },
};

/// Who calls, and the way to the shop.
pub struct Caller {
    pub shop: Shop,
    pub actor: Actor,
    pub session: Session,
    /// Where the request came from.
    pub place: Place,
}

impl Caller {
    /// Changes the shop. When the request has mistakes nothing is changed, and all of them are told at once.
    pub async fn act<T: Send + 'static>(
        &self,
        checks: Checks,
        act: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let act = move |tx: &mut Tx<'_>| checks.join(act(tx));
        self.shop.act(self.actor.clone(), act).await
    }

    /// Looks something up.
    pub async fn look<T: Send + 'static>(
        &self,
        checks: Checks,
        look: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let look = move |tx: &mut Tx<'_>| checks.join(look(tx));
        self.shop.look(self.actor.clone(), look).await
    }

    /// The person who calls.
    pub fn me(&self) -> Result<&Me, Error> {
        match &self.actor {
            Actor::User(me) => Ok(me),
            Actor::Nobody | Actor::System => Err(Error::SignedOut),
        }
    }
}

impl FromRequestParts<Shop> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Error> {
        let actor = parts
            .extensions
            .get::<Result<Actor, Error>>()
            .cloned()
            .unwrap_or(Err(Error::Internal))?;
        let session = parts.extensions.get::<Session>().cloned();
        Ok(Self {
            shop: shop.clone(),
            actor,
            place: Place::of(parts),
            session: session.ok_or(Error::Internal)?,
        })
    }
}

/// The token that a request brings: `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The number of a thing in the path. What is no number names nothing.
pub struct Id(pub i64);

impl FromRequestParts<Shop> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Error> {
        Path::<i64>::from_request_parts(parts, shop)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|_| Error::NotFound)
    }
}

/// A name in the path.
pub struct Name(pub String);

impl FromRequestParts<Shop> for Name {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Error> {
        Path::<String>::from_request_parts(parts, shop)
            .await
            .map(|Path(name)| Self(name))
            .map_err(|_| Error::NotFound)
    }
}

/// A JSON object, its unknown fields noted.
pub struct Body<T> {
    value: T,
    checks: Checks,
}

impl<T> Body<T> {
    /// Reads the fields and notes which cannot be taken.
    pub fn open<U>(mut self, read: impl FnOnce(T, &mut Checks) -> U) -> (U, Checks) {
        (read(self.value, &mut self.checks), self.checks)
    }
}

impl<T: DeserializeOwned + PartialSchema> FromRequest<Shop> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shop: &Shop) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let body = Bytes::from_request(request, shop)
            .await
            .map_err(IntoResponse::into_response)?;
        let refuse = |error: serde_json::Error| match error.classify() {
            Category::Data => Error::field("body", Problem::NotObject).into_response(),
            Category::Io | Category::Syntax | Category::Eof => {
                StatusCode::BAD_REQUEST.into_response()
            }
        };
        let given: BTreeMap<String, IgnoredAny> = serde_json::from_slice(&body).map_err(refuse)?;
        let value = serde_json::from_slice(&body).map_err(refuse)?;
        let mut checks = Checks::default();
        let known = fields::<T>();
        for name in given.into_keys().filter(|name| !known.contains(name)) {
            checks.wrong(&name, Problem::UnknownField);
        }
        Ok(Self { value, checks })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|content| content.to_str().ok())
        .and_then(|content| content.split(';').next())
        .is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
}

/// The fields that the document names.
fn fields<T: PartialSchema>() -> Vec<String> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object.properties.into_keys().collect(),
        RefOr::T(_) | RefOr::Ref(_) => Vec::new(),
    }
}

/// The parameters of a URL, unknown ones noted.
pub struct Params<T> {
    value: T,
    checks: Checks,
}

impl<T> Params<T> {
    /// Reads the parameters and notes which cannot be taken.
    pub fn open<U>(mut self, read: impl FnOnce(T, &mut Checks) -> U) -> (U, Checks) {
        (read(self.value, &mut self.checks), self.checks)
    }
}

impl<T: DeserializeOwned + IntoParams> FromRequestParts<Shop> for Params<T> {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &Shop) -> Result<Self, StatusCode> {
        let query = parts.uri.query().unwrap_or_default();
        let known: Vec<String> = T::into_params(|| Some(ParameterIn::Query))
            .into_iter()
            .map(|parameter| parameter.name)
            .collect();
        let mut checks = Checks::default();
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            if !known.iter().any(|known| *known == name) {
                checks.wrong(&name, Problem::UnknownField);
            }
        }
        // Fails when a parameter stands there twice.
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self { value, checks })
    }
}

/// The header `Idempotency-Key`; empty when it was not sent.
pub struct Key(pub String);

const KEY: &str = "Idempotency-Key";
const LONGEST_KEY: usize = 255;

impl FromRequestParts<Shop> for Key {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Shop) -> Result<Self, Error> {
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

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ParameterBuilder::new()
            .name(KEY)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A word of your own for this request: a repeat with the same word and body gets the first answer, and nothing is created twice",
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
