//! Sends notifications by mail, over SMTP.

use super::queue::DeliveryError;
use crate::config::notifications as settings;
use crate::moment::Moment;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use std::{error::Error as _, fmt, io, time::Duration};

/// Time limit for sending one message.
const LIMIT: Duration = Duration::from_secs(60);
/// SMTP reply codes that reject our name and password (RFC 4954).
const NO_ACCESS: [u16; 4] = [530, 534, 535, 538];

/// A client for a mail server.
#[derive(Clone)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    from: Mailbox,
}

/// A message to be mailed.
pub struct Email<'a> {
    /// The email address of the recipient.
    pub to: &'a str,
    pub subject: &'a str,
    pub text: String,
    /// The local part of the `Message-ID`. A mailbox drops a message whose id it has seen, so every attempt to send the
    /// same contents has the same id, and no other message has it.
    pub id: String,
    /// When the event happened.
    pub at: Moment,
}

impl Mail {
    /// Creates a client with these settings, without connecting yet.
    pub fn new(settings: &settings::Mail) -> Result<Self, String> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.reveal())
            .map_err(|error| error_text(&error))?
            .timeout(Some(LIMIT))
            .build();
        Ok(Self {
            transport,
            server: settings.server.clone(),
            from: settings.from.clone(),
        })
    }

    /// Sends a message.
    pub async fn send(&self, letter: Email<'_>) -> Result<(), DeliveryError> {
        let never = |why: String| DeliveryError::Never(why);
        let to = letter
            .to
            .parse()
            .map_err(|_| never("no address".to_owned()))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .date(letter.at.utc().and_utc().into())
            .message_id(Some(format!(
                "<{}@{}>",
                letter.id,
                self.from.email.domain()
            )))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|error| never(error.to_string()))?;
        match tokio::time::timeout(LIMIT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(later("the mail server does not answer".to_owned(), true)),
        }
    }
}

/// Omits the password.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({})", self.server)
    }
}

fn refusal(error: &smtp::Error) -> DeliveryError {
    let why = error_text(error);
    let code = error.status().map(u16::from);
    match code {
        Some(code) if NO_ACCESS.contains(&code) => DeliveryError::NoAccess(why),
        Some(_) if error.is_permanent() => DeliveryError::Never(why),
        Some(_) => later(why, false),
        None => later(why, !was_not_connected(error)),
    }
}

/// Whether the server cannot have received the message, because there was no connection.
fn was_not_connected(error: &smtp::Error) -> bool {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_tls() || cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

const fn later(why: String, is_unsure: bool) -> DeliveryError {
    DeliveryError::Later {
        why,
        after: None,
        is_unsure,
    }
}

fn error_text(error: &smtp::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source().and_then(|error| error.source());
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
