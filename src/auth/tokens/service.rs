//! The rules for API tokens.

use super::Token;
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::{
        Actor, Permission, active::find_active_account, client_origin::ClientOrigin,
        confirmation::confirm,
    },
    clock,
    crypto::sha256,
    db::{Db, Dialect},
    error::{Error, Problem},
    moment::Moment,
    schema::api_tokens,
    transaction::{AppState, Tx},
    validation::{Input, Request, entered, line},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use diesel::prelude::*;
use tracing::Instrument;
use utoipa::ToSchema;

/// The prefix by which people and secret scanners recognize a token.
const PREFIX: &str = "sirius_";
/// Number of random bytes in a token.
const BYTES: usize = 32;
/// Maximum length of a name in characters.
const NAME: usize = 100;
/// How long a token is valid, in days.
pub const DAYS: i64 = 90;
/// Maximum number of tokens of one account.
const MOST: usize = 100;
/// Minimum interval between updates of the last use, so that requests that only read seldom cause a write.
const UPDATE_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// An API token to create
#[derive(ToSchema)]
pub struct NewToken {
    /// A name by which the owner recognizes the token
    #[schema(min_length = 1, max_length = 100, example = "till")]
    pub name: String,
    /// Your password
    #[schema(min_length = 1, format = Password, example = "correct horse")]
    pub password: String,
}

impl Request for NewToken {
    const PERMISSION: Permission = Permission::OwnKeys;

    fn read(input: &mut Input) -> Self {
        Self {
            name: input.read("name", line(NAME)),
            password: input.read("password", entered),
        }
    }
}

/// Creates a token for the user, who confirms it with their password, and returns it with its secret.
pub async fn create(
    app: &AppState,
    actor: Actor,
    input: Input,
    place: &ClientOrigin,
) -> Result<(Token, String), Error> {
    let NewToken { name, password } = input.request(&actor)?;
    let me = actor.me()?;
    let confirmed = confirm(
        app,
        me,
        place,
        ("password", password),
        Action::ConfirmFailed,
    )
    .await?;
    app.write(actor, move |tx| {
        confirmed.complete(tx)?;
        add(tx, &name)
    })
    .await
}

/// Adds a token for the user and returns it with its secret, of which only the hash is stored.
pub fn add(tx: &mut Tx<'_>, name: &str) -> Result<(Token, String), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = tx.actor.me()?.username.clone();
    if list(tx)?.len() >= MOST {
        return Err(Error::field("name", Problem::TooMany(MOST)));
    }
    let secret = rand::random::<[u8; BYTES]>();
    let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
    let made = diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::user_id.eq(&owner),
            api_tokens::name.eq(name),
            api_tokens::hash.eq(sha256(&token)),
            api_tokens::created_at.eq(tx.now),
            api_tokens::expires_at.eq(tx.now.utc() + TimeDelta::days(DAYS)),
        ))
        .returning(<Token as Selectable<Dialect>>::construct_selection())
        .get_result(tx.conn)?;
    let changes = [audit::set("name", name)];
    record(tx, Action::CreateToken, Entity::User, owner, &changes)?;
    Ok((made, token))
}

/// Revokes one of the user's own tokens.
pub fn revoke(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = tx.actor.me()?.username.clone();
    let name = diesel::delete(
        api_tokens::table.filter(api_tokens::id.eq(id).and(api_tokens::user_id.eq(&owner))),
    )
    .returning(api_tokens::name)
    .get_result::<String>(tx.conn)?;
    let changes = [audit::set("name", name)];
    record(tx, Action::RevokeToken, Entity::User, owner, &changes)
}

/// Lists the user's own tokens, newest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Token>, Error> {
    tx.actor.may(Permission::OwnKeys)?;
    api_tokens::table
        .filter(api_tokens::user_id.eq(&tx.actor.me()?.username))
        .order(api_tokens::id.desc())
        .select(Token::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the owner of a token with their current permissions: [`Actor::Nobody`] if the token is not valid or the
/// account of its owner is not active. An expired token is an error.
pub async fn actor(app: &AppState, token: &str) -> Result<Actor, Error> {
    if !is_token(token) {
        return Ok(Actor::Nobody);
    }
    let hash = sha256(token);
    let config = app.config.clone();
    let find = move |tx: &mut Tx<'_>| {
        let found = api_tokens::table
            .filter(api_tokens::hash.eq(hash))
            .select((
                api_tokens::id,
                api_tokens::user_id,
                api_tokens::last_used_at,
                api_tokens::expires_at,
            ))
            .first::<(i64, String, Option<Moment>, Moment)>(tx.conn)
            .optional()?;
        let Some((id, owner, used, until)) = found else {
            return Ok(None);
        };
        match find_active_account(tx, &owner, &config)? {
            Some(_) if until.utc() <= tx.now.utc() => Err(Error::TokenExpired),
            found => Ok(found.map(|me| (id, me, used))),
        }
    };
    let Some((id, me, used)) = app.look_up(Actor::Nobody, find).await? else {
        return Ok(Actor::Nobody);
    };
    let now = clock::now();
    if used.is_none_or(|used| now.utc() - used.utc() >= UPDATE_INTERVAL) {
        tokio::spawn(update_last_used(app.db.clone(), id, now).in_current_span());
    }
    Ok(Actor::User(me))
}

/// Updates the last use of a token. Runs in the background, so that a request that only reads does not wait for a
/// write.
async fn update_last_used(db: Db, id: i64, now: Moment) {
    let put = db
        .write(move |conn| {
            diesel::update(api_tokens::table.find(id))
                .set(api_tokens::last_used_at.eq(now))
                .execute(conn)?;
            Ok(())
        })
        .await;
    if let Err(error) = put {
        tracing::warn!(%error, "could not update the last use of a token");
    }
}

/// Returns whether a text has the form of a token.
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX)
        .and_then(|secret| BASE64_URL_SAFE_NO_PAD.decode(secret).ok())
        .is_some_and(|secret| secret.len() == BYTES)
}
