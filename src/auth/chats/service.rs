//! The rules for chats with the bot: a code links a chat to an account, whose permissions then apply in the chat.

use super::Chat;
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::{Actor, Permission, active::find_active_account},
    config::Config,
    crypto::sha256,
    error::Error,
    moment::Moment,
    schema::{chat_codes, chats},
    transaction::Tx,
};
use chrono::TimeDelta;
use diesel::prelude::*;
use rand::seq::IndexedRandom;

/// How long a code is valid.
const VALIDITY: TimeDelta = TimeDelta::minutes(10);
/// The characters of a code, without those that look alike, such as `0` and `O`.
const LETTERS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// The length of a code: about 10¹² possible codes, each valid for ten minutes.
const LENGTH: usize = 8;
/// Maximum number of chats of one account that are listed.
const SHOWN: i64 = 100;

/// Creates a code that links a chat to one's own account, and returns it with its expiry time. Replaces the previous
/// code. Only its hash is stored.
pub fn new_code(tx: &mut Tx<'_>) -> Result<(String, Moment), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = tx.actor.me()?.username.clone();
    let mut random = rand::rng();
    let letters = (0..LENGTH).filter_map(|_| LETTERS.choose(&mut random));
    let code: String = letters.map(|letter| char::from(*letter)).collect();
    let until = crate::clock::at(tx.now.utc().and_utc() + VALIDITY);
    diesel::delete(chat_codes::table.find(&owner)).execute(tx.conn)?;
    diesel::insert_into(chat_codes::table)
        .values((
            chat_codes::user_id.eq(&owner),
            chat_codes::hash.eq(sha256(&code)),
            chat_codes::expires_at.eq(until),
        ))
        .execute(tx.conn)?;
    record(tx, Action::MakeChatCode, Entity::User, owner, &[])?;
    Ok((code, until))
}

/// Links a chat to the account of a code and returns the user name, or `None` if the code is not valid.
///
/// The code is the authorization, and can be used once. If the chat was linked to another account, that link is
/// replaced.
pub fn link(
    tx: &mut Tx<'_>,
    code: &str,
    chat: i64,
    name: &str,
    config: &Config,
) -> Result<Option<String>, Error> {
    let owner = diesel::delete(
        chat_codes::table
            .filter(chat_codes::hash.eq(sha256(&tidy(code))))
            .filter(chat_codes::expires_at.gt(tx.now)),
    )
    .returning(chat_codes::user_id)
    .get_result::<String>(tx.conn)
    .optional()?;
    let Some(owner) = owner else {
        return Ok(None);
    };
    let Some(me) = find_active_account(tx, &owner, config)? else {
        return Ok(None);
    };
    tx.actor = Actor::User(me);
    diesel::delete(chats::table.filter(chats::chat_id.eq(chat))).execute(tx.conn)?;
    diesel::insert_into(chats::table)
        .values((
            chats::user_id.eq(&owner),
            chats::chat_id.eq(chat),
            chats::name.eq(name),
            chats::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let changes = [audit::set("chat", name)];
    record(tx, Action::LinkChat, Entity::User, &owner, &changes)?;
    Ok(Some(owner))
}

/// Unlinks one of the user's own chats.
pub fn unlink(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = tx.actor.me()?.username.clone();
    let name = diesel::delete(chats::table.filter(chats::id.eq(id).and(chats::user_id.eq(&owner))))
        .returning(chats::name)
        .get_result::<String>(tx.conn)?;
    let changes = [audit::set("chat", name)];
    record(tx, Action::UnlinkChat, Entity::User, owner, &changes)
}

/// Lists the user's own chats, newest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Chat>, Error> {
    tx.actor.may(Permission::OwnKeys)?;
    chats::table
        .filter(chats::user_id.eq(&tx.actor.me()?.username))
        .order(chats::id.desc())
        .limit(SHOWN)
        .select((chats::id, chats::name, chats::created_at))
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the actor of a chat with their current permissions: [`Actor::Nobody`] if the chat is not linked or its
/// account is not active.
pub fn actor(tx: &mut Tx<'_>, chat: i64, config: &Config) -> Result<Actor, Error> {
    let owner = chats::table
        .filter(chats::chat_id.eq(chat))
        .select(chats::user_id)
        .first::<String>(tx.conn)
        .optional()?;
    let me = match owner {
        Some(owner) => find_active_account(tx, &owner, config)?,
        None => None,
    };
    Ok(me.map_or(Actor::Nobody, Actor::User))
}

/// Unlinks every chat of an account and returns how many there were. The caller records the operation in the log.
pub fn end_all(tx: &mut Tx<'_>, username: &str) -> Result<usize, Error> {
    let all = chats::table.filter(chats::user_id.eq(username));
    diesel::delete(all).execute(tx.conn).map_err(Error::from)
}

/// Revokes the code of an account that links a chat.
pub fn end_code(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    diesel::delete(chat_codes::table.find(username)).execute(tx.conn)?;
    Ok(())
}

/// Returns whether a text has the form of a code.
pub fn is_code(text: &str) -> bool {
    let code = tidy(text);
    code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter))
}

/// Normalizes a typed code.
fn tidy(code: &str) -> String {
    code.trim().to_uppercase()
}
