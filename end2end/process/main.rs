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
mod deny;
mod disk;
mod erase;
mod everything;
mod flood;
mod hang;
mod kill;
mod migrate;
mod outage;
mod repair;
mod report;
mod server;
mod servers;
mod shop;
mod start;
mod storm;
mod streams;
mod upgrade;
mod watch;

use rstest_reuse::template;

/// Runs a test once on each database, which is new and not migrated.
#[template]
#[rstest::rstest]
#[case::sqlite(crate::database::Database::sqlite())]
#[case::postgres(crate::database::Database::postgres())]
#[test_attr(tokio::test(flavor = "multi_thread", worker_threads = 2))]
pub async fn on_both_databases(#[case] database: database::Database) {}
