//! A sign-in whose password was right and that waits for the code. It is kept in the session, which counts as nobody's.

use crate::{
    auth::session::{Authenticated, PENDING, fault},
    clock,
    error::Error,
};
use serde::{Deserialize, Serialize};
use time::Duration;
use tower_sessions::{Expiry, Session};

/// How long the code may be entered, in seconds.
const VALIDITY: i64 = 300;

/// A sign-in that waits for its code. Unlike [`Authenticated`], it cannot begin a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    pub(super) admitted: Authenticated,
    /// In seconds since 1970.
    since: i64,
}

impl PendingSignIn {
    pub fn new(admitted: Authenticated) -> Self {
        Self {
            admitted,
            since: now(),
        }
    }

    /// Keeps the sign-in in a new session. The one before ends, whoever it belonged to.
    pub async fn keep(&self, session: &Session) -> Result<(), Error> {
        session.flush().await.map_err(|error| fault(&error))?;
        let inserted = session.insert(PENDING, self).await;
        inserted.map_err(|error| fault(&error))?;
        session.set_expiry(Some(Expiry::OnInactivity(Duration::seconds(VALIDITY))));
        session.save().await.map_err(|error| fault(&error))
    }

    /// Returns the sign-in that a session waits for, unless it is too old.
    pub async fn of(session: &Session) -> Result<Option<Self>, Error> {
        let kept: Option<Self> = session.get(PENDING).await.map_err(|error| fault(&error))?;
        Ok(kept.filter(|kept| (0..VALIDITY).contains(&(now() - kept.since))))
    }
}

fn now() -> i64 {
    clock::now().utc().and_utc().timestamp()
}
