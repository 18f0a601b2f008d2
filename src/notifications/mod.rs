//! Notifications: what people are told without asking, by Telegram and by mail.
//!
//! An act notes what is to be told, the outbox keeps it in the transaction of the act, and a worker delivers it
//! after the commit, until it has arrived or is given up.

pub mod cause;
pub mod page;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod button;
#[cfg(feature = "ssr")]
pub mod mail;
#[cfg(feature = "ssr")]
pub mod message;
#[cfg(feature = "ssr")]
pub mod notice;
#[cfg(feature = "ssr")]
pub mod outbox;
#[cfg(feature = "ssr")]
pub mod queue;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod telegram;
#[cfg(feature = "ssr")]
pub mod upkeep;
#[cfg(feature = "ssr")]
pub mod worker;

use crate::{
    codes::{Code, codes},
    i18n::Locale,
    moment::Moment,
    page::list_query,
};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// Hours after which a notification that did not arrive is given up.
pub const GIVE_UP_HOURS: i64 = 48;

codes! {
    /// The way that a notification takes.
    pub enum Channel {
        Telegram = "telegram",
        Mail = "mail",
    }
}

impl Channel {
    /// Its name for people.
    pub fn label(self, l: Locale) -> &'static str {
        match self {
            Self::Telegram => "Telegram",
            Self::Mail => td_string!(l, notifications.mail),
        }
    }
}

codes! {
    /// What is told.
    pub enum Kind {
        /// Products fell below their minimum.
        LowStock = "low_stock",
        OrderCreated = "order_created",
        OrderIssued = "order_issued",
        OrderDenied = "order_denied",
        /// That notifications arrive.
        Test = "test",
    }
}

codes! {
    /// How far a notification has come.
    pub enum State labelled by notification_state {
        Waiting = "waiting" => waiting,
        Sent = "sent" => sent,
        /// It was refused for good, or given up.
        Failed = "failed" => failed,
        /// Before it was sent, what it would have told was over: the products are not low any more.
        Cancelled = "cancelled" => cancelled,
    }
}

/// A notification on its way to one recipient, as the admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: i64,
    pub kind: Code<Kind>,
    pub channel: Code<Channel>,
    /// A chat of Telegram, or an address of mail.
    pub recipient: String,
    /// What it is about, in words.
    pub subject: String,
    pub state: Code<State>,
    /// Attempts that were begun.
    pub attempts: i64,
    pub created_at: Moment,
    /// When it is tried next, while it waits.
    pub due_at: Moment,
    /// When it was sent, given up or cancelled.
    pub ended_at: Option<Moment>,
    pub last_error: Option<String>,
}

/// What is configured, whether it works, and how much waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overview {
    pub telegram: Option<TelegramFacts>,
    pub mail: Option<MailFacts>,
    /// Whether orders are told, too.
    pub orders: bool,
    pub language: Locale,
    /// The beginning of every link.
    pub site: String,
    pub refused: Vec<Refused>,
    pub waiting: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Moment>,
}

/// The bot, and whom it tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TelegramFacts {
    /// Its name; `None` while Telegram has not told it.
    pub bot: Option<String>,
    pub chats: Vec<String>,
}

/// The mail server, and whom it tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailFacts {
    pub server: String,
    pub from: String,
    pub to: Vec<String>,
}

/// A channel that does not take our token or password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    pub channel: Channel,
    pub since: Moment,
    /// What the other side said.
    pub why: String,
}

list_query! {
    /// What the list of notifications shows: the state of its URL, as it was typed.
    pub struct Query {
        state: State { inline, example = "failed" },
    }
}
