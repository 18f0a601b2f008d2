//! What the tests share: a shop with its own database, its users and their browsers.

#[macro_use]
mod fields;
mod app;
pub mod logs;
mod totp;

pub use app::*;
pub use rstest_reuse::apply;
pub use totp::*;

use rstest_reuse::template;

/// Runs a test once on each database, with a new, migrated shop.
#[template]
#[rstest::rstest]
#[case::sqlite(crate::tests::support::App::sqlite())]
#[case::postgres(crate::tests::support::App::postgres())]
#[timeout(crate::tests::support::TEST_TIMEOUT)]
#[test_attr(tokio::test(flavor = "multi_thread", worker_threads = 2))]
pub async fn on_both_databases(#[case] app: App) {}
