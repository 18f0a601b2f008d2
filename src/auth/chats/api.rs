//! Chats with the bot over the REST API.

use super::{Chat, service};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, OfOne, SignedIn},
        request::{Caller, Id},
        values::{Listing, Time},
    },
    error::Error,
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of chats.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(new_code))
        .routes(routes!(unlink))
}

/// A chat with the bot that acts for the account
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chat)]
struct ChatJson {
    #[schema(example = 1)]
    id: i64,
    /// What Telegram calls the person
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
    /// To be sent to the bot; told this once
    #[schema(pattern = "^[2-9A-HJ-NP-Z]{8}$")]
    code: String,
    expires_at: Time,
}

/// List the own chats with the bot
#[utoipa::path(
    get,
    path = "/api/me/chats",
    operation_id = "list_chats",
    tag = "account",
    responses((status = OK, description = "The chats, at most a hundred", body = Listing<ChatJson>), SignedIn)
)]
async fn list(caller: Caller) -> Result<Json<Listing<ChatJson>>, Error> {
    let chats = caller.look(service::list).await?;
    Ok(Listing::whole(chats))
}

/// Make a code that links a chat with the bot
///
/// Whoever sends it to the bot within ten minutes acts there with the rights of the account. An earlier code holds no more.
#[utoipa::path(
    post,
    path = "/api/me/chats/code",
    operation_id = "make_chat_code",
    tag = "account",
    responses((status = OK, description = "The code, this once", body = ChatCode), SignedIn, Allowed)
)]
async fn new_code(caller: Caller) -> Result<Json<ChatCode>, Error> {
    let (code, until) = caller.act(service::new_code).await?;
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
    params(("id" = i64, Path, description = "Number of the chat", example = 1)),
    responses((status = NO_CONTENT, description = "The bot answers it no more"), SignedIn, Allowed, OfOne)
)]
async fn unlink(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| service::unlink(tx, id);
    caller.act(act).await?;
    Ok(StatusCode::NO_CONTENT)
}
