//! Looks up an account that may be used now.

use crate::{
    auth::{Me, Role, UserState, totp::enrolment},
    codes::Code,
    config::Config,
    error::Error,
    schema::users,
    transaction::Tx,
};
use diesel::prelude::*;

/// Returns the account with this name, or `None` if it is missing, deleted or not active.
pub fn find_active_account(
    tx: &mut Tx<'_>,
    username: &str,
    config: &Config,
) -> Result<Option<Me>, Error> {
    let Some((role, must_change_password)) = find(tx, username)? else {
        return Ok(None);
    };
    Ok(Some(Me {
        username: username.to_owned(),
        must_set_up_totp: enrolment::is_missing(tx.conn, username, &role, config)?,
        role,
        manager_in_admin: config.manager_in_admin,
        must_change_password,
    }))
}

/// Returns the role of the account with this name, or `None` if it is missing, deleted or not active.
pub fn find_active_role(tx: &mut Tx<'_>, username: &str) -> Result<Option<Role>, Error> {
    Ok(find(tx, username)?.and_then(|(role, _)| role.known()))
}

fn find(tx: &mut Tx<'_>, username: &str) -> Result<Option<(Code<Role>, bool)>, Error> {
    users::table
        .find(username)
        .filter(users::state.eq(UserState::Active))
        .filter(users::deleted_at.is_null())
        .select((users::role, users::must_change_password))
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}
