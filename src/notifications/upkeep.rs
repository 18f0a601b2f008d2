//! Maintenance of the outbox: claims of servers that crashed, old rows, and counts for the metrics.

use super::State;
use super::queue::{GIVE_UP, give_up_old};
use crate::{db::Conn, error::Error, moment::Moment, schema::notifications, transaction::AppState};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long notifications are kept after they were sent, given up or cancelled.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Releases the claims of a previous run of this server. Does so only on SQLite, where no other server can be running.
pub async fn release_claims(app: &AppState) -> Result<(), Error> {
    app.db
        .write(|conn| {
            if let Conn::Sqlite(_) = conn {
                diesel::update(
                    notifications::table
                        .filter(notifications::state.eq(State::Waiting))
                        .filter(notifications::claimed_by.is_not_null()),
                )
                .set((
                    notifications::is_unsure.eq(true),
                    notifications::claimed_by.eq(None::<String>),
                    notifications::claimed_until.eq(None::<NaiveDateTime>),
                ))
                .execute(conn)?;
            }
            Ok(())
        })
        .await
}

/// Deletes notifications that ended long ago, and gives up those that have waited too long, whatever their recipient.
pub async fn delete_old(app: &AppState, now: Moment) -> Result<(), Error> {
    app.db
        .write(move |conn| {
            let old = now.utc() - KEPT;
            diesel::delete(notifications::table.filter(notifications::ended_at.lt(old)))
                .execute(conn)?;
            // The worker skips the queues of recipients who are no longer configured.
            let queue_keys: Vec<String> = notifications::table
                .filter(notifications::state.eq(State::Waiting))
                .filter(notifications::created_at.le(now.utc() - GIVE_UP))
                .select(notifications::queue_key)
                .distinct()
                .load(conn)?;
            queue_keys
                .iter()
                .try_for_each(|queue_key| give_up_old(conn, queue_key, now))
        })
        .await
}

/// Returns the number of waiting and of failed notifications.
pub async fn counts(app: &AppState) -> Result<[(State, i64); 2], Error> {
    app.db
        .read(|conn| {
            let mut count = |state: State| {
                notifications::table
                    .filter(notifications::state.eq(state))
                    .count()
                    .get_result::<i64>(conn)
                    .map(|count| (state, count))
            };
            Ok([count(State::Waiting)?, count(State::Failed)?])
        })
        .await
}
