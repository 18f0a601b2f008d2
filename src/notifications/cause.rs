//! Why a notification did not arrive: turns an error of Telegram or the mail server into advice for the admin.

use super::Channel;
use crate::codes::Code;
use crate::i18n::Locale;
use leptos::prelude::*;
use leptos_i18n::td_string;

/// The cause behind an error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    TelegramAway,
    /// Telegram rejects the token.
    WrongToken,
    NoChat,
    /// The chat has a new id.
    ChatMoved,
    /// The bot was blocked, or removed from the chat.
    BotBlocked,
    TelegramBusy,
    MailAway,
    /// The mail server rejects our name and password.
    MailSignIn,
    MailRecipient,
    MailBusy,
}

impl Cause {
    /// Returns the cause of an error on a channel, or `None` if it is unknown.
    pub fn of(channel: Channel, said: &str) -> Option<Self> {
        match channel {
            Channel::Telegram => Self::of_telegram(said),
            Channel::Mail => Self::of_mail(said),
        }
    }

    /// Parses an error as `telegram.rs` formats it: `403: Forbidden: …`. Without a status code there was no answer.
    fn of_telegram(said: &str) -> Option<Self> {
        let code = said
            .split_once(':')
            .and_then(|(code, _)| code.parse::<u16>().ok());
        match code {
            None | Some(500..) => Some(Self::TelegramAway),
            Some(401 | 404) => Some(Self::WrongToken),
            Some(403) => Some(Self::BotBlocked),
            Some(429) => Some(Self::TelegramBusy),
            Some(400) if said.contains("chat not found") => Some(Self::NoChat),
            Some(400) if said.contains("TELEGRAM_CHAT_ID") => Some(Self::ChatMoved),
            Some(0..500) => None,
        }
    }

    /// Parses an error as `mail.rs` formats it: `permanent error (550): …`. Without a reply code there was no answer.
    fn of_mail(said: &str) -> Option<Self> {
        let code = said
            .split_once("error (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .and_then(|(code, _)| code.parse::<u16>().ok());
        match code {
            None if said == "no address" => Some(Self::MailRecipient),
            None => Some(Self::MailAway),
            Some(530 | 534 | 535 | 538) => Some(Self::MailSignIn),
            Some(550 | 551 | 553) => Some(Self::MailRecipient),
            Some(400..500) => Some(Self::MailBusy),
            Some(_) => None,
        }
    }

    fn message(self, locale: Locale) -> &'static str {
        match self {
            Self::TelegramAway => td_string!(locale, cause.telegram_away),
            Self::WrongToken => td_string!(locale, cause.wrong_token),
            Self::NoChat => td_string!(locale, cause.no_chat),
            Self::ChatMoved => td_string!(locale, cause.chat_moved),
            Self::BotBlocked => td_string!(locale, cause.bot_shut_out),
            Self::TelegramBusy => td_string!(locale, cause.telegram_busy),
            Self::MailAway => td_string!(locale, cause.mail_away),
            Self::MailSignIn => td_string!(locale, cause.mail_sign_in),
            Self::MailRecipient => td_string!(locale, cause.mail_recipient),
            Self::MailBusy => td_string!(locale, cause.mail_busy),
        }
    }
}

/// The cause of an error and what to do about it, followed by the original message in small print.
#[component]
pub fn Said(#[prop(into)] channel: Code<Channel>, said: String) -> impl IntoView {
    let locale = crate::ui::locale();
    let cause = channel
        .known()
        .and_then(|channel| Cause::of(channel, &said));
    view! {
        {cause.map(|cause| view! { <span class="block">{cause.message(locale)}</span> })}
        <span class="block text-sm opacity-80" lang="en">
            {said}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_are_mapped_to_causes() {
        use Channel::{Mail, Telegram};
        for (channel, error, cause) in [
            (
                Telegram,
                "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)",
                Some(Cause::TelegramAway),
            ),
            (Telegram, "502: Bad Gateway", Some(Cause::TelegramAway)),
            (Telegram, "401: Unauthorized", Some(Cause::WrongToken)),
            (Telegram, "404: Not Found", Some(Cause::WrongToken)),
            (
                Telegram,
                "400: Bad Request: chat not found",
                Some(Cause::NoChat),
            ),
            (
                Telegram,
                "400: Bad Request: group chat was upgraded to a supergroup chat; put -1001 into TELEGRAM_CHAT_ID",
                Some(Cause::ChatMoved),
            ),
            (Telegram, "400: Bad Request: message is too long", None),
            (
                Telegram,
                "403: Forbidden: bot was blocked by the user",
                Some(Cause::BotBlocked),
            ),
            (
                Telegram,
                "429: Too Many Requests: retry after 7",
                Some(Cause::TelegramBusy),
            ),
            (
                Mail,
                "Connection error: Connection refused (os error 111)",
                Some(Cause::MailAway),
            ),
            (
                Mail,
                "the mail server does not answer",
                Some(Cause::MailAway),
            ),
            (
                Mail,
                "permanent error (535): 5.7.8 Authentication failed",
                Some(Cause::MailSignIn),
            ),
            (
                Mail,
                "permanent error (550): 5.1.1 No such user",
                Some(Cause::MailRecipient),
            ),
            (
                Mail,
                "transient error (451): 4.7.1 Try again later",
                Some(Cause::MailBusy),
            ),
            (Mail, "permanent error (552): 5.2.2 Mailbox full", None),
        ] {
            assert_eq!(Cause::of(channel, error), cause, "{error}");
        }
    }
}
