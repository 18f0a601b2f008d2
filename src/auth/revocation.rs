//! Revokes everything that gives access to an account, or through it: sessions, API tokens, chats and invitations.

use crate::{
    auth::{chats, users::invitations},
    error::Error,
    schema::{api_tokens, sessions},
    transaction::Tx,
};
use diesel::prelude::*;

/// Ends every session of an account and revokes its chat code, which one of the sessions may have created.
/// The caller records the operation in the log.
pub fn sign_out_everywhere(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    chats::service::end_code(tx, username)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(username))).execute(tx.conn)?;
    Ok(())
}

/// How many API tokens and chats of an account were revoked.
pub struct Revoked {
    pub tokens: usize,
    pub chats: usize,
}

/// Revokes every API token of an account and unlinks its chats. The caller records the operation in the log.
pub fn revoke_keys(tx: &mut Tx<'_>, username: &str) -> Result<Revoked, Error> {
    let tokens = api_tokens::table.filter(api_tokens::user_id.eq(username));
    Ok(Revoked {
        tokens: diesel::delete(tokens).execute(tx.conn)?,
        chats: chats::service::end_all(tx, username)?,
    })
}

/// Ends every session, API token, chat and unused invitation of an account. The caller records the operation in the
/// log.
pub fn shut_out(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    revoke_keys(tx, username)?;
    invitations::revoke_all_of(tx, username)?;
    sign_out_everywhere(tx, username)
}
