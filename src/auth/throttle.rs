//! The rate limiter for password attempts and registrations.
//!
//! An attempt is counted before the password is checked, in the database, so that all servers share the counts. The
//! first few attempts are free; after that, each failure doubles the wait before the next attempt, up to a maximum.
//!
//! An attempt counts against the named account, whether it exists or not, and against the client address. Attempts from
//! a browser that is known for the account have their own count, one for each browser, so that nobody else can make its
//! owner wait.
//!
//! The same table counts what the operation log records at most once in a while ([`count_until`]).

use super::client_origin::ClientOrigin;
use crate::{
    auth::Actor,
    crypto::sha256,
    db::{self, Conn},
    error::Error,
    moment::Moment,
    schema::throttles,
    text::fold,
    transaction::{AppState, Tx},
    web::client_info::network,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::net::IpAddr;

/// The number of free attempts and the maximum wait.
#[derive(Clone, Copy, Debug)]
struct Limit {
    free: i64,
    longest: TimeDelta,
}

const ACCOUNT: Limit = Limit {
    free: 5,
    longest: TimeDelta::minutes(5),
};
/// For a known browser: presumably the owner, who does not remember the password. It may also be that of somebody who
/// signed in there before, so that it is limited like any other after that.
const KNOWN: Limit = Limit {
    free: 10,
    longest: TimeDelta::minutes(15),
};
/// Higher, because a whole shop may share one address.
const ADDRESS: Limit = Limit {
    free: 30,
    longest: TimeDelta::minutes(15),
};
const REGISTRATION: Limit = Limit {
    free: 100,
    longest: TimeDelta::minutes(15),
};
/// The first wait; each later wait is twice as long.
const FIRST: TimeDelta = TimeDelta::seconds(2);
/// A count is reset after this long without an attempt.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// An attempt, with the keys and limits that it counts against.
#[derive(Clone, Debug)]
pub struct LoginAttempt(Vec<(String, Limit)>);

impl LoginAttempt {
    /// An attempt to sign in.
    pub fn sign_in(username: &str, place: &ClientOrigin) -> Self {
        // Hashed, because it may be a password typed into the wrong field.
        let account = sha256(&fold(username));
        if place.known.has(username) {
            let browser = place.known.id();
            return Self(vec![(format!("known/{account}/{browser}"), KNOWN)]);
        }
        let mut counts = vec![(format!("account/{account}"), ACCOUNT)];
        counts.extend(of_address("address", place, ADDRESS));
        Self(counts)
    }

    /// An attempt to register.
    pub fn registration(place: &ClientOrigin) -> Self {
        Self(
            of_address("registration", place, REGISTRATION)
                .into_iter()
                .collect(),
        )
    }

    /// An attempt to enter the setup code. Clients without a known address share a count; they can still register the
    /// first account from the machine itself.
    pub fn setup(place: &ClientOrigin) -> Self {
        let address = address(place).map_or_else(String::new, |address| address.to_string());
        Self(vec![(format!("setup/{address}"), ACCOUNT)])
    }

    /// An attempt to confirm an operation with one's own password.
    pub fn password(username: &str) -> Self {
        Self(vec![(
            format!("password/{}", sha256(&fold(username))),
            ACCOUNT,
        )])
    }

    /// An attempt to enter the code of a second factor. Only people who know the password get that far, so nobody else
    /// can make the owner wait. In a known browser, the failures of others at the same address do not either.
    pub fn code(username: &str, place: &ClientOrigin) -> Self {
        let mut counts = vec![(format!("code/{}", sha256(&fold(username))), ACCOUNT)];
        if !place.known.has(username) {
            counts.extend(of_address("address", place, ADDRESS));
        }
        Self(counts)
    }

    /// Counts the attempt, or refuses it without counting it if the caller must wait.
    pub async fn begin(&self, app: &AppState) -> Result<(), Error> {
        let asked = self.clone();
        // This read stops most of a flood, without any write.
        app.read(Actor::Nobody, move |tx| asked.refuse_early(tx.conn, tx.now))
            .await?;
        let asked = self.clone();
        app.write(Actor::Nobody, move |tx| asked.count(tx)).await
    }

    /// Takes back a successful attempt: resets the count of the account, and subtracts one from that of the address.
    pub fn reset(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (key, _) in &self.0 {
            if key.starts_with("address/") {
                decrement(tx.conn, key)?;
            } else {
                diesel::delete(throttles::table.find(key)).execute(tx.conn)?;
            }
        }
        Ok(())
    }

    /// Takes back an attempt whose password was not checked.
    fn take_back(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.0
            .iter()
            .try_for_each(|(key, _)| decrement(tx.conn, key))
    }

    /// Runs the password work of the attempt. If it fails, because the queue is full or a fault occurs, the attempt
    /// does not count.
    pub async fn counted<T>(
        &self,
        app: &AppState,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let done = work.await;
        if done.is_err() {
            let attempt = self.clone();
            app.write(Actor::Nobody, move |tx| attempt.take_back(tx))
                .await?;
        }
        done
    }

    fn count(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (key, _) in &self.0 {
            db::lock_name(tx.conn, key)?;
        }
        self.refuse_early(tx.conn, tx.now)?;
        for (key, _) in &self.0 {
            let tries = fresh(tx.conn, key, tx.now)?.map_or(0, |(tries, _)| tries);
            let counted = (
                throttles::tries.eq(tries + 1),
                throttles::tried_at.eq(tx.now),
            );
            let updated = diesel::update(throttles::table.find(key))
                .set(counted)
                .execute(tx.conn)?;
            if updated == 0 {
                diesel::insert_into(throttles::table)
                    .values((throttles::key.eq(key), counted))
                    .execute(tx.conn)?;
            }
        }
        Ok(())
    }

    fn refuse_early(&self, conn: &mut Conn, now: Moment) -> Result<(), Error> {
        let mut longest = None;
        for (key, limit) in &self.0 {
            let wait = fresh(conn, key, now)?.and_then(|(tries, at)| limit.wait(tries, at, now));
            longest = longest.max(wait);
        }
        match longest {
            Some(seconds) => Err(Error::TooOften { seconds }),
            None => Ok(()),
        }
    }
}

fn decrement(conn: &mut Conn, key: &str) -> Result<(), Error> {
    diesel::update(throttles::table.find(key).filter(throttles::tries.gt(0)))
        .set(throttles::tries.eq(throttles::tries - 1))
        .execute(conn)?;
    Ok(())
}

fn of_address(kind: &str, place: &ClientOrigin, limit: Limit) -> Option<(String, Limit)> {
    let address = address(place)?;
    Some((format!("{kind}/{address}"), limit))
}

/// Returns the address to count against (the /64 network for IPv6), or `None` if it is unknown or shared by all clients
/// of a proxy.
pub fn address(place: &ClientOrigin) -> Option<IpAddr> {
    if place.is_proxy {
        return None;
    }
    Some(network(place.address.parse().ok()?))
}

/// Returns the number of recent attempts and the time of the last one, or `None` after a quiet period.
fn fresh(conn: &mut Conn, key: &str, now: Moment) -> Result<Option<(i64, NaiveDateTime)>, Error> {
    throttles::table
        .find(key)
        .filter(throttles::tried_at.gt(now.utc() - QUIET))
        .select((throttles::tries, throttles::tried_at))
        .first(conn)
        .optional()
        .map_err(Error::from)
}

impl Limit {
    /// Returns the seconds to wait after this many attempts, or `None` if the next one may come now.
    fn wait(self, tries: i64, last: NaiveDateTime, now: Moment) -> Option<u64> {
        let beyond = u32::try_from(tries - self.free).ok()?;
        let doubled = i32::try_from(2_i64.saturating_pow(beyond)).unwrap_or(i32::MAX);
        let wait = FIRST
            .checked_mul(doubled)
            .map_or(self.longest, |wait| wait.min(self.longest));
        // A clock that was set back must not extend the wait.
        let left = (last + wait - now.utc()).min(wait);
        let milliseconds = u64::try_from(left.num_milliseconds()).ok()?;
        (milliseconds > 0).then(|| milliseconds.div_ceil(1_000))
    }
}

/// Returns whether something that is recorded at most once in `interval` would be recorded now.
pub fn is_due(tx: &mut Tx<'_>, key: &str, interval: TimeDelta) -> Result<bool, Error> {
    Ok(last_entry(tx, key)?.is_none_or(|(_, at)| has_passed(tx.now, at, interval)))
}

/// Counts something that is recorded at most once in `interval`. Returns how often it happened since the last entry if
/// there must be a new one now, else `None`.
pub fn count_until(tx: &mut Tx<'_>, key: &str, interval: TimeDelta) -> Result<Option<i64>, Error> {
    db::lock_name(tx.conn, key)?;
    let Some((tries, at)) = last_entry(tx, key)? else {
        diesel::insert_into(throttles::table)
            .values((
                throttles::key.eq(key),
                throttles::tries.eq(0),
                throttles::tried_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
        return Ok(Some(1));
    };
    let row = diesel::update(throttles::table.find(key));
    if has_passed(tx.now, at, interval) {
        row.set((throttles::tries.eq(0), throttles::tried_at.eq(tx.now)))
            .execute(tx.conn)?;
        Ok(Some(tries + 1))
    } else {
        row.set(throttles::tries.eq(tries + 1)).execute(tx.conn)?;
        Ok(None)
    }
}

/// Returns the count since the last entry under a key, and the time of that entry.
fn last_entry(tx: &mut Tx<'_>, key: &str) -> Result<Option<(i64, NaiveDateTime)>, Error> {
    throttles::table
        .find(key)
        .select((throttles::tries, throttles::tried_at))
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// Returns whether an interval has passed, or the clock was set back by as much. A transaction that has waited for
/// another one has an earlier time than that one's entry; this does not count as set back.
fn has_passed(now: Moment, since: NaiveDateTime, interval: TimeDelta) -> bool {
    (now.utc() - since).abs() >= interval
}

/// Deletes outdated counts.
pub fn sweep(tx: &mut Tx<'_>) -> Result<(), Error> {
    let old = tx.now.utc() - QUIET;
    diesel::delete(throttles::table.filter(throttles::tried_at.le(old))).execute(tx.conn)?;
    Ok(())
}

/// Makes all attempts older by `time`, as if it had passed.
#[cfg(test)]
pub fn age_attempts(tx: &mut Tx<'_>, time: TimeDelta) -> Result<(), Error> {
    let all: Vec<(String, NaiveDateTime)> = throttles::table
        .select((throttles::key, throttles::tried_at))
        .load(tx.conn)?;
    for (key, at) in all {
        diesel::update(throttles::table.find(key))
            .set(throttles::tried_at.eq(at - time))
            .execute(tx.conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_a_limit_and_a_clock_set_back_does_not_extend_it() {
        let now = crate::clock::now();
        let wait = |attempts, seconds_ago| {
            let last = now.utc() - TimeDelta::seconds(seconds_ago);
            ACCOUNT.wait(attempts, last, now)
        };
        let full_wait = |attempts| wait(attempts, 0);
        assert_eq!(
            [1, 4, 5, 6, 7, 12, 13, 1_000].map(full_wait),
            [
                None,
                None,
                Some(2),
                Some(4),
                Some(8),
                Some(256),
                Some(300),
                Some(300)
            ]
        );
        assert_eq!(wait(7, 7), Some(1));
        assert_eq!(wait(7, 8), None);
        assert_eq!(wait(7, -3_600), Some(8), "the clock was set back");
    }

    #[test]
    fn a_clock_set_back_does_not_silence_the_log() {
        let now = crate::clock::now();
        let is_due = |seconds_ago| {
            let last = now.utc() - TimeDelta::seconds(seconds_ago);
            has_passed(now, last, TimeDelta::minutes(1))
        };
        assert_eq!([0, 59, 60].map(is_due), [false, false, true]);
        // The entry of a transaction for which this one has waited is a little later.
        assert_eq!([-1, -3_600].map(is_due), [false, true]);
    }
}
