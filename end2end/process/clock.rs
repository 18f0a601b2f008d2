//! The server's clock jumps.

use crate::{
    database::Database,
    on_both_databases, report,
    server::{Server, free_port},
    shop::{Shop, get, page},
    storm::Storm,
};
use rstest_reuse::apply;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// The offsets of the server's clock, one after the other.
const JUMPS: [&str; 4] = ["-3d", "+1d", "-40d", "+0"];

#[apply(on_both_databases)]
async fn a_clock_that_jumps_does_no_harm(database: Database) {
    let clock = database.file("clock");
    fs::write(&clock, "+0").unwrap();
    let settings = [
        (
            "LD_PRELOAD",
            faketime_library().to_str().unwrap().to_owned(),
        ),
        (
            "FAKETIME_TIMESTAMP_FILE",
            clock.to_str().unwrap().to_owned(),
        ),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // Timeouts use the monotonic clock, which never jumps.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let server = Server::start_at(&database, free_port(), &settings).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for jump in JUMPS {
        storm.wait_for_orders(40).await;
        fs::write(&clock, jump).unwrap();
        storm.wait_for_orders(40).await;
        // The admin is still signed in, and every page still opens.
        for path in [
            "/",
            "/orders",
            "/account",
            "/admin/analytics",
            "/admin/logs",
        ] {
            assert_eq!(
                page(&shop.admin, &server.site, path).await.0,
                200,
                "{path} after {jump}"
            );
        }
    }
    let outcome = storm.settle(&database).await;
    // Each idempotency key still creates one order, whatever the time.
    let again = shop
        .create_order(&server.site, "a key", 1)
        .await
        .unwrap()
        .id();
    fs::write(&clock, "-9d").unwrap();
    assert_eq!(
        shop.create_order(&server.site, "a key", 1)
            .await
            .unwrap()
            .id(),
        again
    );
    assert_every_order_is_listed_once_and_in_order(&database, &server, &shop).await;
    assert!(!server.logged().contains("panicked"), "{}", server.logged());
    report::note("clock jumps", &database, JUMPS.len() + 1, &outcome);
}

async fn assert_every_order_is_listed_once_and_in_order(
    database: &Database,
    server: &Server,
    shop: &Shop,
) {
    let mut seen = Vec::new();
    let mut path = "/api/orders".to_owned();
    loop {
        let listed = get(&shop.program, &server.site, &path).await.unwrap();
        assert_eq!(listed.status, 200, "{listed:?}");
        for order in listed.json["items"].as_array().unwrap() {
            seen.push((
                order["created_at"].as_str().unwrap().to_owned(),
                order["id"].as_i64().unwrap(),
            ));
        }
        match listed.json["next"].as_str() {
            Some(next) => path = format!("/api/orders?cursor={next}"),
            None => break,
        }
    }
    assert!(
        seen.is_sorted_by(|one, next| one.0 >= next.0),
        "not newest first"
    );
    let on_record: BTreeSet<_> = database.orders().iter().map(|order| order.id).collect();
    assert_eq!(seen.len(), on_record.len());
    assert_eq!(
        seen.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(),
        on_record
    );
}

/// Returns the path of the library that gives a process a different time.
fn faketime_library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten();
    let found = folders
        .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketime.so.1")))
        .find(|library| library.exists());
    found.expect("libfaketime is missing: apt-get install faketime")
}
