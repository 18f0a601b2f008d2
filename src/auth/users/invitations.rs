//! The rules for invitations: each is a link with which one account can be registered, with a role that an admin chose.

use super::Invitation;
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::{Permission, Role},
    codes::Code,
    crypto::sha256,
    error::Error,
    schema::invitations,
    transaction::Tx,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// How long an invitation is valid, in hours.
pub const HOURS: i64 = 72;
/// Maximum number of invitations that are listed.
const SHOWN: i64 = 200;

/// Creates an invitation whose link contains `token`; only the hash of the token is stored.
pub fn invite(tx: &mut Tx<'_>, role: Role, token: &str) -> Result<Invitation, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let id = diesel::insert_into(invitations::table)
        .values((
            invitations::token_hash.eq(sha256(token)),
            invitations::role.eq(role),
            invitations::user_id.eq(tx.actor.username()),
            invitations::created_at.eq(tx.now),
            invitations::expires_at.eq(tx.now.utc() + TimeDelta::hours(HOURS)),
        ))
        .returning(invitations::id)
        .get_result::<i64>(tx.conn)?;
    record(
        tx,
        Action::Invite,
        Entity::Invitation,
        id,
        &[audit::set("role", role)],
    )?;
    get(tx, id)
}

/// Revokes an unused invitation.
pub fn revoke(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let revoked = diesel::delete(
        invitations::table.filter(invitations::id.eq(id).and(invitations::used_at.is_null())),
    )
    .execute(tx.conn)?;
    if revoked == 0 {
        return Err(Error::NotFound);
    }
    record(tx, Action::RevokeInvitation, Entity::Invitation, id, &[])
}

/// Lists the valid invitations, newest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Invitation>, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    invitations::table
        .filter(
            invitations::expires_at
                .gt(tx.now)
                .and(invitations::used_at.is_null()),
        )
        .order(invitations::expires_at.desc())
        .limit(SHOWN)
        .select(Invitation::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the role of the invitation with this token hash, or an error if the invitation is not valid.
pub fn role_of(tx: &mut Tx<'_>, hash: &str) -> Result<Role, Error> {
    invitations::table
        .filter(
            invitations::token_hash
                .eq(hash)
                .and(invitations::used_at.is_null())
                .and(invitations::expires_at.gt(tx.now)),
        )
        .select(invitations::role)
        .first::<Code<Role>>(tx.conn)
        .optional()?
        .and_then(|role| role.known())
        .ok_or(Error::InvitationOver)
}

/// Marks an invitation as used by the new account; an error if another account has used it before.
pub fn use_up(tx: &mut Tx<'_>, hash: &str, username: &str) -> Result<(), Error> {
    let used = diesel::update(
        invitations::table.filter(
            invitations::token_hash
                .eq(hash)
                .and(invitations::used_at.is_null()),
        ),
    )
    .set((
        invitations::used_at.eq(tx.now),
        invitations::used_by.eq(username),
    ))
    .execute(tx.conn)?;
    if used == 0 {
        return Err(Error::InvitationOver);
    }
    Ok(())
}

fn get(tx: &mut Tx<'_>, id: i64) -> Result<Invitation, Error> {
    invitations::table
        .find(id)
        .select(Invitation::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}
