//! Bounds of every request: how many from one address, how large, how long.

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
pub const LARGEST_BODY: usize = 256 * 1024;
/// How many seconds' worth of requests may come at once.
const BURST: u32 = 10;
/// After so many requests, addresses that were quiet are forgotten.
const FORGET_EVERY: u32 = 10_000;
/// How much of a body may still come when it is answered already, in bytes: more than any file that people mean to send.
const LARGEST_REST: usize = 64 << 20;
/// How long somebody who was too slow may take to read so.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often each address may ask.
pub struct Rates {
    /// `None`: as often as it likes.
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    asked: AtomicU32,
}

impl Rates {
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

    /// Counts a request; how many seconds to wait when it is one too many.
    fn ask(&self, address: IpAddr) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(FORGET_EVERY) {
            limiter.retain_recent();
        }
        limiter.check_key(&network(address)).map_err(|early| {
            let wait = early.wait_time_from(limiter.clock().now());
            wait.as_secs() + 1
        })
    }
}

/// Refuses an address that asks too often. Never the machine itself: that is a proxy, with everybody behind it,
/// or a program of the shop.
pub async fn keep_rate(State(rates): State<Arc<Rates>>, request: Request, next: Next) -> Response {
    let address = ClientInfo::of(request.extensions()).address;
    match address.filter(|address| !address.is_loopback()) {
        Some(address) => match rates.ask(address) {
            Ok(()) => next.run(request).await,
            Err(seconds) => Error::TooOften { seconds }.into_response(),
        },
        None => next.run(request).await,
    }
}

/// How long a request may take to arrive.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    Usual,
    /// For a file that people bring: four times as long.
    File,
}

/// Gives a request its time: to arrive, and until its answer begins. What is answered then may take as long as it likes.
///
/// The layers of tower-http do not read what is left of a body, without which a browser shows no answer, and do not tell
/// a client that sends slowly from a server that is slow.
pub async fn keep_time(
    State((config, patience)): State<(Arc<Config>, Patience)>,
    request: Request,
    next: Next,
) -> Response {
    let limit = match patience {
        Patience::Usual => config.request_timeout,
        Patience::File => config.request_timeout * 4,
    };
    let waits_to_send = request.headers().contains_key(header::EXPECT);
    let (request, loan) = lend(request);
    let (response, patience) = match timeout(limit, next.run(request)).await {
        Ok(response) => (response, config.request_timeout),
        Err(_) if loan.is_awaited.load(Ordering::Relaxed) => {
            (close(Error::SlowRequest.into_response()), FAREWELL)
        }
        Err(_) => (Error::TookTooLong.into_response(), config.request_timeout),
    };
    let Some(rest) = loan.rest() else {
        return response;
    };
    if waits_to_send && !loan.is_begun.load(Ordering::Relaxed) {
        return close(response);
    }
    let_come(rest, patience, response)
}

/// Lets the rest of a body come that was answered early, and forgets it: a browser reads no answer before it has sent
/// everything, and hung up on it would show none.
fn let_come(rest: Body, patience: Duration, response: Response) -> Response {
    let is_short = rest
        .size_hint()
        .upper()
        .is_some_and(|left| left <= LARGEST_BODY as u64);
    let mut forgotten = Box::pin(forget(rest));
    if (&mut forgotten).now_or_never().is_some() {
        return response;
    }
    tokio::spawn(timeout(patience, forgotten));
    if is_short { response } else { close(response) }
}

async fn forget(rest: Body) {
    let mut rest = rest.into_data_stream();
    let mut left = LARGEST_REST;
    while let Some(Ok(bytes)) = rest.next().await {
        match left.checked_sub(bytes.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// Lends the body of a request to whoever answers it.
fn lend(request: Request) -> (Request, Arc<Loan>) {
    let loan = Arc::new(Loan::default());
    if request.body().is_end_stream() {
        return (request, loan);
    }
    let lent = |body| {
        Body::new(Lent {
            body,
            loan: loan.clone(),
        })
    };
    (request.map(lent), loan)
}

/// What is known of a body that was lent.
#[derive(Default)]
struct Loan {
    /// Whether anybody has asked for it.
    is_begun: AtomicBool,
    /// Whether somebody waits at this moment for more of it to arrive.
    is_awaited: AtomicBool,
    rest: Mutex<Option<Body>>,
}

impl Loan {
    /// What was not read, once nobody reads on.
    fn rest(&self) -> Option<Body> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Body>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body on loan: what is left of it goes back.
struct Lent {
    body: Body,
    loan: Arc<Loan>,
}

impl HttpBody for Lent {
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

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let rest = Some(mem::take(&mut self.body));
            *self.loan.lock() = rest;
        }
    }
}

/// The rest of a body that nobody reads must not be taken for the next request.
fn close(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CONNECTION,
        axum::http::HeaderValue::from_static("close"),
    );
    response
}

/// Words for what was refused because it is too large.
pub async fn keep_size(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY) {
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

/// The longest pause in which a client takes nothing of its answer.
pub const fn longest_pause(config: &Config) -> Duration {
    config.request_timeout.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_asks_too_often_waits_and_others_do_not() {
        let rates = Rates::new(&Config {
            rate_limit: 2,
            ..Config::of_tests()
        });
        let [one, other] = ["203.0.113.7", "203.0.113.8"].map(|text| text.parse().unwrap());
        for _ in 0..20 {
            assert_eq!(rates.ask(one), Ok(()));
        }
        assert_eq!(rates.ask(one), Err(1));
        assert_eq!(rates.ask(other), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let [one, neighbour, other] =
            ["2001:db8:1:2::3", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1"]
                .map(|text| network(text.parse().unwrap()));
        assert_eq!(one, neighbour);
        assert_ne!(one, other);
    }
}
