//! Updates that Telegram brings, where the shop is open to all by HTTPS.

use super::conversation::Bot;
use crate::{act::Shop, config::notifications::Config, crypto::sha256};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;

/// Where Telegram brings updates.
pub const PATH: &str = "/telegram/webhook";
/// The header by which it says who it is.
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// The route. Nobody is there unless Telegram is told to bring updates.
pub fn router(shop: &Shop) -> Router {
    let bot = Bot::of(shop).filter(|_| shop.config.notifications.is_public());
    Router::new().route(PATH, post(receive)).with_state(bot)
}

/// What Telegram must say to be believed: known to whoever knows the token, the same on every server.
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
    let expected = secret(&bot.shop.config.notifications);
    // Hashes are compared: how long that takes tells nothing.
    if said.map(sha256) != Some(sha256(&expected)) {
        return StatusCode::FORBIDDEN;
    }
    // It is answered to its end, also when this request is cut: it does not come a second time.
    match tokio::spawn(async move { bot.take(update).await }).await {
        Ok(Ok(())) => StatusCode::OK,
        // It comes again.
        Ok(Err(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
