//! [`AppState`] and [`Tx`]: the only way to read or change the shop, always with an actor, and in a transaction for
//! changes.
//!
//! A service function takes a [`Tx`], first checks the permission of its actor, and then works on its connection. Pages
//! and endpoints get a [`Tx`] only from [`AppState::write`] and [`AppState::read`], so that none can forget the actor
//! or the transaction.

use crate::{
    audit::Entity,
    auth::Actor,
    clock,
    codes::Code,
    config::Config,
    crypto::{keyed_hash, new_key},
    db::{self, Conn, Db},
    error::{Error, Recorded},
    events::Events,
    live::{Changed, Changes, hub::Hub},
    moment::Moment,
    schema::idempotency_keys,
};
use chrono::TimeDelta;
use diesel::prelude::*;
use metrics::counter;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{mem, sync::Arc};

/// How long an idempotency key is kept.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Maximum number of idempotency keys that one transaction deletes.
const FORGOTTEN_AT_ONCE: i64 = 1_000;
/// The fields of a response that identify a customer: not stored with the key, but read again for each repeat.
const PERSONAL: [&str; 3] = ["phone", "phone_shown", "customer_name"];

/// The running shop: the database and the settings, which every request needs.
#[derive(Clone)]
pub struct AppState {
    pub db: Db,
    pub config: Arc<Config>,
    pub listener: &'static dyn Listener,
    /// Tells open pages what was changed.
    pub live: Hub,
}

/// Reacts to the events of operations.
pub trait Listener: Sync {
    /// Handles the events of an operation, in its transaction. An error rolls the operation back.
    fn handle_events(&self, tx: &mut Tx<'_>, config: &Config) -> Result<(), Error>;

    /// Runs after the commit of an operation that has called [`Events::request_callback`].
    fn committed(&self);
}

/// The context of an operation: the connection (in a transaction, for changes), the actor, the time and the events.
pub struct Tx<'c> {
    pub conn: &'c mut Conn,
    pub actor: Actor,
    pub now: Moment,
    pub events: Events,
    /// What open pages are told after the commit.
    pub changes: Changes,
    /// The open page that sent the request; empty if it was not one.
    pub page: String,
    /// The HMAC key for the fingerprints of requests, see [`Tx::once`].
    secret: String,
}

impl AppState {
    /// Changes the shop in one transaction, which is rolled back if `operation` fails.
    pub async fn write<T: Send + 'static>(
        &self,
        actor: Actor,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (config, listener) = (self.config.clone(), self.listener);
        let done = self
            .db
            .write(move |conn| {
                let mut tx = Tx::new(conn, actor, clock::now());
                tx.secret = config.loaded_secret().to_owned();
                let done = operation(&mut tx)?;
                listener.handle_events(&mut tx, &config)?;
                let changes = mem::take(&mut tx.changes);
                let (is_awaited, needs_purge) =
                    (tx.events.needs_callback(), tx.events.needs_purge());
                Ok((done, changes, is_awaited, needs_purge))
            })
            .await;
        count_conflict(&done);
        let (done, changes, is_awaited, needs_purge) = done?;
        self.live.publish(changes);
        if is_awaited {
            listener.committed();
        }
        if needs_purge && let Err(error) = self.db.purge().await {
            tracing::error!(
                %error,
                "could not rewrite the database without what was erased; will retry"
            );
        }
        Ok(done)
    }

    /// Changes the shop as the system, at a given instant: for the demo data and the retention period. The listener is
    /// not called, so nobody is notified, and the database is not purged.
    pub async fn write_at<T: Send + 'static>(
        &self,
        now: Moment,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db
            .write(move |conn| operation(&mut Tx::new(conn, Actor::System, now)))
            .await
    }

    /// Reads from the shop, without changing it.
    pub async fn read<T: Send + 'static>(
        &self,
        actor: Actor,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db
            .read(move |conn| query(&mut Tx::new(conn, actor, clock::now())))
            .await
    }

    /// Finds a few rows by their keys, see [`Db::look_up`].
    pub async fn look_up<T: Send + 'static>(
        &self,
        actor: Actor,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db
            .look_up(move |conn| query(&mut Tx::new(conn, actor, clock::now())))
            .await
    }
}

/// Counts an operation that was refused for lack of stock.
fn count_conflict<T>(done: &Result<T, Error>) {
    let kind = match done {
        Err(Error::OutOfStock { .. }) => "out_of_stock",
        Err(Error::Reserved { .. }) => "reserved",
        Ok(_) | Err(_) => return,
    };
    counter!("sirius_stock_conflicts_total", "kind" => kind).increment(1);
}

impl<'c> Tx<'c> {
    /// Creates a context. Only for this module, backfills and tests.
    pub(crate) fn new(conn: &'c mut Conn, actor: Actor, now: Moment) -> Self {
        Self {
            conn,
            actor,
            now,
            events: Events::default(),
            changes: Changes::default(),
            page: String::new(),
            secret: String::new(),
        }
    }
}

impl Tx<'_> {
    /// Notes that an entity changed, for the pages that show it. `operation` is 0 if it is not known.
    pub fn note_change(&mut self, entity: Entity, id: impl ToString, operation: i64) {
        self.changes.add(Changed {
            entity: entity.code().to_owned(),
            id: id.to_string(),
            operation,
            page: self.page.clone(),
            only_for: String::new(),
        });
    }

    /// Creates an entity at most once for each idempotency key of a user.
    ///
    /// For seven days, a repeat gets the response of the first request, even if the entity has changed since. Only the
    /// fields that identify the customer are read from the current row.
    ///
    /// `asked` is the content of the request; the same key with other content is refused. An empty key creates the
    /// entity unconditionally. `create` returns the id of the new entity, and `get` reads it.
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
        // User names contain no slash, so the keys of different users cannot collide.
        let key = format!("{}/{key}", self.actor.username().unwrap_or_default());
        db::lock_name(self.conn, &key)?;
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
                idempotency_keys::answer.eq(stored_answer(&made)),
            ))
            .execute(self.conn)?;
        Ok(made)
    }
}

/// Deletes one batch of expired idempotency keys. Returns whether none are left.
pub fn delete_expired_keys(tx: &mut Tx<'_>) -> Result<bool, Error> {
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

/// Returns a response as JSON for storage, without the fields that identify a customer.
fn stored_answer(answer: &impl Serialize) -> Option<String> {
    let mut answer = serde_json::to_value(answer).ok()?;
    remove_personal(&mut answer);
    answer.is_object().then(|| answer.to_string())
}

/// Removes the fields that identify a customer, also from what is nested in the value.
fn remove_personal(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !PERSONAL.contains(&name.as_str()));
            fields.values_mut().for_each(remove_personal);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_personal),
        _ => {}
    }
}

/// Restores the first response: the stored fields, and the others from the entity as it is now. If nothing was stored,
/// returns the entity as it is now.
fn first_answer<T: Serialize + DeserializeOwned>(
    kept: Option<&str>,
    now: Result<T, Error>,
) -> Result<T, Error> {
    let kept = kept.and_then(|kept| serde_json::from_str(kept).ok());
    let mut first = kept.unwrap_or_else(|| Value::Object(Map::new()));
    if let Ok(Ok(present)) = now.as_ref().map(serde_json::to_value) {
        add_missing(&mut first, present);
    }
    serde_json::from_value(first).or(now)
}

/// Adds the fields of `present` that are missing. Items of a list correspond by their place.
fn add_missing(value: &mut Value, present: Value) {
    match (value, present) {
        (Value::Object(fields), Value::Object(present)) => {
            for (name, present) in present {
                match fields.get_mut(&name) {
                    Some(field) => add_missing(field, present),
                    None => drop(fields.insert(name, present)),
                }
            }
        }
        (Value::Array(items), Value::Array(present)) => {
            for (item, present) in items.iter_mut().zip(present) {
                add_missing(item, present);
            }
        }
        _ => {}
    }
}
