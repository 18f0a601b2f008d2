//! A conversation with the bot: identifies the person, answers their messages, and turns strangers away.

use super::{
    answers::{self, Answer, Command},
    inbox,
};
use crate::{
    auth::{Actor, chats::service},
    clock,
    db::DatabaseUrl,
    error::Error,
    i18n::Locale,
    moment::Moment,
    notifications::{
        button::{self, Press},
        message::{Markup, MessageWriter},
        telegram::Telegram,
    },
    transaction::{AppState, Tx},
};
use chrono::TimeDelta;
use frankenstein::{
    AsyncTelegramApi, ParseMode,
    methods::{AnswerCallbackQueryParams, EditMessageTextParams},
    types::{CallbackQuery, ChatType, LinkPreviewOptions, MaybeInaccessibleMessage, Message},
    updates::{Update, UpdateContent},
};
use leptos_i18n::td_string;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How long a stranger gets no further answer after the first one.
const STRANGER_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// Number of wrong codes from one chat in that time after which even a right one is rejected.
const WRONG_CODES: u32 = 10;
/// Largest number of strangers that are remembered.
const STRANGERS: usize = 10_000;
/// Largest number of characters stored of a person's name.
const NAME: usize = 100;

/// The bot of a shop.
#[derive(Clone)]
pub struct Bot {
    pub app: AppState,
    pub telegram: Telegram,
    strangers: Arc<Mutex<HashMap<i64, Stranger>>>,
}

/// What is remembered of a chat that is not linked to an account.
struct Stranger {
    since: Moment,
    wrong_codes: u32,
}

/// A chat, and whether it is private. Only in a private chat does the bot know who reads its answers.
struct ChatContext {
    chat: i64,
    is_private: bool,
}

impl Bot {
    /// Creates the bot from the settings; `None` if Telegram is off.
    pub fn of(app: &AppState) -> Option<Self> {
        let settings = app.config.notifications.telegram.as_ref()?;
        Some(Self {
            app: app.clone(),
            telegram: Telegram::new(settings).ok()?,
            strangers: Arc::default(),
        })
    }

    /// Whether no other server can be running for this shop, as on SQLite.
    pub fn is_only_server(&self) -> bool {
        matches!(self.app.config.database_url, DatabaseUrl::Sqlite(_))
    }

    /// Answers an update, unless it was answered before. After an error, the update can be taken again.
    pub async fn take(&self, update: Value) -> Result<(), Error> {
        let Some(id) = update["update_id"].as_i64() else {
            return Ok(());
        };
        if !inbox::take(&self.app, self.telegram.id(), id, clock::now()).await? {
            return Ok(());
        }
        // Telegram may introduce new kinds of updates; unknown ones are ignored.
        match serde_json::from_value::<Update>(update).map(|update| update.content) {
            Ok(UpdateContent::Message(message)) => self.read(*message).await,
            Ok(UpdateContent::CallbackQuery(press)) => self.press(*press).await,
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    async fn read(&self, message: Message) {
        let Some(text) = message.text else {
            return;
        };
        let place = ChatContext {
            chat: message.chat.id,
            is_private: message.chat.type_field == ChatType::Private,
        };
        let name = message.from.map(|person| {
            let names = [Some(person.first_name), person.last_name];
            let whole = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
            crate::text::tidy(&whole).chars().take(NAME).collect()
        });
        for answer in self.answers(&place, &text, name.unwrap_or_default()).await {
            let chat = place.chat.to_string();
            if let Err(refusal) = self
                .telegram
                .send(&chat, &answer.text, answer.buttons)
                .await
            {
                tracing::warn!(why = refusal.why(), "could not send an answer of the bot");
                return;
            }
        }
    }

    async fn answers(&self, place: &ChatContext, text: &str, name: String) -> Vec<Answer> {
        let actor = match self.actor(place).await {
            Ok(actor) => actor,
            Err(error) => return vec![self.error_answer(&error)],
        };
        if actor == Actor::Nobody {
            return match self.link(place, text, name).await {
                Ok(Some(answer)) => vec![answer],
                Ok(None) => self.stranger_answer(place, text).into_iter().collect(),
                Err(error) => vec![self.error_answer(&error)],
            };
        }
        let command = Command::read(text);
        let (site, locale) = (self.site(), self.language());
        let answer = self
            .app
            .read(actor, move |tx| command.answer(tx, &site, locale))
            .await;
        answer.unwrap_or_else(|error| vec![self.error_answer(&error)])
    }

    /// Links a chat to an account if the text is a valid code.
    async fn link(
        &self,
        place: &ChatContext,
        text: &str,
        name: String,
    ) -> Result<Option<Answer>, Error> {
        let text = text.trim();
        let code = text
            .strip_prefix("/start")
            .unwrap_or(text)
            .trim()
            .to_owned();
        let chat = place.chat;
        if !place.is_private || !service::is_code(&code) || self.is_locked_out(chat) {
            return Ok(None);
        }
        let config = self.app.config.clone();
        let linked = self
            .app
            .write(Actor::Nobody, move |tx| {
                service::link(tx, &code, chat, &name, &config)
            })
            .await?;
        let Some(owner) = linked else {
            self.count_wrong_code(chat);
            return Ok(None);
        };
        let writer = self.writer();
        let locale = self.language();
        let welcome = td_string!(locale, bot.linked, name = owner).to_string();
        let text = format!("{}\n\n{}", writer.plain(&welcome), answers::help(writer));
        Ok(Some(text.into()))
    }

    /// Returns the answer for strangers, or `None` if they had it recently. In a group, only commands are answered.
    fn stranger_answer(&self, place: &ChatContext, text: &str) -> Option<Answer> {
        if !place.is_private && !text.starts_with('/') {
            return None;
        }
        let now = clock::now();
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|_, known| now.utc() - known.since.utc() < STRANGER_INTERVAL);
        if strangers.contains_key(&place.chat) || strangers.len() >= STRANGERS {
            return None;
        }
        let new = Stranger {
            since: now,
            wrong_codes: 0,
        };
        strangers.insert(place.chat, new);
        drop(strangers);
        let words = td_string!(self.language(), bot.stranger);
        Some(self.writer().plain(words).into())
    }

    fn is_locked_out(&self, chat: i64) -> bool {
        let strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        strangers
            .get(&chat)
            .is_some_and(|known| known.wrong_codes >= WRONG_CODES)
    }

    fn count_wrong_code(&self, chat: i64) {
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = strangers.get_mut(&chat) {
            known.wrong_codes += 1;
        }
    }

    /// Handles the press of a button below a message.
    async fn press(&self, press: CallbackQuery) {
        let Some(MaybeInaccessibleMessage::Message(message)) = press.message else {
            return self.answer_press(press.id, String::new(), false).await;
        };
        // The person who pressed the button acts, not the owner of the chat. Only in a private chat are they the same.
        let place = ChatContext {
            chat: message.chat.id,
            is_private: message.chat.type_field == ChatType::Private
                && u64::try_from(message.chat.id) == Ok(press.from.id),
        };
        let pressed = press.data.as_deref().and_then(button::pressed);
        let (actor, pressed) = match (self.actor(&place).await, pressed) {
            (Ok(actor), Some(pressed)) if actor != Actor::Nobody => (actor, pressed),
            (Ok(_), _) => return self.answer_press(press.id, String::new(), false).await,
            (Err(error), _) => {
                let words = error.message(self.language());
                return self.answer_press(press.id, words, true).await;
            }
        };
        let locale = self.language();
        let (id, done) = match pressed {
            Press::Issue(id) => {
                let issue = move |tx: &mut Tx<'_>| answers::issue(tx, id, locale);
                (id, self.app.write(actor.clone(), issue).await)
            }
            Press::Undo {
                order: id,
                operations,
            } => {
                let undo = move |tx: &mut Tx<'_>| {
                    let (words, order) = answers::undo(tx, id, &operations, locale)?;
                    Ok((words, order, Vec::new()))
                };
                (id, self.app.write(actor.clone(), undo).await)
            }
        };
        let order = match done {
            Ok((words, order, operations)) => {
                self.answer_press(press.id, words, false).await;
                Ok((order, operations))
            }
            Err(error) => {
                self.answer_press(press.id, error.message(locale), true)
                    .await;
                let get = move |tx: &mut Tx<'_>| crate::orders::service::get(tx, id);
                let order = self.app.read(actor, get).await;
                order.map(|order| (order, Vec::new()))
            }
        };
        if let Ok((order, operations)) = order {
            let mut answer = answers::order_message(self.writer(), &order);
            let undo = button::undo_button(order.id, &operations, locale);
            answer.buttons = answer.buttons.or(undo);
            self.edit(place.chat, message.message_id, answer).await;
        }
    }

    async fn answer_press(&self, id: String, words: String, is_alert: bool) {
        let answer = AnswerCallbackQueryParams::builder()
            .callback_query_id(id)
            .maybe_text(Some(words).filter(|words| !words.is_empty()))
            .show_alert(is_alert)
            .build();
        if let Err(refusal) = self.telegram.answer_callback_query(&answer).await {
            tracing::warn!(why = refusal.why(), "could not answer a button press");
        }
    }

    async fn edit(&self, chat: i64, message: i32, answer: Answer) {
        let edit = EditMessageTextParams::builder()
            .chat_id(chat)
            .message_id(message)
            .text(answer.text)
            .parse_mode(ParseMode::Html)
            .link_preview_options(LinkPreviewOptions::DISABLED)
            .maybe_reply_markup(answer.buttons)
            .build();
        // A failure is no problem: Telegram also rejects an edit that changes nothing.
        let edited: Result<Value, _> = self.telegram.request("editMessageText", Some(edit)).await;
        if let Err(refusal) = edited {
            tracing::debug!(why = refusal.why(), "could not edit a message");
        }
    }

    /// Returns the owner of the account that a private chat is linked to, or nobody.
    async fn actor(&self, place: &ChatContext) -> Result<Actor, Error> {
        if !place.is_private {
            return Ok(Actor::Nobody);
        }
        let (chat, config) = (place.chat, self.app.config.clone());
        self.app
            .read(Actor::Nobody, move |tx| service::actor(tx, chat, &config))
            .await
    }

    fn error_answer(&self, error: &Error) -> Answer {
        self.writer().plain(&error.message(self.language())).into()
    }

    fn writer(&self) -> MessageWriter<'_> {
        MessageWriter::new(&self.app.config.notifications, Markup::Html)
    }

    fn language(&self) -> Locale {
        self.app.config.notifications.language
    }

    fn site(&self) -> String {
        self.app.config.notifications.site.clone()
    }
}
