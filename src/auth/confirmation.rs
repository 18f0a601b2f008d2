//! Confirming an operation with one's own password, although one is signed in.

use super::{
    Actor, Me, UserState,
    client_origin::ClientOrigin,
    password::{self, HashPriority},
    password_hash::Comparison,
    security_log,
    session::Authenticated,
    stored_password::lock_unchanged,
    throttle::LoginAttempt,
};
use crate::{
    audit::{Action, Entity, service::record},
    error::{Error, Problem},
    schema::users,
    transaction::{AppState, Tx},
};
use diesel::prelude::*;

/// Proof that a user has entered their password.
pub struct Confirmed {
    attempt: LoginAttempt,
    authenticated: Authenticated,
}

impl Confirmed {
    /// Must come first in the transaction of the confirmed operation. Fails if the password was replaced or the account
    /// was blocked in the meantime.
    pub fn complete(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.attempt.reset(tx)?;
        lock_unchanged(tx, &self.authenticated)
    }
}

/// Checks the password of a signed-in user, which was entered in `field`. Attempts are throttled. A wrong one is
/// recorded as `failure`.
pub async fn confirm(
    app: &AppState,
    me: &Me,
    place: &ClientOrigin,
    (field, password): (&str, String),
    failure: Action,
) -> Result<Confirmed, Error> {
    let actor = Actor::User(me.clone());
    let name = me.username.clone();
    let (hash, auth_hash) = app
        .read(actor.clone(), move |tx| {
            users::table
                .find(name)
                .filter(users::state.eq(UserState::Active))
                .select((users::hashed_password, users::auth_hash))
                .first::<(String, Option<String>)>(tx.conn)
                .optional()?
                .ok_or(Error::SignedOut)
        })
        .await?;
    let attempt = LoginAttempt::password(&me.username);
    attempt.begin(app).await?;
    let authenticated = Authenticated::of(&me.username, &hash, auth_hash);
    let compared = password::verify(
        password,
        Some(hash),
        app.config.bcrypt_cost,
        HashPriority::OWN,
    );
    match attempt.counted(app, compared).await? {
        Comparison::Right | Comparison::RightButOutdated => Ok(Confirmed {
            attempt,
            authenticated,
        }),
        Comparison::Wrong => {
            let (name, origin) = (me.username.clone(), security_log::origin(place));
            app.write(actor, move |tx| {
                record(tx, failure, Entity::User, name, &origin)
            })
            .await?;
            Err(Error::field(field, Problem::WrongPassword))
        }
    }
}
