//! The worker: delivers the notifications in the outbox until they have arrived or are given up.

use super::{
    Channel, access, button,
    mail::{Email, Mail},
    message::{Markup, MessageWriter},
    notice::Notice,
    outbox,
    queue::{self, Claim, DeliveryError},
    telegram::Telegram,
    upkeep,
};
use crate::{
    auth::{Actor, chats},
    clock,
    crypto::{keyed_hash, new_key},
    error::Error,
    moment::Moment,
    transaction::AppState,
};
use frankenstein::{AsyncTelegramApi, types::InlineKeyboardMarkup};
use futures::future::join_all;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Time limit for asking Telegram for the name of the bot. Deliveries start only after that.
const GREETING_LIMIT: Duration = Duration::from_secs(10);
/// How often the outbox is checked if nothing wakes the worker.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Number of checks of the outbox between two attempts to get the name of the bot, until Telegram answers.
const IDENTIFY_EVERY: u32 = 150;
/// Number of checks of the outbox between two deletions of old notifications.
const CLEANUP_EVERY: u32 = 1_800;
/// Time limit for finishing messages that are being sent when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Number of retries for recording the outcome of a delivery. If it is not recorded, the message is sent again.
const SETTLE_TRIES: u32 = 30;

/// Notified when there are new rows in the outbox.
static WAKE: Notify = Notify::const_new();

/// Wakes the worker because there are new rows in the outbox.
pub fn wake() {
    WAKE.notify_one();
}

/// The channels of a server.
#[derive(Debug)]
pub struct Channels {
    pub telegram: Option<Telegram>,
    pub mail: Option<Mail>,
    /// Identifies this server among those that share the outbox.
    me: String,
    is_stopping: AtomicBool,
}

impl Channels {
    /// Creates the channels that the settings of the shop configure.
    pub fn of(app: &AppState) -> Result<Arc<Self>, String> {
        let config = &app.config.notifications;
        Ok(Arc::new(Self {
            telegram: config.telegram.as_ref().map(Telegram::new).transpose()?,
            mail: config.mail.as_ref().map(Mail::new).transpose()?,
            me: new_key(),
            is_stopping: AtomicBool::new(false),
        }))
    }
}

/// A running worker.
pub struct Worker {
    channels: Arc<Channels>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts delivering.
    pub fn start(app: AppState, channels: Arc<Channels>) -> Self {
        let task = tokio::spawn(run(app, channels.clone()));
        Self { channels, task }
    }

    /// Stops the worker once the messages that are being sent are finished, or after a time limit.
    pub async fn stop(self) {
        self.channels.is_stopping.store(true, Ordering::Relaxed);
        wake();
        if timeout(STOP_LIMIT, self.task).await.is_err() {
            tracing::warn!("stopped while a notification was still being sent");
        }
    }
}

async fn run(app: AppState, channels: Arc<Channels>) {
    log_settings(&app).await;
    let mut is_greeted = identify_bot(&app, &channels).await;
    let mut deliveries = Deliveries::new();
    let mut polls: u32 = 0;
    while !channels.is_stopping.load(Ordering::Relaxed) {
        if let Err(error) = begin_due(&mut deliveries, &app, &channels, clock::now).await {
            tracing::warn!(%error, "could not read the outbox");
        }
        if polls.is_multiple_of(CLEANUP_EVERY)
            && let Err(error) = upkeep::delete_old(&app, clock::now()).await
        {
            tracing::warn!(%error, "could not delete old notifications");
        }
        polls = polls.wrapping_add(1);
        if !is_greeted && polls.is_multiple_of(IDENTIFY_EVERY) {
            is_greeted = identify_bot(&app, &channels).await;
        }
        let _ = timeout(POLL_INTERVAL, WAKE.notified()).await;
    }
    join_all(deliveries.into_values()).await;
}

/// Logs the settings once, and releases the claims of a previous run.
async fn log_settings(app: &AppState) {
    if let Err(error) = upkeep::release_claims(app).await {
        tracing::warn!(%error, "could not release claims of a previous run");
    }
    let config = &app.config.notifications;
    match &config.mail {
        Some(mail) => tracing::info!("sending mail through {}", mail.server),
        None => tracing::info!("mail is off: set SMTP_URL, MAIL_FROM and MAIL_TO to turn it on"),
    }
    match &config.telegram {
        Some(telegram) if telegram.chats.is_empty() => {
            tracing::info!("Telegram notifies nobody: TELEGRAM_CHAT_ID is empty");
        }
        Some(telegram) => tracing::info!(chats = telegram.chats.len(), "Telegram is on"),
        None => {
            tracing::info!(
                "Telegram is off: set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID to turn it on"
            );
        }
    }
}

/// Asks Telegram for the name of the bot, and stores whether it accepts the token. Returns `false` if this must be
/// retried.
async fn identify_bot(app: &AppState, channels: &Channels) -> bool {
    let Some(telegram) = &channels.telegram else {
        return true;
    };
    let noted = match telegram.with_answer_limit(GREETING_LIMIT).get_me().await {
        Ok(answer) => {
            let name = answer.result.username.unwrap_or_default();
            tracing::info!("connected to Telegram as @{name}");
            access::record_accepted(app, Channel::Telegram, name, clock::now()).await
        }
        Err(DeliveryError::NoAccess(why)) => {
            tracing::error!(
                %why,
                "Telegram rejects TELEGRAM_BOT_TOKEN: no notifications are sent until it is corrected"
            );
            access::record_rejected(app, Channel::Telegram, why, clock::now()).await
        }
        Err(refusal) => {
            tracing::warn!(why = refusal.why(), "Telegram does not answer; will retry");
            return false;
        }
    };
    if let Err(error) = &noted {
        tracing::warn!(%error, "could not store whether Telegram accepts the token");
    }
    noted.is_ok()
}

/// The running deliveries, by queue.
type Deliveries = HashMap<String, JoinHandle<Result<usize, Error>>>;

/// Starts a delivery for every queue with waiting notifications, unless one is running. Queues are independent: a slow
/// one does not hold up the others.
async fn begin_due(
    deliveries: &mut Deliveries,
    app: &AppState,
    channels: &Arc<Channels>,
    now: impl Fn() -> Moment + Copy + Send + 'static,
) -> Result<(), Error> {
    // Recipients who are no longer configured are skipped.
    let recipients = outbox::recipients(&app.config.notifications);
    let is_recipient = |channel: Channel, recipient: &str| {
        recipients
            .iter()
            .any(|(way, to)| *way == channel && to == recipient)
    };
    let waiting = queue::queue_keys(app).await?;
    deliveries.retain(|_, delivery| !delivery.is_finished());
    for (queue_key, channel, recipient) in waiting {
        if !deliveries.contains_key(&queue_key) && is_recipient(channel, &recipient) {
            let (app, channels, name) = (app.clone(), channels.clone(), queue_key.clone());
            let delivery = tokio::spawn(async move {
                let sent = deliver_queue(&app, &channels, &name, now).await;
                sent.inspect_err(
                    |error| tracing::warn!(%error, "could not deliver the notifications of a queue"),
                )
            });
            deliveries.insert(queue_key, delivery);
        }
    }
    Ok(())
}

/// Delivers everything that is due. Returns the number of messages sent.
#[cfg(test)]
pub async fn deliver_due(
    app: &AppState,
    channels: &Arc<Channels>,
    now: impl Fn() -> Moment + Copy + Send + 'static,
) -> Result<usize, Error> {
    let mut deliveries = Deliveries::new();
    begin_due(&mut deliveries, app, channels, now).await?;
    let sent = join_all(deliveries.into_values()).await;
    sent.into_iter()
        .map(|sent| sent.unwrap_or(Err(Error::Internal)))
        .sum()
}

/// Delivers the messages of a queue in order, until none is due. Returns the number of messages sent.
async fn deliver_queue(
    app: &AppState,
    channels: &Channels,
    queue_key: &str,
    now: impl Fn() -> Moment + Send,
) -> Result<usize, Error> {
    let mut sent = 0;
    while !channels.is_stopping.load(Ordering::Relaxed) {
        let Some(claim) = queue::claim(app, queue_key, &channels.me, now()).await? else {
            break;
        };
        let outcome = deliver(app, channels, &claim).await;
        match &outcome {
            Ok(()) => sent += 1,
            Err(refusal) => tracing::warn!(
                channel = %claim.channel,
                recipient = claim.recipient,
                why = refusal.why(),
                "could not deliver a notification"
            ),
        }
        settle(app, &claim, &outcome, now()).await?;
    }
    Ok(sent)
}

async fn deliver(app: &AppState, channels: &Channels, claim: &Claim) -> Result<(), DeliveryError> {
    let config = &app.config.notifications;
    match (claim.channel, &channels.telegram, &channels.mail) {
        (Channel::Telegram, Some(telegram), _) => {
            let writer = MessageWriter::new(config, Markup::Html);
            let mut text = writer.notice(&claim.notice);
            if claim.is_unsure {
                text = format!("{text}\n\n{}", writer.unsure());
            }
            let button = issue_button(app, claim).await;
            telegram.send(&claim.recipient, &text, button).await
        }
        (Channel::Mail, _, Some(mail)) => {
            let writer = MessageWriter::new(config, Markup::Plain);
            let subject = writer.mail_subject(&claim.notice);
            let text = writer.notice(&claim.notice);
            let contents =
                serde_json::json!([claim.ids, claim.since, claim.recipient, subject, text]);
            let secret = app.config.loaded_secret();
            let letter = Email {
                to: &claim.recipient,
                subject: &subject,
                text,
                id: format!("sirius-{}", keyed_hash(secret, &contents.to_string())),
                at: claim.since,
            };
            mail.send(letter).await
        }
        (Channel::Telegram, None, _) | (Channel::Mail, _, None) => {
            Err(DeliveryError::Never("the channel is off".to_owned()))
        }
    }
}

/// Returns the button for a new order, if the chat is linked to an account.
async fn issue_button(app: &AppState, claim: &Claim) -> Option<InlineKeyboardMarkup> {
    let Notice::OrderCreated(order) = &claim.notice else {
        return None;
    };
    let chat: i64 = claim.recipient.parse().ok()?;
    let config = app.config.clone();
    let actor = app
        .read(Actor::Nobody, move |tx| {
            chats::service::actor(tx, chat, &config)
        })
        .await;
    let is_linked = actor.is_ok_and(|actor| actor != Actor::Nobody);
    let language = app.config.notifications.language;
    is_linked.then(|| button::issue_button(order.id, language))
}

/// Records the outcome of an attempt, and retries if the database fails: a sent message must not be sent again.
async fn settle(
    app: &AppState,
    claim: &Claim,
    outcome: &Result<(), DeliveryError>,
    now: Moment,
) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match queue::settle(app, claim, outcome, now, rand::random()).await {
            Err(error) if tries < SETTLE_TRIES => {
                tracing::warn!(%error, "could not record the outcome of a delivery; will retry");
                tries += 1;
                sleep(Duration::from_secs(1)).await;
            }
            settled => return settled,
        }
    }
}
