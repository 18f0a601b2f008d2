//! Passes changes between the servers of a shop by `LISTEN` and `NOTIFY` of PostgreSQL.
//!
//! One thread has a connection for both. It sends `NOTIFY` after the commit of an operation, not in its transaction:
//! PostgreSQL lets transactions with a `NOTIFY` commit only one after another, which would slow down every issue. If
//! the server is killed between the two, pages on other servers show the change when they are opened next.

use super::{
    Changes,
    hub::{Hub, RECENT},
};
use crate::db::{Conn, DatabaseUrl};
use diesel::{
    connection::SimpleConnection,
    pg::PgConnection,
    prelude::*,
    sql_types::{Integer, Text},
};
use std::{
    io,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// How often the connection is asked for notifications: libpq has no call that waits for them. Asking takes one system
/// call.
const POLL: Duration = Duration::from_millis(20);
/// How often a query shows whether the connection still works.
const CHECK: Duration = Duration::from_secs(10);
/// Time between attempts to connect.
const RETRY: Duration = Duration::from_secs(2);
/// Maximum length of a payload, in bytes. PostgreSQL refuses 8,000.
const PAYLOAD: usize = 7_900;

/// Connects the hub with the other servers of the shop, if its database is PostgreSQL.
pub fn start(url: &DatabaseUrl, hub: &Hub) -> io::Result<()> {
    if matches!(url, DatabaseUrl::Sqlite(_)) {
        return Ok(());
    }
    let (sender, receiver) = mpsc::channel();
    hub.connect_others(sender);
    let (url, hub) = (url.clone(), hub.clone());
    let runtime = tokio::runtime::Handle::current();
    thread::Builder::new()
        .name("live".to_owned())
        .spawn(move || {
            let _entered = runtime.enter();
            run(&url, &hub, &receiver);
        })
        .map(drop)
}

/// Passes changes on until the hub is closed, and connects again whenever the connection is lost.
fn run(url: &DatabaseUrl, hub: &Hub, ours: &Receiver<Changes>) {
    let mut unsent = Changes::default();
    let mut lost_at: Option<Instant> = None;
    while !hub.is_closed() {
        let ended = Listener::connect(url).and_then(|mut listener| {
            if let Some(lost_at) = lost_at {
                // Nobody knows what was missed.
                hub.deliver(Changes::all());
                if lost_at.elapsed() > RECENT {
                    unsent.scans.clear();
                }
            }
            let ended = listener.exchange(hub, ours, &mut unsent);
            lost_at = Some(Instant::now());
            ended.map_err(|error| error.to_string())
        });
        if let Err(error) = ended {
            tracing::warn!(%error, "lost the connection for live changes; will connect again");
            thread::sleep(RETRY);
        }
    }
}

/// The connection of this server.
struct Listener {
    conn: PgConnection,
    /// The shop's own channel: shops that share a database have schemas of their own.
    channel: String,
    /// The process at the other end, which is named in notifications. We also receive our own.
    process: i32,
}

impl Listener {
    fn connect(url: &DatabaseUrl) -> Result<Self, String> {
        let Conn::Postgres(mut conn) = url.open().map_err(|error| error.to_string())? else {
            return Err("the database is not PostgreSQL".to_owned());
        };
        let found = diesel::sql_query(
            "SELECT 'sirius_' || current_schema() AS channel, pg_backend_pid() AS process",
        )
        .get_result::<Found>(&mut conn)
        .map_err(|error| error.to_string())?;
        let Found { channel, process } = found;
        let quoted = channel.replace('"', "\"\"");
        conn.batch_execute(&format!("LISTEN \"{quoted}\""))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            conn,
            channel,
            process,
        })
    }

    /// Sends our changes and receives those of others until the hub is closed. What cannot be sent stays in `unsent`.
    fn exchange(
        &mut self,
        hub: &Hub,
        ours: &Receiver<Changes>,
        unsent: &mut Changes,
    ) -> QueryResult<()> {
        let mut checked_at = Instant::now();
        while !hub.is_closed() {
            if let Ok(changes) = ours.recv_timeout(POLL) {
                unsent.merge(changes);
                ours.try_iter().for_each(|more| unsent.merge(more));
            }
            if !unsent.is_empty() {
                self.send(unsent)?;
                checked_at = Instant::now();
            } else if checked_at.elapsed() > CHECK {
                self.conn.batch_execute("SELECT 1")?;
                checked_at = Instant::now();
            }
            self.receive(hub)?;
        }
        Ok(())
    }

    /// Sends changes, and removes from them what was sent.
    fn send(&mut self, unsent: &mut Changes) -> QueryResult<()> {
        let mut payload = written(unsent);
        if payload.len() > PAYLOAD {
            while let Some(scan) = unsent.scans.first().cloned() {
                let mut one = Changes::default();
                one.add(scan);
                self.notify(&written(&one))?;
                unsent.scans.remove(0);
            }
            payload = written(unsent);
        }
        if payload.len() > PAYLOAD {
            payload = written(&Changes::all());
        }
        if !unsent.is_empty() {
            self.notify(&payload)?;
        }
        *unsent = Changes::default();
        Ok(())
    }

    fn notify(&mut self, payload: &str) -> QueryResult<()> {
        diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<Text, _>(&self.channel)
            .bind::<Text, _>(payload)
            .execute(&mut self.conn)
            .map(drop)
    }

    fn receive(&mut self, hub: &Hub) -> QueryResult<()> {
        for notification in self.conn.notifications_iter() {
            let notification = notification?;
            if notification.process_id == self.process {
                continue;
            }
            // A newer version may write what this one cannot read.
            let changes =
                serde_json::from_str(&notification.payload).unwrap_or_else(|_| Changes::all());
            hub.deliver(changes);
        }
        Ok(())
    }
}

/// Writes changes for other servers.
fn written(changes: &Changes) -> String {
    serde_json::to_string(changes).unwrap_or_default()
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Integer)]
    process: i32,
}
