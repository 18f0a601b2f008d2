//! Whether a channel accepts our credentials. This is stored for the admin's page, and for notifications that wait
//! until it does.

use super::{Channel, State};
use crate::{
    db::Conn,
    error::Error,
    moment::Moment,
    schema::{notification_channels as channels, notifications},
    transaction::AppState,
};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Stores that a channel accepts our credentials, and the name by which it knows us. If it rejected them before,
/// waiting notifications that were already tried become due at once.
pub async fn record_accepted(
    app: &AppState,
    channel: Channel,
    name: String,
    now: Moment,
) -> Result<(), Error> {
    app.db
        .write(move |conn| {
            let was_refused = channels::table
                .find(channel)
                .filter(channels::refused_at.is_not_null())
                .select(channels::channel)
                .first::<Channel>(conn)
                .optional()?
                .is_some();
            if was_refused {
                diesel::update(
                    notifications::table
                        .filter(notifications::state.eq(State::Waiting))
                        .filter(notifications::channel.eq(channel))
                        .filter(notifications::attempts.gt(0)),
                )
                .set(notifications::due_at.eq(now))
                .execute(conn)?;
            }
            record_access(conn, channel, None, now)?;
            let named = diesel::update(channels::table.find(channel))
                .set(channels::name.eq(&name))
                .execute(conn)?;
            if named == 0 {
                diesel::insert_into(channels::table)
                    .values((channels::channel.eq(channel), channels::name.eq(&name)))
                    .execute(conn)?;
            }
            Ok(())
        })
        .await
}

/// Returns the name of the bot, if Telegram has reported it.
pub fn bot_name(conn: &mut Conn) -> Result<Option<String>, Error> {
    let name = channels::table
        .find(Channel::Telegram)
        .select(channels::name)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok(name.flatten())
}

/// Stores that a channel rejects our credentials.
pub async fn record_rejected(
    app: &AppState,
    channel: Channel,
    why: String,
    now: Moment,
) -> Result<(), Error> {
    app.db
        .write(move |conn| record_access(conn, channel, Some(&why), now))
        .await
}

/// Stores whether a channel rejects our credentials, and since when.
pub fn record_access(
    conn: &mut Conn,
    channel: Channel,
    refusal: Option<&str>,
    now: Moment,
) -> Result<(), Error> {
    let Some(why) = refusal else {
        diesel::update(
            channels::table
                .find(channel)
                .filter(channels::refused_at.is_not_null()),
        )
        .set((
            channels::refused_at.eq(None::<NaiveDateTime>),
            channels::error.eq(None::<String>),
        ))
        .execute(conn)?;
        return Ok(());
    };
    let known = channels::table
        .find(channel)
        .select(channels::refused_at)
        .first::<Option<NaiveDateTime>>(conn)
        .optional()?;
    match known {
        None => {
            diesel::insert_into(channels::table)
                .values((
                    channels::channel.eq(channel),
                    channels::refused_at.eq(now),
                    channels::error.eq(why),
                ))
                .execute(conn)?;
        }
        Some(since) => {
            diesel::update(channels::table.find(channel))
                .set((
                    channels::refused_at.eq(since.unwrap_or(now.utc())),
                    channels::error.eq(why),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}
