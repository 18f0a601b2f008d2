//! Passwords: bcrypt, off the async threads, a few at a time so that a flood of sign-ins leaves cores for the others.

use crate::error::{Error, Problem};
use rand::RngExt;
use std::{
    sync::{LazyLock, OnceLock},
    thread,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Fewest characters of a password.
pub const MIN: usize = 8;
/// Most bytes: bcrypt reads 72, and the last is a zero.
const MAX_BYTES: usize = 71;

/// How many may wait for one slot.
const QUEUE: usize = 128;
/// How long one waits at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Half of the cores: the others are for everything else.
static CORES: LazyLock<usize> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
});
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES));
/// Places to work and to wait.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES * (QUEUE + 1)));
static DUMMY: OnceLock<String> = OnceLock::new();

/// What is wrong with a new password.
pub fn check(password: &str) -> Result<(), Problem> {
    if password.is_empty() {
        Err(Problem::Required)
    } else if password.chars().count() < MIN {
        Err(Problem::TooShort(MIN))
    } else if password.len() > MAX_BYTES {
        Err(Problem::PasswordTooLong)
    } else {
        Ok(())
    }
}

/// A password to be used once: twelve letters and digits that nobody confuses.
pub fn one_time() -> String {
    const SIGNS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    (0..12)
        .map(|_| char::from(SIGNS[random.random_range(0..SIGNS.len())]))
        .collect()
}

/// The hash to keep of a new password that was checked.
pub async fn hash(password: String, cost: u32) -> Result<String, Error> {
    slow(move || bcrypt::non_truncating_hash(password, cost)).await
}

/// Whether the password is the one of the hash. Without a hash it takes the same time and is wrong.
pub async fn verify(password: String, hash: Option<String>, cost: u32) -> Result<bool, Error> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    slow(move || match hash {
        Some(hash) => bcrypt::verify(password, &hash),
        None => bcrypt::verify(password, dummy(cost)?).map(|_| false),
    })
    .await
}

fn dummy(cost: u32) -> Result<&'static str, bcrypt::BcryptError> {
    if DUMMY.get().is_none() {
        let _ = DUMMY.set(bcrypt::hash("nobody has this one", cost)?);
    }
    Ok(DUMMY.get().map_or("", String::as_str))
}

/// Makes the hash that stands for an unknown user, so that the first such sign-in is not slower.
pub fn warm_up(cost: u32) {
    let _ = dummy(cost);
}

async fn slow<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
) -> Result<T, Error> {
    let fault = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "bcrypt failed");
        Error::Internal
    };
    let _place = PLACES.try_acquire().map_err(|_| Error::Busy)?;
    let slot = timeout(PATIENCE, SLOTS.acquire()).await;
    let slot = slot
        .map_err(|_| Error::Busy)?
        .map_err(|error| fault(&error))?;
    let request = tracing::Span::current();
    // The work goes on when nobody waits for it any more, and keeps its slot as long.
    let work = move || {
        let _slot = slot;
        request.in_scope(work)
    };
    spawn_blocking(work)
        .await
        .map_err(|error| fault(&error))?
        .map_err(|error| fault(&error))
}
