//! The server is killed with SIGKILL under load.

use crate::database::Database;
use crate::{on_both_databases, report, server::Server, shop::Shop, storm::Storm};
use rstest_reuse::apply;
use std::time::Duration;

/// How often the server is killed.
const KILLS: usize = 30;

#[apply(on_both_databases)]
async fn confirmed_operations_survive_thirty_kills(database: Database) {
    let mut server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for round in 0..KILLS {
        storm.wait_for_orders(20).await;
        tokio::time::sleep(Duration::from_millis(
            u64::try_from(round * 37 % 200).unwrap(),
        ))
        .await;
        let port = server.port();
        let answered = storm.journal();
        server.kill();
        assert_eq!(
            answered.compare(&database),
            answered.operations(),
            "after kill {round}"
        );
        database.assert_agrees();
        server = Server::start_at(&database, port, &[]).await;
    }
    let outcome = storm.settle(&database).await;
    assert!(
        outcome.journal.repeated >= KILLS / 2,
        "the kills interrupted too few requests: {}",
        outcome.journal.repeated
    );
    report::note("SIGKILL", &database, KILLS, &outcome);
}
