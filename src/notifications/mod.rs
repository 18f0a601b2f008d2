//! Notifications: messages about events in the shop, sent to people by Telegram and by mail.
//!
//! An operation records events. The outbox stores a notification about them in the same transaction. After the commit,
//! a worker delivers it, and retries until it has arrived or is given up.

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

/// Hours after which an undelivered notification is given up.
pub const GIVE_UP_HOURS: i64 = 48;

codes! {
    /// The service by which a notification is sent.
    pub enum Channel {
        Telegram = "telegram",
        Mail = "mail",
    }
}

impl Channel {
    /// Returns the name of the channel for people.
    pub fn label(self, locale: Locale) -> &'static str {
        match self {
            Self::Telegram => "Telegram",
            Self::Mail => td_string!(locale, notifications.mail),
        }
    }
}

codes! {
    /// The event that a notification is about.
    pub enum Kind {
        /// Products fell below their minimum.
        LowStock = "low_stock",
        OrderCreated = "order_created",
        OrderIssued = "order_issued",
        OrderDenied = "order_denied",
        /// A test of whether notifications arrive.
        Test = "test",
    }
}

codes! {
    /// The state of a notification.
    pub enum State labelled by notification_state {
        Waiting = "waiting" => waiting,
        Sent = "sent" => sent,
        /// Rejected for good, or given up.
        Failed = "failed" => failed,
        /// Not sent, because its products had recovered in the meantime.
        Cancelled = "cancelled" => cancelled,
    }
}

/// A notification to one recipient, as the admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: i64,
    pub kind: Code<Kind>,
    pub channel: Code<Channel>,
    /// A Telegram chat or an email address.
    pub recipient: String,
    /// A summary in one line.
    pub subject: String,
    pub state: Code<State>,
    /// Number of attempts started.
    pub attempts: i64,
    pub created_at: Moment,
    /// When the next attempt is due, while the notification is waiting.
    pub due_at: Moment,
    /// When it was sent, given up or cancelled.
    pub ended_at: Option<Moment>,
    pub last_error: Option<String>,
}

/// The notification settings, the channels that reject our credentials, and the number of waiting notifications.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overview {
    pub telegram: Option<TelegramFacts>,
    pub mail: Option<MailFacts>,
    /// Whether notifications about orders are on.
    pub orders: bool,
    pub language: Locale,
    /// The base URL of every link.
    pub site: String,
    pub refused: Vec<Refused>,
    pub waiting: i64,
    /// When the oldest waiting notification was created.
    pub oldest: Option<Moment>,
}

/// The bot and the chats that it notifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TelegramFacts {
    /// The name of the bot; `None` until Telegram has reported it.
    pub bot: Option<String>,
    pub chats: Vec<String>,
}

/// The mail server and the addresses that it notifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailFacts {
    pub server: String,
    pub from: String,
    pub to: Vec<String>,
}

/// A channel that rejects our token or password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    pub channel: Channel,
    pub since: Moment,
    /// The reason that the other side gave.
    pub why: String,
}

list_query! {
    /// The parameters of the list of notifications, as typed in the URL.
    pub struct Query {
        state: State { inline, example = "failed" },
    }
}
