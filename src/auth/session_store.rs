//! The session store for `tower-sessions`, which has none for diesel.

use super::session::USER;
use crate::{
    clock,
    crypto::sha256,
    db::{Conn, Db},
    error::Error,
    schema::{sessions, users},
};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::fmt;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

/// Maximum number of sessions of an account. A new one ends the oldest.
const MOST: i64 = 50;
/// Maximum number of sessions that a new one ends. There are more than one only on data of earlier versions.
const ENDED_AT_ONCE: i64 = 1_000;
/// A stored expiry time up to this much earlier than the new one counts as unchanged.
const SAME_EXPIRY: TimeDelta = TimeDelta::minutes(1);

/// The session store, backed by the `sessions` table.
#[derive(Clone)]
pub struct Sessions(pub Db);

impl Sessions {
    /// Deletes expired sessions.
    pub async fn delete_expired(&self) -> Result<(), Error> {
        let now = clock::now();
        self.0
            .write(move |conn| {
                diesel::delete(sessions::table.filter(sessions::expires_at.le(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    /// Returns whether the same session is already stored. A sign-in saves its session, and the session layer then
    /// saves it again.
    async fn has(&self, row: &Row) -> Result<bool, Error> {
        let (id, data) = (row.id.clone(), row.data.clone());
        let expiry = row.expires_at - SAME_EXPIRY;
        self.0
            .read(move |conn| {
                let kept = sessions::table
                    .find(id)
                    .filter(sessions::data.eq(data).and(sessions::expires_at.ge(expiry)));
                Ok(diesel::select(diesel::dsl::exists(kept)).get_result(conn)?)
            })
            .await
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

#[async_trait]
impl SessionStore for Sessions {
    /// Ids have 128 random bits. A duplicate would be a fault of the random source; the primary key rejects it.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let row = Row::of(record)?;
        self.0
            .write(move |conn| row.insert(conn))
            .await
            .map_err(|error| backend(&error))
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let row = Row::of(record)?;
        if self.has(&row).await.map_err(|error| backend(&error))? {
            return Ok(());
        }
        let save = move |conn: &mut Conn| {
            let saved = diesel::update(sessions::table.find(&row.id))
                .set((
                    sessions::user_id.eq(&row.user_id),
                    sessions::data.eq(&row.data),
                    sessions::expires_at.eq(row.expires_at),
                ))
                .execute(conn)?;
            if saved == 0 { row.insert(conn) } else { Ok(()) }
        };
        self.0.write(save).await.map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let key = sha256(&id.to_string());
        let now = clock::now();
        let found = self
            .0
            .read(move |conn| {
                sessions::table
                    .find(key)
                    .filter(sessions::expires_at.gt(now))
                    .select((sessions::data, sessions::expires_at))
                    .first::<(String, NaiveDateTime)>(conn)
                    .optional()
                    .map_err(Error::from)
            })
            .await
            .map_err(|error| backend(&error))?;
        let Some((data, expires_at)) = found else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at.and_utc().timestamp())
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let key = sha256(&id.to_string());
        self.0
            .write(move |conn| {
                diesel::delete(sessions::table.find(key)).execute(conn)?;
                Ok(())
            })
            .await
            .map_err(|error| backend(&error))
    }
}

struct Row {
    id: String,
    user_id: Option<String>,
    data: String,
    expires_at: NaiveDateTime,
}

impl Row {
    fn of(record: &Record) -> session_store::Result<Self> {
        let encode = |error: &dyn fmt::Display| session_store::Error::Encode(error.to_string());
        Ok(Self {
            id: sha256(&record.id.to_string()),
            user_id: record
                .data
                .get(USER)
                .and_then(|user| user.as_str())
                .map(str::to_owned),
            data: serde_json::to_string(&record.data).map_err(|error| encode(&error))?,
            expires_at: DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0)
                .ok_or_else(|| encode(&"expiry"))?
                .naive_utc(),
        })
    }

    fn insert(&self, conn: &mut Conn) -> Result<(), Error> {
        diesel::insert_into(sessions::table)
            .values((
                sessions::id.eq(&self.id),
                sessions::user_id.eq(&self.user_id),
                sessions::data.eq(&self.data),
                sessions::expires_at.eq(self.expires_at),
            ))
            .execute(conn)?;
        match &self.user_id {
            Some(user) => end_oldest(conn, user, &self.id),
            None => Ok(()),
        }
    }
}

/// Ends the oldest sessions of an account beyond [`MOST`], but never the one that has just begun: the order follows the
/// expiry, which a shorter `SESSION_MAX_AGE` brings forward.
fn end_oldest(conn: &mut Conn, user: &str, new: &str) -> Result<(), Error> {
    let oldest: Vec<String> = sessions::table
        .filter(sessions::user_id.eq(user).and(sessions::id.ne(new)))
        .order((sessions::expires_at.desc(), sessions::id))
        .offset(MOST - 1)
        .limit(ENDED_AT_ONCE)
        .select(sessions::id)
        .load(conn)?;
    if oldest.is_empty() {
        return Ok(());
    }
    // Lock order: an account before its sessions, as everywhere, to avoid deadlocks.
    diesel::update(users::table.find(user))
        .set(users::created_at.eq(users::created_at))
        .execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(oldest))).execute(conn)?;
    Ok(())
}

fn backend(error: &Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
