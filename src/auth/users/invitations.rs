//! The rules for invitations: each is a link with which one account can be registered, with a role that an admin chose.

use super::Invitation;
use crate::{
    audit::{self, Action, Change, Entity, service::record},
    auth::{Permission, Role, active::find_active_role},
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

/// Revokes all unused invitations of an account that may no longer invite.
pub fn revoke_all_of(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    let unused = invitations::user_id
        .eq(username)
        .and(invitations::used_at.is_null());
    let ids: Vec<i64> = invitations::table
        .filter(unused)
        .order(invitations::id)
        .select(invitations::id)
        .load(tx.conn)?;
    for id in ids {
        diesel::delete(invitations::table.find(id)).execute(tx.conn)?;
        record(tx, Action::RevokeInvitation, Entity::Invitation, id, &[])?;
    }
    Ok(())
}

/// An invitation with which an account can be registered now.
pub struct Redeemable {
    pub id: i64,
    pub role: Role,
    /// Name of the user who created it; `None` for the system.
    maker: Option<String>,
}

impl Redeemable {
    /// Returns what the operation log says about an account that was registered with it.
    pub fn details(&self) -> Vec<Change> {
        let maker = self.maker.as_deref().unwrap_or(audit::SYSTEM);
        vec![
            audit::set("invitation", self.id),
            audit::set("invited_by", maker),
        ]
    }
}

/// Returns the invitation with this token hash. It is an error if it is not valid, or if its maker may not invite any
/// more.
pub fn redeemable(tx: &mut Tx<'_>, hash: &str) -> Result<Redeemable, Error> {
    let (id, role, maker) = invitations::table
        .filter(
            invitations::token_hash
                .eq(hash)
                .and(invitations::used_at.is_null())
                .and(invitations::expires_at.gt(tx.now)),
        )
        .select((invitations::id, invitations::role, invitations::user_id))
        .first::<(i64, Code<Role>, Option<String>)>(tx.conn)
        .optional()?
        .ok_or(Error::InvitationOver)?;
    let may_invite = match &maker {
        // `MANAGER_IN_ADMIN` does not let anybody manage users.
        Some(maker) => find_active_role(tx, maker)?
            .is_some_and(|role| role.may(Permission::ManageUsers, false)),
        None => true,
    };
    let role = role.known().filter(|_| may_invite);
    Ok(Redeemable {
        id,
        role: role.ok_or(Error::InvitationOver)?,
        maker,
    })
}

/// Marks an invitation as used by the new account; an error if another account has used it before.
pub fn use_up(tx: &mut Tx<'_>, id: i64, username: &str) -> Result<(), Error> {
    let used = diesel::update(
        invitations::table.filter(invitations::id.eq(id).and(invitations::used_at.is_null())),
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
