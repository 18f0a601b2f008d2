//! The inbox of the bot: each update is taken once, by one server, whether it was polled or came through the webhook.

use crate::{
    crypto::new_key,
    db::{self, Conn},
    error::Error,
    moment::Moment,
    schema::{bot_pollers, bot_updates},
    transaction::AppState,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// How long an update is remembered. Telegram keeps updates for no longer than a day.
const KEPT: TimeDelta = TimeDelta::days(5);
/// How long a server holds the lease to poll for updates. This is longer than one poll takes.
const LEASE: TimeDelta = TimeDelta::seconds(90);

/// Takes an update. Returns `false` if it was taken before.
pub async fn take(app: &AppState, bot: i64, update: i64, now: Moment) -> Result<bool, Error> {
    app.db
        .write(move |conn| {
            db::lock_name(conn, "bot updates")?;
            let known = diesel::select(diesel::dsl::exists(bot_updates::table.find((bot, update))))
                .get_result::<bool>(conn)?;
            if known {
                return Ok(false);
            }
            diesel::delete(
                bot_updates::table.filter(bot_updates::received_at.lt(now.utc() - KEPT)),
            )
            .execute(conn)?;
            diesel::insert_into(bot_updates::table)
                .values((
                    bot_updates::bot_id.eq(bot),
                    bot_updates::update_id.eq(update),
                    bot_updates::received_at.eq(now),
                ))
                .execute(conn)?;
            Ok(true)
        })
        .await
}

/// Returns the id of the next update. `None` if nothing has come for days, because Telegram may then continue with any
/// id.
pub async fn next(app: &AppState, bot: i64, now: Moment) -> Result<Option<i64>, Error> {
    app.db
        .read(move |conn| {
            let last: Option<i64> = bot_updates::table
                .filter(bot_updates::bot_id.eq(bot))
                .filter(bot_updates::received_at.gt(now.utc() - KEPT))
                .select(diesel::dsl::max(bot_updates::update_id))
                .first(conn)?;
            Ok(last.map(|last| last + 1))
        })
        .await
}

/// Takes or renews the lease to poll Telegram for updates. Returns `false` if another server holds it.
pub async fn lease(app: &AppState, bot: i64, server: &str, now: Moment) -> Result<bool, Error> {
    let server = server.to_owned();
    app.db
        .write(move |conn| {
            db::lock_name(conn, "bot pollers")?;
            let free = bot_pollers::server
                .eq(&server)
                .or(bot_pollers::until.le(now));
            let until = now.utc() + LEASE;
            let renewed = diesel::update(bot_pollers::table.find(bot).filter(free))
                .set((
                    bot_pollers::server.eq(&server),
                    bot_pollers::until.eq(until),
                ))
                .execute(conn)?;
            if renewed > 0 {
                return Ok(true);
            }
            let taken = diesel::select(diesel::dsl::exists(bot_pollers::table.find(bot)))
                .get_result::<bool>(conn)?;
            if taken {
                return Ok(false);
            }
            diesel::insert_into(bot_pollers::table)
                .values((
                    bot_pollers::bot_id.eq(bot),
                    bot_pollers::server.eq(&server),
                    bot_pollers::until.eq(until),
                ))
                .execute(conn)?;
            Ok(true)
        })
        .await
}

/// Gives up the lease; on SQLite also one that a previous run of this server left.
pub async fn release(app: &AppState, bot: i64, server: &str) -> Result<(), Error> {
    let server = server.to_owned();
    app.db
        .write(move |conn| {
            let is_alone = matches!(conn, Conn::Sqlite(_));
            let mine = bot_pollers::table.find(bot);
            if is_alone {
                diesel::delete(mine).execute(conn)?;
            } else {
                diesel::delete(mine.filter(bot_pollers::server.eq(server))).execute(conn)?;
            }
            Ok(())
        })
        .await
}

/// Returns a name for this server among those that share a bot.
pub fn server_name() -> String {
    new_key()
}
