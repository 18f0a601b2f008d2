//! Notifications: against a real server of Telegram's and a real mail server, with a clock that the test moves.

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

/// The chat of the shop.
const CHAT: &str = "-1001";
/// Another chat that is told.
const OTHER: &str = "77";

/// The shop after a restart, now with a bot that tells these chats.
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

/// The same, and told of orders, too.
fn with_orders_told(app: App, telegram: &Telegram, chats: &[&str]) -> App {
    with_bot(app, telegram, chats).restarted(|config| config.notifications.orders = true)
}

/// Somebody's clock, so many seconds ahead.
fn ahead(seconds: i64) -> impl Fn() -> Moment + Copy {
    let now = clock::now().utc().and_utc() + TimeDelta::seconds(seconds);
    move || clock::at(now)
}

/// What one server delivers, so many seconds from now.
async fn deliver(state: &AppState, channels: &Arc<Channels>, seconds: i64) -> usize {
    deliver_due(state, channels, ahead(seconds)).await.unwrap()
}

/// A minute and a second: what is gathered is gathered.
const GATHERED: i64 = 61;

/// State, attempts and last error of everything in the outbox.
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
    /// Adds a product with so many pieces, low below `minimum`.
    async fn adds_with_minimum(&self, name: &str, pieces: i64, minimum: i64) -> i64 {
        let draft = fields! { name: name, sell_price_rub: "100", min_stock: minimum };
        let add = move |tx: &mut crate::transaction::Tx<'_>| {
            crate::products::service::create(tx, "", &draft.with("quantity", pieces).read()?)
        };
        self.write(add).await.unwrap().id
    }
}
