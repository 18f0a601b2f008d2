//! Sessions, stored in the database so that they survive a restart and several servers can share them.

use super::{
    Actor, Me, Permission, Role, UserState,
    client_origin::ClientOrigin,
    devices::{Device, device_name},
    totp::enrolment,
};
use crate::{
    audit::{self, Action, Entity, service::record},
    clock,
    codes::Code,
    crypto::sha256,
    db::Db,
    error::Error,
    moment::Moment,
    schema::{sessions, users},
    transaction::{AppState, Tx},
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt};
use tower_sessions::Session;
use tracing::Instrument;

/// Session entry: the user name.
pub(super) const USER: &str = "user";
/// Session entry: a hash of the password hash that was stored when the password was set, so that the session ends when
/// the password changes.
const AUTH_HASH: &str = "auth_hash";
/// Session entry: a sign-in whose password was right and that waits for its code.
pub(super) const PENDING: &str = "pending";
/// Session entry: the [`ClientOrigin`] of the sign-in.
const PLACE: &str = "place";
/// Maximum number of devices that are listed.
const DEVICES: i64 = 100;
/// Minimum interval between updates of the last-seen times, so that requests that only read seldom cause a write.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Proof that a user may begin a session, which is valid as long as their password does not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticated {
    pub username: String,
    auth_hash: String,
}

impl Authenticated {
    /// Creates the proof from the hash of a new password.
    pub fn by(username: &str, hashed_password: &str) -> Self {
        Self::of(username, hashed_password, None)
    }

    /// Creates the proof from the columns of the account. `auth_hash` is what its sessions hold if the same password
    /// was hashed anew since they began.
    pub fn of(username: &str, hashed_password: &str, auth_hash: Option<String>) -> Self {
        Self {
            username: username.to_owned(),
            auth_hash: auth_hash.unwrap_or_else(|| sha256(hashed_password)),
        }
    }

    /// Returns what the sessions of the account hold.
    pub fn auth_hash(&self) -> &str {
        &self.auth_hash
    }
}

/// Begins a session for an account under a new session id.
pub async fn begin(
    session: &Session,
    admitted: &Authenticated,
    place: ClientOrigin,
) -> Result<(), Error> {
    session.cycle_id().await.map_err(|error| fault(&error))?;
    let pending = session.remove_value(PENDING).await;
    pending.map_err(|error| fault(&error))?;
    session
        .insert(PLACE, place)
        .await
        .map_err(|error| fault(&error))?;
    session
        .insert(AUTH_HASH, &admitted.auth_hash)
        .await
        .map_err(|error| fault(&error))?;
    session
        .insert(USER, &admitted.username)
        .await
        .map_err(|error| fault(&error))?;
    // Saved now, while a failure can still be reported to the user.
    session.save().await.map_err(|error| fault(&error))
}

/// Ends a session.
pub async fn end(session: &Session) -> Result<(), Error> {
    session.flush().await.map_err(|error| fault(&error))
}

/// Returns the key of a session in the table: the SHA-256 hash of its id, or an empty string if it has no id.
pub fn key(session: &Session) -> String {
    session
        .id()
        .map(|id| sha256(&id.to_string()))
        .unwrap_or_default()
}

/// Returns the user name of a session, without checking that the account may still use it.
pub async fn username(session: &Session) -> Result<Option<String>, Error> {
    session.get(USER).await.map_err(|error| fault(&error))
}

/// Returns the actor of a session. Reads the session and its account from the database each time, so that a changed
/// role takes effect at once.
pub async fn actor(app: &AppState, session: &Session) -> Result<Actor, Error> {
    if session.id().is_none() {
        return Ok(Actor::Nobody);
    }
    let (key, now) = (key(session), clock::now());
    let (id, config) = (key.clone(), app.config.clone());
    let found = app
        .db
        .look_up(move |conn| {
            let found = users::table
                .inner_join(sessions::table.on(sessions::user_id.eq(users::username.nullable())))
                .filter(sessions::id.eq(id))
                .filter(sessions::expires_at.gt(now))
                .filter(users::state.eq(UserState::Active))
                .filter(users::deleted_at.is_null())
                .select(Account::as_select())
                .first(conn)
                .optional()?;
            let Some(account) = found else {
                return Ok(None);
            };
            let must_set_up_totp =
                enrolment::is_missing(conn, &account.username, &account.role, &config)?;
            Ok(Some((account, must_set_up_totp)))
        })
        .await?;
    let Some((account, must_set_up_totp)) = found else {
        // The session layer removes the cookie of a session that it cannot load.
        username(session).await?;
        return Ok(Actor::Nobody);
    };
    let data: HashMap<String, serde_json::Value> =
        serde_json::from_str(&account.data).unwrap_or_default();
    let held = data.get(AUTH_HASH).and_then(serde_json::Value::as_str);
    let valid = Authenticated::of(
        &account.username,
        &account.hashed_password,
        account.auth_hash,
    );
    if held != Some(valid.auth_hash()) {
        return Ok(Actor::Nobody);
    }
    let seen = account.last_seen_at;
    if seen.is_none_or(|seen| now.utc() - seen > SEEN_EVERY) {
        let put = update_last_seen(app.db.clone(), key, account.username.clone(), now);
        tokio::spawn(put.in_current_span());
    }
    Ok(Actor::User(Me {
        username: account.username,
        role: account.role,
        manager_in_admin: app.config.manager_in_admin,
        must_change_password: account.must_change_password,
        must_set_up_totp,
    }))
}

/// A session with its account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Account {
    username: String,
    hashed_password: String,
    auth_hash: Option<String>,
    role: Code<Role>,
    must_change_password: bool,
    #[diesel(select_expression = sessions::data)]
    data: String,
    #[diesel(select_expression = sessions::last_seen_at)]
    last_seen_at: Option<NaiveDateTime>,
}

/// Updates the last-seen times of an account and its session. Runs in the background; a failure is only logged.
async fn update_last_seen(db: Db, key: String, username: String, now: Moment) {
    let put = db
        .write(move |conn| {
            // Lock order: an account before its sessions, as everywhere, to avoid deadlocks.
            diesel::update(users::table.find(username))
                .set(users::last_seen_at.eq(now))
                .execute(conn)?;
            diesel::update(sessions::table.find(key))
                .set(sessions::last_seen_at.eq(now))
                .execute(conn)?;
            Ok(())
        })
        .await;
    if let Err(error) = put {
        tracing::warn!(%error, "could not update last-seen times");
    }
}

/// Lists the devices on which the user is signed in, most recently seen first. `own` is the key of the current session.
pub fn devices(tx: &mut Tx<'_>, own: &str) -> Result<Vec<Device>, Error> {
    let username = own_name(tx)?;
    let rows: Vec<(String, String, Option<Moment>)> = sessions::table
        .filter(
            sessions::user_id
                .eq(username)
                .and(sessions::expires_at.gt(tx.now)),
        )
        .order((sessions::last_seen_at.desc(), sessions::id))
        .limit(DEVICES)
        .select((sessions::id, sessions::data, sessions::last_seen_at))
        .load(tx.conn)?;
    let device = |(id, data, last_seen_at): (String, String, Option<Moment>)| {
        let data: serde_json::Value = serde_json::from_str(&data).unwrap_or_default();
        let place: ClientOrigin = data
            .get(PLACE)
            .and_then(|place| serde_json::from_value(place.clone()).ok())
            .unwrap_or_default();
        Device {
            is_this: id == own,
            name: device_name(&place.device),
            address: place.address,
            last_seen_at,
            id,
        }
    };
    Ok(rows.into_iter().map(device).collect())
}

/// Signs out one of the user's own devices.
pub fn end_device(tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
    let username = own_name(tx)?;
    let ended = diesel::delete(
        sessions::table.filter(sessions::id.eq(id).and(sessions::user_id.eq(&username))),
    )
    .execute(tx.conn)?;
    if ended == 0 {
        return Ok(());
    }
    record(tx, Action::EndSession, Entity::User, username, &[])
}

/// Signs out all of the user's devices except that of the current session, whose key is `own`.
pub fn end_other_devices(tx: &mut Tx<'_>, own: &str) -> Result<(), Error> {
    let username = own_name(tx)?;
    let ended = diesel::delete(
        sessions::table.filter(sessions::user_id.eq(&username).and(sessions::id.ne(own))),
    )
    .execute(tx.conn)?;
    if ended == 0 {
        return Ok(());
    }
    record(
        tx,
        Action::EndSession,
        Entity::User,
        username,
        &[audit::set("qty", ended)],
    )
}

fn own_name(tx: &mut Tx<'_>) -> Result<String, Error> {
    tx.actor.may(Permission::OwnAccount)?;
    tx.actor.me().map(|me| me.username.clone())
}

/// Returns whether a session belongs to this account.
pub async fn is_of(session: &Session, username: &str) -> Result<bool, Error> {
    Ok(self::username(session).await?.as_deref() == Some(username))
}

/// Logs a failure of the session store and returns the error for it.
pub(super) fn fault(error: &dyn fmt::Display) -> Error {
    tracing::error!(%error, "could not read or save a session");
    Error::Unavailable
}
