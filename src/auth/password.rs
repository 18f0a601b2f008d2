//! Hashes and verifies passwords with bcrypt, outside the async threads.
//!
//! Only a few hashes run at a time, so that a flood of sign-ins leaves CPU cores for other requests. Known and unknown
//! browsers wait in separate queues that are served alternately, so that strangers cannot lock the owner out.

use super::{
    client_origin::ClientOrigin,
    new_password,
    password_hash::{self, Comparison},
    throttle,
};
use crate::error::Error;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Maximum length of an entered password in bytes. A longer one has too many characters even when it is normalized,
/// which makes one of at most four.
const MAX_ENTERED: usize = 4 * 4 * new_password::MAX;

/// Maximum number of requests that wait in each queue, per slot.
const QUEUE: usize = 128;
/// Maximum number of requests from one address in each queue.
const OF_ONE: usize = 8;
/// Maximum time that a request waits for a slot.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Number of hashes that run at a time: half of the CPU cores, at least one.
static CORES: LazyLock<usize> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
});
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES));
static QUEUES: LazyLock<[Queue; 2]> = LazyLock::new(Default::default);
static DUMMY: OnceLock<String> = OnceLock::new();

/// Decides in which queue a request waits for bcrypt, and against which address it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashPriority {
    is_known: bool,
    /// `None` if the user is signed in already, or there is no address to count against.
    address: Option<IpAddr>,
}

impl HashPriority {
    /// The turn of a signed-in user.
    pub const OWN: Self = Self {
        is_known: true,
        address: None,
    };

    /// The turn of a visitor who is not signed in. `is_known` says whether the account has used this browser before.
    pub fn at(place: &ClientOrigin, is_known: bool) -> Self {
        Self {
            is_known,
            address: throttle::address(place),
        }
    }
}

/// A queue for slots. Only the requests at its head compete with those of the other queue.
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
    /// Takes one of the places that an address has in the queue.
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

/// A place that an address holds in a queue; dropping it frees the place.
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

/// Hashes a new password, which must have passed [`new_password::check`].
pub async fn hash(password: String, cost: u32, turn: HashPriority) -> Result<String, Error> {
    run_bcrypt(turn, move || password_hash::hash(&password, cost)).await
}

/// Compares the password with the hash. Without a hash it takes the same time and is wrong.
pub async fn verify(
    password: String,
    hash: Option<String>,
    cost: u32,
    turn: HashPriority,
) -> Result<Comparison, Error> {
    if password.len() > MAX_ENTERED {
        return Ok(Comparison::Wrong);
    }
    run_bcrypt(turn, move || match hash {
        Some(hash) => password_hash::compare(&password, &hash, cost),
        None => {
            let compared = password_hash::compare(&password, dummy(cost)?, cost);
            compared.map(|_| Comparison::Wrong)
        }
    })
    .await
}

fn dummy(cost: u32) -> Result<&'static str, bcrypt::BcryptError> {
    if DUMMY.get().is_none() {
        let _ = DUMMY.set(bcrypt::hash("nobody has this one", cost)?);
    }
    Ok(DUMMY.get().map_or("", String::as_str))
}

/// Computes the dummy hash for unknown users in advance, so that the first such sign-in is not slower than others.
pub fn warm_up(cost: u32) {
    let _ = dummy(cost);
}

async fn run_bcrypt<T: Send + 'static>(
    turn: HashPriority,
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
    let slot = timeout(MAX_WAIT, async {
        let _head = queue.head.acquire().await?;
        SLOTS.acquire().await
    });
    let slot = slot
        .await
        .map_err(|_| Error::Busy)?
        .map_err(|error| fault(&error))?;
    let request = tracing::Span::current();
    // The hash runs to its end even if the request is gone, so it holds its slot until then.
    let work = move || {
        let _slot = slot;
        request.in_scope(work)
    };
    spawn_blocking(work)
        .await
        .map_err(|error| fault(&error))?
        .map_err(|error| fault(&error))
}
