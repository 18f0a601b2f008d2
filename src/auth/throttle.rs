//! Tries at a password must not be many. Each is counted before it is looked at, in the database, so that all servers
//! count together; the first few are free, then each failure makes the next try wait longer, up to a bound.
//!
//! A try counts for the account that was named, whether there is one or not, and for the address it came from. From a
//! browser that is known for the account it counts apart: nobody else can make its owner wait.

use super::place::Place;
use crate::{
    act::{Shop, Tx},
    auth::Actor,
    crypto::sha256,
    db::{self, Conn},
    error::Error,
    moment::Moment,
    schema::throttles,
    text::fold,
    web::client_info::network,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::net::IpAddr;

/// How many tries are free, and how long one has to wait at most.
#[derive(Clone, Copy, Debug)]
struct Limit {
    free: i64,
    longest: TimeDelta,
}

const ACCOUNT: Limit = Limit {
    free: 5,
    longest: TimeDelta::minutes(5),
};
/// Of the account's owner, who has forgotten which password it was.
const KNOWN: Limit = Limit {
    free: 10,
    longest: TimeDelta::minutes(1),
};
/// A whole shop may have one address.
const ADDRESS: Limit = Limit {
    free: 30,
    longest: TimeDelta::minutes(15),
};
const REGISTRATION: Limit = Limit {
    free: 100,
    longest: TimeDelta::minutes(15),
};
/// The first wait; each later one is twice as long.
const FIRST: TimeDelta = TimeDelta::seconds(2);
/// After so long without a try all are forgotten.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// A try, by all that it counts for.
#[derive(Clone, Debug)]
pub struct Try(Vec<(String, Limit)>);

impl Try {
    /// To sign in.
    pub fn sign_in(username: &str, place: &Place) -> Self {
        // What was typed may be a password in the wrong field: not kept readable.
        let account = sha256(&fold(username));
        if place.known.has(username) {
            return Self(vec![(format!("known/{account}"), KNOWN)]);
        }
        let mut counts = vec![(format!("account/{account}"), ACCOUNT)];
        counts.extend(of_address("address", place, ADDRESS));
        Self(counts)
    }

    /// To register.
    pub fn registration(place: &Place) -> Self {
        Self(
            of_address("registration", place, REGISTRATION)
                .into_iter()
                .collect(),
        )
    }

    /// To change one's own password by the present one.
    pub fn password(username: &str) -> Self {
        Self(vec![(
            format!("password/{}", sha256(&fold(username))),
            ACCOUNT,
        )])
    }

    /// Counts the try. Refused, and not counted, while there is something to wait for.
    pub async fn begin(&self, shop: &Shop) -> Result<(), Error> {
        let asked = self.clone();
        // Most of a flood goes no further than this: it writes nothing.
        shop.look(Actor::Nobody, move |tx| asked.refuse_early(tx.conn, tx.now))
            .await?;
        let asked = self.clone();
        shop.act(Actor::Nobody, move |tx| asked.count(tx)).await
    }

    /// Takes a try back that was right: of the account nothing stays, of the address this one is forgotten.
    pub fn forgive(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (key, _) in &self.0 {
            if key.starts_with("address/") {
                one_less(tx.conn, key)?;
            } else {
                diesel::delete(throttles::table.find(key)).execute(tx.conn)?;
            }
        }
        Ok(())
    }

    /// Takes a try back that was not looked at.
    pub fn take_back(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.0
            .iter()
            .try_for_each(|(key, _)| one_less(tx.conn, key))
    }

    fn count(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (key, _) in &self.0 {
            db::serialize_by(tx.conn, key)?;
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

fn one_less(conn: &mut Conn, key: &str) -> Result<(), Error> {
    diesel::update(throttles::table.find(key).filter(throttles::tries.gt(0)))
        .set(throttles::tries.eq(throttles::tries - 1))
        .execute(conn)?;
    Ok(())
}

fn of_address(kind: &str, place: &Place, limit: Limit) -> Option<(String, Limit)> {
    let address = address(place)?;
    Some((format!("{kind}/{address}"), limit))
}

/// What counts as the address of a place; none, where everybody's would be the same.
pub fn address(place: &Place) -> Option<IpAddr> {
    if place.is_proxy {
        return None;
    }
    Some(network(place.address.parse().ok()?))
}

/// Tries that are not forgotten yet, and when the last one was.
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
    /// Seconds until the next try after so many.
    fn wait(self, tries: i64, last: NaiveDateTime, now: Moment) -> Option<u64> {
        let beyond = u32::try_from(tries - self.free).ok()?;
        let doubled = i32::try_from(2_i64.saturating_pow(beyond)).unwrap_or(i32::MAX);
        let wait = FIRST
            .checked_mul(doubled)
            .map_or(self.longest, |wait| wait.min(self.longest));
        // A clock that was put back makes nobody wait longer.
        let left = (last + wait - now.utc()).min(wait);
        let milliseconds = u64::try_from(left.num_milliseconds()).ok()?;
        (milliseconds > 0).then(|| milliseconds.div_ceil(1_000))
    }
}

/// Forgets tries of long ago.
pub fn sweep(tx: &mut Tx<'_>) -> Result<(), Error> {
    let old = tx.now.utc() - QUIET;
    diesel::delete(throttles::table.filter(throttles::tried_at.le(old))).execute(tx.conn)?;
    Ok(())
}

/// Makes all tries as old as if so much time had passed since.
#[cfg(test)]
pub fn let_pass(tx: &mut Tx<'_>, time: TimeDelta) -> Result<(), Error> {
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
    fn waits_grow_up_to_a_bound_and_no_clock_makes_them_longer() {
        let now = crate::clock::now();
        let wait = |tries, seconds| {
            let last = now.utc() - TimeDelta::seconds(seconds);
            ACCOUNT.wait(tries, last, now)
        };
        let at_once = |tries| wait(tries, 0);
        assert_eq!(
            [1, 4, 5, 6, 7, 12, 13, 1_000].map(at_once),
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
        assert_eq!(wait(7, -3_600), Some(8), "the clock was put back");
    }
}
