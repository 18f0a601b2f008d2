//! The one way to do anything: with an actor, in a transaction, on record.
//!
//! A service function takes a [`Tx`], asks its actor first, and does its work on its connection.
//! Only [`Shop::act`] and [`Shop::look`] make a [`Tx`], so that no page and no endpoint can forget either.

use crate::{
    auth::Actor,
    clock,
    codes::Code,
    config::Config,
    db::{self, Conn, Db},
    error::{Error, Recorded},
    log::Entity,
    moment::Moment,
    notifications::{
        outbox::{self, Notices},
        worker,
    },
    schema::idempotency_keys,
    server::watching,
};
use diesel::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};

/// The running shop: what every request needs.
#[derive(Clone)]
pub struct Shop {
    pub db: Db,
    pub config: Arc<Config>,
}

/// An act under way: who acts, when, and the transaction it happens in.
pub struct Tx<'c> {
    pub conn: &'c mut Conn,
    pub actor: Actor,
    pub now: Moment,
    /// What people are to be told when the act is done.
    pub notices: Notices,
}

impl Shop {
    /// Does something that changes the shop: all of it, or nothing when `act` fails.
    pub async fn act<T: Send + 'static>(
        &self,
        actor: Actor,
        act: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let config = self.config.clone();
        let done = self
            .db
            .write(move |conn| {
                let mut tx = Tx::new(conn, actor, clock::now());
                let done = act(&mut tx)?;
                let is_told = outbox::write(&mut tx, &config.notifications)?;
                Ok((done, is_told))
            })
            .await;
        watching::note_conflict(&done);
        let (done, is_told) = done?;
        if is_told {
            worker::ring();
        }
        Ok(done)
    }

    /// Does something as the program itself, at an instant of the past: for the demo data. Nobody is told of it.
    pub async fn act_at<T: Send + 'static>(
        &self,
        now: Moment,
        act: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db
            .write(move |conn| act(&mut Tx::new(conn, Actor::System, now)))
            .await
    }

    /// Looks something up.
    pub async fn look<T: Send + 'static>(
        &self,
        actor: Actor,
        look: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db
            .read(move |conn| look(&mut Tx::new(conn, actor, clock::now())))
            .await
    }
}

impl<'c> Tx<'c> {
    /// Only for this module, and for tests.
    pub(crate) fn new(conn: &'c mut Conn, actor: Actor, now: Moment) -> Self {
        Self {
            conn,
            actor,
            now,
            notices: Notices::default(),
        }
    }
}

impl Tx<'_> {
    /// Creates something once for each idempotency key of a user: the repeat gets what the first got,
    /// even when it has changed since.
    ///
    /// `asked` is what the request said; the same key with something else is refused.
    /// An empty key asks for no such care. `create` returns the id of what it made, `get` reads it.
    pub fn once<T: Serialize + DeserializeOwned>(
        &mut self,
        key: &str,
        entity: Entity,
        asked: &impl std::fmt::Debug,
        create: impl FnOnce(&mut Self) -> Result<i64, Error>,
        get: impl Fn(&mut Self, i64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if key.is_empty() {
            let id = create(self)?;
            return get(self, id);
        }
        // A user's name has no slash.
        let key = format!("{}/{key}", self.actor.username().unwrap_or_default());
        db::serialize_by(self.conn, &key)?;
        let fingerprint = sha256(&format!("{asked:?}"));
        let earlier = idempotency_keys::table
            .find(&key)
            .select((
                idempotency_keys::entity_type,
                idempotency_keys::fingerprint,
                idempotency_keys::entity_id,
                idempotency_keys::answer,
            ))
            .first::<(Code<Entity>, String, i64, Option<String>)>(self.conn)
            .optional()?;
        if let Some((made, print, id, answer)) = earlier {
            if made != entity || print != fingerprint {
                return Err(Error::KeyReused(Recorded {
                    entity: made,
                    id,
                    next_key: new_key(),
                }));
            }
            let first = answer.and_then(|answer| serde_json::from_str(&answer).ok());
            return first.map_or_else(|| get(self, id), Ok);
        }
        let id = create(self)?;
        let made = get(self, id)?;
        diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::key.eq(key),
                idempotency_keys::user_id.eq(self.actor.username()),
                idempotency_keys::fingerprint.eq(fingerprint),
                idempotency_keys::entity_type.eq(entity),
                idempotency_keys::entity_id.eq(id),
                idempotency_keys::created_at.eq(self.now),
                idempotency_keys::answer.eq(serde_json::to_string(&made).ok()),
            ))
            .execute(self.conn)?;
        Ok(made)
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A fresh idempotency key.
pub fn new_key() -> String {
    let random = rand::random::<u128>();
    format!("{random:032x}")
}
