//! The rules for one's own account: registration, signing in, and changing the password.

use super::{
    Actor, Me, Permission, Role, UserState,
    client_origin::ClientOrigin,
    confirmation::confirm,
    credentials::{lock_unchanged, renew_hash, set_password, use_one_time_password},
    new_password,
    password::{self, HashPriority},
    password_hash::Comparison,
    revocation::{revoke_keys, sign_out_everywhere},
    session::Authenticated,
    throttle::LoginAttempt,
};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::users::{Account, invitations, service as accounts, username},
    clock,
    codes::Code,
    config::Registration,
    crypto::sha256,
    db,
    error::{Error, Problem},
    moment::Moment,
    schema::users,
    text::fold,
    transaction::{AppState, Tx},
    validation::{Input, flag},
};
use diesel::prelude::*;
use utoipa::ToSchema;

/// A registration
#[derive(Clone, Default, ToSchema)]
#[schema(as = Registration)]
pub struct Registrant {
    #[schema(min_length = 3, max_length = 64, example = "anna")]
    pub username: String,
    #[schema(min_length = 8, max_length = 128, format = Password, example = "correct horse")]
    pub password: String,
    /// The token at the end of an invitation link
    #[schema(value_type = Option<String>)]
    pub invitation: String,
}

impl Registrant {
    /// Reads the fields, which contain the password twice.
    pub fn read(mut input: Input) -> Result<Self, Error> {
        let name = input.text("username").to_owned();
        let registrant = Self {
            username: input.read("username", username::read),
            password: read_new_password(&mut input, &name),
            invitation: input.text("invitation").to_owned(),
        };
        input.finish().map(|()| registrant)
    }
}

/// A change of password
#[derive(Clone, Default, ToSchema)]
pub struct PasswordChange {
    #[schema(format = Password, example = "correct horse")]
    pub current_password: String,
    #[schema(min_length = 8, max_length = 128, format = Password, example = "battery staple")]
    pub password: String,
    /// Also revoke the API tokens of the account and unlink its chats
    #[schema(value_type = Option<bool>, default = true)]
    pub revoke_access: bool,
}

impl PasswordChange {
    /// Reads the fields, which contain the new password twice, for the account with this name.
    pub fn read(mut input: Input, username: &str) -> Result<Self, Error> {
        let change = Self {
            current_password: input.text("current_password").to_owned(),
            password: read_new_password(&mut input, username),
            revoke_access: input.read("revoke_access", flag),
        };
        if change.current_password == change.password {
            input.add_error("password", Problem::SamePassword);
        }
        input.finish().map(|()| change)
    }
}

fn read_new_password(input: &mut Input, username: &str) -> String {
    let password = input.text("password").to_owned();
    if let Err(problem) = new_password::check(&password, username) {
        input.add_error("password", problem);
    } else if password != input.text("password_repeated") {
        input.add_error("password_repeated", Problem::PasswordsDiffer);
    }
    password
}

/// Registers an account. The first account becomes admin, whatever `REGISTRATION` says. An invitation sets the role.
pub async fn register(
    app: &AppState,
    registrant: Registrant,
    place: &ClientOrigin,
) -> Result<(Account, Authenticated), Error> {
    let Registrant {
        username,
        password,
        invitation,
    } = registrant;
    let policy = app.config.registration;
    let invitation = (!invitation.is_empty()).then(|| sha256(&invitation));
    // Checked before the costly hashing, and again below in the transaction.
    let asked = invitation.clone();
    app.read(Actor::Nobody, move |tx| terms(tx, asked.as_deref(), policy))
        .await?;
    let attempt = LoginAttempt::registration(place);
    attempt.begin(app).await?;
    let hash = password::hash(
        password,
        app.config.bcrypt_cost,
        HashPriority::at(place, false),
    );
    let hash = attempt.counted(app, hash).await?;
    app.write(Actor::Nobody, move |tx| {
        db::lock_name(tx.conn, accounts::REGISTRATION)?;
        let (role, state) = terms(tx, invitation.as_deref(), policy)?;
        let account = accounts::insert(tx, &username, role, state, &hash)?;
        if let Some(invitation) = invitation {
            invitations::use_up(tx, &invitation, &account.username)?;
        }
        let admitted = Authenticated::by(&account.username, &hash);
        Ok((account, admitted))
    })
    .await
}

/// Returns the role and state of a new account, or an error if registration is not allowed.
fn terms(
    tx: &mut Tx<'_>,
    invitation: Option<&str>,
    policy: Registration,
) -> Result<(Role, UserState), Error> {
    if let Some(hash) = invitation {
        return Ok((invitations::role_of(tx, hash)?, UserState::Active));
    }
    match (any_user(tx)?, policy) {
        (false, _) => Ok((Role::Admin, UserState::Active)),
        (true, Registration::Open) => Ok((Role::User, UserState::Active)),
        (true, Registration::Approval) => Ok((Role::User, UserState::Pending)),
        (true, Registration::Closed) => Err(Error::RegistrationClosed),
    }
}

/// What signing in needs to know of an account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Found {
    username: String,
    hashed_password: String,
    auth_hash: Option<String>,
    state: Code<UserState>,
    role: Code<Role>,
    must_change_password: bool,
    one_time_until: Option<Moment>,
}

impl Found {
    /// Returns why the right password does not sign in.
    fn refusal(&self) -> Option<Error> {
        match self.state.known() {
            Some(UserState::Active) => {
                let now = clock::now().utc();
                let is_over = self.one_time_until.is_none_or(|until| until.utc() <= now);
                (self.must_change_password && is_over).then_some(Error::OneTimePasswordOver)
            }
            Some(UserState::Pending) => Some(Error::AccountPending),
            Some(UserState::Blocked) | None => Some(Error::AccountBlocked),
        }
    }
}

/// Checks a user name and password. An unknown name and a wrong password give the same error after the same time.
pub async fn sign_in(
    app: &AppState,
    username: &str,
    password: String,
    place: &ClientOrigin,
) -> Result<(Me, Authenticated), Error> {
    let attempt = LoginAttempt::sign_in(username, place);
    attempt.begin(app).await?;
    let key = fold(username);
    let found = app
        .read(Actor::Nobody, move |tx| {
            users::table
                .filter(users::username_key.eq(key).and(users::deleted_at.is_null()))
                .select(Found::as_select())
                .first(tx.conn)
                .optional()
                .map_err(Error::from)
        })
        .await?;
    let hash = found.as_ref().map(|found| found.hashed_password.clone());
    let turn = HashPriority::at(place, place.known.has(username));
    let compared = password::verify(password.clone(), hash, app.config.bcrypt_cost, turn);
    let compared = attempt.counted(app, compared).await?;
    let is_right = match compared {
        Comparison::Right | Comparison::RightButOutdated => true,
        Comparison::Wrong => false,
    };
    let refusal = match &found {
        Some(found) if is_right => found.refusal(),
        Some(_) | None => Some(Error::BadCredentials),
    };
    // An unknown name is not logged: it may be a password typed into the wrong field.
    let name = found
        .as_ref()
        .map(|found| found.username.clone())
        .unwrap_or_default();
    let signed_in = match (refusal, found) {
        (None, Some(found)) => {
            let admitted =
                Authenticated::of(&found.username, &found.hashed_password, found.auth_hash);
            let me = Me {
                username: found.username,
                role: found.role,
                manager_in_admin: app.config.manager_in_admin,
                must_change_password: found.must_change_password,
            };
            Ok((me, admitted))
        }
        (refusal, _) => Err(refusal.unwrap_or(Error::BadCredentials)),
    };
    let renewed = match (&signed_in, compared) {
        (Ok(_), Comparison::RightButOutdated) => {
            // If the queue is full, a later sign-in renews the hash.
            let renewed = password::hash(password, app.config.bcrypt_cost, turn);
            renewed.await.ok()
        }
        (Ok(_), Comparison::Right | Comparison::Wrong) | (Err(_), _) => None,
    };
    let (actor, action) = match &signed_in {
        Ok((me, _)) => (Actor::User(me.clone()), Action::SignIn),
        Err(_) => (Actor::Nobody, Action::SignInFailed),
    };
    let admitted = signed_in.clone().ok();
    app.write(actor, move |tx| {
        if is_right {
            attempt.reset(tx)?;
        }
        if let Some((me, admitted)) = admitted {
            lock_unchanged(tx, &admitted)?;
            if me.must_change_password {
                use_one_time_password(tx, &me.username)?;
            }
            if let Some(hash) = renewed {
                renew_hash(tx, &admitted, &hash)?;
            }
        }
        record(tx, action, Entity::User, name, &[])
    })
    .await?;
    signed_in
}

/// Returns the signed-in user.
pub fn me(tx: &mut Tx<'_>) -> Result<Me, Error> {
    tx.actor.may(Permission::OwnAccount)?;
    match &tx.actor {
        Actor::User(me) => Ok(me.clone()),
        Actor::Nobody | Actor::System => Err(Error::SignedOut),
    }
}

/// Records a sign-out in the operation log.
pub fn sign_out(tx: &mut Tx<'_>) -> Result<(), Error> {
    if let Some(name) = tx.actor.username().map(str::to_owned) {
        record(tx, Action::SignOut, Entity::User, name, &[])?;
    }
    Ok(())
}

/// Changes the user's own password and ends every session of the account, and if asked, its tokens and chats. The caller
/// must begin a new session.
pub async fn change_password(
    app: &AppState,
    me: Me,
    change: PasswordChange,
) -> Result<Authenticated, Error> {
    let actor = Actor::User(me.clone());
    actor.may(Permission::OwnAccount)?;
    let current = ("current_password", change.current_password);
    let confirmed = confirm(app, &me, current, Action::ChangePasswordFailed).await?;
    let hash = password::hash(change.password, app.config.bcrypt_cost, HashPriority::OWN).await?;
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        // Does not overwrite a password that an admin has set in the meantime.
        confirmed.complete(tx)?;
        set_password(tx, &me.username, &hash, None)?;
        let mut details = Vec::new();
        if change.revoke_access {
            let revoked = revoke_keys(tx, &me.username)?;
            details.push(audit::set("tokens", revoked.tokens));
            details.push(audit::set("chats", revoked.chats));
        }
        sign_out_everywhere(tx, &me.username)?;
        let action = Action::ChangePassword;
        record(tx, action, Entity::User, &me.username, &details)?;
        Ok(Authenticated::by(&me.username, &hash))
    })
    .await
}

/// Returns whether there is an account yet, including deleted ones.
pub fn any_user(tx: &mut Tx<'_>) -> Result<bool, Error> {
    diesel::select(diesel::dsl::exists(users::table.select(users::username)))
        .get_result(tx.conn)
        .map_err(Error::from)
}
