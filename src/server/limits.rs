//! Limits the rate, the size and the duration of requests.

use crate::{
    config::Config,
    error::Error,
    web::{ClientInfo, client_info::network},
};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, StreamExt};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use hyper::body::{Frame, SizeHint};
use std::{
    mem,
    net::IpAddr,
    num::NonZeroU32,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// The largest request body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// How many seconds' worth of requests an address may send at once.
const BURST: u32 = 10;
/// The number of requests after which idle addresses are removed from the rate limiter.
const CLEAN_UP_EVERY: u32 = 10_000;
/// How much of a body is still read after its request was answered, in bytes. This is more than any file that people
/// mean to send.
const MAX_DRAINED_BODY: usize = 64 << 20;
/// How long the body of a request that was too slow is still read, so that the client can read the response.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The rate limiter, by client address.
pub struct AddressRateLimiter {
    /// `None` if there is no limit.
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    asked: AtomicU32,
}

impl AddressRateLimiter {
    pub fn new(config: &Config) -> Self {
        let quota = NonZeroU32::new(config.rate_limit).map(|rate| {
            Quota::per_second(rate)
                .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1)))
        });
        Self {
            limiter: quota.map(RateLimiter::keyed),
            asked: AtomicU32::new(0),
        }
    }

    /// Counts a request. If it exceeds the limit, the error is the number of seconds to wait.
    fn check(&self, address: IpAddr) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(CLEAN_UP_EVERY) {
            limiter.retain_recent();
        }
        limiter.check_key(&network(address)).map_err(|early| {
            let wait = early.wait_time_from(limiter.clock().now());
            wait.as_secs() + 1
        })
    }
}

/// Refuses requests from an address that exceeds the rate limit. Programs on this machine are exempt.
pub async fn limit_rate(
    State(rates): State<Arc<AddressRateLimiter>>,
    request: Request,
    next: Next,
) -> Response {
    let client = ClientInfo::of(request.extensions());
    match client.address.filter(|_| !client.is_this_machine()) {
        Some(address) => match rates.check(address) {
            Ok(()) => next.run(request).await,
            Err(seconds) => Error::TooOften { seconds }.into_response(),
        },
        None => next.run(request).await,
    }
}

/// The time limit of a request.
#[derive(Clone, Copy, Debug)]
pub enum TimeLimit {
    Usual,
    /// For uploads: four times as long.
    File,
}

/// Limits the time until a request has arrived and its response begins. Sending the response may take any time.
///
/// The layers in tower-http do not read the rest of a body, without which a browser does not show the response. They
/// also do not distinguish a slow client from a slow server.
pub async fn limit_time(
    State((config, patience)): State<(Arc<Config>, TimeLimit)>,
    request: Request,
    next: Next,
) -> Response {
    let limit = match patience {
        TimeLimit::Usual => config.request_timeout,
        TimeLimit::File => config.request_timeout * 4,
    };
    let waits_to_send = request.headers().contains_key(header::EXPECT);
    let (request, loan) = track_body(request);
    let (response, patience) = match timeout(limit, next.run(request)).await {
        Ok(response) => (response, config.request_timeout),
        Err(_) if loan.is_awaited.load(Ordering::Relaxed) => {
            (close(Error::SlowRequest.into_response()), DRAIN_TIMEOUT)
        }
        Err(_) => (Error::TookTooLong.into_response(), config.request_timeout),
    };
    let Some(rest) = loan.take_unread() else {
        return response;
    };
    if waits_to_send && !loan.is_begun.load(Ordering::Relaxed) {
        return close(response);
    }
    drain_in_background(rest, patience, response)
}

/// Reads and discards the rest of a body whose request was answered early. A browser does not read a response before it
/// has sent everything, and shows none if the connection is closed before that.
fn drain_in_background(rest: Body, patience: Duration, response: Response) -> Response {
    let is_short = rest
        .size_hint()
        .upper()
        .is_some_and(|left| left <= MAX_BODY as u64);
    let mut forgotten = Box::pin(drain(rest));
    if (&mut forgotten).now_or_never().is_some() {
        return response;
    }
    tokio::spawn(timeout(patience, forgotten));
    if is_short { response } else { close(response) }
}

async fn drain(rest: Body) {
    let mut rest = rest.into_data_stream();
    let mut left = MAX_DRAINED_BODY;
    while let Some(Ok(bytes)) = rest.next().await {
        match left.checked_sub(bytes.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// Wraps the body of a request, so that the part that its handler does not read can be recovered.
fn track_body(request: Request) -> (Request, Arc<BodyState>) {
    let loan = Arc::new(BodyState::default());
    if request.body().is_end_stream() {
        return (request, loan);
    }
    let lent = |body| {
        Body::new(TrackedBody {
            body,
            loan: loan.clone(),
        })
    };
    (request.map(lent), loan)
}

/// The state of a wrapped body.
#[derive(Default)]
struct BodyState {
    /// Whether the handler has started to read it.
    is_begun: AtomicBool,
    /// Whether the handler is waiting for more of it to arrive.
    is_awaited: AtomicBool,
    rest: Mutex<Option<Body>>,
}

impl BodyState {
    /// Takes the unread part of the body, if its handler has dropped it before the end.
    fn take_unread(&self) -> Option<Body> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Body>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that gives its unread part back when it is dropped.
struct TrackedBody {
    body: Body,
    loan: Arc<BodyState>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.loan.is_begun.store(true, Ordering::Relaxed);
        let is_awaited = polled.is_pending();
        self.loan.is_awaited.store(is_awaited, Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let rest = Some(mem::take(&mut self.body));
            *self.loan.lock() = rest;
        }
    }
}

/// Closes the connection after this response, so that the unread part of the body is not taken for the next request.
fn close(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CONNECTION,
        axum::http::HeaderValue::from_static("close"),
    );
    response
}

/// Refuses a request whose body is announced as too large, and gives a bare 413 response an error with a message.
pub async fn limit_size(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return close(Error::TooLarge.into_response());
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE
        && response.extensions().get::<Error>().is_none()
    {
        return close(Error::TooLarge.into_response());
    }
    response
}

/// Returns how long a client may go without reading any of its response.
pub const fn write_timeout(config: &Config) -> Duration {
    config.request_timeout.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_limit_applies_to_each_address_separately() {
        let limiter = AddressRateLimiter::new(&Config {
            rate_limit: 2,
            ..Config::for_tests()
        });
        let [one, other] = ["203.0.113.7", "203.0.113.8"].map(|text| text.parse().unwrap());
        for _ in 0..20 {
            assert_eq!(limiter.check(one), Ok(()));
        }
        assert_eq!(limiter.check(one), Err(1));
        assert_eq!(limiter.check(other), Ok(()));
    }

    #[test]
    fn an_ipv6_64_network_counts_as_one_address() {
        let [one, neighbour, other] =
            ["2001:db8:1:2::3", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1"]
                .map(|text| network(text.parse().unwrap()));
        assert_eq!(one, neighbour);
        assert_ne!(one, other);
    }
}
