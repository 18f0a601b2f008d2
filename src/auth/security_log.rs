//! What the operation log says about sign-ins and refusals: where they came from. What a client can cause at will is
//! recorded at most once a minute.

use super::{client_origin::ClientOrigin, devices::device_name, throttle};
use crate::{
    audit::{self, Action, Change, Entity, service::record},
    error::Error,
    schema::throttles,
    transaction::Tx,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// The minimum time between two entries of one kind.
const INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// Maximum length of a `User-Agent` header that names no known browser, in characters.
const UNKNOWN_DEVICE: usize = 60;
/// Maximum length of a path, in characters.
const PATH: usize = 200;
/// Maximum number of counts that one transaction records.
const BATCH: i64 = 1_000;
/// The start of the key under which failed sign-ins are counted; the address and the name of the account follow.
const FAILED: &str = "failed/";

/// Returns the address and the device of a client, as the operation log shows them.
pub fn origin(place: &ClientOrigin) -> Vec<Change> {
    let device = match device_name(&place.device) {
        name if name.is_empty() => place.device.chars().take(UNKNOWN_DEVICE).collect(),
        name => name,
    };
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    audit::all([
        ("address", known(place.address.clone())),
        ("device", known(device)),
    ])
}

/// Records a failed sign-in: at most one a minute for each address and account, with the number of tries since the last
/// entry. `name` is empty if there is no such account.
pub fn record_failed_sign_in(
    tx: &mut Tx<'_>,
    name: &str,
    place: &ClientOrigin,
) -> Result<(), Error> {
    let address = throttle::address(place)
        .map_or_else(|| place.address.clone(), |address| address.to_string());
    let Some(tries) = throttle::count_until(tx, &format!("{FAILED}{address}/{name}"), INTERVAL)?
    else {
        return Ok(());
    };
    let mut details = origin(place);
    details.extend((tries > 1).then(|| audit::set("tries", tries)));
    record(tx, Action::SignInFailed, Entity::User, name, &details)
}

/// Records the tries that were counted after the last entry, one batch at a time. Returns whether none are left.
pub fn record_uncounted_tries(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let counted: Vec<(String, i64)> = throttles::table
        .filter(throttles::key.like(format!("{FAILED}%")))
        .filter(throttles::tries.gt(0))
        .filter(throttles::tried_at.le(tx.now.utc() - INTERVAL))
        .limit(BATCH)
        .select((throttles::key, throttles::tries))
        .load(tx.conn)?;
    for (key, tries) in &counted {
        // Another server may have recorded them meanwhile.
        let taken = diesel::delete(
            throttles::table
                .find(key)
                .filter(throttles::tries.eq(tries)),
        )
        .execute(tx.conn)?;
        let place = key
            .strip_prefix(FAILED)
            .and_then(|place| place.split_once('/'));
        if let (1, Some((address, name))) = (taken, place) {
            let address = Some(address.to_owned()).filter(|address| !address.is_empty());
            let details = audit::all([("address", address), ("tries", Some(tries.to_string()))]);
            record(tx, Action::SignInFailed, Entity::User, name, &details)?;
        }
    }
    Ok(i64::try_from(counted.len()).is_ok_and(|count| count < BATCH))
}

/// Returns whether a refusal of this user would be recorded now: a read that saves most of the writes.
pub fn is_refusal_due(tx: &mut Tx<'_>) -> Result<bool, Error> {
    match refusals_of(tx) {
        Some(key) => throttle::is_due(tx, &key, INTERVAL),
        None => Ok(false),
    }
}

/// Records that a signed-in user lacked a permission: at most once a minute for each user. `path` has no query.
pub fn record_refusal(tx: &mut Tx<'_>, path: &str, place: &ClientOrigin) -> Result<(), Error> {
    let (Some(key), Some(name)) = (refusals_of(tx), tx.actor.username().map(str::to_owned)) else {
        return Ok(());
    };
    if throttle::count_until(tx, &key, INTERVAL)?.is_none() {
        return Ok(());
    }
    // A control character, which PostgreSQL may not be able to store, must not keep a refusal off the record.
    let path: String = path
        .chars()
        .filter(|c| !c.is_control())
        .take(PATH)
        .collect();
    let details = [vec![audit::set("path", path)], origin(place)].concat();
    record(tx, Action::Refuse, Entity::User, name, &details)
}

/// Returns the key under which refusals of the actor are counted; `None` if nobody is signed in.
fn refusals_of(tx: &Tx<'_>) -> Option<String> {
    tx.actor.username().map(|name| format!("refused/{name}"))
}
