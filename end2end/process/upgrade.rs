//! Every released schema is migrated with its data: `migrations/fixtures` has a dump for each release and database,
//! made by `scripts/dump-fixture`.

use crate::{
    database::Database,
    on_both_databases,
    server::Server,
    shop::{PASSWORD, browser, get, post},
};
use rstest_reuse::apply;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[apply(on_both_databases)]
async fn every_released_schema_is_migrated_and_works(database: Database) {
    let fixtures = fixtures(&database);
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let old = database.another();
        old.sql(&fs::read_to_string(&fixture).unwrap());
        let released = fixture.file_stem().unwrap().to_str().unwrap();
        assert_eq!(
            old.versions().pop().as_deref(),
            Some(released),
            "{fixture:?} is not named after its schema version"
        );
        let before = rows(&old);
        old.does(&["migrate"]);
        let after = rows(&old);
        for (table, count) in before {
            let left = after.get(&table).copied().unwrap_or_default();
            assert!(
                left >= count,
                "{fixture:?}: {table} has {left} rows of {count}"
            );
        }
        assert_works(&old).await;
    }
}

/// Counts the rows of each table, except the rollups, which are rebuilt from the orders.
fn rows(database: &Database) -> BTreeMap<String, usize> {
    let tables = database.tables().into_iter();
    let of_sums = |table: &String| table.starts_with("sales_by_");
    let count = |table: String| {
        let line = format!("SELECT 'row' AS line FROM \"{table}\"");
        let rows = database.lines(&line).len();
        (table, rows)
    };
    tables.filter(|table| !of_sums(table)).map(count).collect()
}

fn fixtures(database: &Database) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations/fixtures")
        .join(match database.kind() {
            "SQLite" => "sqlite",
            _ => "postgres",
        });
    let mut fixtures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    fixtures.sort();
    fixtures
}

/// Asserts that the data of `scripts/dump-fixture` works: anna can sign in, and the order of «Ждущий» can be issued.
async fn assert_works(database: &Database) {
    let server = Server::start(database).await;
    assert_eq!(database.versions(), sirius::db::migrations::known());
    database.assert_agrees();
    let anna = browser();
    let account = json!({"username": "anna", "password": PASSWORD});
    let signed_in = post(&anna, &server.site, "/api/auth/login", "", &account)
        .await
        .unwrap();
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let waiting = database.orders();
    let waiting = waiting
        .iter()
        .find(|order| order.customer_name.as_deref() == Some("Ждущий"))
        .unwrap();
    assert_eq!(waiting.status, "paid_not_issued");
    let issue = format!("/api/orders/{}/issue", waiting.id);
    let issued = post(&anna, &server.site, &issue, "", &Value::Null)
        .await
        .unwrap();
    assert_eq!(issued.json["status"], "paid_issued", "{issued:?}");
    for path in [
        "/api/products",
        "/api/orders",
        "/api/supplies",
        "/api/users",
        "/api/analytics/summary",
        "/api/analytics/products",
    ] {
        let listed = get(&anna, &server.site, path).await.unwrap();
        assert_eq!(listed.status, 200, "{path}: {listed:?}");
    }
    database.assert_agrees();
}
