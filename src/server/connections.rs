//! Accepts connections, limits their number in total and per address, and closes those that stall.
//!
//! `axum::serve` has neither time limits nor connection limits. This is the same loop with both.

use super::{SHUTDOWN_LIMIT, headers, limits::write_timeout};
use crate::{
    config::Config,
    error::Error,
    i18n::Locale,
    log_limit::LogLimit,
    web::client_info::{REQUEST_ID, network, new_id},
};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use ipnet::IpNet;
use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// File descriptors kept free for everything except connections.
const RESERVED_FILES: usize = 256;
/// One address may hold at most 1/`ADDRESS_SHARE` of the connections.
const ADDRESS_SHARE: usize = 4;
/// How long a rejected client may take to read the 503 response.
const REJECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// Clients can cause these warnings at will, by closing connections early.
static NOT_ACCEPTED: LogLimit = LogLimit::new();

/// Serves connections until `stop` resolves, then lets running requests finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = ConnectionLimiter::new(config);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(config.request_timeout);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client has left already, or no file descriptor is free. A later attempt may succeed.
                if NOT_ACCEPTED.allows_one() {
                    tracing::warn!(%error, "could not accept a connection");
                }
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(place) = places.acquire(peer.ip()) else {
            tokio::spawn(reject(socket, places.acquire_rejection()));
            continue;
        };
        // With Nagle's algorithm, each part of a streamed response would wait 40 ms for an acknowledgement.
        let _ = socket.set_nodelay(true);
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(write_timeout(config)));
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = http.serve_connection(TokioIo::new(Box::pin(socket)), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended with an error");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(SHUTDOWN_LIMIT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that were still running at the shutdown deadline were aborted");
    }
    Ok(())
}

/// The connection limits, and the number of open connections.
struct ConnectionLimiter {
    max: usize,
    /// The limit for one address. It applies neither to loopback addresses nor to a trusted proxy, which carries the
    /// connections of all clients.
    max_per_address: usize,
    trust_proxy: Vec<IpNet>,
    held: Arc<Mutex<ConnectionCounts>>,
}

#[derive(Default)]
struct ConnectionCounts {
    all: usize,
    rejecting: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection, counted until this is dropped.
struct Permit {
    address: Option<IpAddr>,
    held: Arc<Mutex<ConnectionCounts>>,
}

impl ConnectionLimiter {
    fn new(config: &Config) -> Self {
        // Each connection needs a file descriptor, and the default limit is low.
        let files = rlimit::increase_nofile_limit(u64::MAX).map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        });
        let most = config.max_connections.min(
            files
                .saturating_sub(RESERVED_FILES + config.database_connections)
                .max(1),
        );
        if most < config.max_connections {
            tracing::warn!(
                most,
                "the limit for open files is too low for MAX_CONNECTIONS; accepting fewer connections"
            );
        }
        Self {
            max: most,
            max_per_address: most.div_ceil(ADDRESS_SHARE),
            trust_proxy: config.trust_proxy.clone(),
            held: Arc::default(),
        }
    }

    fn acquire(&self, peer: IpAddr) -> Option<Permit> {
        let peer = peer.to_canonical();
        let is_proxy = self
            .trust_proxy
            .iter()
            .any(|proxies| proxies.contains(&peer));
        let address = (!is_proxy && !peer.is_loopback()).then(|| network(peer));
        let mut held = lock(&self.held);
        let of_one = address.and_then(|address| held.by_address.get(&address).copied());
        if held.all >= self.max || of_one.is_some_and(|of_one| of_one >= self.max_per_address) {
            return None;
        }
        held.all += 1;
        if let Some(address) = address {
            *held.by_address.entry(address).or_default() += 1;
        }
        Some(Permit {
            address,
            held: self.held.clone(),
        })
    }

    /// Reserves one of a few slots for sending the 503 response to a rejected connection.
    fn acquire_rejection(&self) -> Option<RejectionPermit> {
        let mut held = lock(&self.held);
        (held.rejecting < RESERVED_FILES / 4).then(|| {
            held.rejecting += 1;
            RejectionPermit(self.held.clone())
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        held.all -= 1;
        if let Some(address) = self.address
            && let Some(of_one) = held.by_address.get_mut(&address)
        {
            *of_one -= 1;
            if *of_one == 0 {
                held.by_address.remove(&address);
            }
        }
    }
}

struct RejectionPermit(Arc<Mutex<ConnectionCounts>>);

impl Drop for RejectionPermit {
    fn drop(&mut self) {
        lock(&self.0).rejecting -= 1;
    }
}

fn lock(held: &Mutex<ConnectionCounts>) -> MutexGuard<'_, ConnectionCounts> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers a rejected connection with 503 and closes it. Without a slot it is only closed.
async fn reject(mut socket: TcpStream, permit: Option<RejectionPermit>) {
    if permit.is_none() {
        return;
    }
    let answer = busy_response();
    let farewell = async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await?;
        // Closing a socket that has unread data would discard the response.
        let mut unread = [0; 1_024];
        while socket.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    let _ = timeout(REJECTION_TIMEOUT, farewell).await;
}

/// Returns the raw 503 response that is sent when a connection limit is reached.
fn busy_response() -> String {
    let words = [Locale::ru, Locale::en]
        .map(|locale| Error::Busy.message(locale))
        .join("\n");
    let mut response: Response = Error::Busy.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_LENGTH, &words.len().to_string()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        (REQUEST_ID, &new_id()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    headers::put_always(&mut response);
    let lines: String = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}\r\n", value.to_str().ok()?)))
        .collect();
    format!("HTTP/1.1 {}\r\n{lines}\r\n{words}", response.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_connections() {
        let limiter = ConnectionLimiter::new(&Config {
            max_connections: 8,
            ..Config::for_tests()
        });
        let [one, other, loopback] =
            ["203.0.113.7", "203.0.113.8", "127.0.0.1"].map(|text| text.parse().unwrap());
        let held = [limiter.acquire(one), limiter.acquire(one)];
        assert!(held.iter().all(Option::is_some) && limiter.acquire(one).is_none());
        assert!(limiter.acquire(other).is_some());
        let local: Vec<_> = (0..9).map(|_| limiter.acquire(loopback)).collect();
        assert_eq!(
            local.iter().flatten().count(),
            6,
            "loopback may use all remaining connections"
        );
        drop(held);
        assert!(limiter.acquire(one).is_some());
    }
}
