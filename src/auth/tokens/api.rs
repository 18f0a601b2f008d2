//! Tokens over the REST API.

use super::{
    Token,
    service::{self, NewToken},
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id},
        values::{Listing, Made, Time},
    },
    error::Error,
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of tokens.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// A token, without what signs in
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(example = "till")]
    name: String,
    created_at: Time,
    /// To the minute
    last_used_at: Option<Time>,
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            created_at: Time(token.created_at),
            last_used_at: token.last_used_at.map(Time),
        }
    }
}

/// A token that was made
#[derive(Serialize, ToSchema)]
struct MadeToken {
    id: i64,
    name: String,
    /// What signs in, as `Authorization: Bearer …`; told this once
    #[schema(pattern = "^sirius_[A-Za-z0-9_-]{43}$")]
    token: String,
}

/// List the own tokens
#[utoipa::path(
    get,
    path = "/api/me/tokens",
    operation_id = "list_tokens",
    tag = "account",
    responses((status = OK, description = "The tokens, at most a hundred", body = Listing<TokenJson>), SignedIn)
)]
async fn list(caller: Caller) -> Result<Json<Listing<TokenJson>>, Error> {
    let tokens = caller.look(service::list).await?;
    Ok(Listing::whole(tokens))
}

/// Make a token
///
/// It has the rights that its owner has at the time of each request. Only its hash is kept: a lost answer cannot be
/// repeated, so there is no `Idempotency-Key` here; revoke the token and make another.
#[utoipa::path(
    post,
    path = "/api/me/tokens",
    operation_id = "create_token",
    tag = "account",
    request_body = NewToken,
    responses(
        (status = CREATED, description = "The token, this once", body = MadeToken, headers(("Location" = String, description = "Where it is"))),
        SignedIn, Allowed, WithBody
    )
)]
async fn create(caller: Caller, body: Body<NewToken>) -> Result<Made<MadeToken>, Error> {
    let (made, token) = caller.submit(body, service::create).await?;
    let at = format!("/api/me/tokens/{}", made.id);
    let body = MadeToken {
        id: made.id,
        name: made.name,
        token,
    };
    Ok(Made::at(at, body))
}

/// Revoke a token
#[utoipa::path(
    delete,
    path = "/api/me/tokens/{id}",
    operation_id = "revoke_token",
    tag = "account",
    params(("id" = i64, Path, description = "Number of the token", example = 1)),
    responses((status = NO_CONTENT, description = "It does not hold any more"), SignedIn, Allowed, OfOne)
)]
async fn revoke(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| service::revoke(tx, id);
    caller.act(act).await?;
    Ok(StatusCode::NO_CONTENT)
}
