//! Several changes in one statement of PostgreSQL, because a round trip takes longer than most changes.

use super::CacheStatement;
use diesel::{
    RunQueryDsl,
    pg::{Pg, PgConnection},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::{Error, QueryResult},
    sql_types::{Array, BigInt},
};

/// Runs statements that change different rows. Returns how many rows each has changed.
///
/// PostgreSQL gets all of them in one statement, and may run them in any order.
macro_rules! execute_together {
    ($conn:expr, $($change:expr),+ $(,)?) => {
        match $conn {
            $crate::db::Conn::Postgres(conn) => $crate::db::together::execute(conn, [$(&$change),+])?,
            $crate::db::Conn::Sqlite(conn) => [$($crate::db::CacheStatement::cached($change).execute(conn)?),+],
        }
    };
}
pub(crate) use execute_together;

/// Statements as common table expressions of one statement, which returns the counts of changed rows.
struct Together<'a>(&'a [&'a dyn QueryFragment<Pg>]);

/// Runs statements without `RETURNING` as one. Returns how many rows each has changed.
pub fn execute<const COUNT: usize>(
    conn: &mut PgConnection,
    changes: [&dyn QueryFragment<Pg>; COUNT],
) -> QueryResult<[usize; COUNT]> {
    let counts = Together(&changes).cached().get_result::<Vec<i64>>(conn)?;
    let counts: [i64; COUNT] = counts
        .try_into()
        .map_err(|_| Error::DeserializationError("a count is missing".into()))?;
    Ok(counts.map(|count| usize::try_from(count).unwrap_or_default()))
}

impl QueryFragment<Pg> for Together<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (number, change) in self.0.iter().enumerate() {
            let begin = if number == 0 { "WITH" } else { "," };
            out.push_sql(&format!("{begin} change_{number} AS ("));
            change.walk_ast(out.reborrow())?;
            out.push_sql(" RETURNING 1)");
        }
        let count = |number| format!("(SELECT count(*) FROM change_{number})");
        let counts: Vec<String> = (0..self.0.len()).map(count).collect();
        out.push_sql(&format!(" SELECT ARRAY[{}]", counts.join(", ")));
        Ok(())
    }
}

impl QueryId for Together<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Together<'_> {
    type SqlType = Array<BigInt>;
}
