//! Copies the shop from one database to another, of either kind: every row of every table, as of one moment. All rows
//! are compared before the copy is committed.
//!
//! Rows are transferred as JSON arrays, which both databases can write and read. One statement inserts a batch of rows.

use super::{
    catalog::{self, Column, Kind, Table},
    error::CopyError,
    files::is_same_file,
};
use crate::{
    db::{self, Conn, DatabaseUrl, migrations},
    migrate::backfills,
};
use chrono::{NaiveDateTime, SubsecRound};
use diesel::{
    connection::{Connection, DefaultLoadingMode, SimpleConnection},
    pg::PgRowByRowLoadingMode,
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};
use serde_json::Value;

/// A batch is sent when it reaches this number of rows, or exceeds the number of bytes below.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;
/// How long the copy waits for a lock on a table of the target.
const LOCK_LIMIT: &str = "10s";

/// A copied table and the number of its rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    pub table: String,
    pub rows: u64,
}

/// A row as JSON, in a form that is the same for both kinds of database.
type Row = Vec<Value>;
type Rows<'c> = Box<dyn Iterator<Item = Result<Row, CopyError>> + 'c>;

/// Copies everything into an empty database, which is migrated first. The source may be in use; its state at one moment
/// is copied.
pub fn copy(from: &DatabaseUrl, to: &DatabaseUrl) -> Result<Vec<Copied>, String> {
    let cannot = |url: &DatabaseUrl, error: &dyn std::fmt::Display| format!("{url}: {error}");
    from.must_exist()?;
    if is_same(from, to)? {
        return Err("--to names the same database".to_owned());
    }
    crate::migrate::migrate(to)?;
    let mut source = from.open().map_err(|error| cannot(from, &error))?;
    let mut target = to.open().map_err(|error| cannot(to, &error))?;
    let versions = migrations::applied(&mut source)?;
    migrations::refuse_newer(&versions).map_err(|error| cannot(from, &error))?;
    let is_current = versions == migrations::applied(&mut target)?
        && backfilled(&mut source)? == backfilled(&mut target)?;
    if !is_current {
        return Err(cannot(
            from,
            &"its schema is older: run `sirius migrate` first",
        ));
    }
    let copied = db::snapshot(&mut source, |source| {
        target.transaction(|target| fill(source, target))
    });
    let copied = copied.map_err(|error: CopyError| cannot(to, &error))?;
    if let Conn::Sqlite(target) = &mut target {
        // Otherwise the write-ahead log would stay as large as the database.
        let _ = target.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    Ok(copied)
}

fn backfilled(conn: &mut Conn) -> Result<Vec<String>, String> {
    backfills::done(conn).map_err(|error| error.to_string())
}

/// Whether two URLs refer to the same database, however they are spelled.
fn is_same(one: &DatabaseUrl, other: &DatabaseUrl) -> Result<bool, String> {
    match (one, other) {
        (DatabaseUrl::Sqlite(one), DatabaseUrl::Sqlite(other)) => Ok(is_same_file(one, other)),
        (DatabaseUrl::Postgres(_), DatabaseUrl::Postgres(_)) => {
            Ok(identity(one)? == identity(other)?)
        }
        _ => Ok(false),
    }
}

/// Returns what uniquely identifies a PostgreSQL database: its cluster, its oid in the cluster, and the schema in it.
fn identity(url: &DatabaseUrl) -> Result<String, String> {
    #[derive(QueryableByName)]
    struct Identity {
        #[diesel(sql_type = Text)]
        identity: String,
    }
    let asked = "
        SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), oid, current_schema()) AS identity
        FROM pg_database WHERE datname = current_database()";
    let mut conn = url.open().map_err(|error| format!("{url}: {error}"))?;
    let found: QueryResult<Identity> = diesel::sql_query(asked).get_result(&mut conn);
    found
        .map(|found| found.identity)
        .map_err(|error| format!("{url}: {error}"))
}

fn fill(source: &mut Conn, target: &mut Conn) -> Result<Vec<Copied>, CopyError> {
    let tables = catalog::tables(source)?;
    if tables != catalog::tables(target)? {
        return Err("its tables differ from those of the source"
            .to_owned()
            .into());
    }
    lock_target(target, &tables)?;
    if !catalog::is_empty(target)? {
        return Err("the database is not empty: a copy needs an empty one"
            .to_owned()
            .into());
    }
    for table in &tables {
        write(target, table, rows(source, table)?)?;
        continue_sequence(source, target, table)?;
    }
    tables
        .into_iter()
        .map(|table| {
            let rows = compare(source, target, &table)?;
            Ok(Copied {
                table: table.name,
                rows,
            })
        })
        .collect()
}

/// Locks the target, so that only the copy can write to it.
fn lock_target(target: &mut Conn, tables: &[Table]) -> Result<(), CopyError> {
    match target {
        // Any statement that writes takes the write lock, even if it changes no row.
        Conn::Sqlite(target) => target.batch_execute("UPDATE users SET role = role WHERE FALSE")?,
        Conn::Postgres(target) => {
            target.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_LIMIT}'"))?;
            for table in tables {
                target.batch_execute(&format!("LOCK TABLE \"{}\"", table.name))?;
            }
        }
    }
    Ok(())
}

/// Returns the rows of a table in the order of its key.
fn rows<'c>(conn: &'c mut Conn, table: &Table) -> Result<Rows<'c>, CopyError> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let columns = quoted(&table.columns);
    let kinds: Vec<Kind> = table.columns.iter().map(|column| column.kind).collect();
    let read = move |line: QueryResult<Line>| normalize(&line?.line, &kinds);
    Ok(match conn {
        Conn::Sqlite(conn) => {
            let key = quoted(&table.key);
            let query = format!(
                "SELECT json_array({columns}) AS line FROM \"{}\" ORDER BY {key}",
                table.name
            );
            let lines = diesel::sql_query(query).load_iter::<Line, DefaultLoadingMode>(conn)?;
            Box::new(lines.map(read))
        }
        Conn::Postgres(conn) => {
            // Both databases must sort by bytes, whatever the collation of the server.
            let by = |column: &Column| match column.kind {
                Kind::Text => format!("\"{}\" COLLATE \"C\"", column.name),
                _ => format!("\"{}\"", column.name),
            };
            let key = table.key.iter().map(by).collect::<Vec<_>>().join(", ");
            let query = format!(
                "SELECT json_build_array({columns})::text AS line FROM \"{}\" ORDER BY {key}",
                table.name
            );
            let lines = diesel::sql_query(query).load_iter::<Line, PgRowByRowLoadingMode>(conn)?;
            Box::new(lines.map(read))
        }
    })
}

fn quoted(columns: &[Column]) -> String {
    let names: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    names.join(", ")
}

/// Parses a row into the common form: instants in the format in which SQLite stores and sorts them, flags as numbers.
fn normalize(line: &str, kinds: &[Kind]) -> Result<Row, CopyError> {
    let unreadable = |what: &dyn std::fmt::Display| format!("could not read a row: {what}");
    let mut row: Row = serde_json::from_str(line).map_err(|error| unreadable(&error))?;
    for (value, kind) in row.iter_mut().zip(kinds) {
        match (kind, &*value) {
            (Kind::Flag, Value::Bool(flag)) => *value = i64::from(*flag).into(),
            (Kind::Instant, Value::String(text)) => {
                let instant: NaiveDateTime = text
                    .replacen(' ', "T", 1)
                    .parse()
                    .map_err(|_| unreadable(text))?;
                *value = instant
                    .trunc_subsecs(6)
                    .format("%F %T%.f")
                    .to_string()
                    .into();
            }
            _ => {}
        }
    }
    Ok(row)
}

fn write(target: &mut Conn, table: &Table, rows: Rows<'_>) -> Result<(), CopyError> {
    let statement = insertion(target, table);
    let mut batch = String::new();
    let mut waiting = 0;
    for row in rows {
        batch.push(if waiting == 0 { '[' } else { ',' });
        batch.push_str(&Value::Array(row?).to_string());
        waiting += 1;
        if waiting == BATCH_ROWS || batch.len() > BATCH_BYTES {
            send(target, &statement, &mut batch)?;
            waiting = 0;
        }
    }
    if waiting > 0 {
        send(target, &statement, &mut batch)?;
    }
    Ok(())
}

fn send(target: &mut Conn, statement: &str, batch: &mut String) -> Result<(), CopyError> {
    batch.push(']');
    diesel::sql_query(statement)
        .bind::<Text, _>(&*batch)
        .execute(target)?;
    batch.clear();
    Ok(())
}

/// Returns the statement that inserts a batch; its only parameter is a JSON array of rows.
fn insertion(target: &Conn, table: &Table) -> String {
    let (name, columns) = (&table.name, quoted(&table.columns));
    let value = |(place, column): (usize, &Column)| match target {
        Conn::Sqlite(_) => format!("json_extract(value, '$[{place}]')"),
        Conn::Postgres(_) => {
            let kind = match column.kind {
                Kind::Number => "bigint",
                Kind::Text => "text",
                Kind::Instant => "timestamp",
                Kind::Day => "date",
                Kind::Flag => "boolean",
            };
            format!("(value ->> {place})::{kind}")
        }
    };
    let values: Vec<_> = table.columns.iter().enumerate().map(value).collect();
    let values = values.join(", ");
    match target {
        Conn::Sqlite(_) => {
            format!("INSERT INTO \"{name}\" ({columns}) SELECT {values} FROM json_each(?)")
        }
        Conn::Postgres(_) => {
            format!(
                "INSERT INTO \"{name}\" ({columns}) SELECT {values} FROM json_array_elements($1::json)"
            )
        }
    }
}

/// Makes the target continue the id sequence of the source, because an id is never assigned twice.
fn continue_sequence(source: &mut Conn, target: &mut Conn, table: &Table) -> Result<(), CopyError> {
    let Some(counter) = &table.counter else {
        return Ok(());
    };
    let Some(last) = last_number(source, table, counter)? else {
        return Ok(());
    };
    let name = &table.name;
    let go_on = match target {
        Conn::Sqlite(_) => format!(
            "DELETE FROM sqlite_sequence WHERE name = '{name}';
             INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {last})"
        ),
        Conn::Postgres(_) => {
            format!("SELECT setval(pg_get_serial_sequence('\"{name}\"', '{counter}'), {last})")
        }
    };
    Ok(target.batch_execute(&go_on)?)
}

/// Returns the last id that a database has assigned in a table, or `None` if it has assigned none.
fn last_number(conn: &mut Conn, table: &Table, counter: &str) -> Result<Option<i64>, CopyError> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = Nullable<BigInt>)]
        last: Option<i64>,
    }
    let name = &table.name;
    let query = match conn {
        // A migration that rebuilt an empty table leaves a row with 0.
        Conn::Sqlite(_) => {
            format!(
                "SELECT MAX(seq) AS last FROM sqlite_sequence WHERE name = '{name}' AND seq > 0"
            )
        }
        Conn::Postgres(_) => format!(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence('\"{name}\"', '{counter}')::regclass) AS last"
        ),
    };
    Ok(diesel::sql_query(query).get_result::<Last>(conn)?.last)
}

/// Compares a table in both databases. Returns the number of rows, and fails at the first difference.
fn compare(source: &mut Conn, target: &mut Conn, table: &Table) -> Result<u64, CopyError> {
    let (mut ours, mut theirs) = (rows(source, table)?, rows(target, table)?);
    let mut same = 0;
    loop {
        match (ours.next().transpose()?, theirs.next().transpose()?) {
            (None, None) => return Ok(same),
            (one, other) if one == other => same += 1,
            (one, other) => {
                let key = table.key.iter().map(|column| column.name.as_str());
                return Err(format!(
                    "row {} of {} (by {}) differs: {}, copied as {}",
                    same + 1,
                    table.name,
                    key.collect::<Vec<_>>().join(", "),
                    display_row(one),
                    display_row(other)
                )
                .into());
            }
        }
    }
}

fn display_row(row: Option<Row>) -> String {
    row.map_or_else(|| "nothing".to_owned(), |row| Value::Array(row).to_string())
}
