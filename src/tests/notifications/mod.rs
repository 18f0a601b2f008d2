//! Notifications: delivered to local Telegram and mail servers, with a clock that the test controls.

mod delivery;
mod low_stock;
mod mail;
mod page;

use crate::testing::{telegram::Reply, telegram::TOKEN, telegram::Telegram};
use crate::tests::support::{App, Person, apply, on_both_databases};
use crate::{
    clock,
    config::notifications::{self as settings, Secret},
    moment::Moment,
    notifications::{
        State,
        worker::{Channels, deliver_due},
    },
    schema::notifications,
    transaction::AppState,
};
use chrono::TimeDelta;
use diesel::prelude::*;
use std::sync::Arc;

/// The chat that notifications go to.
const CHAT: &str = "-1001";
/// A second chat.
const OTHER_CHAT: &str = "77";

/// Returns the shop after a restart with a bot that notifies these chats.
fn with_bot(app: App, telegram: &Telegram, chats: &[&str]) -> App {
    with_token(app, telegram, TOKEN, chats)
}

fn with_token(app: App, telegram: &Telegram, token: &str, chats: &[&str]) -> App {
    let settings = settings::Telegram {
        token: Secret::new(token.to_owned()),
        chats: chats.iter().map(ToString::to_string).collect(),
        api_url: telegram.url.clone(),
    };
    app.restarted(|config| config.notifications.telegram = Some(settings))
}

/// Returns the same shop, with notifications about orders as well.
fn with_order_notifications(app: App, telegram: &Telegram, chats: &[&str]) -> App {
    with_bot(app, telegram, chats).restarted(|config| config.notifications.orders = true)
}

/// Returns a clock that stands still, this many seconds ahead of now.
fn clock_ahead(seconds: i64) -> impl Fn() -> Moment + Copy {
    let now = clock::now().utc().and_utc() + TimeDelta::seconds(seconds);
    move || clock::at(now)
}

/// Delivers what is due this many seconds from now, as one server, and returns the number of messages sent.
async fn deliver(state: &AppState, channels: &Arc<Channels>, seconds: i64) -> usize {
    deliver_due(state, channels, clock_ahead(seconds))
        .await
        .unwrap()
}

/// In seconds, just after the minute for which low-stock alerts are held back to be joined.
const AFTER_GATHER: i64 = 61;

/// Returns the state, attempts and last error of every notification in the outbox.
async fn outbox(app: &App) -> Vec<(State, i64, Option<String>)> {
    app.state
        .db
        .read(|conn| {
            notifications::table
                .order(notifications::id)
                .select((
                    notifications::state,
                    notifications::attempts,
                    notifications::last_error,
                ))
                .load(conn)
                .map_err(Into::into)
        })
        .await
        .unwrap()
}

impl Person {
    /// Adds a product with that many pieces and that minimum stock.
    async fn add_product_with_minimum(&self, name: &str, pieces: i64, minimum: i64) -> i64 {
        let draft = fields! { name: name, sell_price_rub: "100", min_stock: minimum };
        let add = move |tx: &mut crate::transaction::Tx<'_>| {
            crate::products::service::create(tx, "", &draft.with("quantity", pieces).read()?)
        };
        self.write(add).await.unwrap().id
    }
}
