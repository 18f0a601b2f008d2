//! The two sets of migrations create the same schema and can be reverted.

use crate::tests::support::{App, apply, block_on, on_both_databases};
use crate::{
    db::{self, Conn, DatabaseUrl},
    error::Error,
    migrate::backfills::{self, Backfill},
    schema::products,
    transaction::Tx,
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};
use std::collections::BTreeSet;

#[derive(QueryableByName)]
pub struct Line {
    #[diesel(sql_type = Text)]
    pub line: String,
}

fn lines(conn: &mut Conn, query: &str) -> BTreeSet<String> {
    diesel::sql_query(query)
        .load::<Line>(conn)
        .unwrap()
        .into_iter()
        .map(|row| row.line)
        .collect()
}

/// Describes the schema, one line for each item: columns (type, nullability, whether generated), indexes with their
/// columns, foreign keys, and checks with the quoted texts in them, which are the codes that a column allows.
pub fn describe(conn: &mut Conn) -> BTreeSet<String> {
    let queries: &[&str] = match conn {
        Conn::Sqlite(_) => &[
            "SELECT 'column ' || m.name || '.' || c.name || ' '
                || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BIGINT' THEN 'bigint' ELSE lower(c.type) END
                || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END
                || CASE WHEN c.hidden > 0 THEN ' generated' ELSE '' END AS line
             FROM sqlite_master m, pragma_table_xinfo(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
            "SELECT 'index ' || i.name || CASE i.\"unique\" WHEN 1 THEN ' unique (' ELSE ' (' END
                || (SELECT group_concat(COALESCE(k.name, 'expression'), ', ') FROM pragma_index_info(i.name) k)
                || ')' AS line
             FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin = 'c'",
            "SELECT 'reference ' || m.name || '.' || f.\"from\" || ' to ' || f.\"table\" || '.' || f.\"to\" || ' '
                || lower(f.on_delete) AS line
             FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        ],
        Conn::Postgres(_) => &[
            "SELECT 'column ' || table_name || '.' || column_name || ' '
                || CASE data_type WHEN 'timestamp without time zone' THEN 'timestamp' ELSE data_type END
                || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
                || CASE is_generated WHEN 'ALWAYS' THEN ' generated' ELSE '' END AS line
             FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%'",
            "SELECT 'index ' || c.relname || CASE WHEN i.indisunique THEN ' unique (' ELSE ' (' END
                || (SELECT string_agg(COALESCE(a.attname, 'expression'), ', ' ORDER BY k.n)
                    FROM unnest(i.indkey::int[]) WITH ORDINALITY k(attnum, n)
                    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0)
                || ')' AS line
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = current_schema() AND NOT i.indisprimary",
            "SELECT 'reference ' || t.relname || '.' || a.attname || ' to ' || f.relname || '.' || b.attname || ' '
                || CASE r.confdeltype WHEN 'c' THEN 'cascade' ELSE 'no action' END AS line
             FROM pg_constraint r JOIN pg_class t ON t.oid = r.conrelid JOIN pg_class f ON f.oid = r.confrelid
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = r.conkey[1]
             JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = r.confkey[1]
             WHERE r.contype = 'f' AND r.connamespace = current_schema()::regnamespace",
        ],
    };
    let mut all: BTreeSet<_> = queries
        .iter()
        .flat_map(|query| lines(conn, query))
        .collect();
    let checked = match conn {
        Conn::Sqlite(_) => lines(conn, "SELECT sql AS line FROM sqlite_master WHERE type = 'table'"),
        Conn::Postgres(_) => lines(
            conn,
            "SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) AS line
             FROM pg_constraint WHERE contype = 'c' AND connamespace = current_schema()::regnamespace",
        ),
    };
    all.extend(checked.iter().flat_map(|sql| check_constraints(sql)));
    all
}

/// Describes the checks in a piece of SQL by their names and the texts in quotes.
fn check_constraints(sql: &str) -> Vec<String> {
    let code: Vec<_> = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect();
    let check = |rest: &str| {
        let (name, rest) = rest.split_once(" CHECK ")?;
        if name.contains(char::is_whitespace) {
            return None;
        }
        let mut depth = 0;
        let end = rest.find(|sign| {
            depth += i32::from(sign == '(') - i32::from(sign == ')');
            depth == 0
        })?;
        let mut texts: Vec<_> = rest[..end].split('\'').skip(1).step_by(2).collect();
        texts.sort_unstable();
        Some(format!("check {name} {texts:?}"))
    };
    let code = code.join(" ");
    code.split("CONSTRAINT ")
        .skip(1)
        .filter_map(check)
        .collect()
}

/// Removes from SQL what differs by design: identity columns, collations, and the part that is marked as specific to
/// one database.
fn without_differences(sql: &str) -> String {
    let common = sql.split("-- The databases differ from here on").next();
    common
        .unwrap_or_default()
        .replace(" COLLATE \"C\"", "")
        .replace(
            "BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
        )
}

#[test]
fn both_databases_have_the_same_schema() {
    block_on(async {
        let describe = |conn: &mut Conn| Ok::<_, Error>(describe(conn));
        let (sqlite, postgres) = (App::sqlite(), App::postgres());
        let (sqlite, postgres) = (
            sqlite.state.db.read(describe).await.unwrap(),
            postgres.state.db.read(describe).await.unwrap(),
        );
        assert_eq!(
            sqlite.symmetric_difference(&postgres).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        assert!(sqlite.len() > 100, "{sqlite:#?}");
    });
}

#[test]
fn both_sets_of_migrations_have_the_same_names_and_sql() {
    let names = |folder: &str| -> BTreeSet<_> {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
    for name in names("migrations/sqlite") {
        let read = |database: &str| {
            std::fs::read_to_string(
                std::path::Path::new("migrations")
                    .join(database)
                    .join(&name)
                    .join("up.sql"),
            )
            .unwrap()
        };
        let (sqlite, postgres) = (read("sqlite"), read("postgres"));
        assert_eq!(without_differences(&sqlite), without_differences(&postgres));
    }
}

fn revert_and_migrate(url: &DatabaseUrl) {
    let mut conn = url.open().unwrap();
    let before = describe(&mut conn);
    assert!(!db::migrations::revert_all(&mut conn).unwrap().is_empty());
    assert_eq!(describe(&mut conn), BTreeSet::new());
    assert!(!crate::migrate::migrate(url).unwrap().is_empty());
    assert_eq!(describe(&mut conn), before);
    assert!(crate::migrate::migrate(url).unwrap().is_empty());
}

#[test]
fn sqlite_migrations_can_be_reverted_and_applied_again() {
    block_on(async {
        let app = App::sqlite();
        let url = app.state.config.database_url.clone();
        tokio::task::spawn_blocking(move || revert_and_migrate(&url))
            .await
            .unwrap();
    });
}

#[test]
fn postgres_migrations_can_be_reverted_and_applied_again() {
    block_on(async {
        let app = App::postgres();
        let url = app.state.config.database_url.clone();
        tokio::task::spawn_blocking(move || revert_and_migrate(&url))
            .await
            .unwrap();
    });
}

#[apply(on_both_databases)]
async fn a_backfill_runs_once_and_a_failed_one_changes_nothing(app: App) {
    fn raise_minimum(tx: &mut Tx<'_>) -> Result<(), Error> {
        diesel::update(products::table)
            .set(products::min_stock.eq(products::min_stock + 1))
            .execute(tx.conn)?;
        Ok(())
    }
    fn raise_minimum_and_fail(tx: &mut Tx<'_>) -> Result<(), Error> {
        raise_minimum(tx)?;
        Err(Error::NotFound)
    }
    let manager = app.create_account(app.manager()).await;
    let product = manager.create_product("Чай", 1).await;
    let url = app.state.config.database_url.clone();
    let run = async |run| {
        let url = url.clone();
        let backfill = Backfill { name: "test", run };
        let all = move || backfills::run(&mut url.open().unwrap(), &[backfill]);
        tokio::task::spawn_blocking(all).await.unwrap().is_ok()
    };
    let minimum = async || manager.product(product.id).await.min_stock;
    assert!(!run(raise_minimum_and_fail).await);
    assert_eq!(minimum().await, 0);
    assert!(run(raise_minimum).await);
    assert_eq!(minimum().await, 1);
    assert!(run(raise_minimum).await);
    assert_eq!(minimum().await, 1);
}

#[test]
fn sqlite_commits_with_synchronous_full() {
    block_on(async {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = BigInt)]
            synchronous: i64,
        }
        let app = App::sqlite();
        let setting = app
            .state
            .db
            .write(|conn| {
                Ok(
                    diesel::sql_query("SELECT synchronous FROM pragma_synchronous")
                        .get_result::<Setting>(conn)?,
                )
            })
            .await;
        assert_eq!(setting.unwrap().synchronous, 2, "synchronous is not FULL");
    });
}
