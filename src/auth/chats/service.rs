//! The rules of chats: a code links one to an account, which alone decides what may be done there.

use super::Chat;
use crate::{
    act::Tx,
    auth::{Actor, Permission, active::active},
    crypto::sha256,
    error::Error,
    log::{self, Action, Entity, service::record},
    moment::Moment,
    schema::{chat_codes, chats},
};
use chrono::TimeDelta;
use diesel::prelude::*;
use rand::seq::IndexedRandom;

/// How long a code holds.
const HOLDS: TimeDelta = TimeDelta::minutes(10);
/// What a code is made of: nothing that looks like something else.
const LETTERS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many of them: a thousand billion codes, for ten minutes.
const LENGTH: usize = 8;
/// Chats of one account that are shown.
const SHOWN: i64 = 100;

/// Makes a code that links a chat to one's own account, and tells it, this once. An earlier one holds no more.
pub fn new_code(tx: &mut Tx<'_>) -> Result<(String, Moment), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = owner(tx)?;
    let mut random = rand::rng();
    let letters = (0..LENGTH).filter_map(|_| LETTERS.choose(&mut random));
    let code: String = letters.map(|letter| char::from(*letter)).collect();
    let until = crate::clock::at(tx.now.utc().and_utc() + HOLDS);
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

/// Links a chat to the account that a code was made for. The code is the right to do so, and is used up.
/// `None`: it does not hold.
pub fn link(
    tx: &mut Tx<'_>,
    code: &str,
    chat: i64,
    name: &str,
    manager_in_admin: bool,
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
    let Some(me) = active(tx, &owner, manager_in_admin)? else {
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
    let changes = [log::set("chat", name)];
    record(tx, Action::LinkChat, Entity::User, &owner, &changes)?;
    Ok(Some(owner))
}

/// Takes a chat of one's own from the bot.
pub fn unlink(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.actor.may(Permission::OwnKeys)?;
    let owner = owner(tx)?;
    let name = diesel::delete(chats::table.filter(chats::id.eq(id).and(chats::user_id.eq(&owner))))
        .returning(chats::name)
        .get_result::<String>(tx.conn)?;
    let changes = [log::set("chat", name)];
    record(tx, Action::UnlinkChat, Entity::User, owner, &changes)
}

/// One's own chats, the newest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Chat>, Error> {
    tx.actor.may(Permission::OwnKeys)?;
    chats::table
        .filter(chats::user_id.eq(owner(tx)?))
        .order(chats::id.desc())
        .limit(SHOWN)
        .select((chats::id, chats::name, chats::created_at))
        .load(tx.conn)
        .map_err(Error::from)
}

/// Who writes in a chat, with the rights that he has now; nobody when it is not linked, or his account may not be used.
pub fn actor(tx: &mut Tx<'_>, chat: i64, manager_in_admin: bool) -> Result<Actor, Error> {
    let owner = chats::table
        .filter(chats::chat_id.eq(chat))
        .select(chats::user_id)
        .first::<String>(tx.conn)
        .optional()?;
    let me = match owner {
        Some(owner) => active(tx, &owner, manager_in_admin)?,
        None => None,
    };
    Ok(me.map_or(Actor::Nobody, Actor::User))
}

/// Ends every chat of an account. Whoever does so has put on record why.
pub fn end_all(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    diesel::delete(chats::table.filter(chats::user_id.eq(username))).execute(tx.conn)?;
    Ok(())
}

/// Ends the code of an account that links a chat.
pub fn end_code(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    diesel::delete(chat_codes::table.find(username)).execute(tx.conn)?;
    Ok(())
}

/// Whether a text may be a code.
pub fn is_code(text: &str) -> bool {
    let code = tidy(text);
    code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter))
}

/// A code as it was made, however it was typed.
fn tidy(code: &str) -> String {
    code.trim().to_uppercase()
}

fn owner(tx: &Tx<'_>) -> Result<String, Error> {
    let owner = tx.actor.username().map(str::to_owned);
    owner.ok_or(Error::SignedOut)
}
