//! Keyset pagination: a page starts after the last row of the page before, so the thousandth page costs as much as the
//! first.

use crate::{error::Error, page::Page};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{Datelike, NaiveDateTime};
use diesel::{
    AppearsOnTable, Expression, QueryResult, SelectableExpression,
    backend::Backend,
    expression::{ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Bool, Text, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The value of a row in one column of the order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SortKey {
    Int(i64),
    Text(String),
    Time(NaiveDateTime),
}

/// A column, or an indexed expression, that a list is sorted by.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    Int(&'static str),
    Text(&'static str),
    Time(&'static str),
}

impl Column {
    const fn sql(self) -> &'static str {
        match self {
            Self::Int(sql) | Self::Text(sql) | Self::Time(sql) => sql,
        }
    }

    fn takes(self, key: &SortKey) -> bool {
        match (self, key) {
            (Self::Int(_), SortKey::Int(_)) => true,
            // PostgreSQL accepts neither a NUL in a text nor a very remote time.
            (Self::Text(_), SortKey::Text(text)) => !text.contains('\0'),
            (Self::Time(_), SortKey::Time(time)) => (1..10_000).contains(&time.year()),
            (Self::Int(_) | Self::Text(_) | Self::Time(_), _) => false,
        }
    }
}

/// The order of a list: columns that are unique together, all in one direction.
#[derive(Clone, Copy, Debug)]
pub struct SortOrder {
    pub columns: &'static [Column],
    pub descending: bool,
}

/// The position of a page in its list, as given in the URL: `after` or `before` a row, or at the beginning.
#[derive(Clone, Debug)]
pub struct Keyset {
    order: SortOrder,
    backwards: bool,
    keys: Option<Vec<SortKey>>,
    limit: i64,
}

impl Keyset {
    /// Reads the cursors of a URL. An empty cursor counts as none.
    pub fn new(order: SortOrder, after: &str, before: &str, limit: i64) -> Result<Self, Error> {
        let backwards = !before.is_empty();
        let cursor = if backwards { before } else { after };
        let keys = if cursor.is_empty() {
            None
        } else {
            Some(decode(cursor, order.columns)?)
        };
        Ok(Self {
            order,
            backwards,
            keys,
            limit,
        })
    }

    /// Returns the same order and direction, continued beyond the row with these values.
    pub fn from(&self, keys: Vec<SortKey>) -> Self {
        Self {
            keys: Some(keys),
            ..self.clone()
        }
    }

    /// Returns the condition for the rows of this page and those that follow it.
    pub fn seek_after(&self) -> SeekAfter {
        SeekAfter {
            columns: self.order.columns,
            descending: self.descending(),
            keys: self.keys.clone().unwrap_or_default(),
        }
    }

    /// Returns the `ORDER BY` for reading this page.
    pub fn order(&self) -> String {
        let direction = if self.descending() { " DESC" } else { "" };
        self.order
            .columns
            .iter()
            .map(|column| format!("{}{direction}", column.sql()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns how many rows to read: one more than a page shows, to know whether another page follows.
    pub const fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Makes a page of the rows that were read. `key` returns the values of a row in the columns of the order.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> Vec<SortKey>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if self.backwards {
            rows.reverse();
        }
        let cursor = |row: Option<&T>| row.map(|row| encode(&key(row)));
        let (has_before, has_after) = if self.backwards {
            (more, true)
        } else {
            (self.keys.is_some(), more)
        };
        Page {
            before: cursor(rows.first().filter(|_| has_before)),
            after: cursor(rows.last().filter(|_| has_after)),
            items: rows,
        }
    }

    /// Makes a page of rows that are all in memory, such as sums. `key` is that of [`Keyset::page`].
    pub fn page_of_all<T>(&self, rows: Vec<T>, key: impl Fn(&T) -> Vec<SortKey>) -> Page<T> {
        let order = |one: &Vec<SortKey>, other: &Vec<SortKey>| match self.descending() {
            true => other.cmp(one),
            false => one.cmp(other),
        };
        let is_beyond = |keys: &Vec<SortKey>| {
            let start = self.keys.as_ref();
            start.is_none_or(|start| order(start, keys).is_lt())
        };
        let keyed = rows.into_iter().map(|row| (key(&row), row));
        let mut keyed: Vec<_> = keyed.filter(|(keys, _)| is_beyond(keys)).collect();
        keyed.sort_by(|(one, _), (other, _)| order(one, other));
        keyed.truncate(usize::try_from(self.fetch()).unwrap_or(usize::MAX));
        self.page(keyed.into_iter().map(|(_, row)| row).collect(), key)
    }

    const fn descending(&self) -> bool {
        self.order.descending != self.backwards
    }
}

/// Returns the cursor of a row with these values.
pub fn encode(keys: &[SortKey]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(keys).unwrap_or_default())
}

fn decode(cursor: &str, columns: &[Column]) -> Result<Vec<SortKey>, Error> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| Error::BadCursor)?;
    let keys: Vec<SortKey> = serde_json::from_slice(&bytes).map_err(|_| Error::BadCursor)?;
    let fits = keys.len() == columns.len()
        && columns
            .iter()
            .zip(&keys)
            .all(|(column, key)| column.takes(key));
    if fits {
        Ok(keys)
    } else {
        Err(Error::BadCursor)
    }
}

/// A row-value comparison, `(a, b) > (?, ?)`, which is the only form that both databases answer from an index.
#[derive(Clone, Debug)]
pub struct SeekAfter {
    columns: &'static [Column],
    descending: bool,
    keys: Vec<SortKey>,
}

impl<DB> QueryFragment<DB> for SeekAfter
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
    String: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
    DB: diesel::sql_types::HasSqlType<BigInt>
        + diesel::sql_types::HasSqlType<Text>
        + diesel::sql_types::HasSqlType<Timestamp>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        if self.keys.is_empty() {
            out.push_sql("1 = 1");
            return Ok(());
        }
        out.push_sql("(");
        let columns: Vec<_> = self.columns.iter().map(|column| column.sql()).collect();
        out.push_sql(&columns.join(", "));
        out.push_sql(if self.descending { ") < (" } else { ") > (" });
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            match key {
                SortKey::Int(value) => out.push_bind_param::<BigInt, _>(value)?,
                SortKey::Text(value) => out.push_bind_param::<Text, _>(value)?,
                SortKey::Time(value) => out.push_bind_param::<Timestamp, _>(value)?,
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

impl Expression for SeekAfter {
    type SqlType = Bool;
}

impl QueryId for SeekAfter {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Source> AppearsOnTable<Source> for SeekAfter {}
impl<Source> SelectableExpression<Source> for SeekAfter {}
impl<Group> ValidGrouping<Group> for SeekAfter {
    type IsAggregate = is_aggregate::No;
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_ID: SortOrder = SortOrder {
        columns: &[Column::Int("id")],
        descending: false,
    };

    fn page(rows: Vec<i64>, after: &str, before: &str) -> Page<i64> {
        Keyset::new(BY_ID, after, before, 2)
            .unwrap()
            .page(rows, |id| vec![SortKey::Int(*id)])
    }

    #[test]
    fn pages_link_forwards_and_backwards() {
        let first = page(vec![1, 2, 3], "", "");
        assert_eq!(
            (first.items.as_slice(), &first.before),
            ([1, 2].as_slice(), &None)
        );
        let second = page(vec![3, 4], &first.after.unwrap(), "");
        assert_eq!(
            (second.items.as_slice(), &second.after),
            ([3, 4].as_slice(), &None)
        );
        let back = page(vec![2, 1], "", &second.before.unwrap());
        assert_eq!(
            (
                back.items.as_slice(),
                back.before.is_some(),
                back.after.is_some()
            ),
            ([1, 2].as_slice(), false, true)
        );
    }

    #[test]
    fn an_invalid_cursor_is_rejected() {
        for cursor in ["x", "W10", "W3siSW50IjoxfSx7IkludCI6Mn1d"] {
            assert_eq!(
                Keyset::new(BY_ID, cursor, "", 2).err(),
                Some(Error::BadCursor),
                "{cursor}"
            );
        }
    }
}
