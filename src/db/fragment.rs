//! SQL with bound values, for queries that the query builder cannot express for both databases, such as a subquery with
//! a condition for each word that a person typed.

use super::conn::Conn;
use chrono::NaiveDateTime;
use diesel::{
    AppearsOnTable, Expression, QueryResult, RunQueryDsl, SelectableExpression,
    backend::Backend,
    expression::{ValidGrouping, is_aggregate},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{HasSqlType, SingleValue, Text, Timestamp},
};
use std::marker::PhantomData;

/// A part of SQL.
#[derive(Clone, Debug)]
enum Part {
    Sql(String),
    Text(String),
    Time(NaiveDateTime),
}

/// A condition or a query of the type `T`, in SQL that both databases understand.
#[derive(Clone, Debug)]
pub struct Fragment<T> {
    parts: Vec<Part>,
    of: PhantomData<T>,
}

impl<T> Fragment<T> {
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Sql(sql.into())],
            of: PhantomData,
        }
    }

    /// Appends SQL, which must not contain anything that a person typed.
    pub fn sql(mut self, sql: &str) -> Self {
        self.parts.push(Part::Sql(sql.to_owned()));
        self
    }

    /// Appends a text as a bound value.
    pub fn text(mut self, text: &str) -> Self {
        self.parts.push(Part::Text(text.to_owned()));
        self
    }

    /// Appends an instant as a bound value.
    pub fn time(mut self, time: NaiveDateTime) -> Self {
        self.parts.push(Part::Time(time));
        self
    }

    /// Appends another fragment.
    pub fn then<U>(mut self, next: Fragment<U>) -> Self {
        self.parts.extend(next.parts);
        self
    }
}

impl<T, DB> QueryFragment<DB> for Fragment<T>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<Timestamp>,
    String: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        for part in &self.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Part::Time(time) => out.push_bind_param::<Timestamp, _>(time)?,
            }
        }
        Ok(())
    }
}

impl<T> QueryId for Fragment<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Fragment<T> {
    type SqlType = T;
}

impl<T> RunQueryDsl<Conn> for Fragment<T> {}

impl<T: SingleValue> Expression for Fragment<T> {
    type SqlType = T;
}

impl<T: SingleValue, Source> AppearsOnTable<Source> for Fragment<T> {}
impl<T: SingleValue, Source> SelectableExpression<Source> for Fragment<T> {}
impl<T, Group> ValidGrouping<Group> for Fragment<T> {
    type IsAggregate = is_aggregate::No;
}
