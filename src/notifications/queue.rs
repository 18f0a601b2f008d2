//! Takes notifications from the outbox: finds those that are due, claims them for one server, and records the outcome.
//!
//! A queue is one topic for one recipient, such as the orders for one chat; its notifications are delivered in order. A
//! server claims the first waiting row of a queue by a conditional update that only one server wins. The claim on this
//! row is a claim on the whole queue.

use super::{
    Channel, Kind, State, access,
    notice::{LowStock, Notice, joined},
};
use crate::{
    codes::Code,
    db::{self, Conn},
    error::Error,
    moment::Moment,
    schema::{notifications, products},
    transaction::AppState,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::{collections::HashSet, time::Duration};

/// How long a claim is valid. This is longer than any attempt takes.
const LEASE: TimeDelta = TimeDelta::seconds(120);
/// The age at which a waiting notification is given up.
pub(super) const GIVE_UP: TimeDelta = TimeDelta::hours(super::GIVE_UP_HOURS);
/// The wait after the first failed attempt; each further failure doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(5);
/// The longest of these waits.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);
/// How long a channel is paused after it has rejected our token or password.
const NO_ACCESS_WAIT: TimeDelta = TimeDelta::minutes(15);
/// Largest number of rows that are combined into one message.
const JOINED: i64 = 500;
/// Name of the advisory lock that a server holds while it pauses a channel.
const PAUSE: &str = "notifications pause";
/// Notifications that this server has claimed, to be sent as one message.
#[derive(Debug)]
pub struct Claim {
    /// The rows, starting with the first one of the queue.
    pub ids: Vec<i64>,
    pub channel: Channel,
    pub recipient: String,
    pub notice: Notice,
    /// When the first row was written.
    pub since: Moment,
    /// Whether an earlier attempt may have arrived.
    pub is_unsure: bool,
    /// Number of attempts, including this one.
    attempts: i64,
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// A later attempt may succeed, but not before `after` has passed, if the other side asked for a wait.
    Later {
        why: String,
        after: Option<Duration>,
        /// There was no answer, so the message may have arrived.
        is_unsure: bool,
    },
    /// Our token or password is rejected. Nothing arrives until the settings change.
    NoAccess(String),
    /// This message can never be delivered.
    Never(String),
}

impl DeliveryError {
    /// Returns the reason in words.
    pub fn why(&self) -> &str {
        match self {
            Self::Later { why, .. } | Self::NoAccess(why) | Self::Never(why) => why,
        }
    }
}

/// Returns the queues with waiting notifications, each with its channel and recipient.
pub async fn queue_keys(app: &AppState) -> Result<Vec<(String, Channel, String)>, Error> {
    app.db
        .read(|conn| {
            let queue_keys = notifications::table
                .filter(notifications::state.eq(State::Waiting))
                .select((
                    notifications::queue_key,
                    notifications::channel,
                    notifications::recipient,
                ))
                .distinct()
                .load::<(String, Code<Channel>, String)>(conn)?;
            let known = queue_keys
                .into_iter()
                .filter_map(|(queue_key, channel, recipient)| {
                    Some((queue_key, channel.known()?, recipient))
                });
            Ok(known.collect())
        })
        .await
}

/// The first row of a queue: its id, when it is due, until when it is claimed, whether an earlier attempt may have
/// arrived, and the server that claimed it.
type Head = (
    i64,
    NaiveDateTime,
    Option<NaiveDateTime>,
    bool,
    Option<String>,
);

/// Claims the first message of a queue for the server `me`. Returns `None` if it is not due, or if another server holds
/// the queue.
pub async fn claim(
    app: &AppState,
    queue_key: &str,
    me: &str,
    now: Moment,
) -> Result<Option<Claim>, Error> {
    let (queue_key, me) = (queue_key.to_owned(), me.to_owned());
    app.db
        .write(move |conn| {
            give_up_old(conn, &queue_key, now)?;
            while let Some((head, is_unsure)) = claim_head(conn, &queue_key, &me, now)? {
                if let Some(claim) = gather(conn, &queue_key, &me, head, is_unsure, now)? {
                    return Ok(Some(claim));
                }
                // The first row was cancelled; the next one may be due.
            }
            Ok(None)
        })
        .await
}

/// Claims the first row of a queue, and with it the queue. Returns its id, and whether an earlier attempt may have
/// arrived.
fn claim_head(
    conn: &mut Conn,
    queue_key: &str,
    me: &str,
    now: Moment,
) -> Result<Option<(i64, bool)>, Error> {
    let head = waiting(queue_key)
        .filter(is_known_kind())
        .order(notifications::id)
        .select((
            notifications::id,
            notifications::due_at,
            notifications::claimed_until,
            notifications::is_unsure,
            notifications::claimed_by,
        ))
        .first::<Head>(conn)
        .optional()?;
    let Some((head, due, claimed_until, is_unsure, holder)) = head else {
        return Ok(None);
    };
    if due > now.utc() || claimed_until.is_some_and(|until| until > now.utc()) {
        return Ok(None);
    }
    let free = notifications::claimed_until
        .is_null()
        .or(notifications::claimed_until.le(now));
    let won = diesel::update(
        waiting(queue_key)
            .filter(notifications::id.eq(head))
            .filter(free),
    )
    .set((
        notifications::claimed_by.eq(me),
        notifications::claimed_until.eq(now.utc() + LEASE),
    ))
    .execute(conn)?;
    // If an earlier claim was never settled, the outcome of that attempt is unknown.
    Ok((won > 0).then_some((head, is_unsure || holder.is_some())))
}

#[derive(Queryable)]
struct Row {
    id: i64,
    kind: Kind,
    channel: Channel,
    recipient: String,
    notice: String,
    created_at: Moment,
    attempts: i64,
    is_unsure: bool,
    claimed_by: Option<String>,
}

/// Builds the message for a claimed row, combined with later rows of its queue where possible. Returns `None` if the
/// row no longer needs to be sent; it is then marked as cancelled.
///
/// A message that may have arrived before is repeated without changes and without new rows, so that a mailbox that has
/// it drops the repeat.
fn gather(
    conn: &mut Conn,
    queue_key: &str,
    me: &str,
    head: i64,
    is_unsure: bool,
    now: Moment,
) -> Result<Option<Claim>, Error> {
    let mut rows = waiting(queue_key)
        .filter(is_known_kind())
        .filter(notifications::id.ge(head))
        .order(notifications::id)
        .limit(JOINED)
        .select((
            notifications::id,
            notifications::kind,
            notifications::channel,
            notifications::recipient,
            notifications::notice,
            notifications::created_at,
            notifications::attempts,
            notifications::is_unsure,
            notifications::claimed_by,
        ))
        .load::<Row>(conn)?;
    rows.retain(|row| {
        let was_tried = row.is_unsure || row.claimed_by.is_some();
        row.id == head || row.kind == Kind::LowStock && was_tried == is_unsure
    });
    let mut told: Vec<(Row, Option<Notice>)> = rows
        .into_iter()
        .map(|row| {
            let notice = serde_json::from_str(&row.notice).ok();
            (row, notice)
        })
        .collect();
    if !is_unsure {
        drop_recovered(conn, &mut told, now)?;
        if told.first().is_none_or(|(row, _)| row.id != head) {
            return Ok(None);
        }
    }
    let ids: Vec<i64> = told.iter().map(|(row, _)| row.id).collect();
    diesel::update(notifications::table.filter(notifications::id.eq_any(ids.clone())))
        .set((
            notifications::claimed_by.eq(me),
            notifications::claimed_until.eq(now.utc() + LEASE),
            notifications::attempts.eq(notifications::attempts + 1),
            notifications::is_unsure.eq(is_unsure),
        ))
        .execute(conn)?;
    let (rows, notices): (Vec<Row>, Vec<Option<Notice>>) = told.into_iter().unzip();
    let notice = joined(notices.into_iter().flatten().collect());
    let (row, notice) = rows.into_iter().next().zip(notice).ok_or(Error::Internal)?;
    Ok(Some(Claim {
        ids,
        channel: row.channel,
        recipient: row.recipient,
        notice,
        since: row.created_at,
        is_unsure,
        attempts: row.attempts + 1,
    }))
}

/// Removes products that are no longer low, and cancels rows that have no products left. The other rows are updated, so
/// that a repeat has the same contents.
fn drop_recovered(
    conn: &mut Conn,
    told: &mut Vec<(Row, Option<Notice>)>,
    now: Moment,
) -> Result<(), Error> {
    let lows = told.iter().filter_map(|(_, notice)| match notice {
        Some(Notice::LowStock(low)) => Some(low),
        _ => None,
    });
    let ids: Vec<i64> = lows.flat_map(LowStock::ids).collect();
    let mut low = HashSet::new();
    for ids in ids.chunks(1_000) {
        low.extend(
            products::table
                .filter(products::id.eq_any(ids.to_vec()))
                .filter(products::is_low_stock.eq(true))
                .filter(products::archived_at.is_null())
                .select(products::id)
                .load::<i64>(conn)?,
        );
    }
    let mut over = Vec::new();
    for (row, notice) in told.iter_mut() {
        let Some(Notice::LowStock(known)) = notice else {
            continue;
        };
        let mut still = known.clone();
        still.keep(&low);
        if still.is_empty() {
            over.push(row.id);
        } else if still != *known {
            let still = Notice::LowStock(still);
            diesel::update(notifications::table.find(row.id))
                .set(notifications::notice.eq(serde_json::to_string(&still).unwrap_or_default()))
                .execute(conn)?;
            *notice = Some(still);
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    end(conn, &over, State::Cancelled, None, now)?;
    told.retain(|(row, _)| !over.contains(&row.id));
    Ok(())
}

/// Records the outcome of an attempt. `random` is between 0 and 1.
pub async fn settle(
    app: &AppState,
    claim: &Claim,
    outcome: &Result<(), DeliveryError>,
    now: Moment,
    random: f64,
) -> Result<(), Error> {
    let ids = claim.ids.clone();
    let (channel, outcome) = (claim.channel, outcome.clone());
    let wait = wait_after(claim.attempts, random);
    app.db
        .write(move |conn| match outcome {
            Ok(()) => {
                end(conn, &ids, State::Sent, None, now)?;
                access::record_access(conn, channel, None, now)
            }
            Err(DeliveryError::Never(why)) => end(conn, &ids, State::Failed, Some(&why), now),
            Err(DeliveryError::NoAccess(why)) => {
                db::lock_name(conn, PAUSE)?;
                retry_later(conn, &ids, now.utc() + NO_ACCESS_WAIT, &why, false)?;
                pause(conn, channel, now.utc() + NO_ACCESS_WAIT)?;
                access::record_access(conn, channel, Some(&why), now)
            }
            Err(DeliveryError::Later {
                why,
                after,
                is_unsure,
            }) => {
                if after.is_some() {
                    db::lock_name(conn, PAUSE)?;
                }
                let asked = after.and_then(|after| TimeDelta::from_std(after).ok());
                let until = now.utc() + asked.map_or(wait, |asked| asked.max(wait));
                retry_later(conn, &ids, until, &why, is_unsure)?;
                match asked {
                    // The wait applies to everything that is sent on this channel.
                    Some(asked) => pause(conn, channel, now.utc() + asked),
                    None => Ok(()),
                }
            }
        })
        .await
}

/// Returns the wait after so many attempts. It doubles each time, up to a limit, and varies at random by up to a fifth,
/// so that messages that failed together are not retried together.
fn wait_after(attempts: i64, random: f64) -> TimeDelta {
    let doublings = attempts.clamp(1, 16) - 1;
    let wait = (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value is between 800 and 1200"
    )]
    let thousandths = (800.0 + 400.0 * random.clamp(0.0, 1.0)) as i32;
    wait * thousandths / 1_000
}

/// The waiting rows of a queue.
#[diesel::dsl::auto_type(no_type_alias)]
fn waiting<'a>(queue_key: &'a str) -> _ {
    let state: State = State::Waiting;
    notifications::table
        .filter(notifications::queue_key.eq(queue_key))
        .filter(notifications::state.eq(state))
}

/// Whether this version knows the kind of a row. Rows of other kinds come from a newer version, and are left to it.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_known_kind() -> _ {
    let kinds: Vec<Kind> = Kind::ALL.to_vec();
    notifications::kind.eq_any(kinds)
}

/// Gives up the notifications of a queue that have waited too long and are not being sent at the moment.
pub(super) fn give_up_old(conn: &mut Conn, queue_key: &str, now: Moment) -> Result<(), Error> {
    let free = notifications::claimed_until
        .is_null()
        .or(notifications::claimed_until.le(now));
    diesel::update(
        waiting(queue_key)
            .filter(notifications::created_at.le(now.utc() - GIVE_UP))
            .filter(free),
    )
    .set((
        notifications::state.eq(State::Failed),
        notifications::ended_at.eq(now),
        notifications::claimed_by.eq(None::<String>),
        notifications::claimed_until.eq(None::<NaiveDateTime>),
    ))
    .execute(conn)?;
    Ok(())
}

fn end(
    conn: &mut Conn,
    ids: &[i64],
    state: State,
    error: Option<&str>,
    now: Moment,
) -> Result<(), Error> {
    diesel::update(notifications::table.filter(notifications::id.eq_any(ids.to_vec())))
        .set((
            notifications::state.eq(state),
            notifications::ended_at.eq(now),
            notifications::last_error.eq(error),
            notifications::claimed_by.eq(None::<String>),
            notifications::claimed_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    Ok(())
}

fn retry_later(
    conn: &mut Conn,
    ids: &[i64],
    until: NaiveDateTime,
    error: &str,
    is_unsure: bool,
) -> Result<(), Error> {
    diesel::update(notifications::table.filter(notifications::id.eq_any(ids.to_vec())))
        .set((
            notifications::due_at.eq(until),
            notifications::last_error.eq(error),
            notifications::claimed_by.eq(None::<String>),
            notifications::claimed_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    if is_unsure {
        diesel::update(notifications::table.filter(notifications::id.eq_any(ids.to_vec())))
            .set(notifications::is_unsure.eq(true))
            .execute(conn)?;
    }
    Ok(())
}

/// Postpones the waiting notifications of a channel: none is due before `until`.
fn pause(conn: &mut Conn, channel: Channel, until: NaiveDateTime) -> Result<(), Error> {
    diesel::update(
        notifications::table
            .filter(notifications::state.eq(State::Waiting))
            .filter(notifications::channel.eq(channel))
            .filter(notifications::due_at.lt(until)),
    )
    .set(notifications::due_at.eq(until))
    .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_previous_one_up_to_a_limit() {
        let waits: Vec<_> = (1..=9)
            .map(|attempts| wait_after(attempts, 0.5).num_seconds())
            .collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(wait_after(i64::MAX, 0.5), LONGEST_WAIT);
    }

    #[test]
    fn jitter_changes_a_wait_by_up_to_a_fifth() {
        assert_eq!(wait_after(1, 0.0).num_milliseconds(), 4_000);
        assert_eq!(wait_after(1, 1.0).num_milliseconds(), 6_000);
    }
}
