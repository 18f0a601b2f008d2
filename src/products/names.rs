//! Filters orders and supplies by a product name. The current name of a product matches everything ever sold or
//! supplied of it; a former name matches only what was recorded under that name.

use super::search::word_patterns;
use crate::{
    auth::Permission, db::Fragment, error::Error, schema::product_names, stock::service::Locked,
    text::fold, transaction::Tx,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamp},
};

/// The largest number of matching rows that are collected and sorted to show a page of them.
pub const MAX_SORTED: i64 = 2_000;
/// How long after a name change an order that read the old name may still be written.
const RENAME_GRACE: TimeDelta = TimeDelta::minutes(10);

/// A product name typed into a filter of `table`, which is `orders` or `supplies`.
pub struct NameFilter {
    table: &'static str,
    words: Vec<String>,
    /// The latest time at which a matching former name was in use; `None` if no former name matches.
    until: Option<NaiveDateTime>,
}

impl NameFilter {
    /// Reads the name; `None` if nothing was typed.
    pub fn read(tx: &mut Tx<'_>, table: &'static str, name: &str) -> Result<Option<Self>, Error> {
        tx.actor.may(Permission::ViewStock)?;
        let mut named = Self {
            table,
            words: word_patterns(name),
            until: None,
        };
        if named.words.is_empty() {
            return Ok(None);
        }
        named.until = named
            .former::<Nullable<Timestamp>>("MAX(used_until)")
            .get_result(tx.conn)?;
        Ok(Some(named))
    }

    /// Returns the ids of the matching rows, found through the index by product, or `None` if there are more than
    /// [`MAX_SORTED`]. A few rows are cheap to sort; many are found quickly by testing the rows in list order with
    /// [`Self::condition`].
    pub fn matching_ids(&self, tx: &mut Tx<'_>) -> Result<Option<Vec<i64>>, Error> {
        let ids = || Fragment::<BigInt>::new(format!("SELECT id FROM {} WHERE ", self.table));
        let limit = format!(" LIMIT {}", MAX_SORTED + 1);
        let of_products = ids().then(self.has_current_name("product_id")).sql(&limit);
        let mut found: Vec<i64> = of_products.load(tx.conn)?;
        if let Some(former) = self.sold_under("product_id") {
            found.extend(ids().then(former).sql(&limit).load::<i64>(tx.conn)?);
        }
        Ok(Some(found)
            .filter(|ids| i64::try_from(ids.len()).is_ok_and(|found| found <= MAX_SORTED)))
    }

    /// Returns the condition that matches a row by the name of its product.
    pub fn condition(&self) -> Fragment<Bool> {
        // `+ 0` keeps SQLite from using the index by product, with which it would read all rows of these products and
        // sort them.
        let product = "(product_id + 0)";
        let present = Fragment::new("(").then(self.has_current_name(product));
        match self.sold_under(product) {
            Some(former) => present.sql(" OR (").then(former).sql("))"),
            None => present.sql(")"),
        }
    }

    /// Returns a time range that contains all matching rows, so that a list sorted by time need not read beyond it.
    pub fn span(&self, tx: &mut Tx<'_>) -> Result<Option<(NaiveDateTime, NaiveDateTime)>, Error> {
        let end = |of: &str| {
            format!(
                "(SELECT {of}(t.created_at) FROM {} t WHERE t.product_id = products.id)",
                self.table
            )
        };
        let span = Fragment::<(Nullable<Timestamp>, Nullable<Timestamp>)>::new(format!(
            "SELECT MIN(ends.first), MAX(ends.last) FROM (SELECT {} AS first, {} AS last FROM products WHERE ",
            end("MIN"),
            end("MAX")
        ));
        let (first, last) = span
            .then(self.has_current_name("products.id"))
            .sql(" OR products.id IN (")
            .then(self.former::<BigInt>("product_id"))
            .sql(")) AS ends")
            .get_result::<(Option<NaiveDateTime>, Option<NaiveDateTime>)>(tx.conn)?;
        Ok(first.zip(last))
    }

    /// Returns the condition that `product` currently has a matching name.
    fn has_current_name(&self, product: &str) -> Fragment<Bool> {
        Fragment::new(format!(
            "{product} IN (SELECT products.id FROM products WHERE "
        ))
        .then(self.has_words("products.name_key"))
        .sql(")")
    }

    /// Returns the condition that a row was recorded under a matching former name of its product; `None` if no former
    /// name matches.
    fn sold_under(&self, product: &str) -> Option<Fragment<Bool>> {
        let sold_under = Fragment::new(format!("{product} IN ("))
            .then(self.former::<BigInt>("product_id"))
            .sql(") AND product_name IN (")
            .then(self.former::<Text>("name"))
            .sql(") AND created_at <= ");
        Some(sold_under.time(self.until?))
    }

    /// Selects `what` from the former names that match.
    fn former<T>(&self, what: &str) -> Fragment<T> {
        Fragment::new(format!("SELECT {what} FROM product_names WHERE "))
            .then(self.has_words("name_key"))
    }

    fn has_words(&self, key: &str) -> Fragment<Bool> {
        let mut condition = Fragment::new("1 = 1");
        for word in &self.words {
            let like = format!(" AND {key} LIKE ");
            condition = condition.sql(&like).text(word).sql(" ESCAPE '\\'");
        }
        condition
    }
}

/// Stores the current name of a locked product before it changes.
pub(super) fn keep_former_name(
    tx: &mut Tx<'_>,
    product: &Locked,
    new_name: &str,
) -> Result<(), Error> {
    if product.name == new_name {
        return Ok(());
    }
    let until = tx.now.utc() + RENAME_GRACE;
    write(tx, product.id, &product.name, until)
}

fn write(tx: &mut Tx<'_>, product: i64, name: &str, until: NaiveDateTime) -> Result<(), Error> {
    diesel::delete(product_names::table.find((product, name))).execute(tx.conn)?;
    diesel::insert_into(product_names::table)
        .values((
            product_names::product_id.eq(product),
            product_names::name.eq(name),
            product_names::name_key.eq(fold(name)),
            product_names::used_until.eq(until),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Fills `product_names` with the former names found in orders and supplies, for products renamed before that table
/// existed.
pub fn backfill_former_names(tx: &mut Tx<'_>) -> Result<(), Error> {
    #[derive(QueryableByName)]
    struct Former {
        #[diesel(sql_type = BigInt)]
        product_id: i64,
        #[diesel(sql_type = Text)]
        product_name: String,
        #[diesel(sql_type = Timestamp)]
        used_until: NaiveDateTime,
    }
    let former: Vec<Former> = diesel::sql_query(
        "SELECT used.product_id, used.product_name, MAX(used.created_at) AS used_until
         FROM (SELECT product_id, product_name, created_at FROM orders
               UNION ALL SELECT product_id, product_name, created_at FROM supplies) AS used
         JOIN products ON products.id = used.product_id AND products.name <> used.product_name
         GROUP BY used.product_id, used.product_name",
    )
    .load(tx.conn)?;
    for row in former {
        write(tx, row.product_id, &row.product_name, row.used_until)?;
    }
    Ok(())
}
