//! Signing in, the own account, and accounts for admins, over the REST API.

use super::{Me, Role, UserState, service, service::Account, session};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, OfOne, Public, SignedIn, WithBody},
        request::{Body, Caller, Name},
        values::{Given, Listing, Made},
    },
    checks::Checks,
    error::{Error, Problem},
};
use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of accounts.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(plain_logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(users))
        .routes(routes!(change_role))
        .routes(routes!(activate))
}

/// An account
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserJson {
    #[schema(example = "anna")]
    username: String,
    role: Role,
    state: UserState,
}

impl From<Account> for UserJson {
    fn from(account: Account) -> Self {
        Self {
            username: account.username,
            role: account.role,
            state: account.state,
        }
    }
}

impl From<Me> for UserJson {
    fn from(me: Me) -> Self {
        Self {
            username: me.username,
            role: me.role,
            state: UserState::Active,
        }
    }
}

/// A name and its password
#[derive(Deserialize, ToSchema)]
struct Credentials {
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 3, max_length = 64, example = "anna")]
    username: Given,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 8, max_length = 72, format = Password, example = "correct horse")]
    password: Given,
}

impl Credentials {
    fn read(self, checks: &mut Checks) -> (String, String) {
        let username = checks.take("username", self.username.text());
        (username, checks.take("password", self.password.text()))
    }
}

/// A password to change
#[derive(Deserialize, ToSchema)]
struct PasswordChange {
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, example = "correct horse")]
    current_password: Given,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 8, max_length = 72, format = Password, example = "battery staple")]
    password: Given,
}

/// A role to give
#[derive(Debug, Deserialize, ToSchema)]
struct RoleChange {
    #[serde(default)]
    #[schema(value_type = Role, required = true, example = "manager")]
    role: Given,
}

/// Register an account and sign in
///
/// The first account becomes admin. One that waits for approval is not signed in.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    operation_id = "register",
    tag = "account",
    security(()),
    request_body = Credentials,
    responses(
        (status = CREATED, description = "The account", body = UserJson, headers(("Location" = String, description = "Where it is"))),
        Public, Allowed, WithBody
    )
)]
async fn register(caller: Caller, body: Body<Credentials>) -> Result<Made<UserJson>, Error> {
    let ((username, password), checks) = body.open(Credentials::read);
    checks.done()?;
    let repeated = password.clone();
    let account = service::register(&caller.shop, &username, password, &repeated).await?;
    if account.state == UserState::Active {
        session::begin(&caller.session, &account.username).await?;
    }
    Ok(Made::at("/api/me".to_owned(), account.into()))
}

/// Sign in
///
/// Sets the session cookie.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "login",
    tag = "account",
    security(()),
    request_body = Credentials,
    responses(
        (status = OK, description = "Who is signed in now", body = UserJson, headers(("Set-Cookie" = String, description = "The session"))),
        SignedIn, Allowed, WithBody
    )
)]
async fn login(caller: Caller, body: Body<Credentials>) -> Result<Json<UserJson>, Error> {
    let ((username, password), mut checks) = body.open(Credentials::read);
    for (field, text) in [("username", &username), ("password", &password)] {
        if text.is_empty() {
            checks.wrong(field, Problem::Required);
        }
    }
    checks.done()?;
    let me = service::sign_in(&caller.shop, &username, password).await?;
    session::begin(&caller.session, &me.username).await?;
    Ok(Json(me.into()))
}

/// Sign out
///
/// Ends the session; a token is revoked, not signed out.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logout",
    tag = "account",
    security(()),
    responses((status = NO_CONTENT, description = "Nobody is signed in any more"), Public, Allowed)
)]
async fn logout(caller: Caller) -> Result<StatusCode, Error> {
    caller.act(Checks::default(), service::sign_out).await?;
    session::end(&caller.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out, by the short address
#[utoipa::path(
    post,
    path = "/logout",
    operation_id = "plain_logout",
    tag = "account",
    security(()),
    responses((status = NO_CONTENT, description = "Nobody is signed in any more"), Public, Allowed)
)]
async fn plain_logout(caller: Caller) -> Result<StatusCode, Error> {
    logout(caller).await
}

/// Read who is signed in
#[utoipa::path(
    get,
    path = "/api/me",
    operation_id = "me",
    tag = "account",
    responses((status = OK, description = "The account", body = UserJson), SignedIn)
)]
async fn me(caller: Caller) -> Result<Json<UserJson>, Error> {
    let me = caller.look(Checks::default(), service::me).await?;
    Ok(Json(me.into()))
}

/// Change the own password
///
/// Ends every other session of the account; tokens stay.
#[utoipa::path(
    post,
    path = "/api/me/password",
    operation_id = "change_password",
    tag = "account",
    request_body = PasswordChange,
    responses((status = NO_CONTENT, description = "It is changed"), SignedIn, Allowed, WithBody)
)]
async fn change_password(caller: Caller, body: Body<PasswordChange>) -> Result<StatusCode, Error> {
    let me = caller.me()?.clone();
    let ((current, password), checks) = body.open(|change, checks| {
        (
            checks.take("current_password", change.current_password.text()),
            checks.take("password", change.password.text()),
        )
    });
    checks.done()?;
    let (name, repeated) = (me.username.clone(), password.clone());
    service::change_password(&caller.shop, me, current, password, &repeated).await?;
    if session::is_of(&caller.session, &name).await? {
        session::begin(&caller.session, &name).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// List all accounts, by name
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "list_users",
    tag = "admin",
    responses((status = OK, description = "The accounts", body = Listing<UserJson>), SignedIn, Allowed)
)]
async fn users(caller: Caller) -> Result<Json<Listing<UserJson>>, Error> {
    let accounts = caller.look(Checks::default(), service::list).await?;
    Ok(Listing::whole(accounts))
}

/// Give an account a role
///
/// Not the own one, and the last admin stays admin.
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
    let (role, checks) = body.open(|change, checks| {
        let code = checks.take("role", change.role.text());
        let role: Option<Role> = checks.optional_code("role", &code);
        if code.is_empty() {
            checks.wrong("role", Problem::Required);
        }
        // The stand-in is never given: whoever sent a wrong one is refused.
        role.unwrap_or(Role::User)
    });
    let account = caller
        .act(checks, move |tx| service::change_role(tx, &username, role))
        .await?;
    Ok(Json(account.into()))
}

/// Let an account in that waits for approval
#[utoipa::path(
    post,
    path = "/api/users/{username}/activate",
    operation_id = "activate_user",
    tag = "admin",
    params(("username" = String, Path, description = "Name of the account", example = "anna")),
    responses((status = OK, description = "The account as it is now", body = UserJson), SignedIn, Allowed, OfOne)
)]
async fn activate(caller: Caller, Name(username): Name) -> Result<Json<UserJson>, Error> {
    let act = move |tx: &mut Tx<'_>| service::activate(tx, &username);
    let account = caller.act(Checks::default(), act).await?;
    Ok(Json(account.into()))
}
