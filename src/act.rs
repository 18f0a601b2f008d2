//! The one way to do anything: with an actor, in a transaction, on record.
//!
//! A service function takes a [`Tx`], asks its actor first, and does its work on its connection.
//! Only [`Shop::act`] and [`Shop::look`] make a [`Tx`], so that no page and no endpoint can forget either.

use crate::{
    auth::Actor,
    clock,
    codes::Code,
    config::Config,
    crypto::{keyed_hash, new_key},
    db::{self, Conn, Db},
    error::{Error, Recorded},
    events::Events,
    log::Entity,
    moment::Moment,
    schema::idempotency_keys,
};
use chrono::TimeDelta;
use diesel::prelude::*;
use metrics::counter;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::sync::Arc;

/// How long an idempotency key is kept.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Idempotency keys that one transaction forgets at most.
const FORGOTTEN_AT_ONCE: i64 = 1_000;
/// The fields of an answer that say who a customer is: they are read again, not kept with the key.
const PERSONAL: [&str; 3] = ["phone", "phone_shown", "customer_name"];

/// The running shop: what every request needs.
#[derive(Clone)]
pub struct Shop {
    pub db: Db,
    pub config: Arc<Config>,
    pub listener: &'static dyn Listener,
}

/// Follows up what acts did.
pub trait Listener: Sync {
    /// Follows up the events of an act, in its transaction. An error undoes the act.
    fn follow_up(&self, tx: &mut Tx<'_>, config: &Config) -> Result<(), Error>;

    /// Does what an event asked for after the commit ([`Events::wake`]).
    fn committed(&self);
}

/// An act under way: who acts, when, and the transaction it happens in.
pub struct Tx<'c> {
    pub conn: &'c mut Conn,
    pub actor: Actor,
    pub now: Moment,
    pub events: Events,
    /// Keys the fingerprints of what was asked.
    secret: String,
}

impl Shop {
    /// Does something that changes the shop: all of it, or nothing when `act` fails.
    pub async fn act<T: Send + 'static>(
        &self,
        actor: Actor,
        act: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (config, listener) = (self.config.clone(), self.listener);
        let done = self
            .db
            .write(move |conn| {
                let mut tx = Tx::new(conn, actor, clock::now());
                tx.secret = config.secret_key.clone().unwrap_or_default();
                let done = act(&mut tx)?;
                listener.follow_up(&mut tx, &config)?;
                Ok((done, tx.events.is_awaited()))
            })
            .await;
        count_conflict(&done);
        let (done, is_awaited) = done?;
        if is_awaited {
            listener.committed();
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

/// Counts an act that was refused for lack of stock.
fn count_conflict<T>(done: &Result<T, Error>) {
    let kind = match done {
        Err(Error::OutOfStock { .. }) => "out_of_stock",
        Err(Error::Reserved { .. }) => "reserved",
        Ok(_) | Err(_) => return,
    };
    counter!("sirius_stock_conflicts_total", "kind" => kind).increment(1);
}

impl<'c> Tx<'c> {
    /// Only for this module, for backfills, and for tests.
    pub(crate) fn new(conn: &'c mut Conn, actor: Actor, now: Moment) -> Self {
        Self {
            conn,
            actor,
            now,
            events: Events::default(),
            secret: String::new(),
        }
    }
}

impl Tx<'_> {
    /// Creates something once for each idempotency key of a user: for a week, the repeat gets what the first got,
    /// even when it has changed since. Only who the customer is comes from the row as it is now.
    ///
    /// `asked` is what the request said; the same key with something else is refused.
    /// An empty key asks for no such care. `create` returns the id of what it made, `get` reads it.
    pub fn once<T: Serialize + DeserializeOwned>(
        &mut self,
        key: &str,
        entity: Entity,
        asked: &impl Serialize,
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
        let asked = serde_json::to_string(asked).map_err(|_| Error::Internal)?;
        let fingerprint = keyed_hash(&self.secret, &asked);
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
            return first_answer(answer.as_deref(), get(self, id));
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
                idempotency_keys::answer.eq(kept(&made)),
            ))
            .execute(self.conn)?;
        Ok(made)
    }
}

/// Forgets idempotency keys that are too old, so many at once. Tells whether those were all.
pub fn forget_keys(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let old: Vec<String> = idempotency_keys::table
        .filter(idempotency_keys::created_at.le(tx.now.utc() - KEPT))
        .order(idempotency_keys::created_at)
        .limit(FORGOTTEN_AT_ONCE)
        .select(idempotency_keys::key)
        .load(tx.conn)?;
    let count = old.len();
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::key.eq_any(old)))
        .execute(tx.conn)?;
    Ok(i64::try_from(count).is_ok_and(|count| count < FORGOTTEN_AT_ONCE))
}

/// An answer as it is kept: without what says who the customer is.
fn kept(answer: &impl Serialize) -> Option<String> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(answer) else {
        return None;
    };
    fields.retain(|name, _| !PERSONAL.contains(&name.as_str()));
    serde_json::to_string(&fields).ok()
}

/// The first answer again: what was kept of it, and the rest as it is now. All as it is now where nothing was kept.
fn first_answer<T: Serialize + DeserializeOwned>(
    kept: Option<&str>,
    now: Result<T, Error>,
) -> Result<T, Error> {
    let mut fields: Map<String, Value> = kept
        .and_then(|kept| serde_json::from_str(kept).ok())
        .unwrap_or_default();
    if let Ok(Ok(Value::Object(present))) = now.as_ref().map(serde_json::to_value) {
        for (name, value) in present {
            fields.entry(name).or_insert(value);
        }
    }
    serde_json::from_value(Value::Object(fields)).or(now)
}
