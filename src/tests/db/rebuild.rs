//! Rebuilding tables in SQLite as "How a migration is written" in CONTRIBUTING.md describes it: on the fixture of every
//! released schema, migrated to the newest one, with its data.

use crate::db::{
    Conn, DatabaseUrl,
    migrations::{applied, run_on_sqlite},
};
use crate::tests::db::schema::{Line, describe};
use diesel::{connection::SimpleConnection, prelude::*};
use diesel_migrations::FileBasedMigrations;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use tempfile::TempDir;

/// The tables to rebuild, each with the check that gets one more code. The log has triggers instead of a check.
const TABLES: [(&str, &str); 4] = [
    ("users", "users_role CHECK (role IN ("),
    ("orders", "orders_status CHECK (status IN ("),
    ("stock_movements", "stock_movements_kind CHECK (kind IN ("),
    ("operation_log", ""),
];
const VERSION: &str = "99990101000000";

/// Returns a database for every fixture, migrated to the newest schema.
fn migrated_fixtures() -> Vec<(TempDir, Conn)> {
    let fixtures = fs::read_dir("migrations/fixtures/sqlite").unwrap();
    let migrated = |fixture: &Path| {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("sirius.db"));
        let dump = fs::read_to_string(fixture).unwrap();
        url.open().unwrap().batch_execute(&dump).unwrap();
        crate::migrate::migrate(&url).unwrap();
        (folder, url.open().unwrap())
    };
    fixtures
        .map(|fixture| migrated(&fixture.unwrap().path()))
        .collect()
}

fn lines(conn: &mut Conn, query: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(query).load(conn).unwrap();
    lines.into_iter().map(|row| row.line).collect()
}

/// Returns every row of every table, including the next ids, and the schema objects that are not tables.
fn contents(conn: &mut Conn) -> BTreeMap<String, BTreeSet<String>> {
    let tables = lines(
        conn,
        "SELECT name AS line FROM sqlite_master WHERE type = 'table'",
    );
    let mut all: BTreeMap<_, _> = tables
        .into_iter()
        .map(|table| {
            let columns = format!(
                "SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_xinfo('{table}')"
            );
            let row = lines(conn, &columns).join(" || ', ' || ");
            let rows = lines(conn, &format!("SELECT {row} AS line FROM \"{table}\""));
            (table, rows.into_iter().collect())
        })
        .collect();
    let other_objects =
        "SELECT sql AS line FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL";
    all.insert(
        "indexes and triggers".to_owned(),
        lines(conn, other_objects).into_iter().collect(),
    );
    all
}

/// Returns the statements that rebuild a table, with one more code in its check.
fn rebuild_sql(conn: &mut Conn, table: &str, check: &str) -> String {
    let sql = |conn: &mut Conn, which: &str| {
        let query = format!(
            "SELECT sql AS line FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL AND type {which}"
        );
        lines(conn, &query)
    };
    let create = sql(conn, "= 'table'").concat();
    let body = &create[create.find('(').unwrap()..];
    assert!(body.contains(check), "{table} has no {check}");
    let body = body.replacen(
        check,
        &format!("{check}'one_more', "),
        usize::from(!check.is_empty()),
    );
    let columns =
        format!("SELECT name AS line FROM pragma_table_xinfo('{table}') WHERE hidden = 0");
    let columns = lines(conn, &columns).join(", ");
    let other_objects = sql(conn, "<> 'table'").join(";\n");
    format!(
        "CREATE TABLE new_{table} {body};
         INSERT INTO sqlite_sequence (name, seq) SELECT 'new_{table}', seq FROM sqlite_sequence WHERE name = '{table}';
         INSERT INTO new_{table} ({columns}) SELECT {columns} FROM {table};
         DROP TABLE {table};
         ALTER TABLE new_{table} RENAME TO {table};
         {other_objects};\n"
    )
}

/// Runs `up` as a migration and returns the versions that were applied.
fn migrate(conn: &mut Conn, up: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let migration = folder.path().join("9999-01-01-000000_one_more_code");
    fs::create_dir(&migration).unwrap();
    fs::write(migration.join("up.sql"), up).unwrap();
    fs::write(migration.join("down.sql"), "").unwrap();
    let source = FileBasedMigrations::from_path(folder.path()).unwrap();
    match conn {
        Conn::Sqlite(conn) => run_on_sqlite(conn, source).map_err(|error| error.to_string()),
        Conn::Postgres(_) => unreachable!("only SQLite rebuilds tables"),
    }
}

#[test]
fn rebuilding_a_table_loses_nothing() {
    for (_folder, mut conn) in migrated_fixtures() {
        // As if newer orders had been deleted: their numbers must not be used again.
        conn.batch_execute("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = 'orders'")
            .unwrap();
        let before = (describe(&mut conn), contents(&mut conn));
        let up: String = TABLES
            .iter()
            .map(|(table, check)| rebuild_sql(&mut conn, table, check))
            .collect();
        assert_eq!(migrate(&mut conn, &up).unwrap(), [VERSION]);
        let forget_version =
            format!("DELETE FROM __diesel_schema_migrations WHERE version = '{VERSION}'");
        conn.batch_execute(&forget_version).unwrap();
        let (schema, rows) = (describe(&mut conn), contents(&mut conn));
        let changed: Vec<_> = schema.symmetric_difference(&before.0).collect();
        assert_eq!(changed.len(), 6, "{changed:#?}");
        assert!(changed.iter().all(|line| line.starts_with("check ")));
        assert!(before.1["sessions"].len() + before.1["orders"].len() > 10);
        assert_eq!(rows, before.1);
        // The new code is allowed, and checks, triggers and foreign keys work again.
        let execute =
            |conn: &mut Conn, sql: &str| conn.batch_execute(sql).map_err(|error| error.to_string());
        assert_eq!(
            execute(&mut conn, "UPDATE stock_movements SET kind = 'one_more'"),
            Ok(())
        );
        for (forbidden, why) in [
            (
                "UPDATE stock_movements SET kind = 'two_more'",
                "CHECK constraint",
            ),
            ("DELETE FROM operation_log", "only grows"),
            (
                "UPDATE orders SET user_id = 'nobody'",
                "FOREIGN KEY constraint",
            ),
        ] {
            let refused = execute(&mut conn, forbidden).unwrap_err();
            assert!(refused.contains(why), "{forbidden}: {refused}");
        }
    }
}

#[test]
fn a_migration_that_fails_halfway_changes_nothing() {
    for (_folder, mut conn) in migrated_fixtures() {
        let before = (
            applied(&mut conn).unwrap(),
            describe(&mut conn),
            contents(&mut conn),
        );
        let orders = rebuild_sql(&mut conn, TABLES[1].0, TABLES[1].1);
        for (up, why) in [
            (
                format!("{orders} INSERT INTO nowhere VALUES (1);"),
                "nowhere",
            ),
            ("DELETE FROM users;".to_owned(), "refers to a row of users"),
            (
                format!("{orders} DELETE FROM products WHERE id = 1;"),
                "refers to a row of products",
            ),
        ] {
            let refused = migrate(&mut conn, &up).unwrap_err();
            assert!(refused.contains(why), "{refused}");
            let after = (
                applied(&mut conn).unwrap(),
                describe(&mut conn),
                contents(&mut conn),
            );
            assert_eq!(after, before);
        }
    }
}
