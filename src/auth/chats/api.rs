//! The REST endpoints for chats with the bot.

use super::{Chat, service};
use crate::{
    api::{
        answers::{AuthErrors, NotFoundErrors, PermissionErrors},
        request::{Caller, Id},
        values::{Listing, Time},
    },
    error::Error,
    transaction::{AppState, Tx},
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints for chats with the bot.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(new_code))
        .routes(routes!(unlink))
}

/// A chat with the bot that is linked to the account
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chat)]
struct ChatJson {
    #[schema(example = 1)]
    id: i64,
    /// The person's name on Telegram
    #[schema(example = "Анна")]
    name: String,
    created_at: Time,
}

impl From<Chat> for ChatJson {
    fn from(chat: Chat) -> Self {
        Self {
            id: chat.id,
            name: chat.name,
            created_at: Time(chat.created_at),
        }
    }
}

/// A code that links one chat
#[derive(Debug, Serialize, ToSchema)]
struct ChatCode {
    /// The code to send to the bot; shown only in this response
    #[schema(pattern = "^[2-9A-HJ-NP-Z]{8}$")]
    code: String,
    expires_at: Time,
}

/// List your chats with the bot
#[utoipa::path(
    get,
    path = "/api/me/chats",
    operation_id = "list_chats",
    tag = "account",
    responses((status = OK, description = "The chats, newest first, at most 100", body = Listing<ChatJson>), AuthErrors)
)]
async fn list(caller: Caller) -> Result<Json<Listing<ChatJson>>, Error> {
    let chats = caller.read(service::list).await?;
    Ok(Listing::whole(chats))
}

/// Create a code that links a chat with the bot
///
/// To link a chat, send the code to the bot from it within ten minutes. The chat then has the permissions of the
/// account. A new code replaces the previous one. An API token cannot create one.
#[utoipa::path(
    post,
    path = "/api/me/chats/code",
    operation_id = "make_chat_code",
    tag = "account",
    responses(
        (status = OK, description = "The code, which is not shown again", body = ChatCode),
        AuthErrors, PermissionErrors
    )
)]
async fn new_code(caller: Caller) -> Result<Json<ChatCode>, Error> {
    caller.session_user()?;
    let (code, until) = caller.write(service::new_code).await?;
    Ok(Json(ChatCode {
        code,
        expires_at: Time(until),
    }))
}

/// Unlink a chat
#[utoipa::path(
    delete,
    path = "/api/me/chats/{id}",
    operation_id = "unlink_chat",
    tag = "account",
    params(("id" = i64, Path, description = "Chat id", example = 1)),
    responses(
        (status = NO_CONTENT, description = "The chat was unlinked"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn unlink(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| service::unlink(tx, id);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}
