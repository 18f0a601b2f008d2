//! Accepts connections, limits their number in total and per address, and closes those that stall.
//!
//! `axum::serve` has neither time limits nor connection limits. This is the same loop with both.

use super::{SHUTDOWN_LIMIT, headers, limits::longest_pause};
use crate::{
    config::Config,
    error::Error,
    i18n::Locale,
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
const OTHER_FILES: usize = 256;
/// One address may hold at most 1/`SHARE` of the connections.
const SHARE: usize = 4;
/// How long a rejected client may take to read the 503 response.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves connections until `stop` resolves, then lets running requests finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Places::new(config);
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
                tracing::warn!(%error, "could not accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            tokio::spawn(turn_away(socket, places.take_at_door()));
            continue;
        };
        // With Nagle's algorithm, each part of a streamed response would wait 40 ms for an acknowledgement.
        let _ = socket.set_nodelay(true);
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(longest_pause(config)));
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
struct Places {
    most: usize,
    /// The limit for one address. It applies neither to loopback addresses nor behind a trusted proxy, which carries
    /// the connections of all clients.
    most_of_one: usize,
    trust_proxy: bool,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    all: usize,
    at_door: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection, counted until this is dropped.
struct Place {
    address: Option<IpAddr>,
    held: Arc<Mutex<Held>>,
}

impl Places {
    fn new(config: &Config) -> Self {
        // Each connection needs a file descriptor, and the default limit is low.
        let files = rlimit::increase_nofile_limit(u64::MAX).map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        });
        let most = config.max_connections.min(
            files
                .saturating_sub(OTHER_FILES + config.database_connections)
                .max(1),
        );
        if most < config.max_connections {
            tracing::warn!(
                most,
                "the limit for open files is too low for MAX_CONNECTIONS; accepting fewer connections"
            );
        }
        Self {
            most,
            most_of_one: most.div_ceil(SHARE),
            trust_proxy: config.trust_proxy,
            held: Arc::default(),
        }
    }

    fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = Some(peer.to_canonical())
            .filter(|peer| !self.trust_proxy && !peer.is_loopback())
            .map(network);
        let mut held = lock(&self.held);
        let of_one = address.and_then(|address| held.by_address.get(&address).copied());
        if held.all >= self.most || of_one.is_some_and(|of_one| of_one >= self.most_of_one) {
            return None;
        }
        held.all += 1;
        if let Some(address) = address {
            *held.by_address.entry(address).or_default() += 1;
        }
        Some(Place {
            address,
            held: self.held.clone(),
        })
    }

    /// Reserves one of a few slots for sending the 503 response to a rejected connection.
    fn take_at_door(&self) -> Option<AtDoor> {
        let mut held = lock(&self.held);
        (held.at_door < OTHER_FILES / 4).then(|| {
            held.at_door += 1;
            AtDoor(self.held.clone())
        })
    }
}

impl Drop for Place {
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

struct AtDoor(Arc<Mutex<Held>>);

impl Drop for AtDoor {
    fn drop(&mut self) {
        lock(&self.0).at_door -= 1;
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers a rejected connection with 503 and closes it. Without a slot it is only closed.
async fn turn_away(mut socket: TcpStream, at_door: Option<AtDoor>) {
    if at_door.is_none() {
        return;
    }
    let answer = no_place();
    let farewell = async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await?;
        // Closing a socket that has unread data would discard the response.
        let mut unread = [0; 1_024];
        while socket.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// Returns the raw 503 response that is sent when a connection limit is reached.
fn no_place() -> String {
    let words = [Locale::ru, Locale::en]
        .map(|l| Error::Busy.words(l))
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
    fn one_address_never_takes_all_places() {
        let places = Places::new(&Config {
            max_connections: 8,
            ..Config::of_tests()
        });
        let [one, other, own] =
            ["203.0.113.7", "203.0.113.8", "127.0.0.1"].map(|text| text.parse().unwrap());
        let held = [places.take(one), places.take(one)];
        assert!(held.iter().all(Option::is_some) && places.take(one).is_none());
        assert!(places.take(other).is_some());
        let own: Vec<_> = (0..9).map(|_| places.take(own)).collect();
        assert_eq!(
            own.iter().flatten().count(),
            6,
            "loopback takes all that are left, and no more"
        );
        drop(held);
        assert!(places.take(one).is_some());
    }
}
