//! The words of customers' names, kept in a table of their own so that an index finds an order by any word of the name.

use crate::{
    db::{Conn, bulk::insert_all},
    error::Error,
    schema::{order_names, orders},
    text::fold,
    transaction::Tx,
};
use diesel::{
    connection::Connection,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

/// The most words kept for one name.
const WORDS: usize = 16;
/// Orders indexed in one transaction.
const BATCH: i64 = 1_000;

/// A word of the customer's name on an order.
#[derive(Insertable)]
#[diesel(table_name = order_names, treat_none_as_default_value = false)]
pub struct NameRow {
    pub order_id: i64,
    pub word: String,
}

/// Returns the distinct words of a name, folded.
pub fn words(name: &str) -> Vec<String> {
    let folded = fold(name);
    let mut words: Vec<_> = folded
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words.truncate(WORDS);
    words
}

/// Returns the rows that index an order by the words of its customer's name.
pub fn rows(order_id: i64, name: Option<&str>) -> Vec<NameRow> {
    let words = name.map(words).unwrap_or_default().into_iter();
    words.map(|word| NameRow { order_id, word }).collect()
}

/// Replaces the rows that index an order by the words of its customer's name.
pub fn replace(tx: &mut Tx<'_>, order: i64, name: Option<&str>) -> Result<(), Error> {
    diesel::delete(order_names::table.filter(order_names::order_id.eq(order))).execute(tx.conn)?;
    for row in rows(order, name) {
        diesel::insert_into(order_names::table)
            .values(row)
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Indexes the names written by earlier versions, whose orders have no `customer_key`. SQL cannot do this, because
/// SQLite does not fold Cyrillic. Returns the number of orders indexed; if there are none, a database index shows that
/// at once.
pub fn index_missing(conn: &mut Conn) -> Result<usize, Error> {
    let (mut indexed, mut last) = (0, 0);
    loop {
        let missing = orders::table
            .filter(orders::customer_name.is_not_null())
            .filter(orders::customer_key.is_null())
            .filter(orders::id.gt(last))
            .order(orders::id)
            .limit(BATCH)
            .select((orders::id, orders::customer_name.assume_not_null()))
            .load::<(i64, String)>(conn)?;
        let Some((end, _)) = missing.last() else {
            return Ok(indexed);
        };
        last = *end;
        conn.transaction(|conn| index(conn, &missing))?;
        indexed += missing.len();
    }
}

fn index(conn: &mut Conn, missing: &[(i64, String)]) -> Result<(), Error> {
    let (ids, keys): (Vec<_>, Vec<_>) = missing.iter().map(|(id, name)| (*id, fold(name))).unzip();
    diesel::delete(order_names::table.filter(order_names::order_id.eq_any(ids.clone())))
        .execute(conn)?;
    let words: Vec<_> = missing
        .iter()
        .flat_map(|(id, name)| rows(*id, Some(name)))
        .collect();
    insert_all!(conn, order_names, &words);
    match conn {
        Conn::Postgres(conn) => {
            diesel::sql_query(
                "UPDATE orders SET customer_key = found.key
                 FROM unnest($1, $2) AS found (id, key) WHERE orders.id = found.id",
            )
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<Text>, _>(keys)
            .execute(conn)?;
        }
        Conn::Sqlite(conn) => {
            for (id, key) in ids.into_iter().zip(keys) {
                diesel::update(orders::table.find(id))
                    .set(orders::customer_key.eq(key))
                    .execute(conn)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_into_its_words() {
        assert_eq!(
            words(" Алёна  Петрова-Водкина"),
            ["алена", "водкина", "петрова"]
        );
        assert_eq!(words("O\u{2019}Neil, Anna (Anna)"), ["anna", "neil", "o"]);
        assert_eq!(words(" — "), Vec::<String>::new());
    }
}
