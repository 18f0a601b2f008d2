//! Passwords: bcrypt, off the async threads, a few at a time so that a flood of sign-ins leaves cores for the others.
//!
//! Who is known and who is not wait in queues of their own, that take turns: no crowd of strangers keeps the owner out.

use super::{place::Place, throttle};
use crate::error::{Error, Problem};
use rand::RngExt;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Fewest characters of a password.
pub const MIN: usize = 8;
/// Most bytes: bcrypt reads 72, and the last is a zero.
const MAX_BYTES: usize = 71;

/// How many may wait in one queue for one slot.
const QUEUE: usize = 128;
/// How many of one address.
const OF_ONE: usize = 8;
/// How long one waits at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Half of the cores: the others are for everything else.
static CORES: LazyLock<usize> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
});
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES));
static QUEUES: LazyLock<[Queue; 2]> = LazyLock::new(Default::default);
static DUMMY: OnceLock<String> = OnceLock::new();

/// Who waits for bcrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    is_known: bool,
    /// `None`: signed in already, or nobody knows where.
    address: Option<IpAddr>,
}

impl Turn {
    /// Of somebody who is signed in.
    pub const OWN: Self = Self {
        is_known: true,
        address: None,
    };

    /// Of somebody who is not, in a browser in which he was before, or in another.
    pub fn at(place: &Place, is_known: bool) -> Self {
        Self {
            is_known,
            address: throttle::address(place),
        }
    }
}

/// A queue for slots. Only those at its head compete with the other one.
struct Queue {
    places: Semaphore,
    head: Semaphore,
    of_one: Mutex<HashMap<IpAddr, usize>>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            places: Semaphore::new(*CORES * (QUEUE + 1)),
            head: Semaphore::new(*CORES),
            of_one: Mutex::default(),
        }
    }
}

impl Queue {
    /// A place of those that one address has.
    fn take(&self, address: IpAddr) -> Result<OfOne<'_>, Error> {
        let mut of_one = self.of_one();
        let taken = of_one.entry(address).or_default();
        if *taken >= OF_ONE {
            return Err(Error::Busy);
        }
        *taken += 1;
        Ok(OfOne {
            queue: self,
            address,
        })
    }

    fn of_one(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.of_one.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place of an address that is free again when this is gone.
struct OfOne<'a> {
    queue: &'a Queue,
    address: IpAddr,
}

impl Drop for OfOne<'_> {
    fn drop(&mut self) {
        let mut of_one = self.queue.of_one();
        if let Some(taken) = of_one.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                of_one.remove(&self.address);
            }
        }
    }
}

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
pub async fn hash(password: String, cost: u32, turn: Turn) -> Result<String, Error> {
    slow(turn, move || bcrypt::non_truncating_hash(password, cost)).await
}

/// Whether the password is the one of the hash. Without a hash it takes the same time and is wrong.
pub async fn verify(
    password: String,
    hash: Option<String>,
    cost: u32,
    turn: Turn,
) -> Result<bool, Error> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    slow(turn, move || match hash {
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
    turn: Turn,
    work: impl FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
) -> Result<T, Error> {
    let fault = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "bcrypt failed");
        Error::Internal
    };
    let queue = &QUEUES[usize::from(turn.is_known)];
    let _of_one = turn
        .address
        .map(|address| queue.take(address))
        .transpose()?;
    let _place = queue.places.try_acquire().map_err(|_| Error::Busy)?;
    let slot = timeout(PATIENCE, async {
        let _head = queue.head.acquire().await?;
        SLOTS.acquire().await
    });
    let slot = slot
        .await
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
