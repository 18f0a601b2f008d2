//! A fake Telegram for the tests: an HTTP server with the part of the Bot API that Sirius uses.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
    task::JoinHandle,
    time::timeout,
};

/// The token that the server accepts.
pub const TOKEN: &str = "4242:right-token";
/// The time to wait for calls and messages; none takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How the server treats a message that it does not simply accept.
#[derive(Clone)]
pub enum Reply {
    /// Answers 429 in the format of Telegram, with the seconds to wait.
    TooManyRequests(u64),
    /// Answers a status with `Retry-After`, as a gateway in front of Telegram does.
    Busy(u16, &'static str),
    /// Refuses the message with a status and a description.
    Refused(u16, &'static str),
    /// Redirects to another server with a status.
    Redirect(u16, String),
    /// Closes the connection without an answer and without accepting the message.
    Disconnect,
    /// Accepts the message, but closes the connection without an answer.
    AcceptAndDisconnect,
    /// Accepts the message, but answers only when a permit is available.
    Slow(Arc<Semaphore>),
}

/// A call of a method of the Bot API.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub params: Value,
}

/// A running server, which stops on drop.
pub struct Telegram {
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// The queued replies by chat; `""` stands for any chat.
    replies: Mutex<VecDeque<(String, Reply)>>,
    calls: Mutex<Vec<Call>>,
    /// The accepted messages.
    accepted: Mutex<Vec<Value>>,
    updates: Mutex<VecDeque<Value>>,
    /// Whether `getUpdates` answers at once that there are no updates.
    answers_updates_at_once: AtomicBool,
    /// Notified at every call and every update.
    changed: Notify,
}

impl Telegram {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        Self::start_at(0).await
    }

    /// Starts a server on the given port.
    pub async fn start_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/{bot}/{method}", post(answer))
            .with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Queues a reply for one of the next messages to any chat.
    pub fn queue_reply(&self, reply: Reply) {
        self.queue_reply_to("", reply);
    }

    /// Accepts every message from now on.
    pub fn clear_replies(&self) {
        self.shared.replies.lock().unwrap().clear();
    }

    /// Queues a reply for one of the next messages to a chat.
    pub fn queue_reply_to(&self, chat: &str, reply: Reply) {
        let mut replies = self.shared.replies.lock().unwrap();
        replies.push_back((chat.to_owned(), reply));
    }

    /// Returns the texts of the messages in a chat.
    pub fn messages(&self, chat: &str) -> Vec<String> {
        let accepted = self.shared.accepted.lock().unwrap();
        let of_chat = accepted.iter().filter(|message| is_to(message, chat));
        of_chat
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the messages in a chat as the JSON objects that were sent.
    pub fn raw_messages(&self, chat: &str) -> Vec<Value> {
        let accepted = self.shared.accepted.lock().unwrap();
        let of_chat = accepted.iter().filter(|message| is_to(message, chat));
        of_chat.cloned().collect()
    }

    /// Returns the parameters of every call of a method.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let calls = self.shared.calls.lock().unwrap();
        let of_method = calls.iter().filter(|call| call.method == method);
        of_method.map(|call| call.params.clone()).collect()
    }

    /// Waits until a chat has at least `count` messages.
    pub async fn wait_for(&self, chat: &str, count: usize) -> Vec<String> {
        self.wait_until(|| self.messages(chat).len() >= count).await;
        self.messages(chat)
    }

    /// Waits until a method has been called at least `count` times.
    pub async fn wait_for_calls(&self, method: &str, count: usize) -> Vec<Value> {
        self.wait_until(|| self.calls(method).len() >= count).await;
        self.calls(method)
    }

    async fn wait_until(&self, is_met: impl Fn() -> bool) {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                if is_met() {
                    return;
                }
                changed.await;
            }
        };
        let calls = || self.shared.calls.lock().unwrap().clone();
        timeout(TIMEOUT, wait)
            .await
            .unwrap_or_else(|_| panic!("timed out; received only {:?}", calls()));
    }

    /// Answers `getUpdates` at once from now on, without long polling.
    pub fn answer_updates_at_once(&self) {
        self.shared
            .answers_updates_at_once
            .store(true, Ordering::Relaxed);
    }

    /// Adds an update for the bot.
    pub fn push_update(&self, id: i64, content: &Value) {
        let mut update = content.clone();
        update["update_id"] = id.into();
        self.shared.updates.lock().unwrap().push_back(update);
        self.shared.changed.notify_waiters();
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn is_to(message: &Value, chat: &str) -> bool {
    match &message["chat_id"] {
        Value::String(name) => name == chat,
        number => chat
            .parse()
            .is_ok_and(|id: i64| number.as_i64() == Some(id)),
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    Json(params): Json<Value>,
) -> Response {
    let call = Call {
        method: method.clone(),
        params: params.clone(),
    };
    shared.calls.lock().unwrap().push(call);
    let answer = if bot != format!("bot{TOKEN}") {
        refused(401, "Unauthorized")
    } else {
        match method.as_str() {
            "getMe" => success(
                json!({"id": 4242, "is_bot": true, "first_name": "Лавка", "username": "lavka_bot"}),
            ),
            "sendMessage" => send(&shared, params).await,
            "getUpdates" => updates(&shared, &params).await,
            "answerCallbackQuery" | "setWebhook" | "deleteWebhook" | "setMyCommands" => {
                success(json!(true))
            }
            "editMessageText" => success(json!(true)),
            _ => refused(404, "Not Found"),
        }
    };
    shared.changed.notify_waiters();
    answer
}

async fn send(shared: &Shared, message: Value) -> Response {
    let reply = {
        let mut replies = shared.replies.lock().unwrap();
        let next = replies
            .iter()
            .position(|(chat, _)| chat.is_empty() || is_to(&message, chat));
        next.and_then(|next| replies.remove(next))
    };
    let number = message_number(shared);
    let accept = || shared.accepted.lock().unwrap().push(message.clone());
    match reply.map(|(_, reply)| reply) {
        None => {
            accept();
            success(
                json!({"message_id": number, "date": 1, "chat": {"id": message["chat_id"], "type": "private"}}),
            )
        }
        Some(Reply::TooManyRequests(seconds)) => {
            let body = json!({
                "ok": false, "error_code": 429,
                "description": format!("Too Many Requests: retry after {seconds}"),
                "parameters": {"retry_after": seconds},
            });
            (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
        }
        Some(Reply::Busy(status, after)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(RETRY_AFTER, after)], "<html>busy</html>").into_response()
        }
        Some(Reply::Refused(status, why)) => refused(status, why),
        Some(Reply::Redirect(status, url)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(LOCATION, url)], Body::empty()).into_response()
        }
        Some(Reply::Disconnect) => disconnect(shared),
        Some(Reply::AcceptAndDisconnect) => {
            accept();
            disconnect(shared)
        }
        Some(Reply::Slow(permits)) => {
            accept();
            shared.changed.notify_waiters();
            permits.acquire().await.unwrap().forget();
            success(json!({"message_id": number}))
        }
    }
}

fn message_number(shared: &Shared) -> usize {
    shared.accepted.lock().unwrap().len() + 1
}

/// Closes the connection by unwinding the task that serves it.
fn disconnect(shared: &Shared) -> Response {
    shared.changed.notify_waiters();
    std::panic::resume_unwind(Box::new("the connection is closed"))
}

/// Waits for updates by long polling. Updates before the offset are confirmed and removed.
async fn updates(shared: &Shared, params: &Value) -> Response {
    let offset = params["offset"].as_i64().unwrap_or_default();
    if shared.answers_updates_at_once.load(Ordering::Relaxed) {
        return success(json!([]));
    }
    let limit = Duration::from_secs(params["timeout"].as_u64().unwrap_or_default());
    let wait = async {
        loop {
            let changed = shared.changed.notified();
            {
                let mut updates = shared.updates.lock().unwrap();
                updates.retain(|update| update["update_id"].as_i64().unwrap() >= offset);
                if !updates.is_empty() {
                    return json!(Vec::from(updates.clone()));
                }
            }
            changed.await;
        }
    };
    success(timeout(limit, wait).await.unwrap_or_else(|_| json!([])))
}

fn success(result: Value) -> Response {
    Json(json!({"ok": true, "result": result})).into_response()
}

fn refused(status: u16, why: &str) -> Response {
    let body = json!({"ok": false, "error_code": status, "description": why}).to_string();
    let status = StatusCode::from_u16(status).unwrap();
    (status, Body::from(body)).into_response()
}
