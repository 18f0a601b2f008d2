//! A client for Telegram's Bot API. We use our own because it must report whether a failed request may have arrived,
//! and how long Telegram asks to wait.

use super::queue::DeliveryError;
use crate::{
    clock,
    config::notifications::{self as settings, Secret},
};
use async_trait::async_trait;
use chrono::DateTime;
use frankenstein::{
    AsyncTelegramApi, ParseMode,
    methods::SendMessageParams,
    response::{ErrorResponse, MethodResponse},
    types::{ChatId, InlineKeyboardMarkup, LinkPreviewOptions, ReplyMarkup},
};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{error::Error as _, fmt, path::PathBuf, time::Duration};

/// Time limit for connecting to Telegram.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Time limit for an answer. It is long, because after a timeout the message is sent again.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A client for one bot.
#[derive(Clone)]
pub struct Telegram {
    http: reqwest::Client,
    api_url: String,
    token: Secret,
    answer_limit: Duration,
}

impl Telegram {
    /// Creates a client with these settings, without connecting yet.
    pub fn new(settings: &settings::Telegram) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            // Another server must get neither the token in the address nor the message.
            .redirect(Policy::none())
            .build()
            .map_err(error_text)?;
        Ok(Self {
            http,
            api_url: settings.api_url.clone(),
            token: settings.token.clone(),
            answer_limit: ANSWER_LIMIT,
        })
    }

    /// Returns a copy with another time limit for answers.
    pub fn with_answer_limit(&self, answer_limit: Duration) -> Self {
        Self {
            answer_limit,
            ..self.clone()
        }
    }

    /// Returns the id of the bot, which is the part of the token that is not secret.
    pub fn id(&self) -> i64 {
        let number = self.token.reveal().split(':').next();
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_default()
    }

    /// Sends an HTML message to a chat, optionally with buttons below it.
    pub async fn send(
        &self,
        chat: &str,
        html: &str,
        buttons: Option<InlineKeyboardMarkup>,
    ) -> Result<(), DeliveryError> {
        let message = SendMessageParams::builder()
            .chat_id(chat_id(chat))
            .text(html)
            .parse_mode(ParseMode::Html)
            .link_preview_options(LinkPreviewOptions::DISABLED)
            .maybe_reply_markup(buttons.map(ReplyMarkup::InlineKeyboardMarkup))
            .build();
        // The result is read as plain JSON: the message has arrived, and an unexpected field must not cause a resend.
        let sent: Result<MethodResponse<Value>, _> =
            self.request("sendMessage", Some(message)).await;
        sent.map(|_| ())
    }

    fn url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.api_url, self.token.reveal())
    }
}

/// Omits the token.
impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telegram({})", self.api_url)
    }
}

/// Parses the id of a chat, or the name of a public channel.
fn chat_id(chat: &str) -> ChatId {
    chat.parse()
        .map_or_else(|_| ChatId::String(chat.to_owned()), ChatId::Integer)
}

#[async_trait]
impl AsyncTelegramApi for Telegram {
    type Error = DeliveryError;

    async fn request<Params, Output>(
        &self,
        method: &str,
        params: Option<Params>,
    ) -> Result<Output, DeliveryError>
    where
        Params: Serialize + fmt::Debug + Send,
        Output: DeserializeOwned,
    {
        let body = params
            .map(|params| serde_json::to_vec(&params))
            .transpose()
            .map_err(|error| DeliveryError::Never(error.to_string()))?;
        let sent = self
            .http
            .post(self.url(method))
            .timeout(self.answer_limit)
            .header(CONTENT_TYPE, "application/json")
            .body(body.unwrap_or_else(|| b"{}".to_vec()))
            .send()
            .await;
        let answer = sent.map_err(|error| DeliveryError::Later {
            is_unsure: !error.is_connect() && !error.is_builder(),
            why: error_text(error),
            after: None,
        })?;
        let status = answer.status();
        let after = retry_after(answer.headers());
        let unsure = |why| DeliveryError::Later {
            why,
            after,
            is_unsure: true,
        };
        let body = answer
            .bytes()
            .await
            .map_err(|error| unsure(error_text(error)))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| unsure(format!("could not read the answer: {error}")));
        }
        Err(refusal(status, &body, after))
    }

    async fn request_with_form_data<Params, Output>(
        &self,
        method: &str,
        _: Params,
        _: Vec<(&str, PathBuf)>,
    ) -> Result<Output, DeliveryError>
    where
        Params: Serialize + fmt::Debug + Send,
        Output: DeserializeOwned,
    {
        Err(DeliveryError::Never(format!("{method}: cannot send files")))
    }
}

/// Interprets an error response.
fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> DeliveryError {
    let told: Option<ErrorResponse> = serde_json::from_slice(body).ok();
    let description = told.as_ref().map_or_else(
        || status.canonical_reason().unwrap_or("no reason").to_owned(),
        |told| told.description.clone(),
    );
    let why = format!("{}: {description}", status.as_u16());
    let asked = told.as_ref().and_then(|told| told.parameters);
    if let Some(chat) = asked.and_then(|asked| asked.migrate_to_chat_id) {
        return DeliveryError::Never(format!("{why}; put {chat} into TELEGRAM_CHAT_ID"));
    }
    let after = asked
        .and_then(|asked| asked.retry_after)
        .map(|seconds| Duration::from_secs(seconds.into()))
        .or(after);
    match status.as_u16() {
        401 | 404 => DeliveryError::NoAccess(why),
        400 | 403 | 413 => DeliveryError::Never(why),
        code => DeliveryError::Later {
            why,
            after,
            // A proxy that got no answer from Telegram cannot know whether the message arrived.
            is_unsure: matches!(code, 502 | 504) && told.is_none(),
        },
    }
}

/// Returns the wait that the header `Retry-After` asks for, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.naive_utc();
    (until - clock::now().utc()).to_std().ok()
}

/// Formats an error with all its causes, but without the URL, which contains the token.
fn error_text(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_classified_by_whether_and_when_to_retry() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        let later = |why: &str, after, is_unsure| DeliveryError::Later {
            why: why.to_owned(),
            after,
            is_unsure,
        };
        for (status, body, expected) in [
            (
                429,
                concat!(
                    r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","#,
                    r#""parameters":{"retry_after":7}}"#
                ),
                later("429: Too Many Requests: retry after 7", after(7), false),
            ),
            (
                503,
                "busy",
                later("503: Service Unavailable", after(3), false),
            ),
            (504, "<html>", later("504: Gateway Timeout", after(3), true)),
            (
                500,
                r#"{"ok":false,"error_code":500,"description":"Internal Server Error"}"#,
                later("500: Internal Server Error", after(3), false),
            ),
            (
                401,
                r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
                DeliveryError::NoAccess("401: Unauthorized".to_owned()),
            ),
            (
                404,
                "",
                DeliveryError::NoAccess("404: Not Found".to_owned()),
            ),
            (
                403,
                r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the group chat"}"#,
                DeliveryError::Never(
                    "403: Forbidden: bot was kicked from the group chat".to_owned(),
                ),
            ),
            (
                400,
                concat!(
                    r#"{"ok":false,"error_code":400,"#,
                    r#""description":"Bad Request: group chat was upgraded to a supergroup chat","#,
                    r#""parameters":{"migrate_to_chat_id":-1001}}"#
                ),
                DeliveryError::Never(
                    "400: Bad Request: group chat was upgraded to a supergroup chat; \
                     put -1001 into TELEGRAM_CHAT_ID"
                        .to_owned(),
                ),
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let found = refusal(status, body.as_bytes(), after(3));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn debug_output_does_not_contain_the_token() {
        let settings = settings::Telegram {
            token: Secret::new("42:verysecret".to_owned()),
            chats: Vec::new(),
            api_url: "https://api.example".to_owned(),
        };
        let bot = Telegram::new(&settings).unwrap();
        assert_eq!(format!("{bot:?}"), "Telegram(https://api.example)");
        assert_eq!(bot.id(), 42);
        assert!(bot.url("getMe").contains("verysecret"));
    }
}
