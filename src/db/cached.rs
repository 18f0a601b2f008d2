//! Keeps prepared statements that Diesel would prepare anew at each execution.

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement that is prepared once on each connection.
///
/// Diesel does not keep the statements that it cannot prove to have few forms, such as every UPDATE. Parsing and
/// planning such a statement costs more than running it. Use this only for statements with few forms, because each form
/// is kept for as long as the connection.
#[derive(Clone, Debug)]
pub struct Cached<S>(S);

/// Makes a statement [`Cached`].
pub trait CacheStatement: Sized {
    fn cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<S> CacheStatement for S {}

impl<S: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Cached<S> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Without an id, the text of the statement is the key of the cache.
impl<S> QueryId for Cached<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Query> Query for Cached<S> {
    type SqlType = S::SqlType;
}

impl<S, C> RunQueryDsl<C> for Cached<S> {}
