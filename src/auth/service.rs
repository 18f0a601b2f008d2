//! The rules for one's own account: registration, signing in, and changing the password.

use super::{
    Actor, Me, Permission, Role, UserState,
    client_origin::ClientOrigin,
    password::{self, HashPriority},
    revocation::sign_out_everywhere,
    session::Authenticated,
    throttle::LoginAttempt,
};
use crate::{
    audit::{Action, Entity, service::record},
    auth::users::{Account, invitations, service as accounts, username},
    codes::Code,
    config::Registration,
    crypto::sha256,
    db,
    error::{Error, Problem},
    schema::users,
    text::fold,
    transaction::{AppState, Tx},
    validation::Input,
};
use diesel::prelude::*;
use utoipa::ToSchema;

/// A registration
#[derive(Clone, Default, ToSchema)]
#[schema(as = Registration)]
pub struct Registrant {
    #[schema(min_length = 3, max_length = 64, example = "anna")]
    pub username: String,
    #[schema(min_length = 8, max_length = 71, format = Password, example = "correct horse")]
    pub password: String,
    /// The token at the end of an invitation link
    #[schema(value_type = Option<String>)]
    pub invitation: String,
}

impl Registrant {
    /// Reads the fields, which contain the password twice.
    pub fn read(mut input: Input) -> Result<Self, Error> {
        let registrant = Self {
            username: input.read("username", username::read),
            password: read_new_password(&mut input),
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
    #[schema(min_length = 8, max_length = 71, format = Password, example = "battery staple")]
    pub password: String,
}

impl PasswordChange {
    /// Reads the fields, which contain the new password twice.
    pub fn read(mut input: Input) -> Result<Self, Error> {
        let change = Self {
            current_password: input.text("current_password").to_owned(),
            password: read_new_password(&mut input),
        };
        if change.current_password == change.password {
            input.add_error("password", Problem::SamePassword);
        }
        input.finish().map(|()| change)
    }
}

fn read_new_password(input: &mut Input) -> String {
    let password = input.text("password").to_owned();
    if let Err(problem) = password::check(&password) {
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
    let hash = counted(app, &attempt, hash).await?;
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
                .select((
                    users::username,
                    users::hashed_password,
                    users::state,
                    users::role,
                    users::must_change_password,
                ))
                .first::<(String, String, Code<UserState>, Code<Role>, bool)>(tx.conn)
                .optional()
                .map_err(Error::from)
        })
        .await?;
    let hash = found.as_ref().map(|(_, hash, ..)| hash.clone());
    let turn = HashPriority::at(place, place.known.has(username));
    let compared = password::verify(password, hash.clone(), app.config.bcrypt_cost, turn);
    let right = counted(app, &attempt, compared).await?;
    let refusal = match (&found, right) {
        (Some((_, _, state, ..)), true) => match state.known() {
            Some(UserState::Active) => None,
            Some(UserState::Pending) => Some(Error::AccountPending),
            Some(UserState::Blocked) | None => Some(Error::AccountBlocked),
        },
        (Some(_) | None, _) => Some(Error::BadCredentials),
    };
    // An unknown name is not logged: it may be a password typed into the wrong field.
    let name = found
        .as_ref()
        .map(|(name, ..)| name.clone())
        .unwrap_or_default();
    let signed_in = match (refusal, found) {
        (None, Some((username, hash, _, role, must_change_password))) => {
            let admitted = Authenticated::by(&username, &hash);
            let me = Me {
                username,
                role,
                manager_in_admin: app.config.manager_in_admin,
                must_change_password,
            };
            Ok((me, admitted))
        }
        (refusal, _) => Err(refusal.unwrap_or(Error::BadCredentials)),
    };
    let (actor, action) = match &signed_in {
        Ok((me, _)) => (Actor::User(me.clone()), Action::SignIn),
        Err(_) => (Actor::Nobody, Action::SignInFailed),
    };
    app.write(actor, move |tx| {
        if right {
            attempt.reset(tx)?;
        }
        if let (Action::SignIn, Some(hash)) = (action, hash) {
            ensure_unchanged(tx, &name, &hash)?;
        }
        record(tx, action, Entity::User, name, &[])
    })
    .await?;
    signed_in
}

/// Runs the password work of an attempt. If it fails, because the queue is full or a fault occurs, the attempt does not
/// count.
async fn counted<T>(
    app: &AppState,
    attempt: &LoginAttempt,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let done = work.await;
    if done.is_err() {
        let attempt = attempt.clone();
        app.write(Actor::Nobody, move |tx| attempt.take_back(tx))
            .await?;
    }
    done
}

/// Returns an error if the password was replaced or the account was blocked while bcrypt was running.
fn ensure_unchanged(tx: &mut Tx<'_>, username: &str, hash: &str) -> Result<(), Error> {
    let held = diesel::update(
        users::table
            .find(username)
            .filter(users::hashed_password.eq(hash))
            .filter(users::state.eq(UserState::Active)),
    )
    .set(users::hashed_password.eq(hash))
    .execute(tx.conn)?;
    if held == 0 {
        return Err(Error::BadCredentials);
    }
    Ok(())
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

/// Changes the user's own password and ends every session of the account. The caller must begin a new session.
pub async fn change_password(
    app: &AppState,
    me: Me,
    change: PasswordChange,
) -> Result<Authenticated, Error> {
    let PasswordChange {
        current_password: current,
        password,
    } = change;
    let actor = Actor::User(me.clone());
    let name = me.username.clone();
    let hash = app
        .read(actor.clone(), move |tx| {
            tx.actor.may(Permission::OwnAccount)?;
            users::table
                .find(name)
                .select(users::hashed_password)
                .first::<String>(tx.conn)
                .map_err(Error::from)
        })
        .await?;
    let attempt = LoginAttempt::password(&me.username);
    attempt.begin(app).await?;
    let compared = password::verify(
        current,
        Some(hash.clone()),
        app.config.bcrypt_cost,
        HashPriority::OWN,
    );
    if !counted(app, &attempt, compared).await? {
        app.write(actor, move |tx| {
            let action = Action::ChangePasswordFailed;
            record(tx, action, Entity::User, &me.username, &[])
        })
        .await?;
        return Err(Error::field("current_password", Problem::WrongPassword));
    }
    let new_hash = password::hash(password, app.config.bcrypt_cost, HashPriority::OWN).await?;
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        attempt.reset(tx)?;
        // Does not overwrite a password that an admin has set in the meantime.
        ensure_unchanged(tx, &me.username, &hash)?;
        diesel::update(users::table.find(&me.username))
            .set((
                users::hashed_password.eq(&new_hash),
                users::must_change_password.eq(false),
            ))
            .execute(tx.conn)?;
        sign_out_everywhere(tx, &me.username)?;
        record(tx, Action::ChangePassword, Entity::User, &me.username, &[])?;
        Ok(Authenticated::by(&me.username, &new_hash))
    })
    .await
}

/// Returns whether there is an account yet, including deleted ones.
pub fn any_user(tx: &mut Tx<'_>) -> Result<bool, Error> {
    diesel::select(diesel::dsl::exists(users::table.select(users::username)))
        .get_result(tx.conn)
        .map_err(Error::from)
}
