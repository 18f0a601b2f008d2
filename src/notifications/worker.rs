//! The worker: delivers the notifications in the outbox until they have arrived or are given up.

use super::{
    Channel, access, button,
    mail::{Letter, Mail},
    message::{Markup, Writer},
    notice::Notice,
    outbox,
    queue::{self, Claim, Refusal},
    telegram::Telegram,
    upkeep,
};
use crate::{
    act::Shop,
    auth::{Actor, chats},
    clock,
    crypto::{keyed_hash, new_key},
    error::Error,
    moment::Moment,
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
const LOOK: Duration = Duration::from_secs(2);
/// Number of checks of the outbox between two attempts to get the name of the bot, until Telegram answers.
const GREET: u32 = 150;
/// Number of checks of the outbox between two deletions of old notifications.
const SWEEP: u32 = 1_800;
/// Time limit for finishing messages that are being sent when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Number of retries for recording the outcome of a delivery. If it is not recorded, the message is sent again.
const SETTLE_TRIES: u32 = 30;

/// Notified when there are new rows in the outbox.
static BELL: Notify = Notify::const_new();

/// Wakes the worker because there are new rows in the outbox.
pub fn ring() {
    BELL.notify_one();
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
    pub fn of(shop: &Shop) -> Result<Arc<Self>, String> {
        let config = &shop.config.notifications;
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
    pub fn start(shop: Shop, channels: Arc<Channels>) -> Self {
        let task = tokio::spawn(run(shop, channels.clone()));
        Self { channels, task }
    }

    /// Stops the worker once the messages that are being sent are finished, or after a time limit.
    pub async fn stop(self) {
        self.channels.is_stopping.store(true, Ordering::Relaxed);
        ring();
        if timeout(STOP_LIMIT, self.task).await.is_err() {
            tracing::warn!("stopped while a notification was still being sent");
        }
    }
}

async fn run(shop: Shop, channels: Arc<Channels>) {
    introduce(&shop).await;
    let mut is_greeted = greet(&shop, &channels).await;
    let mut lanes = Lanes::new();
    let mut looks: u32 = 0;
    while !channels.is_stopping.load(Ordering::Relaxed) {
        if let Err(error) = begin_due(&mut lanes, &shop, &channels, clock::now).await {
            tracing::warn!(%error, "could not read the outbox");
        }
        if looks.is_multiple_of(SWEEP)
            && let Err(error) = upkeep::forget_old(&shop, clock::now()).await
        {
            tracing::warn!(%error, "could not delete old notifications");
        }
        looks = looks.wrapping_add(1);
        if !is_greeted && looks.is_multiple_of(GREET) {
            is_greeted = greet(&shop, &channels).await;
        }
        let _ = timeout(LOOK, BELL.notified()).await;
    }
    join_all(lanes.into_values()).await;
}

/// Logs the settings once, and releases the claims of a previous run.
async fn introduce(shop: &Shop) {
    if let Err(error) = upkeep::take_back(shop).await {
        tracing::warn!(%error, "could not release claims of a previous run");
    }
    let config = &shop.config.notifications;
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
async fn greet(shop: &Shop, channels: &Channels) -> bool {
    let Some(telegram) = &channels.telegram else {
        return true;
    };
    let noted = match telegram.patient(GREETING_LIMIT).get_me().await {
        Ok(answer) => {
            let name = answer.result.username.unwrap_or_default();
            tracing::info!("connected to Telegram as @{name}");
            access::welcome(shop, Channel::Telegram, name, clock::now()).await
        }
        Err(Refusal::NoAccess(why)) => {
            tracing::error!(%why, "Telegram rejects TELEGRAM_BOT_TOKEN: no notifications are sent until it is corrected");
            access::refused(shop, Channel::Telegram, why, clock::now()).await
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

/// The running deliveries, by lane.
type Lanes = HashMap<String, JoinHandle<Result<usize, Error>>>;

/// Starts a delivery for every lane with waiting notifications, unless one is running. Lanes are independent: a slow
/// one does not hold up the others.
async fn begin_due(
    lanes: &mut Lanes,
    shop: &Shop,
    channels: &Arc<Channels>,
    now: impl Fn() -> Moment + Copy + Send + 'static,
) -> Result<(), Error> {
    // Recipients who are no longer configured are skipped.
    let recipients = outbox::recipients(&shop.config.notifications);
    let is_told = |channel: Channel, recipient: &str| {
        recipients
            .iter()
            .any(|(way, to)| *way == channel && to == recipient)
    };
    let waiting = queue::lanes(shop).await?;
    lanes.retain(|_, delivery| !delivery.is_finished());
    for (lane, channel, recipient) in waiting {
        if !lanes.contains_key(&lane) && is_told(channel, &recipient) {
            let (shop, channels, name) = (shop.clone(), channels.clone(), lane.clone());
            let delivery = tokio::spawn(async move {
                let sent = deliver_lane(&shop, &channels, &name, now).await;
                sent.inspect_err(
                    |error| tracing::warn!(%error, "could not deliver the notifications of a lane"),
                )
            });
            lanes.insert(lane, delivery);
        }
    }
    Ok(())
}

/// Delivers everything that is due. Returns the number of messages sent.
#[cfg(test)]
pub async fn deliver_due(
    shop: &Shop,
    channels: &Arc<Channels>,
    now: impl Fn() -> Moment + Copy + Send + 'static,
) -> Result<usize, Error> {
    let mut lanes = Lanes::new();
    begin_due(&mut lanes, shop, channels, now).await?;
    let sent = join_all(lanes.into_values()).await;
    sent.into_iter()
        .map(|sent| sent.unwrap_or(Err(Error::Internal)))
        .sum()
}

/// Delivers the messages of a lane in order, until none is due. Returns the number of messages sent.
async fn deliver_lane(
    shop: &Shop,
    channels: &Channels,
    lane: &str,
    now: impl Fn() -> Moment + Send,
) -> Result<usize, Error> {
    let mut sent = 0;
    while !channels.is_stopping.load(Ordering::Relaxed) {
        let Some(claim) = queue::claim(shop, lane, &channels.me, now()).await? else {
            break;
        };
        let outcome = deliver(shop, channels, &claim).await;
        match &outcome {
            Ok(()) => sent += 1,
            Err(refusal) => tracing::warn!(
                channel = %claim.channel,
                recipient = claim.recipient,
                why = refusal.why(),
                "could not deliver a notification"
            ),
        }
        settle(shop, &claim, &outcome, now()).await?;
    }
    Ok(sent)
}

async fn deliver(shop: &Shop, channels: &Channels, claim: &Claim) -> Result<(), Refusal> {
    let config = &shop.config.notifications;
    match (claim.channel, &channels.telegram, &channels.mail) {
        (Channel::Telegram, Some(telegram), _) => {
            let writer = Writer::new(config, Markup::Html);
            let mut text = writer.notice(&claim.notice);
            if claim.is_unsure {
                text = format!("{text}\n\n{}", writer.unsure());
            }
            let button = issue_button(shop, claim).await;
            telegram.send(&claim.recipient, &text, button).await
        }
        (Channel::Mail, _, Some(mail)) => {
            let writer = Writer::new(config, Markup::Plain);
            let subject = format!("Sirius: {}", writer.subject(&claim.notice));
            let text = writer.notice(&claim.notice);
            let contents =
                serde_json::json!([claim.ids, claim.since, claim.recipient, subject, text]);
            let secret = shop.config.secret_key.as_deref().unwrap_or_default();
            let letter = Letter {
                to: &claim.recipient,
                subject: &subject,
                text,
                id: format!("sirius-{}", keyed_hash(secret, &contents.to_string())),
                at: claim.since,
            };
            mail.send(letter).await
        }
        (Channel::Telegram, None, _) | (Channel::Mail, _, None) => {
            Err(Refusal::Never("the channel is off".to_owned()))
        }
    }
}

/// Returns the button for a new order, if the chat is linked to an account.
async fn issue_button(shop: &Shop, claim: &Claim) -> Option<InlineKeyboardMarkup> {
    let Notice::OrderCreated(order) = &claim.notice else {
        return None;
    };
    let chat: i64 = claim.recipient.parse().ok()?;
    let manager_in_admin = shop.config.manager_in_admin;
    let actor = shop
        .look(Actor::Nobody, move |tx| {
            chats::service::actor(tx, chat, manager_in_admin)
        })
        .await;
    let is_linked = actor.is_ok_and(|actor| actor != Actor::Nobody);
    let language = shop.config.notifications.language;
    is_linked.then(|| button::issue_button(order.id, language))
}

/// Records the outcome of an attempt, and retries if the database fails: a sent message must not be sent again.
async fn settle(
    shop: &Shop,
    claim: &Claim,
    outcome: &Result<(), Refusal>,
    now: Moment,
) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match queue::settle(shop, claim, outcome, now, rand::random()).await {
            Err(error) if tries < SETTLE_TRIES => {
                tracing::warn!(%error, "could not record the outcome of a delivery; will retry");
                tries += 1;
                sleep(Duration::from_secs(1)).await;
            }
            settled => return settled,
        }
    }
}
