//! The password of an account, as its row in the database.

use super::{UserState, session::Authenticated};
use crate::{error::Error, moment::Moment, schema::users, transaction::Tx};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Locks the account. Returns an error if its password was replaced or it was blocked since it was checked.
pub fn lock_unchanged(tx: &mut Tx<'_>, admitted: &Authenticated) -> Result<(), Error> {
    let locked = diesel::update(
        users::table
            .find(&admitted.username)
            .filter(users::state.eq(UserState::Active)),
    )
    .set(users::username_key.eq(users::username_key))
    .returning((users::hashed_password, users::auth_hash))
    .get_result::<(String, Option<String>)>(tx.conn)
    .optional()?;
    let current = locked.map(|(hash, kept)| Authenticated::of(&admitted.username, &hash, kept));
    if current.as_ref() == Some(admitted) {
        Ok(())
    } else {
        Err(Error::BadCredentials)
    }
}

/// Stores the hash of a new password. Until `one_time_until`, a one-time password signs in once; it must be changed
/// then.
pub fn set_password(
    tx: &mut Tx<'_>,
    username: &str,
    hash: &str,
    one_time_until: Option<NaiveDateTime>,
) -> Result<(), Error> {
    diesel::update(users::table.find(username))
        .set((
            users::hashed_password.eq(hash),
            users::auth_hash.eq(None::<String>),
            users::must_change_password.eq(one_time_until.is_some()),
            users::one_time_until.eq(one_time_until),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Uses up a one-time password, or returns an error if it was used before or has expired.
pub fn use_one_time_password(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    let used = diesel::update(
        users::table
            .find(username)
            .filter(users::one_time_until.gt(tx.now)),
    )
    .set(users::one_time_until.eq(None::<Moment>))
    .execute(tx.conn)?;
    if used == 0 {
        return Err(Error::OneTimePasswordOver);
    }
    Ok(())
}

/// Stores a new hash of the same password. The sessions of the account stay valid.
pub fn renew_hash(tx: &mut Tx<'_>, admitted: &Authenticated, hash: &str) -> Result<(), Error> {
    diesel::update(users::table.find(&admitted.username))
        .set((
            users::hashed_password.eq(hash),
            users::auth_hash.eq(admitted.auth_hash()),
        ))
        .execute(tx.conn)?;
    Ok(())
}
