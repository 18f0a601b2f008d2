//! The second step of signing in: the code of the authenticator app, or a recovery code.

use super::{
    authenticator::Authenticator,
    enrolment::{is_required, sealed_secret},
    pending::PendingSignIn,
    recovery,
};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::{
        Actor, Me,
        active::find_active_account,
        client_origin::ClientOrigin,
        security_log::origin,
        session::Authenticated,
        stored_password::{lock_unchanged, use_one_time_password},
        throttle::LoginAttempt,
    },
    clock,
    error::{Error, Problem},
    schema::totp,
    transaction::{AppState, Tx},
};
use diesel::prelude::*;

/// The outcome of a right password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    SignedIn(Me, Authenticated),
    NeedsCode(PendingSignIn),
}

/// What the second factor means for a sign-in whose password was right.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// A code must be entered.
    pub needs_code: bool,
    /// The role of the user needs a second factor, and they have none.
    pub must_set_up: bool,
}

impl Demand {
    pub const NONE: Self = Self {
        needs_code: false,
        must_set_up: false,
    };
}

/// Returns whether a user who has entered their password must enter a code: not if the browser remembers one.
pub async fn demand(app: &AppState, me: &Me, place: &ClientOrigin) -> Result<Demand, Error> {
    let name = me.username.clone();
    let find = move |tx: &mut Tx<'_>| sealed_secret(tx.conn, &name);
    let sealed = app.read(Actor::Nobody, find).await?;
    let is_remembered = |sealed: &String| place.remembered.has(&me.username, sealed, clock::now());
    Ok(Demand {
        needs_code: sealed.as_ref().is_some_and(|sealed| !is_remembered(sealed)),
        must_set_up: sealed.is_none() && is_required(&me.role, &app.config),
    })
}

/// The kind of a right code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    App,
    Recovery,
}

/// Checks the code of a sign-in. Each code works once. Attempts are throttled, and wrong ones are recorded.
pub async fn complete(
    app: &AppState,
    pending: PendingSignIn,
    code: &str,
    remember: bool,
    place: &ClientOrigin,
) -> Result<(Me, Authenticated), Error> {
    let code = code.trim().to_owned();
    if code.is_empty() {
        return Err(Error::SecondFactor(Problem::Required));
    }
    let admitted = pending.admitted;
    let attempt = LoginAttempt::code(&admitted.username, place);
    attempt.begin(app).await?;
    let (config, place) = (app.config.clone(), place.clone());
    let check = move |tx: &mut Tx<'_>| {
        lock_unchanged(tx, &admitted)?;
        let name = admitted.username.clone();
        let me = find_active_account(tx, &name, &config)?.ok_or(Error::BadCredentials)?;
        let sealed = sealed_secret(tx.conn, &name)?.ok_or(Error::BadCredentials)?;
        let Some(kind) = use_code(tx, &name, &sealed, &code, config.loaded_secret())? else {
            record(tx, Action::CodeFailed, Entity::User, name, &origin(&place))?;
            return Ok(Err(Error::SecondFactor(Problem::WrongCode)));
        };
        attempt.reset(tx)?;
        if me.must_change_password {
            use_one_time_password(tx, &name)?;
        }
        tx.actor = Actor::User(me.clone());
        if kind == Kind::Recovery {
            let left = audit::set("left", recovery::left(tx, &name)?);
            record(tx, Action::UseRecoveryCode, Entity::User, &name, &[left])?;
        }
        record(tx, Action::SignIn, Entity::User, &name, &origin(&place))?;
        if remember {
            place.remembered.add(&name, &sealed, tx.now);
        }
        Ok(Ok((me, admitted)))
    };
    // A wrong code is recorded, so its transaction is committed.
    app.write(Actor::Nobody, check).await?
}

/// Uses up a code of the authenticator app or a recovery code; `None` if it is wrong or was used before.
fn use_code(
    tx: &mut Tx<'_>,
    username: &str,
    sealed: &str,
    code: &str,
    key: &str,
) -> Result<Option<Kind>, Error> {
    // Recovery codes work even if the secret cannot be decrypted any more.
    let step = Authenticator::unseal(username, sealed, key)
        .ok()
        .and_then(|authenticator| authenticator.step_of(code, tx.now));
    if let Some(step) = step {
        let unused = totp::table.find(username).filter(totp::last_step.lt(step));
        let used = diesel::update(unused)
            .set(totp::last_step.eq(step))
            .execute(tx.conn)?;
        return Ok((used == 1).then_some(Kind::App));
    }
    let is_right = recovery::use_up(tx, username, code)?;
    Ok(is_right.then_some(Kind::Recovery))
}
