//! Other people's accounts and invitations over the REST API.

use super::{
    Account, Invitation, Query, invitations,
    service::{self, RoleChange},
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Name, Params},
        values::{Listing, Made, Time},
    },
    auth::{Role, UserState},
    codes::Code,
    crypto::new_key,
    error::Error,
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of other people's accounts.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, delete))
        .routes(routes!(change_role))
        .routes(routes!(activate))
        .routes(routes!(block))
        .routes(routes!(unblock))
        .routes(routes!(reset_password))
        .routes(routes!(list_invitations, invite))
        .routes(routes!(revoke_invitation))
}

/// An account
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserJson {
    #[schema(example = "anna")]
    username: String,
    #[schema(value_type = Role)]
    role: Code<Role>,
    #[schema(value_type = UserState)]
    state: Code<UserState>,
    created_at: Time,
    /// To a few minutes
    last_seen_at: Option<Time>,
    /// Has a one-time password
    must_change_password: bool,
}

impl From<Account> for UserJson {
    fn from(account: Account) -> Self {
        Self {
            username: account.username,
            role: account.role,
            state: account.state,
            created_at: Time(account.created_at),
            last_seen_at: account.last_seen_at.map(Time),
            must_change_password: account.must_change_password,
        }
    }
}

/// An invitation that holds
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
struct InvitationJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(value_type = Role)]
    role: Code<Role>,
    /// Who invited
    user_id: Option<String>,
    created_at: Time,
    expires_at: Time,
}

impl From<Invitation> for InvitationJson {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            role: invitation.role,
            user_id: invitation.user_id,
            created_at: Time(invitation.created_at),
            expires_at: Time(invitation.expires_at),
        }
    }
}

/// An invitation that was made
#[derive(Serialize, ToSchema)]
struct MadeInvitation {
    id: i64,
    #[schema(value_type = Role)]
    role: Code<Role>,
    expires_at: Time,
    /// What registers, told this once: `/register?invitation=…` is the page, `invitation` the field of the API
    token: String,
}

/// A one-time password
#[derive(Serialize, ToSchema)]
struct OneTimePassword {
    /// Told this once; it must be changed at the next sign-in
    password: String,
}

/// List all accounts, by name
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "list_users",
    tag = "admin",
    params(Query),
    responses((status = OK, description = "A page of the accounts", body = Listing<UserJson>), SignedIn, Allowed, Listed)
)]
async fn list(caller: Caller, params: Params<Query>) -> Result<Json<Listing<UserJson>>, Error> {
    Ok(Listing::of(caller.search(params, service::list).await?))
}

/// Read an account
#[utoipa::path(
    get,
    path = "/api/users/{username}",
    operation_id = "read_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The account", body = UserJson), SignedIn, Allowed, OfOne)
)]
async fn get(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    let account = caller.look(move |tx| service::get(tx, &username)).await?;
    Ok(Json(account.into()))
}

/// Delete an account for good
///
/// Not the own one, and not the last admin. The name stays in the history and is not given again.
#[utoipa::path(
    delete,
    path = "/api/users/{username}",
    operation_id = "delete_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = NO_CONTENT, description = "It is gone"), SignedIn, Allowed, OfOne, Conflict)
)]
async fn delete(caller: Caller, Name(username): Name) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| service::delete(tx, &username);
    caller.act(act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an account a role
///
/// Not the own one, and the last admin stays admin. The account is signed out.
#[utoipa::path(
    put,
    path = "/api/users/{username}/role",
    operation_id = "change_role",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    request_body = RoleChange,
    responses(
        (status = OK, description = "The account as it is now", body = UserJson),
        SignedIn, Allowed, OfOne, WithBody, Conflict
    )
)]
async fn change_role(
    caller: Caller,
    Name(username): Name,
    body: Body<RoleChange>,
) -> Result<Json<UserJson>, Error> {
    let change = move |tx: &mut Tx<'_>, change: &RoleChange| {
        service::change_role(tx, &username, change.role)
    };
    let account = caller.submit(body, change).await?;
    Ok(Json(account.into()))
}

/// Let an account in that waits for approval
#[utoipa::path(
    post,
    path = "/api/users/{username}/activate",
    operation_id = "activate_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The account as it is now", body = UserJson), SignedIn, Allowed, OfOne, Conflict)
)]
async fn activate(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::activate).await
}

/// Shut an account out, at once
///
/// Its sessions and tokens end. Not the own one, and not the last admin.
#[utoipa::path(
    post,
    path = "/api/users/{username}/block",
    operation_id = "block_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The account as it is now", body = UserJson), SignedIn, Allowed, OfOne, Conflict)
)]
async fn block(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::block).await
}

/// Let a blocked account in again
#[utoipa::path(
    post,
    path = "/api/users/{username}/unblock",
    operation_id = "unblock_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The account as it is now", body = UserJson), SignedIn, Allowed, OfOne, Conflict)
)]
async fn unblock(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::unblock).await
}

async fn state(
    caller: Caller,
    username: String,
    change: fn(&mut Tx<'_>, &str) -> Result<Account, Error>,
) -> Result<Json<UserJson>, Error> {
    let act = move |tx: &mut Tx<'_>| change(tx, &username);
    let account = caller.act(act).await?;
    Ok(Json(account.into()))
}

/// Give an account a one-time password
///
/// Its sessions, tokens and chats end. Not the own one.
#[utoipa::path(
    post,
    path = "/api/users/{username}/reset-password",
    operation_id = "reset_password",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The password, this once", body = OneTimePassword), SignedIn, Allowed, OfOne, Conflict)
)]
async fn reset_password(
    caller: Caller,
    Name(username): Name,
) -> Result<Json<OneTimePassword>, Error> {
    let password = service::give_one_time_password(&caller.shop, caller.actor, username).await?;
    Ok(Json(OneTimePassword { password }))
}

/// List the invitations that hold, the latest first
#[utoipa::path(
    get,
    path = "/api/invitations",
    operation_id = "list_invitations",
    tag = "admin",
    responses((status = OK, description = "The invitations, at most two hundred", body = Listing<InvitationJson>), SignedIn, Allowed)
)]
async fn list_invitations(caller: Caller) -> Result<Json<Listing<InvitationJson>>, Error> {
    let invitations = caller.look(invitations::list).await?;
    Ok(Listing::whole(invitations))
}

/// Invite somebody
///
/// The token makes one account with that role, for 72 hours, also while registration is closed.
#[utoipa::path(
    post,
    path = "/api/invitations",
    operation_id = "invite",
    tag = "admin",
    request_body = RoleChange,
    responses(
        (status = CREATED, description = "The invitation", body = MadeInvitation, headers(("Location" = String, description = "Where it is"))),
        SignedIn, Allowed, WithBody
    )
)]
async fn invite(caller: Caller, body: Body<RoleChange>) -> Result<Made<MadeInvitation>, Error> {
    let token = new_key();
    let kept = token.clone();
    let invite =
        move |tx: &mut Tx<'_>, change: &RoleChange| invitations::invite(tx, change.role, &kept);
    let made = caller.submit(body, invite).await?;
    let at = format!("/api/invitations/{}", made.id);
    let body = MadeInvitation {
        id: made.id,
        role: made.role,
        expires_at: Time(made.expires_at),
        token,
    };
    Ok(Made::at(at, body))
}

/// Take an invitation back
#[utoipa::path(
    delete,
    path = "/api/invitations/{id}",
    operation_id = "revoke_invitation",
    tag = "admin",
    params(("id" = i64, Path, description = "Number of the invitation", example = 1)),
    responses((status = NO_CONTENT, description = "It does not hold any more"), SignedIn, Allowed, OfOne)
)]
async fn revoke_invitation(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| invitations::revoke(tx, id);
    caller.act(act).await?;
    Ok(StatusCode::NO_CONTENT)
}
