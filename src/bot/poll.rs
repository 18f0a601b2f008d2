//! Gets updates from Telegram: by long polling, one server at a time, or by registering the webhook.

use super::{answers::Command, conversation::Bot, inbox, webhook};
use crate::{clock, error::Error, notifications::queue::DeliveryError};
use frankenstein::{
    AsyncTelegramApi,
    methods::{DeleteWebhookParams, GetUpdatesParams, SetMyCommandsParams, SetWebhookParams},
    response::MethodResponse,
    types::{AllowedUpdate, BotCommand},
};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// How long Telegram keeps a poll open while nothing happens, in seconds.
const POLL_SECONDS: u32 = 50;
/// Time limit for a whole poll.
const POLL_LIMIT: Duration = Duration::from_secs(70);
/// The wait after a poll that ended without updates in less than this time.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The wait before a retry. While the bot cannot be set up, it doubles each time.
const WAIT: Duration = Duration::from_secs(5);
/// The longest wait before a retry.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The wait after Telegram has rejected the token.
const NO_ACCESS_WAIT: Duration = Duration::from_secs(900);

/// A task that gets updates in the background, until it is stopped.
pub struct UpdatePoller {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl UpdatePoller {
    /// Starts the task.
    pub fn start(bot: Bot) -> Self {
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(listen(bot, stopped));
        Self { stop, task }
    }

    /// Stops the task after the current update has been answered, or after ten seconds.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(Duration::from_secs(10), self.task).await;
    }
}

async fn listen(bot: Bot, mut stopped: watch::Receiver<()>) {
    let server = inbox::server_name();
    tokio::select! {
        () = set_up(&bot) => {}
        _ = stopped.changed() => return,
    }
    if bot.app.config.notifications.is_public() {
        return;
    }
    // A previous run may have left a lease. On SQLite, no other server can hold it.
    if bot.is_only_server() {
        let _ = inbox::release(&bot.app, bot.telegram.id(), &server).await;
    }
    loop {
        let updates = tokio::select! {
            updates = poll(&bot, &server) => updates,
            _ = stopped.changed() => break,
        };
        for update in updates {
            // After an error, the next poll returns the update again.
            if let Err(error) = bot.take(update).await {
                tracing::warn!(%error, "could not answer an update of the bot; will retry");
                break;
            }
        }
    }
    let _ = inbox::release(&bot.app, bot.telegram.id(), &server).await;
}

/// Tells Telegram how to deliver updates, and which commands there are. Retries until it succeeds.
async fn set_up(bot: &Bot) {
    let mut wait = WAIT;
    loop {
        match register(bot).await {
            Ok(()) => return,
            Err(DeliveryError::NoAccess(_)) => sleep(NO_ACCESS_WAIT).await,
            Err(refusal) => {
                tracing::warn!(why = refusal.why(), "could not set up the bot; will retry");
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

async fn register(bot: &Bot) -> Result<(), DeliveryError> {
    let config = &bot.app.config.notifications;
    let updates = vec![AllowedUpdate::Message, AllowedUpdate::CallbackQuery];
    if config.is_public() {
        let hook = SetWebhookParams::builder()
            .url(format!("{}{}", config.site, webhook::PATH))
            .secret_token(webhook::secret(config))
            .allowed_updates(updates)
            .build();
        let _: Value = bot.telegram.request("setWebhook", Some(hook)).await?;
        tracing::info!("Telegram sends updates to {}{}", config.site, webhook::PATH);
    } else {
        let none = DeleteWebhookParams::builder().build();
        let _: Value = bot.telegram.request("deleteWebhook", Some(none)).await?;
    }
    let commands = Command::menu(config.language).map(|(name, words)| {
        BotCommand::builder()
            .command(name)
            .description(words)
            .build()
    });
    let menu = SetMyCommandsParams::builder()
        .commands(commands.to_vec())
        .build();
    let _: Value = bot.telegram.request("setMyCommands", Some(menu)).await?;
    Ok(())
}

/// Returns the next updates; none if nothing happened, or if another server polls.
async fn poll(bot: &Bot, server: &str) -> Vec<Value> {
    match get_updates(bot, server).await {
        Ok(Some(updates)) => updates,
        Ok(None) => {
            sleep(WAIT).await;
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, "could not poll for updates of the bot");
            sleep(WAIT).await;
            Vec::new()
        }
    }
}

async fn get_updates(bot: &Bot, server: &str) -> Result<Option<Vec<Value>>, Error> {
    let id = bot.telegram.id();
    if !inbox::lease(&bot.app, id, server, clock::now()).await? {
        return Ok(None);
    }
    let question = GetUpdatesParams::builder()
        .maybe_offset(inbox::next(&bot.app, id, clock::now()).await?)
        .timeout(POLL_SECONDS)
        .allowed_updates(vec![AllowedUpdate::Message, AllowedUpdate::CallbackQuery])
        .build();
    let telegram = bot.telegram.with_answer_limit(POLL_LIMIT);
    let asked = Instant::now();
    let answer: Result<MethodResponse<Vec<Value>>, _> =
        telegram.request("getUpdates", Some(question)).await;
    match answer {
        Ok(answer) => {
            // A server that does not keep the poll open would be polled in a busy loop.
            if answer.result.is_empty() && asked.elapsed() < MIN_POLL_INTERVAL {
                sleep(MIN_POLL_INTERVAL).await;
            }
            Ok(Some(answer.result))
        }
        Err(refusal) => {
            let wait = match &refusal {
                DeliveryError::NoAccess(_) => NO_ACCESS_WAIT,
                DeliveryError::Later { after, .. } => after.unwrap_or(WAIT * 6).max(WAIT),
                DeliveryError::Never(_) => LONGEST_WAIT,
            };
            tracing::warn!(
                why = refusal.why(),
                "could not get updates of the bot from Telegram"
            );
            sleep(wait).await;
            Ok(Some(Vec::new()))
        }
    }
}
