//! Changes to rows of earlier versions that cannot be made in SQL. Each is made once, after the migrations.

use super::rekey;
use crate::{
    auth::Actor, clock, db::Conn, error::Error, moment::Moment, products, transaction::Tx,
};
use diesel::{
    prelude::*,
    sql_types::{Text, Timestamp},
};

/// A change that is made once in the life of a database, in one transaction. In a new database it finds no rows.
pub struct Backfill {
    /// Marks the backfill as done. It must not change after a release.
    pub name: &'static str,
    pub run: fn(&mut Tx<'_>) -> Result<(), Error>,
}

/// All backfills, in the order in which they run.
pub const ALL: &[Backfill] = &[
    Backfill {
        name: "fold names by NFKC",
        run: rekey::run,
    },
    Backfill {
        name: "former names of products",
        run: products::names::backfill_former_names,
    },
];

/// Runs the backfills that this database has not seen yet.
pub fn run(conn: &mut Conn, backfills: &[Backfill]) -> Result<(), Error> {
    let done = done(conn)?;
    for backfill in backfills {
        if !done.iter().any(|name| name == backfill.name) {
            conn.transaction(|conn| make(conn, backfill))?;
        }
    }
    Ok(())
}

fn make(conn: &mut Conn, backfill: &Backfill) -> Result<(), Error> {
    let now = clock::now();
    // This comes first, so that the transaction starts with a write.
    mark(conn, backfill.name, now)?;
    (backfill.run)(&mut Tx::new(conn, Actor::System, now))?;
    tracing::info!(backfill = backfill.name, "updated rows of earlier versions");
    Ok(())
}

/// Marks a backfill as done.
pub(super) fn mark(conn: &mut Conn, name: &str, now: Moment) -> Result<(), Error> {
    let mark = match conn {
        Conn::Sqlite(_) => "INSERT INTO __backfills (name, done_at) VALUES (?, ?)",
        Conn::Postgres(_) => "INSERT INTO __backfills (name, done_at) VALUES ($1, $2)",
    };
    diesel::sql_query(mark)
        .bind::<Text, _>(name)
        .bind::<Timestamp, _>(now.utc())
        .execute(conn)?;
    Ok(())
}

/// Returns the names of the backfills that a database has seen.
pub fn done(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<Done> =
        diesel::sql_query("SELECT name FROM __backfills ORDER BY name").load(conn)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = Text)]
    name: String,
}
