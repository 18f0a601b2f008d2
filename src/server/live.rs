//! The stream of server-sent events that tells open pages what changed elsewhere, see [`live`](crate::live).

use crate::{
    auth::{Actor, Me, credential::Credential},
    error::Error,
    live::hub::{Next, Subscription},
    transaction::AppState,
};
use axum::{
    Extension, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::{Stream, stream};
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep_until};

/// The path of the stream.
pub const PATH: &str = "/live";
/// How often a comment keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How often the session of a stream is checked, besides whenever its account changes. It may expire.
const CHECK: Duration = Duration::from_secs(60);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx to pass on each event at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Returns the route of the stream.
pub fn router(app: AppState) -> Router {
    Router::new().route(PATH, get(stream)).with_state(app)
}

/// The event after which the stream continues.
#[derive(Deserialize)]
struct After {
    /// For a new stream: a browser sends `Last-Event-ID` only when it repeats a request by itself.
    #[serde(default)]
    after: String,
}

async fn stream(
    State(app): State<AppState>,
    actor: Actor,
    Extension(credential): Extension<Credential>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Error> {
    let me = actor.me()?.clone();
    let after = headers
        .get(LAST_EVENT_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or(&after);
    let subscription = app.live.subscribe(&me, after)?;
    let live = LiveStream {
        me,
        credential,
        subscription,
        check_at: Instant::now() + CHECK,
        is_open: false,
    };
    let events = Sse::new(live.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let no_buffering = (ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(([no_buffering], events))
}

/// An open stream.
struct LiveStream {
    me: Me,
    credential: Credential,
    subscription: Subscription,
    check_at: Instant,
    is_open: bool,
}

impl LiveStream {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut live| {
            let event = live.next().await?;
            Some((Ok(event), live))
        })
    }

    /// Returns the next event, or `None` if the stream ends, because the session has ended or the server shuts down.
    async fn next(&mut self) -> Option<Event> {
        if !self.is_open {
            self.is_open = true;
            let missed = self.subscription.take_missed(&self.me);
            // The first event gives the browser an id to continue after, even if there is nothing to tell.
            let name = if missed.is_empty() {
                "ready"
            } else {
                "message"
            };
            let event = Event::default().event(name).id(self.subscription.id());
            return Some(
                event
                    .retry(RETRY)
                    .data(if missed.is_empty() { "-" } else { &missed }),
            );
        }
        loop {
            let next = tokio::select! {
                next = self.subscription.next(&self.me) => next,
                () = sleep_until(self.check_at) => Next::CheckSession,
            };
            match next {
                Next::Event { id, text } => return Some(Event::default().id(id).data(text)),
                Next::CheckSession => {
                    self.check_at = Instant::now() + CHECK;
                    if self.is_signed_out().await {
                        return None;
                    }
                }
                Next::End => return None,
            }
        }
    }

    /// Returns whether the session has ended, or has another role. While the database is unavailable, the session goes
    /// on.
    async fn is_signed_out(&self) -> bool {
        match self.credential.actor().await {
            Ok(actor) => actor != Actor::User(self.me.clone()),
            Err(_) => false,
        }
    }
}
