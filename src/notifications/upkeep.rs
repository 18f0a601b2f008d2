//! What keeps the queue in order: rows of servers that died, rows that are old, and how many wait.

use super::State;
use super::queue::{GIVE_UP, give_up_old};
use crate::{act::Shop, db::Conn, error::Error, moment::Moment, schema::notifications};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long notifications are kept after their end.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Frees what an earlier life of this server had claimed. Only SQLite knows that nobody else is alive.
pub async fn take_back(shop: &Shop) -> Result<(), Error> {
    shop.db
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

/// Forgets what ended long ago, and gives up what has waited too long, whoever it was for.
pub async fn forget_old(shop: &Shop, now: Moment) -> Result<(), Error> {
    shop.db
        .write(move |conn| {
            let old = now.utc() - KEPT;
            diesel::delete(notifications::table.filter(notifications::ended_at.lt(old)))
                .execute(conn)?;
            // Nobody comes to the lanes of those who are no longer told.
            let lanes: Vec<String> = notifications::table
                .filter(notifications::state.eq(State::Waiting))
                .filter(notifications::created_at.le(now.utc() - GIVE_UP))
                .select(notifications::lane)
                .distinct()
                .load(conn)?;
            lanes
                .iter()
                .try_for_each(|lane| give_up_old(conn, lane, now))
        })
        .await
}

/// How many wait, and how many were given up.
pub async fn load(shop: &Shop) -> Result<[(State, i64); 2], Error> {
    shop.db
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
