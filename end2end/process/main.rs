//! Tests of the real program: processes of `sirius serve` over a real database, spoken to over HTTP.
//!
//! What a whole router in one process cannot show: being killed, restarted, run twice at once, and losing
//! the database, the disk or the time. `make storm` runs them on the release server and prints what was kept.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
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

/// Declares tests that run once on each database. The story gets one that is fresh and not migrated.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $story:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "each story uses some of its module's")]
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
