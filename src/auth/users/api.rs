//! The REST endpoints for managing accounts and invitations.

use super::{
    Account, Invitation, Query, invitations,
    service::{self, RoleChange},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, Name, Params},
        values::{Created, Listing, Time},
    },
    auth::{Role, UserState},
    codes::Code,
    crypto::new_key,
    error::Error,
    transaction::{AppState, Tx},
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints for managing accounts and invitations.
pub fn routes() -> OpenApiRouter<AppState> {
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
    /// Accurate to a few minutes
    last_seen_at: Option<Time>,
    /// Whether the password is a one-time password
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

/// A valid invitation
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
struct InvitationJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(value_type = Role)]
    role: Code<Role>,
    /// Name of the user who created the invitation
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

/// A new invitation
#[derive(Serialize, ToSchema)]
struct MadeInvitation {
    id: i64,
    #[schema(value_type = Role)]
    role: Code<Role>,
    expires_at: Time,
    /// The secret, shown only in this response. Register with it on the page `/register?invitation=…`, or in the
    /// `invitation` field of the API
    token: String,
}

/// A one-time password
#[derive(Serialize, ToSchema)]
struct OneTimePassword {
    /// Shown only in this response; the user must change it at the next sign-in
    password: String,
}

/// List accounts, sorted by name
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "list_users",
    tag = "admin",
    params(Query),
    responses(
        (status = OK, description = "A page of the accounts", body = Listing<UserJson>),
        AuthErrors, PermissionErrors, ListErrors
    )
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
    responses((status = OK, description = "The account", body = UserJson), AuthErrors, PermissionErrors, NotFoundErrors)
)]
async fn get(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    let account = caller.read(move |tx| service::get(tx, &username)).await?;
    Ok(Json(account.into()))
}

/// Delete an account permanently
///
/// You cannot delete your own account or the last admin. The name stays in the history and cannot be used again.
#[utoipa::path(
    delete,
    path = "/api/users/{username}",
    operation_id = "delete_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses(
        (status = NO_CONTENT, description = "The account was deleted"),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn delete(caller: Caller, Name(username): Name) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| service::delete(tx, &username);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the role of an account
///
/// You cannot change your own role or that of the last admin. The account is signed out.
#[utoipa::path(
    put,
    path = "/api/users/{username}/role",
    operation_id = "change_role",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    request_body = RoleChange,
    responses(
        (status = OK, description = "The updated account", body = UserJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
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

/// Approve a pending account
#[utoipa::path(
    post,
    path = "/api/users/{username}/activate",
    operation_id = "activate_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses(
        (status = OK, description = "The updated account", body = UserJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn activate(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::activate).await
}

/// Block an account
///
/// Ends its sessions, tokens and chats at once. You cannot block your own account or the last admin.
#[utoipa::path(
    post,
    path = "/api/users/{username}/block",
    operation_id = "block_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses(
        (status = OK, description = "The updated account", body = UserJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn block(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::block).await
}

/// Unblock an account
#[utoipa::path(
    post,
    path = "/api/users/{username}/unblock",
    operation_id = "unblock_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses(
        (status = OK, description = "The updated account", body = UserJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn unblock(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    state(caller, username, service::unblock).await
}

async fn state(
    caller: Caller,
    username: String,
    change: fn(&mut Tx<'_>, &str) -> Result<Account, Error>,
) -> Result<Json<UserJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| change(tx, &username);
    let account = caller.write(operation).await?;
    Ok(Json(account.into()))
}

/// Reset the password of an account
///
/// Sets a one-time password and ends the sessions, tokens and chats of the account. You cannot reset your own password.
#[utoipa::path(
    post,
    path = "/api/users/{username}/reset-password",
    operation_id = "reset_password",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses(
        (status = OK, description = "The password, which is not shown again", body = OneTimePassword),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn reset_password(
    caller: Caller,
    Name(username): Name,
) -> Result<Json<OneTimePassword>, Error> {
    let password = service::give_one_time_password(&caller.app, caller.actor, username).await?;
    Ok(Json(OneTimePassword { password }))
}

/// List valid invitations, newest first
#[utoipa::path(
    get,
    path = "/api/invitations",
    operation_id = "list_invitations",
    tag = "admin",
    responses(
        (status = OK, description = "The invitations, at most 200", body = Listing<InvitationJson>),
        AuthErrors, PermissionErrors
    )
)]
async fn list_invitations(caller: Caller) -> Result<Json<Listing<InvitationJson>>, Error> {
    let invitations = caller.read(invitations::list).await?;
    Ok(Listing::whole(invitations))
}

/// Create an invitation
///
/// For 72 hours, one account with the given role can be registered with its token, even while registration is closed.
#[utoipa::path(
    post,
    path = "/api/invitations",
    operation_id = "invite",
    tag = "admin",
    request_body = RoleChange,
    responses(
        (
            status = CREATED,
            description = "The invitation with its token, which is not shown again",
            body = MadeInvitation,
            headers(("Location" = String, description = "Path of the invitation")),
        ),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn invite(caller: Caller, body: Body<RoleChange>) -> Result<Created<MadeInvitation>, Error> {
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
    Ok(Created::at(at, body))
}

/// Revoke an invitation
#[utoipa::path(
    delete,
    path = "/api/invitations/{id}",
    operation_id = "revoke_invitation",
    tag = "admin",
    params(("id" = i64, Path, description = "Invitation id", example = 1)),
    responses(
        (status = NO_CONTENT, description = "The invitation was revoked"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn revoke_invitation(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| invitations::revoke(tx, id);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}
