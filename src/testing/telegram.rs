//! A Telegram for the tests: a real HTTP server that speaks the part of the Bot API that Sirius uses.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header::RETRY_AFTER},
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

/// The token that it knows.
pub const TOKEN: &str = "4242:right-token";
/// Longer than anything takes that comes at all.
const LIMIT: Duration = Duration::from_secs(60);

/// What happens to a message, when it is not simply taken.
#[derive(Clone)]
#[allow(dead_code, reason = "each program of tests uses some")]
pub enum Reply {
    /// 429, as Telegram says it: wait so many seconds.
    TooMany(u64),
    /// A status from somebody before Telegram, with `Retry-After`.
    Busy(u16, &'static str),
    /// A refusal of Telegram's.
    Refused(u16, &'static str),
    /// The connection ends without a word; the message was not taken.
    Cut,
    /// The connection ends without a word; the message was taken.
    TakenAndCut,
    /// Taken, but the answer waits for a permit.
    Slow(Arc<Semaphore>),
}

/// A call of a method of the Bot API.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub params: Value,
}

/// The server; ends with this.
pub struct Telegram {
    pub url: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Inside {
    /// What happens to the next messages, for each chat; `""` for any.
    replies: Mutex<VecDeque<(String, Reply)>>,
    calls: Mutex<Vec<Call>>,
    /// Messages that were taken.
    taken: Mutex<Vec<Value>>,
    updates: Mutex<VecDeque<Value>>,
    /// Whether it answers at once that there are no updates.
    is_hasty: AtomicBool,
    /// Rung at every call and every update.
    bell: Notify,
}

#[allow(dead_code, reason = "each program of tests uses some")]
impl Telegram {
    pub async fn open() -> Self {
        Self::open_at(0).await
    }

    /// On a port that was free a moment ago.
    pub async fn open_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Inside::default());
        let router = Router::new()
            .route("/{bot}/{method}", post(answer))
            .with_state(inside.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inside, task }
    }

    /// Says what happens to the next message that is sent.
    pub fn replies(&self, reply: Reply) {
        self.replies_to("", reply);
    }

    /// From now on, all is well.
    pub fn forget_replies(&self) {
        self.inside.replies.lock().unwrap().clear();
    }

    /// Says what happens to the next message that is sent to a chat.
    pub fn replies_to(&self, chat: &str, reply: Reply) {
        let mut replies = self.inside.replies.lock().unwrap();
        replies.push_back((chat.to_owned(), reply));
    }

    /// The texts of the messages that a chat has.
    pub fn messages(&self, chat: &str) -> Vec<String> {
        let taken = self.inside.taken.lock().unwrap();
        let of_chat = taken.iter().filter(|message| is_to(message, chat));
        of_chat
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The messages of a chat, whole.
    pub fn whole_messages(&self, chat: &str) -> Vec<Value> {
        let taken = self.inside.taken.lock().unwrap();
        let of_chat = taken.iter().filter(|message| is_to(message, chat));
        of_chat.cloned().collect()
    }

    /// The calls of a method.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let calls = self.inside.calls.lock().unwrap();
        let of_method = calls.iter().filter(|call| call.method == method);
        of_method.map(|call| call.params.clone()).collect()
    }

    /// Waits until a chat has so many messages.
    pub async fn wait_for(&self, chat: &str, count: usize) -> Vec<String> {
        self.wait_until(|| self.messages(chat).len() >= count).await;
        self.messages(chat)
    }

    /// Waits until a method was called so many times.
    pub async fn wait_for_calls(&self, method: &str, count: usize) -> Vec<Value> {
        self.wait_until(|| self.calls(method).len() >= count).await;
        self.calls(method)
    }

    async fn wait_until(&self, is_there: impl Fn() -> bool) {
        let wait = async {
            loop {
                let rung = self.inside.bell.notified();
                if is_there() {
                    return;
                }
                rung.await;
            }
        };
        let calls = || self.inside.calls.lock().unwrap().clone();
        timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("only this came: {:?}", calls()));
    }

    /// From now on, a question for updates is not kept open.
    pub fn is_hasty(&self) {
        self.inside.is_hasty.store(true, Ordering::Relaxed);
    }

    /// Somebody does something: an update for the bot.
    pub fn update(&self, id: i64, content: &Value) {
        let mut update = content.clone();
        update["update_id"] = id.into();
        self.inside.updates.lock().unwrap().push_back(update);
        self.inside.bell.notify_waiters();
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
    State(inside): State<Arc<Inside>>,
    Path((bot, method)): Path<(String, String)>,
    Json(params): Json<Value>,
) -> Response {
    let call = Call {
        method: method.clone(),
        params: params.clone(),
    };
    inside.calls.lock().unwrap().push(call);
    let answer = if bot != format!("bot{TOKEN}") {
        refused(401, "Unauthorized")
    } else {
        match method.as_str() {
            "getMe" => done(
                json!({"id": 4242, "is_bot": true, "first_name": "Лавка", "username": "lavka_bot"}),
            ),
            "sendMessage" => send(&inside, params).await,
            "getUpdates" => updates(&inside, &params).await,
            "answerCallbackQuery" | "setWebhook" | "deleteWebhook" | "setMyCommands" => {
                done(json!(true))
            }
            "editMessageText" => done(json!(true)),
            _ => refused(404, "Not Found"),
        }
    };
    inside.bell.notify_waiters();
    answer
}

async fn send(inside: &Inside, message: Value) -> Response {
    let reply = {
        let mut replies = inside.replies.lock().unwrap();
        let next = replies
            .iter()
            .position(|(chat, _)| chat.is_empty() || is_to(&message, chat));
        next.and_then(|next| replies.remove(next))
    };
    let number = message_number(inside);
    let take = || inside.taken.lock().unwrap().push(message.clone());
    match reply.map(|(_, reply)| reply) {
        None => {
            take();
            done(
                json!({"message_id": number, "date": 1, "chat": {"id": message["chat_id"], "type": "private"}}),
            )
        }
        Some(Reply::TooMany(seconds)) => {
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
        Some(Reply::Cut) => cut(inside),
        Some(Reply::TakenAndCut) => {
            take();
            cut(inside)
        }
        Some(Reply::Slow(permits)) => {
            take();
            inside.bell.notify_waiters();
            permits.acquire().await.unwrap().forget();
            done(json!({"message_id": number}))
        }
    }
}

fn message_number(inside: &Inside) -> usize {
    inside.taken.lock().unwrap().len() + 1
}

/// Ends the connection: the task that serves it unwinds.
fn cut(inside: &Inside) -> Response {
    inside.bell.notify_waiters();
    std::panic::resume_unwind(Box::new("the connection is cut"))
}

/// Waits for updates as long polling does; those before the offset are confirmed and gone.
async fn updates(inside: &Inside, params: &Value) -> Response {
    let offset = params["offset"].as_i64().unwrap_or_default();
    if inside.is_hasty.load(Ordering::Relaxed) {
        return done(json!([]));
    }
    let patience = Duration::from_secs(params["timeout"].as_u64().unwrap_or_default());
    let wait = async {
        loop {
            let rung = inside.bell.notified();
            {
                let mut updates = inside.updates.lock().unwrap();
                updates.retain(|update| update["update_id"].as_i64().unwrap() >= offset);
                if !updates.is_empty() {
                    return json!(Vec::from(updates.clone()));
                }
            }
            rung.await;
        }
    };
    done(timeout(patience, wait).await.unwrap_or_else(|_| json!([])))
}

fn done(result: Value) -> Response {
    Json(json!({"ok": true, "result": result})).into_response()
}

fn refused(status: u16, why: &str) -> Response {
    let body = json!({"ok": false, "error_code": status, "description": why}).to_string();
    let status = StatusCode::from_u16(status).unwrap();
    (status, Body::from(body)).into_response()
}
