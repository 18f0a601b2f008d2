//! The REST endpoints for signing in and for the caller's own account.

use super::{
    Me, Role, UserState,
    devices::Device,
    service::{self, PasswordChange, Registrant},
    session,
    totp::sign_in::{self, Admission},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, NotFoundErrors, PermissionErrors, PublicErrors},
        request::{Body, Caller, Name},
        values::{Created, Listing, Time},
    },
    auth::users::api::UserJson,
    codes::Code,
    error::Error,
    transaction::{AppState, Tx},
    validation::{Input, entered},
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints for signing in and for the caller's own account.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(plain_logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(devices, end_other_devices))
        .routes(routes!(end_device))
}

/// The account of the caller
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
struct MeJson {
    #[schema(example = "anna")]
    username: String,
    #[schema(value_type = Role)]
    role: Code<Role>,
    /// Whether the password is a one-time password; until it is changed, only your own account is accessible
    must_change_password: bool,
    /// Whether your role needs two-factor authentication, which you have not set up; until then, only your own account
    /// is accessible
    must_set_up_totp: bool,
}

impl From<Me> for MeJson {
    fn from(me: Me) -> Self {
        Self {
            username: me.username,
            role: me.role,
            must_change_password: me.must_change_password,
            must_set_up_totp: me.must_set_up_totp,
        }
    }
}

/// A session of the account
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionJson {
    /// Session id: a hash that cannot be used to sign in
    id: String,
    /// Browser and operating system; empty if unknown
    #[schema(example = "Firefox, Windows")]
    device: String,
    /// IP address
    #[schema(example = "203.0.113.7")]
    address: String,
    /// Accurate to a few minutes
    last_seen_at: Option<Time>,
    /// Whether this is the session of the current request
    is_this: bool,
}

impl From<Device> for SessionJson {
    fn from(device: Device) -> Self {
        Self {
            id: device.id,
            device: device.name,
            address: device.address,
            last_seen_at: device.last_seen_at.map(Time),
            is_this: device.is_this,
        }
    }
}

/// A user name and password
#[derive(ToSchema)]
struct Credentials {
    #[schema(min_length = 3, max_length = 64, example = "anna")]
    username: String,
    #[schema(min_length = 8, max_length = 128, format = Password, example = "correct horse")]
    password: String,
    /// For an account with two-factor authentication: the code of the authenticator app, or a recovery code. Each works
    /// once
    #[schema(value_type = Option<String>, example = "123456")]
    code: String,
}

impl Credentials {
    fn read(mut input: Input) -> Result<Self, Error> {
        let credentials = Self {
            username: input.read("username", entered),
            password: input.read("password", entered),
            code: input.text("code").to_owned(),
        };
        input.finish().map(|()| credentials)
    }
}

/// Copies the new password into `password_repeated`: the forms ask for it twice, the API does not.
fn once<T>(mut body: Body<T>) -> Input {
    let password = body.input.text("password").to_owned();
    body.input.enter("password_repeated", password);
    body.input
}

/// Register an account and sign in
///
/// The first account becomes admin; from another machine than the server's it needs `setup_code`. An account registered
/// by invitation gets the role of the invitation. An account that must be approved first is not signed in.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    operation_id = "register",
    tag = "account",
    security(()),
    request_body = Registrant,
    responses(
        (
            status = CREATED,
            description = "The new account",
            body = UserJson,
            headers(("Location" = String, description = "Path of the account")),
        ),
        PublicErrors, PermissionErrors, BodyErrors
    )
)]
async fn register(caller: Caller, body: Body<Registrant>) -> Result<Created<UserJson>, Error> {
    let registrant = Registrant::read(once(body))?;
    let (account, admitted) = service::register(&caller.app, registrant, &caller.place).await?;
    if account.state == UserState::Active {
        session::begin(&caller.session, &admitted, caller.place).await?;
    }
    Ok(Created::at("/api/me".to_owned(), account.into()))
}

/// Sign in
///
/// Sets the session cookie. If the account has two-factor authentication and `code` is missing or wrong, the answer is
/// 401 with `errors.code`.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "login",
    tag = "account",
    security(()),
    request_body = Credentials,
    responses(
        (
            status = OK,
            description = "The signed-in account",
            body = MeJson,
            headers(("Set-Cookie" = String, description = "The session cookie")),
        ),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn login(caller: Caller, body: Body<Credentials>) -> Result<Json<MeJson>, Error> {
    let Credentials {
        username,
        password,
        code,
    } = Credentials::read(body.input)?;
    let admission = service::sign_in(&caller.app, &username, password, &caller.place).await?;
    let (me, admitted) = match admission {
        Admission::SignedIn(me, admitted) => (me, admitted),
        Admission::NeedsCode(pending) => {
            sign_in::complete(&caller.app, pending, &code, false, &caller.place).await?
        }
    };
    session::begin(&caller.session, &admitted, caller.place).await?;
    Ok(Json(me.into()))
}

/// Sign out
///
/// Ends the session. API tokens stay valid until they are revoked.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logout",
    tag = "account",
    security(()),
    responses((status = NO_CONTENT, description = "The session has ended"), PublicErrors, PermissionErrors)
)]
async fn logout(caller: Caller) -> Result<StatusCode, Error> {
    let own = session::key(&caller.session);
    let end = move |tx: &mut Tx<'_>| service::sign_out(tx, &own);
    caller.write(end).await?;
    session::end(&caller.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out (short path)
#[utoipa::path(
    post,
    path = "/logout",
    operation_id = "plain_logout",
    tag = "account",
    security(()),
    responses((status = NO_CONTENT, description = "The session has ended"), PublicErrors, PermissionErrors)
)]
async fn plain_logout(caller: Caller) -> Result<StatusCode, Error> {
    logout(caller).await
}

/// Read your account
#[utoipa::path(
    get,
    path = "/api/me",
    operation_id = "me",
    tag = "account",
    responses((status = OK, description = "The account", body = MeJson), AuthErrors)
)]
async fn me(caller: Caller) -> Result<Json<MeJson>, Error> {
    let me = caller.read(service::me).await?;
    Ok(Json(me.into()))
}

/// Change your password
///
/// Ends every other session of the account. Also revokes its API tokens and unlinks its chats, unless `revoke_access`
/// is `false`.
#[utoipa::path(
    post,
    path = "/api/me/password",
    operation_id = "change_password",
    tag = "account",
    request_body = PasswordChange,
    responses((status = NO_CONTENT, description = "The password was changed"), AuthErrors, PermissionErrors, BodyErrors)
)]
async fn change_password(caller: Caller, body: Body<PasswordChange>) -> Result<StatusCode, Error> {
    let me = caller.me()?.clone();
    let mut input = once(body);
    if input.text("revoke_access").is_empty() {
        input.enter("revoke_access", true.to_string());
    }
    let change = PasswordChange::read(input, &me.username)?;
    // The change ends the session, too.
    let has_session = session::is_of(&caller.session, &me.username).await?;
    let admitted = service::change_password(&caller.app, me, change, &caller.place).await?;
    if has_session {
        session::begin(&caller.session, &admitted, caller.place).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// List your sessions
#[utoipa::path(
    get,
    path = "/api/me/sessions",
    operation_id = "list_sessions",
    tag = "account",
    responses(
        (status = OK, description = "The sessions, most recently seen first, at most 100", body = Listing<SessionJson>),
        AuthErrors
    )
)]
async fn devices(caller: Caller) -> Result<Json<Listing<SessionJson>>, Error> {
    let own = session::key(&caller.session);
    let devices = caller.read(move |tx| session::devices(tx, &own)).await?;
    Ok(Listing::whole(devices))
}

/// End all your other sessions
#[utoipa::path(
    delete,
    path = "/api/me/sessions",
    operation_id = "end_other_sessions",
    tag = "account",
    responses((status = NO_CONTENT, description = "The other sessions have ended"), AuthErrors, PermissionErrors)
)]
async fn end_other_devices(caller: Caller) -> Result<StatusCode, Error> {
    let own = session::key(&caller.session);
    let end = move |tx: &mut Tx<'_>| session::end_other_devices(tx, &own);
    caller.write(end).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one of your sessions
#[utoipa::path(
    delete,
    path = "/api/me/sessions/{id}",
    operation_id = "end_session",
    tag = "account",
    params(("id" = String, Path, description = "Session id from the list", example = "5d41402abc4b2a76")),
    responses(
        (status = NO_CONTENT, description = "The session has ended or did not exist"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn end_device(caller: Caller, Name(id): Name) -> Result<StatusCode, Error> {
    let end = move |tx: &mut Tx<'_>| session::end_device(tx, &id);
    caller.write(end).await?;
    Ok(StatusCode::NO_CONTENT)
}
