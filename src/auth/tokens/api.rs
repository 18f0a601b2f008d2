//! The REST endpoints for API tokens.

use super::{
    Token,
    service::{self, NewToken},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id},
        values::{Created, Listing, Time},
    },
    error::Error,
    transaction::{AppState, Tx},
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints for API tokens.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// An API token without its secret
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(example = "till")]
    name: String,
    created_at: Time,
    /// Accurate to the minute
    last_used_at: Option<Time>,
    /// From then on, the token is refused
    expires_at: Time,
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            created_at: Time(token.created_at),
            last_used_at: token.last_used_at.map(Time),
            expires_at: Time(token.expires_at),
        }
    }
}

/// A new API token
#[derive(Serialize, ToSchema)]
struct MadeToken {
    id: i64,
    name: String,
    /// From then on, the token is refused
    expires_at: Time,
    /// The secret, sent as `Authorization: Bearer …`; shown only in this response
    #[schema(pattern = "^sirius_[A-Za-z0-9_-]{43}$")]
    token: String,
}

/// List your API tokens
#[utoipa::path(
    get,
    path = "/api/me/tokens",
    operation_id = "list_tokens",
    tag = "account",
    responses(
        (status = OK, description = "The tokens, newest first, at most 100", body = Listing<TokenJson>),
        AuthErrors
    )
)]
async fn list(caller: Caller) -> Result<Json<Listing<TokenJson>>, Error> {
    let tokens = caller.read(service::list).await?;
    Ok(Listing::whole(tokens))
}

/// Create an API token
///
/// A token has the permissions that its owner has at the time of each request, for 90 days. It cannot create tokens or
/// chat codes. Only its hash is stored, so a lost response cannot be repeated and this endpoint takes no
/// `Idempotency-Key`: revoke the token and create another.
#[utoipa::path(
    post,
    path = "/api/me/tokens",
    operation_id = "create_token",
    tag = "account",
    request_body = NewToken,
    responses(
        (
            status = CREATED,
            description = "The token, which is not shown again",
            body = MadeToken,
            headers(("Location" = String, description = "Path of the token")),
        ),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn create(caller: Caller, body: Body<NewToken>) -> Result<Created<MadeToken>, Error> {
    caller.session_user()?;
    let (made, token) =
        service::create(&caller.app, caller.actor, body.input, &caller.place).await?;
    let at = format!("/api/me/tokens/{}", made.id);
    let body = MadeToken {
        id: made.id,
        name: made.name,
        expires_at: Time(made.expires_at),
        token,
    };
    Ok(Created::at(at, body))
}

/// Revoke an API token
#[utoipa::path(
    delete,
    path = "/api/me/tokens/{id}",
    operation_id = "revoke_token",
    tag = "account",
    params(("id" = i64, Path, description = "Token id", example = 1)),
    responses(
        (status = NO_CONTENT, description = "The token was revoked"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn revoke(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| service::revoke(tx, id);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}
