//! Connections: so many at once, so many of one address, and none that stalls.
//!
//! `axum::serve` knows neither time limits nor numbers; this is the same loop with both.

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

/// Files that the program has open besides its connections.
const OTHER_FILES: usize = 256;
/// One address may have this part of the connections.
const SHARE: usize = 4;
/// How long somebody who is turned away may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves until `stop`, then finishes what runs.
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
                // Gone again, or no file is free: the next one may have more luck.
                tracing::warn!(%error, "a connection was not accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            tokio::spawn(turn_away(socket, places.take_at_door()));
            continue;
        };
        // Else streamed answers wait for an acknowledgement, 40 ms each.
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
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(SHUTDOWN_LIMIT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests took too long and were cut");
    }
    Ok(())
}

/// The places for connections.
struct Places {
    most: usize,
    /// Of one address; a proxy and the machine itself bring everybody's.
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

/// A place that is free again when this is gone.
struct Place {
    address: Option<IpAddr>,
    held: Arc<Mutex<Held>>,
}

impl Places {
    fn new(config: &Config) -> Self {
        // Each connection is an open file, and the usual limit of these is low.
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
                "the system allows fewer open files than MAX_CONNECTIONS"
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

    /// A place to be told why there is none; of these there are few.
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

/// Says that there is no place, and hangs up.
async fn turn_away(mut socket: TcpStream, at_door: Option<AtDoor>) {
    if at_door.is_none() {
        return;
    }
    let answer = no_place();
    let farewell = async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await?;
        // Closed with something unread, the answer would be lost.
        let mut unread = [0; 1_024];
        while socket.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// What somebody is told for whom there is no place, as it stands on the wire.
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
        assert_eq!(own.iter().flatten().count(), 6, "the rest, and no more");
        drop(held);
        assert!(places.take(one).is_some());
    }
}
