//! The rules for one's own account: registration, signing in, and changing the password.

use super::{
    Actor, Me, Permission, Role, UserState,
    client_origin::ClientOrigin,
    confirmation::confirm,
    new_password,
    password::{self, HashPriority},
    password_hash::Comparison,
    revocation::{revoke_keys, sign_out_everywhere},
    security_log,
    session::Authenticated,
    setup,
    stored_password::{lock_unchanged, renew_hash, set_password, use_one_time_password},
    throttle::LoginAttempt,
    totp::{
        pending::PendingSignIn,
        sign_in::{self, Admission, Demand},
    },
};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::users::{
        Account,
        invitations::{self, Redeemable},
        service as accounts, username,
    },
    clock,
    codes::Code,
    config::Registration,
    crypto::sha256,
    db,
    error::{Error, Problem},
    moment::Moment,
    schema::{sessions, users},
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
    /// Only for the first account, from another machine: the code that the server printed at its start
    #[schema(value_type = Option<String>, example = "3f9a-02bc-77d1")]
    pub setup_code: String,
}

impl Registrant {
    /// Reads the fields, which contain the password twice.
    pub fn read(mut input: Input) -> Result<Self, Error> {
        let name = input.text("username").to_owned();
        let registrant = Self {
            username: input.read("username", username::read),
            password: read_new_password(&mut input, &name),
            invitation: input.text("invitation").to_owned(),
            setup_code: input.text("setup_code").to_owned(),
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

/// Registers an account. The first account becomes admin, whatever `REGISTRATION` says; from another machine it needs
/// the setup code. An invitation sets the role.
pub async fn register(
    app: &AppState,
    registrant: Registrant,
    place: &ClientOrigin,
) -> Result<(Account, Authenticated), Error> {
    let Registrant {
        username,
        password,
        invitation,
        setup_code,
    } = registrant;
    let policy = app.config.registration;
    let invitation = (!invitation.is_empty()).then(|| sha256(&invitation));
    // Checked before the costly hashing, and again below in the transaction.
    let asked = invitation.clone();
    let now = app
        .read(Actor::Nobody, move |tx| terms(tx, asked.as_deref(), policy))
        .await?;
    if now.is_first {
        setup::ensure_allowed(app, &setup_code, place).await?;
    }
    let attempt = LoginAttempt::registration(place);
    attempt.begin(app).await?;
    let hash = password::hash(
        password,
        app.config.bcrypt_cost,
        HashPriority::at(place, false),
    );
    let hash = attempt.counted(app, hash).await?;
    let origin = security_log::origin(place);
    app.write(Actor::Nobody, move |tx| {
        db::lock_name(tx.conn, accounts::REGISTRATION)?;
        let Terms {
            role,
            state,
            invitation,
            ..
        } = terms(tx, invitation.as_deref(), policy)?;
        let invited = invitation.as_ref().map(Redeemable::details);
        let details = [invited.unwrap_or_default(), origin].concat();
        let account = accounts::insert(tx, &username, role, state, &hash, &details)?;
        if let Some(invitation) = invitation {
            invitations::use_up(tx, invitation.id, &account.username)?;
        }
        let admitted = Authenticated::by(&account.username, &hash);
        Ok((account, admitted))
    })
    .await
}

/// What a new account gets.
struct Terms {
    role: Role,
    state: UserState,
    /// Whether it is the first account. There is always one afterwards, because rows of accounts are never deleted.
    is_first: bool,
    invitation: Option<Redeemable>,
}

/// Returns what a new account gets, or an error if registration is not allowed.
fn terms(tx: &mut Tx<'_>, invitation: Option<&str>, policy: Registration) -> Result<Terms, Error> {
    let invitation = match invitation {
        Some(hash) => Some(invitations::redeemable(tx, hash)?),
        None => None,
    };
    let is_first = invitation.is_none() && !any_user(tx)?;
    let (role, state) = match (&invitation, policy) {
        (Some(invitation), _) => (invitation.role, UserState::Active),
        (None, _) if is_first => (Role::Admin, UserState::Active),
        (None, Registration::Open) => (Role::User, UserState::Active),
        (None, Registration::Approval) => {
            accounts::refuse_many_pending(tx)?;
            (Role::User, UserState::Pending)
        }
        (None, Registration::Closed) => return Err(Error::RegistrationClosed),
    };
    Ok(Terms {
        role,
        state,
        is_first,
        invitation,
    })
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
/// An account with a second factor is not signed in yet.
pub async fn sign_in(
    app: &AppState,
    username: &str,
    password: String,
    place: &ClientOrigin,
) -> Result<Admission, Error> {
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
                must_set_up_totp: false,
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
    let demand = match &signed_in {
        Ok((me, _)) => sign_in::demand(app, me, place).await?,
        Err(_) => Demand::NONE,
    };
    let (actor, admitted) = match &signed_in {
        Ok((me, admitted)) => (
            Actor::User(me.clone()),
            Some((me.must_change_password, admitted.clone())),
        ),
        Err(_) => (Actor::Nobody, None),
    };
    let place = place.clone();
    app.write(actor, move |tx| {
        if is_right {
            attempt.reset(tx)?;
        }
        let Some((is_one_time, admitted)) = admitted else {
            return security_log::record_failed_sign_in(tx, &name, &place);
        };
        lock_unchanged(tx, &admitted)?;
        if let Some(hash) = renewed {
            renew_hash(tx, &admitted, &hash)?;
        }
        if demand.needs_code {
            // Recorded when the code is entered, which also uses up a one-time password.
            return Ok(());
        }
        if is_one_time {
            use_one_time_password(tx, &name)?;
        }
        let origin = security_log::origin(&place);
        record(tx, Action::SignIn, Entity::User, name, &origin)
    })
    .await?;
    let (me, admitted) = signed_in?;
    if demand.needs_code {
        return Ok(Admission::NeedsCode(PendingSignIn::new(admitted)));
    }
    let me = Me {
        must_set_up_totp: demand.must_set_up,
        ..me
    };
    Ok(Admission::SignedIn(me, admitted))
}

/// Returns the signed-in user.
pub fn me(tx: &mut Tx<'_>) -> Result<Me, Error> {
    tx.actor.may(Permission::OwnAccount)?;
    tx.actor.me().cloned()
}

/// Ends a session of the actor, given by its key. Does nothing, and records nothing, if the actor has no such session:
/// they are not signed in, or sent a token.
pub fn sign_out(tx: &mut Tx<'_>, session: &str) -> Result<(), Error> {
    let Some(name) = tx.actor.username().map(str::to_owned) else {
        return Ok(());
    };
    let own = sessions::table.filter(sessions::id.eq(session).and(sessions::user_id.eq(&name)));
    if diesel::delete(own).execute(tx.conn)? == 0 {
        return Ok(());
    }
    record(tx, Action::SignOut, Entity::User, name, &[])
}

/// Changes the user's own password and ends every session of the account, and if asked, its tokens and chats. The
/// caller must begin a new session.
pub async fn change_password(
    app: &AppState,
    me: Me,
    change: PasswordChange,
    place: &ClientOrigin,
) -> Result<Authenticated, Error> {
    let actor = Actor::User(me.clone());
    actor.may(Permission::OwnAccount)?;
    let current = ("current_password", change.current_password);
    let confirmed = confirm(app, &me, place, current, Action::ChangePasswordFailed).await?;
    let hash = password::hash(change.password, app.config.bcrypt_cost, HashPriority::OWN).await?;
    let mut details = security_log::origin(place);
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        // Does not overwrite a password that an admin has set in the meantime.
        confirmed.complete(tx)?;
        set_password(tx, &me.username, &hash, None)?;
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
