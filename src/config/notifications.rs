//! The settings for notifications, which are checked at start with all others.

use super::wrong::{SettingErrors, flag};
use crate::i18n::Locale;
use lettre::message::Mailbox;
use std::{fmt, net::SocketAddr};
use url::Url;

/// The settings as given, unchecked.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// Language of the messages that Sirius sends: ru or en
    #[arg(long, env = "SHOP_LANGUAGE", default_value = "ru", global = true)]
    shop_language: String,
    /// The base URL of links in messages.
    #[arg(
        long,
        help = "Public address of Sirius, for links in messages, such as https://shop.example",
        env = "PUBLIC_URL",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    public_url: String,
    /// Token of the Telegram bot
    #[arg(
        long,
        env = "TELEGRAM_BOT_TOKEN",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true,
        global = true
    )]
    telegram_bot_token: String,
    /// Telegram chats to notify, separated by commas
    #[arg(
        long,
        env = "TELEGRAM_CHAT_ID",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true,
        global = true
    )]
    telegram_chat_id: String,
    /// Address of the Telegram Bot API
    #[arg(
        long,
        env = "TELEGRAM_API_URL",
        default_value = "https://api.telegram.org",
        global = true
    )]
    telegram_api_url: String,
    /// Also notify about orders that are created, issued or denied: true or false
    #[arg(long, env = "NOTIFY_ORDERS", default_value = "false", global = true)]
    notify_orders: String,
    /// The mail server.
    #[arg(
        long,
        help = "Mail server: smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST (STARTTLS; ?tls=none: no TLS)",
        env = "SMTP_URL",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true,
        global = true
    )]
    smtp_url: String,
    /// Address of the sender of mail
    #[arg(
        long,
        env = "MAIL_FROM",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    mail_from: String,
    /// Addresses of the recipients of mail, separated by commas
    #[arg(
        long,
        env = "MAIL_TO",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    mail_to: String,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The language of the messages.
    pub language: Locale,
    /// The base URL of every link, without a trailing slash.
    pub site: String,
    /// Whether to notify about orders, too.
    pub orders: bool,
    pub telegram: Option<Telegram>,
    pub mail: Option<Mail>,
}

#[cfg(test)]
impl Config {
    /// Returns settings for tests, without any notifications.
    pub fn of_tests() -> Self {
        Self {
            language: Locale::ru,
            site: "https://shop.example".to_owned(),
            orders: false,
            telegram: None,
            mail: None,
        }
    }
}

/// A bot, and the chats that it notifies.
#[derive(Clone, Debug)]
pub struct Telegram {
    pub token: Secret,
    /// Chat ids, or names of public channels such as `@shop`.
    pub chats: Vec<String>,
    /// Without a trailing slash.
    pub api_url: String,
}

/// A mail server, and the recipients of the mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The URL for the mail library, with the password.
    pub url: Secret,
    /// Host and port, for display.
    pub server: String,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
}

/// A text that must not appear in a log, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Settings {
    /// Checks the settings and notes what is wrong.
    pub fn check(self, wrong: &mut SettingErrors, site_addr: Option<SocketAddr>) -> Option<Config> {
        let language = wrong.take(
            "SHOP_LANGUAGE",
            self.shop_language.parse().map_err(|_| "must be ru or en"),
        );
        let site = wrong.take("PUBLIC_URL", site(&self.public_url, site_addr));
        let orders = wrong.take("NOTIFY_ORDERS", flag(&self.notify_orders));
        let api_url = wrong.take(
            "TELEGRAM_API_URL",
            http_url(&self.telegram_api_url)
                .map(|url| url.as_str().trim_end_matches('/').to_owned()),
        );
        let token = wrong.take("TELEGRAM_BOT_TOKEN", token(&self.telegram_bot_token));
        let chats = wrong.take("TELEGRAM_CHAT_ID", chats(&self.telegram_chat_id));
        let mail = mail(wrong, &self.smtp_url, &self.mail_from, &self.mail_to);
        let telegram = match (token?, chats?, api_url?) {
            (None, chats, _) if !chats.is_empty() => {
                wrong.note(
                    "TELEGRAM_BOT_TOKEN",
                    "must be set if TELEGRAM_CHAT_ID is set",
                );
                None
            }
            (None, ..) => None,
            (Some(token), chats, api_url) => Some(Telegram {
                token,
                chats,
                api_url,
            }),
        };
        Some(Config {
            language: language?,
            site: site?,
            orders: orders?,
            telegram,
            mail: mail?,
        })
    }
}

impl Config {
    /// Returns whether Telegram may call our webhook. It calls only public HTTPS addresses.
    pub fn is_public(&self) -> bool {
        self.site.starts_with("https://")
    }
}

fn site(public_url: &str, site_addr: Option<SocketAddr>) -> Result<String, &'static str> {
    if public_url.is_empty() {
        return Ok(site_addr.map_or_else(String::new, |address| format!("http://{address}")));
    }
    http_url(public_url).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

fn http_url(text: &str) -> Result<Url, &'static str> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or("must be an address such as https://shop.example")
}

fn token(text: &str) -> Result<Option<Secret>, &'static str> {
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
    match text {
        "" => Ok(None),
        token if token.chars().all(is_plain) => Ok(Some(Secret(token.to_owned()))),
        _ => Err("must be a token from @BotFather, such as 123456789:AAE…"),
    }
}

fn chats(text: &str) -> Result<Vec<String>, &'static str> {
    let is_chat = |chat: &str| {
        chat.parse::<i64>().is_ok() || chat.strip_prefix('@').is_some_and(|name| name.len() > 3)
    };
    let chats = list(text);
    match chats.iter().all(|chat| is_chat(chat)) {
        true => Ok(chats),
        false => Err("must be chat ids separated by commas, such as 123456789,-1001234567890"),
    }
}

/// Splits a list at its commas and drops duplicates.
fn list(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',').map(str::trim) {
        if !part.is_empty() && !parts.iter().any(|known| known == part) {
            parts.push(part.to_owned());
        }
    }
    parts
}

/// Returns `None` if a setting is wrong, and `Some(None)` if mail is not configured.
fn mail(wrong: &mut SettingErrors, url: &str, from: &str, to: &str) -> Option<Option<Mail>> {
    let given = [("SMTP_URL", url), ("MAIL_FROM", from), ("MAIL_TO", to)];
    let is_missing = |(_, value): &&(&str, &str)| value.trim().is_empty();
    if given.iter().all(|one| is_missing(&one)) {
        return Some(None);
    }
    for (name, _) in given.iter().filter(is_missing) {
        wrong.note(name, "must also be set for mail");
    }
    let mailbox = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|_| "must be an address such as shop@example.org")
    };
    let server = (!url.trim().is_empty()).then(|| wrong.take("SMTP_URL", smtp_url(url.trim())));
    let from = (!from.trim().is_empty()).then(|| wrong.take("MAIL_FROM", mailbox(from.trim())));
    let to: Result<Vec<_>, _> = list(to).iter().map(|one| mailbox(one)).collect();
    let to = wrong.take("MAIL_TO", to);
    let (url, server) = server??;
    Some(Some(Mail {
        url,
        server,
        from: from??,
        to: to?,
    }))
}

/// Returns the URL for the mail library, and the server for display. TLS is required unless the URL says `tls=none`.
fn smtp_url(text: &str) -> Result<(Secret, String), &'static str> {
    const FORM: &str = "must be smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST";
    let mut url = Url::parse(text).map_err(|_| FORM)?;
    let host = url.host_str().ok_or(FORM)?;
    let server = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let tls = url.query().map(str::to_owned);
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None) | ("smtp", Some("tls=required")) => {}
        ("smtp", None) => url.set_query(Some("tls=required")),
        ("smtp", Some("tls=none")) => url.set_query(None),
        _ => return Err(FORM),
    }
    lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(url.as_str())
        .map_err(|_| FORM)?;
    Ok((Secret(url.into()), server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        settings: Settings,
    }

    fn check(args: &[&str]) -> Result<Config, Vec<String>> {
        let line = CommandLine::try_parse_from([&["sirius"], args].concat()).unwrap();
        let mut errors = SettingErrors::default();
        let config = line
            .settings
            .check(&mut errors, Some(([127, 0, 0, 1], 3000).into()));
        config
            .filter(|_| errors.is_empty())
            .ok_or(errors.into_lines())
    }

    #[test]
    fn notifications_are_off_by_default() {
        let config = check(&[]).unwrap();
        assert!(config.telegram.is_none() && config.mail.is_none());
        assert_eq!(config.site, "http://127.0.0.1:3000");
    }

    #[test]
    fn chats_and_mail_addresses_are_comma_separated_lists() {
        let config = check(&[
            "--telegram-bot-token",
            "1:a_b-c",
            "--telegram-chat-id",
            "-100, 7,,@lavka,7",
            "--smtp-url",
            "smtp://shop:p%40ss@mail.example",
            "--mail-from",
            "Лавка <shop@example.org>",
            "--mail-to",
            "anna@example.org, boris@example.org",
            "--public-url",
            "https://shop.example/",
        ])
        .unwrap();
        let mail = config.mail.as_ref().unwrap().to.iter();
        let mail: Vec<_> = mail.map(|to| to.email.to_string()).collect();
        assert_eq!(
            config.telegram.as_ref().unwrap().chats,
            ["-100", "7", "@lavka"]
        );
        assert_eq!(mail, ["anna@example.org", "boris@example.org"]);
        assert_eq!(config.site, "https://shop.example");
        assert!(!format!("{config:?}").contains("p%40ss"));
        assert!(!format!("{config:?}").contains("1:a_b-c"));
    }

    #[test]
    fn mail_requires_tls_unless_tls_none_is_set() {
        let parse = |url: &str| smtp_url(url).map(|(url, _)| url.reveal().to_owned());
        assert_eq!(
            parse("smtp://mail.example").unwrap(),
            "smtp://mail.example?tls=required"
        );
        assert_eq!(
            parse("smtps://mail.example").unwrap(),
            "smtps://mail.example"
        );
        assert_eq!(
            parse("smtp://mail.example:25?tls=none").unwrap(),
            "smtp://mail.example:25"
        );
        assert!(parse("smtp://mail.example?tls=opportunistic").is_err());
        assert!(parse("https://mail.example").is_err());
    }

    #[test]
    fn all_wrong_settings_are_reported() {
        let result = check(&[
            "--shop-language",
            "de",
            "--public-url",
            "shop.example",
            "--telegram-chat-id",
            "me",
            "--telegram-api-url",
            "ftp://x",
            "--notify-orders",
            "perhaps",
            "--telegram-bot-token",
            "a b",
        ]);
        let errors = result.unwrap_err();
        for name in [
            "SHOP_LANGUAGE",
            "PUBLIC_URL",
            "TELEGRAM_CHAT_ID",
            "TELEGRAM_API_URL",
            "NOTIFY_ORDERS",
            "TELEGRAM_BOT_TOKEN",
        ] {
            assert!(errors.iter().any(|line| line.starts_with(name)), "{name}");
        }
        let errors = check(&["--mail-to", "anna"]).unwrap_err();
        assert_eq!(errors.len(), 3, "{errors:?}");
        let errors = check(&["--telegram-chat-id", "7"]).unwrap_err();
        assert!(errors[0].starts_with("TELEGRAM_BOT_TOKEN"), "{errors:?}");
    }
}
