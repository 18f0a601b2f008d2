//! Whether an account has a second factor, and whether it needs one.

use super::recovery;
use crate::{
    auth::Role, codes::Code, config::Config, db::Conn, error::Error, moment::Moment, schema::totp,
    transaction::Tx,
};
use diesel::prelude::*;

/// Returns the encrypted secret of an account if its second factor is on.
pub fn sealed_secret(conn: &mut Conn, username: &str) -> Result<Option<String>, Error> {
    totp::table
        .find(username)
        .filter(totp::confirmed_at.is_not_null())
        .select(totp::secret)
        .first(conn)
        .optional()
        .map_err(Error::from)
}

/// Returns whether `REQUIRE_2FA` names a role.
pub fn is_required(role: &Code<Role>, config: &Config) -> bool {
    let role = role.known();
    role.is_some_and(|role| config.require_2fa.contains(&role))
}

/// Returns whether the role of an account needs a second factor, and the account has none.
pub fn is_missing(
    conn: &mut Conn,
    username: &str,
    role: &Code<Role>,
    config: &Config,
) -> Result<bool, Error> {
    Ok(is_required(role, config) && sealed_secret(conn, username)?.is_none())
}

/// Removes the second factor of an account. Returns whether it was on. The caller records the operation in the log.
pub fn remove(tx: &mut Tx<'_>, username: &str) -> Result<bool, Error> {
    recovery::remove(tx, username)?;
    let removed = diesel::delete(totp::table.find(username))
        .returning(totp::confirmed_at)
        .get_result::<Option<Moment>>(tx.conn)
        .optional()?;
    Ok(removed.flatten().is_some())
}
