//! What identified the sender of a request, for responses that take long.

use super::Actor;
use crate::error::Error;
use axum::http::Extensions;
use futures::future::BoxFuture;
use std::sync::Arc;

type Identify = dyn Fn() -> BoxFuture<'static, Result<Actor, Error>> + Send + Sync;

/// The session or API token of a request. It can be checked again, because the account may be blocked, or the token
/// revoked, while a response is still being sent.
#[derive(Clone)]
pub struct Credential(Arc<Identify>);

impl Credential {
    /// Creates a credential from the function that identifies its owner.
    pub fn new<F>(identify: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Actor, Error>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(identify())))
    }

    /// Returns the credential that the middleware attached to a request.
    pub fn of(extensions: &Extensions) -> Result<Self, Error> {
        extensions.get().cloned().ok_or(Error::Internal)
    }

    /// Identifies the owner, as of now.
    pub async fn actor(&self) -> Result<Actor, Error> {
        (self.0)().await
    }

    /// Fails if the owner is no longer the same, or no longer has the same role.
    pub async fn must_still_be(&self, before: &Actor) -> Result<(), Error> {
        match self.actor().await? {
            Actor::Nobody if *before != Actor::Nobody => Err(Error::SignedOut),
            now if now == *before => Ok(()),
            _ => Err(Error::Forbidden),
        }
    }
}
