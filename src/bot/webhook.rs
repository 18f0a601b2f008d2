//! The webhook to which Telegram sends updates if the shop is public and uses HTTPS.

use super::conversation::Bot;
use crate::{config::notifications::Config, crypto::sha256, transaction::AppState};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;

/// The path to which Telegram sends updates.
pub const PATH: &str = "/telegram/webhook";
/// The header with the secret by which Telegram identifies itself.
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// Returns the route of the webhook. It answers 404 if the bot polls for updates instead, or is off.
pub fn router(app: &AppState) -> Router {
    let bot = Bot::of(app).filter(|_| app.config.notifications.is_public());
    Router::new().route(PATH, post(receive)).with_state(bot)
}

/// Returns the secret that Telegram must send. It is derived from the token, so that it is the same on every server.
pub fn secret(config: &Config) -> String {
    let token = config
        .telegram
        .as_ref()
        .map(|telegram| telegram.token.reveal());
    sha256(&format!("webhook of {}", token.unwrap_or_default()))
}

async fn receive(
    State(bot): State<Option<Bot>>,
    headers: HeaderMap,
    Json(update): Json<Value>,
) -> StatusCode {
    let Some(bot) = bot else {
        return StatusCode::NOT_FOUND;
    };
    let said = headers.get(SECRET).and_then(|secret| secret.to_str().ok());
    let expected = secret(&bot.app.config.notifications);
    // Hashes are compared, so that the time that this takes reveals nothing about the secret.
    if said.map(sha256) != Some(sha256(&expected)) {
        return StatusCode::FORBIDDEN;
    }
    // A separate task completes the answer even if this request is cancelled, because an update is taken only once.
    match tokio::spawn(async move { bot.take(update).await }).await {
        Ok(Ok(())) => StatusCode::OK,
        // Telegram sends the update again.
        Ok(Err(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
