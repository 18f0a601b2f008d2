//! Ends what opens an account: sessions, tokens, chats.

use crate::{
    act::Tx,
    auth::chats,
    error::Error,
    schema::{api_tokens, sessions},
};
use diesel::prelude::*;

/// Ends every session of an account, and the code for a chat that one of them may have made.
/// Whoever does so has put on record why.
pub fn sign_out_everywhere(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    chats::service::end_code(tx, username)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(username))).execute(tx.conn)?;
    Ok(())
}

/// Ends every session, every token and every chat of an account. Whoever does so has put on record why.
pub fn shut_out(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    diesel::delete(api_tokens::table.filter(api_tokens::user_id.eq(username))).execute(tx.conn)?;
    chats::service::end_all(tx, username)?;
    sign_out_everywhere(tx, username)
}
