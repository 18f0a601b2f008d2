//! Tests of the real program: processes of `sirius serve` with a real database, called over HTTP.
//!
//! They cover what tests inside one process cannot: a server that is killed, restarted or run twice at once, or that
//! loses its database, its disk space or the correct time. `make storm` runs them on the release build and prints which
//! operations were kept.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a panic is a failure"
)]

mod alerts;
mod backup;
mod clock;
mod cluster;
mod copy;
mod database;
mod disk;
mod everything;
mod flood;
mod hang;
mod kill;
#[path = "../../src/tests/mail_server.rs"]
mod mail_server;
mod migrate;
mod outage;
mod repair;
mod report;
#[path = "../../src/tests/secrets.rs"]
mod secrets;
mod server;
mod servers;
mod shop;
mod start;
mod storm;
#[path = "../../src/tests/telegram.rs"]
mod telegram;
mod upgrade;
mod watch;

/// Declares tests that run once on each database. Each gets a new database that is not migrated.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $story:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every test uses all imports of its module")]
            use super::*;

            $(#[$meta])*
            async fn story($database: $crate::database::Database) $story

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                story($crate::database::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                story($crate::database::Database::postgres()).await;
            }
        })+
    };
}
use on_both_databases;
