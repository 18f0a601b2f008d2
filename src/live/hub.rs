//! Passes changes to the streams of this server.

use super::Changes;
use crate::{
    auth::{Me, Role},
    crypto::new_key,
    error::Error,
};
use metrics::gauge;
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::broadcast;

/// Number of batches that are kept for browsers that reconnect, and that a slow stream may fall behind.
const KEPT: usize = 256;
/// Maximum number of streams of an account on this server: one for each of its sessions.
const STREAMS: usize = 50;
/// Minimum time between two batches. Under load, changes wait this long and are sent together.
const PAUSE: Duration = Duration::from_millis(25);
/// How long a code that a phone read waits for a browser that connects again. It would surprise later.
pub(super) const RECENT: Duration = Duration::from_secs(5);
/// By how much each stream extends [`PAUSE`], so that the streams do not take the processor from the operations.
const PAUSE_PER_STREAM: Duration = Duration::from_micros(200);

/// A handle to the hub that is cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    /// Tells this start of the program from others.
    server: String,
    sender: broadcast::Sender<Arc<Batch>>,
    state: Mutex<State>,
    /// Passes the changes of this server to the others.
    others: OnceLock<mpsc::Sender<Changes>>,
}

#[derive(Default)]
struct State {
    /// What the next batch will contain.
    pending: Changes,
    /// Whether a task will send the next batch.
    is_scheduled: bool,
    sent_at: Option<Instant>,
    number: u64,
    recent: VecDeque<Arc<Batch>>,
    streams: HashMap<String, usize>,
    is_closed: bool,
}

impl State {
    /// Returns what was published after a batch.
    fn since(&self, number: u64) -> Changes {
        let is_forgotten = self
            .recent
            .front()
            .is_some_and(|oldest| oldest.number > number + 1);
        let mut changes = if is_forgotten {
            Changes::all()
        } else {
            Changes::default()
        };
        for batch in self.recent.iter().filter(|batch| batch.number > number) {
            changes.merge_past(&batch.changes, batch.made_at.elapsed() < RECENT);
        }
        changes
    }
}

/// Changes that are sent together.
pub struct Batch {
    number: u64,
    made_at: Instant,
    changes: Changes,
    /// The text for each role, written once.
    texts: [OnceLock<String>; 3],
    is_last: bool,
}

impl Batch {
    fn new(number: u64, changes: Changes, is_last: bool) -> Self {
        Self {
            number,
            made_at: Instant::now(),
            changes,
            texts: Default::default(),
            is_last,
        }
    }

    /// Returns what a user may know of the changes; an empty text means nothing.
    fn text_for(&self, me: &Me) -> &str {
        let role = match me.role.known() {
            Some(Role::Admin) => 0,
            Some(Role::Manager) => 1,
            Some(Role::User) => 2,
            None => return "",
        };
        self.texts[role].get_or_init(|| self.changes.text_for(me))
    }
}

/// What a stream gets next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Lines for the page, and the id to continue after.
    Event { id: String, text: String },
    /// The account of the stream may have changed, so its session is to be checked. The lines follow.
    CheckSession,
    /// The server shuts down.
    End,
}

impl Hub {
    /// Creates a hub without streams.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            server: new_key(),
            sender: broadcast::Sender::new(KEPT),
            state: Mutex::default(),
            others: OnceLock::new(),
        }))
    }

    /// Publishes the changes of a committed operation to the streams of all servers.
    pub fn publish(&self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        if let Some(others) = self.0.others.get() {
            // Without a connection to the database there are no operations either.
            let _ = others.send(changes.clone());
        }
        self.deliver(changes);
    }

    /// Passes changes to the streams of this server: at once, or after a pause if the last batch was sent just now.
    pub(super) fn deliver(&self, changes: Changes) {
        let mut state = self.lock();
        state.pending.merge(changes);
        if state.is_scheduled {
            return;
        }
        let streams = u32::try_from(self.0.sender.receiver_count()).unwrap_or(u32::MAX);
        let pause = PAUSE + PAUSE_PER_STREAM.saturating_mul(streams);
        let wait = state
            .sent_at
            .map_or(Duration::ZERO, |at| pause.saturating_sub(at.elapsed()));
        if wait.is_zero() {
            self.send(&mut state);
            return;
        }
        state.is_scheduled = true;
        drop(state);
        let hub = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let mut state = hub.lock();
            state.is_scheduled = false;
            hub.send(&mut state);
        });
    }

    fn send(&self, state: &mut State) {
        state.number += 1;
        state.sent_at = Some(Instant::now());
        let batch = Batch::new(state.number, mem::take(&mut state.pending), false);
        let batch = Arc::new(batch);
        state.recent.push_back(batch.clone());
        if state.recent.len() > KEPT {
            state.recent.pop_front();
        }
        // Fails if there are no streams.
        let _ = self.0.sender.send(batch);
    }

    /// Ends all streams.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let last = Batch::new(state.number, Changes::default(), true);
        let _ = self.0.sender.send(Arc::new(last));
    }

    /// Returns whether [`Self::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Names the queue of the changes that go to other servers. Only the first call has an effect.
    pub(super) fn connect_others(&self, others: mpsc::Sender<Changes>) {
        let _ = self.0.others.set(others);
    }

    /// Opens a stream for a user. `after` is the id of the last event that the browser got, or empty for a new page.
    pub fn subscribe(&self, me: &Me, after: &str) -> Result<Subscription, Error> {
        let mut state = self.lock();
        let streams = state.streams.entry(me.username.clone()).or_default();
        if *streams >= STREAMS {
            return Err(Error::Busy);
        }
        *streams += 1;
        gauge!("sirius_live_streams").increment(1);
        let receiver = self.0.sender.subscribe();
        let missed = self.missed(&state, after);
        Ok(Subscription {
            hub: self.clone(),
            username: me.username.clone(),
            number: state.number,
            is_ended: state.is_closed,
            missed,
            receiver,
            waiting: None,
        })
    }

    /// Returns what was published after an event, or [`Changes::all`] if that is not known any more.
    fn missed(&self, state: &State, after: &str) -> Changes {
        if after.is_empty() {
            return Changes::default();
        }
        let number = after
            .strip_prefix(&self.0.server)
            .and_then(|rest| rest.strip_prefix('.')?.parse::<u64>().ok());
        number
            .filter(|number| *number <= state.number)
            .map_or_else(Changes::all, |number| state.since(number))
    }

    /// Returns all that was published after a batch as one batch.
    fn batch_since(&self, number: u64) -> Batch {
        let state = self.lock();
        Batch::new(state.number, state.since(number), false)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

/// The place of a stream in the hub.
pub struct Subscription {
    hub: Hub,
    username: String,
    /// The number of the last batch that the stream has got.
    number: u64,
    missed: Changes,
    receiver: broadcast::Receiver<Arc<Batch>>,
    /// A batch that waits for the check of the session.
    waiting: Option<Arc<Batch>>,
    is_ended: bool,
}

impl Subscription {
    /// Returns the id of the last event, after which another stream can continue.
    pub fn id(&self) -> String {
        format!("{}.{}", self.hub.0.server, self.number)
    }

    /// Takes what the browser missed while it was not connected; an empty text means nothing.
    pub fn take_missed(&mut self, me: &Me) -> String {
        let missed = mem::take(&mut self.missed);
        joined([&missed.text_for(me), &missed.text_only_for(&me.username)])
    }

    /// Waits for what a user may know. Cancelling it loses nothing.
    pub async fn next(&mut self, me: &Me) -> Next {
        loop {
            if self.is_ended {
                return Next::End;
            }
            let (batch, is_checked) = match self.waiting.take() {
                Some(batch) => (batch, true),
                None => match self.receiver.recv().await {
                    // It was part of what a slow stream got together.
                    Ok(batch) if !batch.is_last && batch.number <= self.number => continue,
                    Ok(batch) => (batch, false),
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        (Arc::new(self.hub.batch_since(self.number)), false)
                    }
                    Err(broadcast::error::RecvError::Closed) => return Next::End,
                },
            };
            if batch.is_last {
                self.is_ended = true;
                continue;
            }
            if !is_checked && batch.changes.concerns_account(&me.username) {
                self.waiting = Some(batch);
                return Next::CheckSession;
            }
            self.number = self.number.max(batch.number);
            let own = batch.changes.text_only_for(&me.username);
            let text = joined([batch.text_for(me), &own]);
            if !text.is_empty() {
                let id = self.id();
                return Next::Event { id, text };
            }
        }
    }
}

/// Puts the lines for many users and those for one user together.
fn joined(parts: [&str; 2]) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        if let Some(streams) = state.streams.get_mut(&self.username) {
            *streams -= 1;
            if *streams == 0 {
                state.streams.remove(&self.username);
            }
        }
        gauge!("sirius_live_streams").decrement(1);
    }
}
