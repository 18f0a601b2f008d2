//! The tables of a database, read from its own catalog, so that a new table is copied without further code.

use super::error::CopyError;
use crate::db::Conn;
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Text},
};

/// A table, with what a copy needs to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// The stored columns. Generated columns are left out, because the target computes them.
    pub columns: Vec<Column>,
    /// The columns of the primary key, in its order.
    pub key: Vec<Column>,
    /// The column whose values the database assigns in sequence.
    pub counter: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The type of the values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    Instant,
    Day,
    Flag,
}

impl Kind {
    fn of(declared: &str) -> Option<Self> {
        match declared.to_ascii_lowercase().as_str() {
            "bigint" | "integer" => Some(Self::Number),
            "text" => Some(Self::Text),
            "timestamp" | "timestamp without time zone" => Some(Self::Instant),
            "date" => Some(Self::Day),
            "boolean" => Some(Self::Flag),
            _ => None,
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    /// Position in the primary key, starting at 1; 0 if the column is not part of it.
    #[diesel(sql_type = BigInt)]
    key_place: i64,
    #[diesel(sql_type = Bool)]
    is_counter: bool,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

const SQLITE_COLUMNS: &str = r"
    SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, c.pk AS key_place,
        c.pk > 0 AND m.sql LIKE '%AUTOINCREMENT%' AS is_counter
    FROM sqlite_master m, pragma_table_xinfo(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name NOT LIKE '\_\_%' ESCAPE '\'
        AND m.name <> 'order_counts' AND c.hidden = 0
    ORDER BY m.name, c.cid";

const POSTGRES_COLUMNS: &str = r#"
    SELECT t.relname::text AS table_name, a.attname::text AS column_name, format_type(a.atttypid, NULL) AS kind,
        COALESCE((
            SELECT k.place FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
            WHERE k.attnum = a.attnum
        ), 0) AS key_place,
        a.attidentity <> '' AS is_counter
    FROM pg_class t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
    WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE '\_\_%'
        AND t.relname <> 'order_counts'
    ORDER BY t.relname COLLATE "C", a.attnum"#;

const SQLITE_REFERENCES: &str = r#"
    SELECT m.name AS child, f."table" AS parent FROM sqlite_master m, pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' AND f."table" <> m.name"#;

const POSTGRES_REFERENCES: &str = "
    SELECT c.relname::text AS child, p.relname::text AS parent
    FROM pg_constraint r JOIN pg_class c ON c.oid = r.conrelid JOIN pg_class p ON p.oid = r.confrelid
    WHERE r.contype = 'f' AND r.connamespace = current_schema()::regnamespace AND c.oid <> p.oid";

/// Returns the tables, each after those that its rows refer to. Those that record migrations and backfills are left
/// out, and the counts of orders, which triggers of the target maintain.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>, CopyError> {
    let (columns, references) = match conn {
        Conn::Sqlite(_) => (SQLITE_COLUMNS, SQLITE_REFERENCES),
        Conn::Postgres(_) => (POSTGRES_COLUMNS, POSTGRES_REFERENCES),
    };
    let rows: Vec<Row> = diesel::sql_query(columns).load(conn)?;
    let references: Vec<Reference> = diesel::sql_query(references).load(conn)?;
    let mut tables = Vec::new();
    for rows in rows.chunk_by(|one, next| one.table_name == next.table_name) {
        tables.push(table(rows)?);
    }
    in_order(tables, &references)
}

/// Whether all tables are empty.
pub fn is_empty(conn: &mut Conn) -> Result<bool, CopyError> {
    for table in tables(conn)? {
        let any = format!("SELECT EXISTS (SELECT 1 FROM \"{}\") AS found", table.name);
        if diesel::sql_query(any).get_result::<Found>(conn)?.found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Builds a table from its columns.
fn table(rows: &[Row]) -> Result<Table, CopyError> {
    let name = rows
        .first()
        .map(|row| row.table_name.clone())
        .unwrap_or_default();
    let mut columns = Vec::new();
    let mut key = Vec::new();
    for row in rows {
        let kind = Kind::of(&row.kind).ok_or_else(|| {
            format!(
                "{name}.{} has a type that cannot be copied: {}",
                row.column_name, row.kind
            )
        })?;
        let column = Column {
            name: row.column_name.clone(),
            kind,
        };
        if row.key_place > 0 {
            key.push((row.key_place, column.clone()));
        }
        columns.push(column);
    }
    key.sort_by_key(|(place, _)| *place);
    let counter = rows.iter().find(|row| row.is_counter);
    Ok(Table {
        columns,
        key: key.into_iter().map(|(_, column)| column).collect(),
        counter: counter.map(|row| row.column_name.clone()),
        name,
    })
}

/// Sorts the tables: repeatedly takes the first one that refers to none of the tables left.
fn in_order(mut left: Vec<Table>, references: &[Reference]) -> Result<Vec<Table>, CopyError> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Table| {
            references.iter().any(|reference| {
                reference.child == table.name
                    && left.iter().any(|other| other.name == reference.parent)
            })
        };
        let next = left.iter().position(|table| !waits(table));
        let next = next.ok_or_else(|| "tables refer to each other in a cycle".to_owned())?;
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}
