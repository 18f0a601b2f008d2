//! The rules for one's own second factor: setting it up, and removing it.

use super::{
    State,
    authenticator::Authenticator,
    enrolment::{remove, sealed_secret},
    recovery,
};
use crate::{
    audit::{Action, Entity, service::record},
    auth::{
        Actor, Me, Permission, client_origin::ClientOrigin, confirmation::confirm,
        throttle::LoginAttempt,
    },
    error::{Error, Problem},
    moment::Moment,
    schema::totp,
    transaction::{AppState, Tx},
    validation::{Input, entered},
};
use diesel::prelude::*;
use utoipa::ToSchema;

/// Your own password, to confirm the operation
#[derive(ToSchema)]
pub struct OwnPassword {
    #[schema(format = Password, example = "correct horse")]
    pub password: String,
}

impl OwnPassword {
    /// Reads the field.
    pub fn read(input: Input) -> Result<Self, Error> {
        let password = read_one(input, "password")?;
        Ok(Self { password })
    }
}

/// A code of the authenticator app
#[derive(ToSchema)]
pub struct TotpCode {
    #[schema(example = "123456")]
    pub code: String,
}

impl TotpCode {
    /// Reads the field.
    pub fn read(input: Input) -> Result<Self, Error> {
        let code = read_one(input, "code")?;
        Ok(Self { code })
    }
}

fn read_one(mut input: Input, field: &str) -> Result<String, Error> {
    let text = input.read(field, entered);
    input.finish().map(|()| text)
}

/// Generates a secret for the user, who confirms with their password. It has no effect until [`finish`].
pub async fn begin(
    app: &AppState,
    me: Me,
    OwnPassword { password }: OwnPassword,
    place: &ClientOrigin,
) -> Result<Authenticator, Error> {
    let actor = Actor::User(me.clone());
    actor.may(Permission::OwnAccount)?;
    let name = me.username.clone();
    app.read(actor.clone(), move |tx| refuse_if_on(tx, &name))
        .await?;
    let confirmed = confirm(
        app,
        &me,
        place,
        ("password", password),
        Action::ConfirmFailed,
    )
    .await?;
    let authenticator = Authenticator::generate(&me.username)?;
    let sealed = authenticator.seal(app.config.loaded_secret())?;
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        confirmed.complete(tx)?;
        refuse_if_on(tx, &me.username)?;
        diesel::delete(totp::table.find(&me.username)).execute(tx.conn)?;
        diesel::insert_into(totp::table)
            .values((
                totp::user_id.eq(&me.username),
                totp::secret.eq(sealed),
                totp::created_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
        Ok(())
    })
    .await?;
    Ok(authenticator)
}

/// Turns the second factor on with the first code of the authenticator app, and returns the recovery codes, of which
/// only the hashes are stored.
pub async fn finish(
    app: &AppState,
    me: Me,
    TotpCode { code }: TotpCode,
    place: &ClientOrigin,
) -> Result<Vec<String>, Error> {
    let actor = Actor::User(me.clone());
    actor.may(Permission::OwnAccount)?;
    let name = me.username.clone();
    app.read(actor.clone(), move |tx| waiting_secret(tx, &name))
        .await?;
    let attempt = LoginAttempt::code(&me.username, place);
    attempt.begin(app).await?;
    let config = app.config.clone();
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        let name = me.username;
        let sealed = waiting_secret(tx, &name)?;
        let step = Authenticator::unseal(&name, &sealed, config.loaded_secret())?
            .step_of(&code, tx.now)
            .ok_or_else(|| Error::field("code", Problem::WrongCode))?;
        let waiting = totp::table
            .find(&name)
            .filter(totp::confirmed_at.is_null().and(totp::secret.eq(sealed)));
        let confirmed = diesel::update(waiting)
            .set((totp::confirmed_at.eq(tx.now), totp::last_step.eq(step)))
            .execute(tx.conn)?;
        if confirmed == 0 {
            return Err(Error::SecondFactorOn);
        }
        attempt.reset(tx)?;
        let codes = recovery::replace(tx, &name)?;
        record(tx, Action::EnableTotp, Entity::User, name, &[])?;
        Ok(codes)
    })
    .await
}

/// Turns the second factor of the user off, who confirms with their password.
pub async fn disable(
    app: &AppState,
    me: Me,
    OwnPassword { password }: OwnPassword,
    place: &ClientOrigin,
) -> Result<(), Error> {
    let actor = Actor::User(me.clone());
    actor.may(Permission::OwnAccount)?;
    let name = me.username.clone();
    app.read(actor.clone(), move |tx| {
        let is_on = sealed_secret(tx.conn, &name)?.is_some();
        if is_on {
            Ok(())
        } else {
            Err(Error::SecondFactorOff)
        }
    })
    .await?;
    let confirmed = confirm(
        app,
        &me,
        place,
        ("password", password),
        Action::ConfirmFailed,
    )
    .await?;
    app.write(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        confirmed.complete(tx)?;
        if !remove(tx, &me.username)? {
            return Err(Error::SecondFactorOff);
        }
        record(tx, Action::DisableTotp, Entity::User, me.username, &[])
    })
    .await
}

/// Returns how far the second factor of the user is set up.
pub fn state(tx: &mut Tx<'_>) -> Result<State, Error> {
    tx.actor.may(Permission::OwnAccount)?;
    let name = tx.actor.me()?.username.clone();
    let confirmed_at = totp::table
        .find(&name)
        .select(totp::confirmed_at)
        .first::<Option<Moment>>(tx.conn)
        .optional()?;
    Ok(match confirmed_at {
        None => State::Off,
        Some(None) => State::Waiting,
        Some(Some(since)) => State::On {
            since,
            left: recovery::left(tx, &name)?,
        },
    })
}

/// Returns the encrypted secret that waits for its first code.
fn waiting_secret(tx: &mut Tx<'_>, username: &str) -> Result<String, Error> {
    let found = totp::table
        .find(username)
        .select((totp::secret, totp::confirmed_at))
        .first::<(String, Option<Moment>)>(tx.conn)
        .optional()?;
    match found {
        Some((secret, None)) => Ok(secret),
        Some((_, Some(_))) => Err(Error::SecondFactorOn),
        None => Err(Error::SecondFactorOff),
    }
}

fn refuse_if_on(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    match sealed_secret(tx.conn, username)? {
        Some(_) => Err(Error::SecondFactorOn),
        None => Ok(()),
    }
}
