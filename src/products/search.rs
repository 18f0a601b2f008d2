//! Finding products: the list with its filters and sort orders, products below their minimum, and the product that a
//! typed name refers to.

use super::{Product, Query, Sort, lookup};
use crate::{
    auth::Permission,
    db::{CacheStatement, Column, Dialect, Keyset, SortKey, SortOrder, beginning, containing},
    error::{Error, Problem},
    keyboard::other_layout,
    page::Page,
    schema::products,
    text::fold,
    transaction::Tx,
    validation::{Input, Validator, flag, number, optional},
};
use diesel::{
    dsl::{not, sql},
    prelude::*,
    sql_types::Untyped,
};
use std::collections::{HashMap, HashSet};

/// The most products that a picker offers at once.
const OFFERS: i64 = 20;
/// The most names listed when a search is ambiguous.
const CANDIDATES: usize = 5;

/// Returns a page of the list.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Product>, Error> {
    page(tx, query, None)
}

/// Returns a page of the list. `limit` overrides the page size of the query.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Page<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut validator = Validator::default();
    let sort: Option<Sort> = validator.code("sort", query.sort.trim_start_matches('-'));
    let page_size = validator.page_size(&query.limit);
    let is_archive = validator.take("archived", flag(&query.archived));
    let is_low = validator.take("low", flag(&query.low));
    validator.done()?;
    let sort = sort.unwrap_or(Sort::Name);
    let descending = query.sort.starts_with('-');
    let keyset = Keyset::new(
        SortOrder {
            columns: sort.columns(),
            descending,
        },
        &query.after,
        &query.before,
        limit.unwrap_or(page_size),
    )?;
    let mut rows = products::table
        .select(Product::as_select())
        .into_boxed::<Dialect>();
    rows = if is_archive {
        rows.filter(products::archived_at.is_not_null())
    } else {
        rows.filter(products::archived_at.is_null())
    };
    for word in word_patterns(&query.search) {
        rows = rows.filter(products::name_key.like(word).escape('\\'));
    }
    // The product with this code is listed beside those with this name. It is found even if it is archived, because the
    // code cannot be given to another one.
    if let Some(product) = lookup::by_code(tx, &query.search)?
        && (!is_archive || product.archived_at.is_some())
    {
        rows = rows.or_filter(products::id.eq(product.id));
    }
    // After the alternative, so that these hold for both.
    rows = rows.filter(keyset.seek_after());
    if is_low {
        rows = rows.filter(products::is_low_stock.eq(true));
    }
    let rows = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch());
    // The words of a search give the statement too many forms.
    let rows = if query.search.trim().is_empty() {
        rows.cached().load(tx.conn)?
    } else {
        rows.load(tx.conn)?
    };
    Ok(keyset.page(rows, |product: &Product| sort.keys(product)))
}

/// Returns at most `limit` products below their minimum, lowest stock first.
pub fn below_minimum(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    products::table
        .filter(
            products::is_low_stock
                .eq(true)
                .and(products::archived_at.is_null()),
        )
        .order((products::stock, products::id))
        .limit(limit)
        .select(Product::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns whether there is any product, archived or not.
pub fn has_products(tx: &mut Tx<'_>) -> Result<bool, Error> {
    tx.actor.may(Permission::ViewStock)?;
    diesel::select(diesel::dsl::exists(products::table.select(products::id)))
        .get_result(tx.conn)
        .map_err(Error::from)
}

/// Returns products on sale whose names contain the words of `search`, for a picker. The names that begin with it come
/// first, then those in which each word begins a word: `шок` is chocolate (`шоколад`) rather than powder (`порошок`).
pub fn offers(tx: &mut Tx<'_>, search: &str) -> Result<Vec<Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let key = fold(search);
    let matching = || {
        let mut rows = products::table
            .select(Product::as_select())
            .filter(products::archived_at.is_null())
            .order((products::name_key, products::id))
            .into_boxed::<Dialect>();
        for word in word_patterns(search) {
            rows = rows.filter(products::name_key.like(word).escape('\\'));
        }
        rows
    };
    let Some(first) = key.split(' ').next().filter(|first| !first.is_empty()) else {
        return Ok(matching().limit(OFFERS).load(tx.conn)?);
    };
    let end = format!("{first}\u{10ffff}");
    let begins = products::name_key
        .ge(first)
        .and(products::name_key.lt(&end));
    let mut found: Vec<Product> = matching().filter(begins).limit(OFFERS).load(tx.conn)?;
    let left = OFFERS - i64::try_from(found.len()).unwrap_or(OFFERS);
    if left > 0 {
        // Not as a range, which would be sorted instead of read in the order of the index
        let others = not(products::name_key.like(beginning(first)).escape('\\'));
        let mut others: Vec<Product> = matching().filter(others).limit(left).load(tx.conn)?;
        others.sort_by_key(|product| !begins_words(&fold(&product.name), &key));
        found.extend(others);
    }
    Ok(found)
}

/// Returns whether each word of a search begins a word of a name. Both are folded.
fn begins_words(name: &str, search: &str) -> bool {
    let words: Vec<&str> = name.split(|sign: char| !sign.is_alphanumeric()).collect();
    search
        .split(' ')
        .all(|typed| words.iter().any(|word| word.starts_with(typed)))
}

/// Reads which product a request refers to: `product_id`, or else `product`, which is its name or words that no other
/// name contains.
pub fn read_product(input: &mut Input) -> (Option<i64>, String) {
    let id = input.read("product_id", optional(number(1..=i64::MAX)));
    let name = input.text("product").to_owned();
    if input.text("product_id").trim().is_empty() && name.trim().is_empty() {
        input.add_error("product", Problem::Required);
    }
    (id, name)
}

/// Returns the product on sale that a request refers to, by id or else by name.
pub fn resolve(tx: &mut Tx<'_>, id: Option<i64>, name: &str) -> Result<Product, Error> {
    let Some(id) = id else {
        return by_name(tx, name);
    };
    match super::service::get(tx, id) {
        Ok(product) if product.archived_at.is_none() => Ok(product),
        Ok(_) => Err(Error::Archived),
        Err(Error::NotFound) => Err(Error::field("product_id", Problem::UnknownProduct)),
        Err(error) => Err(error),
    }
}

/// Returns what a picker offers for a text, and what is wrong with the text if it does not identify one product on
/// sale: by its whole name, by a code, which offers nothing else, or by words that only one name contains. That product
/// comes first. If nothing matches, the text is read as typed in the other keyboard layout.
pub fn find(tx: &mut Tx<'_>, text: &str) -> Result<(Vec<Product>, Option<Problem>), Error> {
    let found = find_as_typed(tx, text)?;
    match other_layout(text) {
        Some(other) if found.0.is_empty() => {
            let other = find_as_typed(tx, &other)?;
            Ok(if other.0.is_empty() { found } else { other })
        }
        _ => Ok(found),
    }
}

fn find_as_typed(tx: &mut Tx<'_>, text: &str) -> Result<(Vec<Product>, Option<Problem>), Error> {
    let key = fold(text);
    let named = by_exact_name(tx, key.clone())?;
    if named.is_none()
        && let Some(product) = lookup::by_code(tx, text)?
    {
        return Ok(match product.archived_at {
            None => (vec![product], None),
            Some(_) => (Vec::new(), Some(Problem::Archived)),
        });
    }
    let mut found = offers(tx, text)?;
    let problem = if key.is_empty() {
        Some(Problem::Required)
    } else {
        match named {
            Some(product) if product.archived_at.is_none() => {
                found.retain(|other| other.id != product.id);
                found.insert(0, product);
                None
            }
            Some(_) => Some(Problem::Archived),
            None => ambiguity(&found),
        }
    };
    Ok((found, problem))
}

/// Returns the product on sale that a text identifies, as [`find`] does.
pub fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Product, Error> {
    let (mut found, problem) = find(tx, name)?;
    match problem {
        None => Ok(found.swap_remove(0)),
        Some(Problem::Archived) => Err(Error::Archived),
        Some(problem) => Err(Error::field("product", problem)),
    }
}

/// Returns the product with exactly this folded name, archived or not.
fn by_exact_name(tx: &mut Tx<'_>, key: String) -> Result<Option<Product>, Error> {
    products::table
        .filter(products::name_key.eq(key))
        .select(Product::as_select())
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// Returns the problem if a search did not find exactly one product.
fn ambiguity(found: &[Product]) -> Option<Problem> {
    match found {
        [] => Some(Problem::UnknownProduct),
        [_] => None,
        _ => Some(Problem::Ambiguous(
            found
                .iter()
                .take(CANDIDATES)
                .map(|product| product.name.clone())
                .collect(),
        )),
    }
}

/// Returns the products with these folded names, archived or not.
pub fn by_keys(tx: &mut Tx<'_>, keys: &HashSet<String>) -> Result<HashMap<String, Product>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let keys: Vec<&String> = keys.iter().collect();
    let mut found = HashMap::new();
    for keys in keys.chunks(1_000) {
        let rows = products::table
            .filter(products::name_key.eq_any(keys.to_vec()))
            .select((products::name_key, Product::as_select()))
            .load::<(String, Product)>(tx.conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Returns a `LIKE` pattern for each word of a search.
pub(super) fn word_patterns(search: &str) -> Vec<String> {
    fold(search)
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(containing)
        .collect()
}

impl Sort {
    const fn columns(self) -> &'static [Column] {
        const ID: Column = Column::Int("id");
        match self {
            Self::Name => &[Column::Text("name_key")],
            Self::Stock => &[Column::Int("stock"), ID],
            Self::OnHand => &[Column::Int("on_hand"), ID],
            Self::Reserved => &[Column::Int("reserved"), ID],
            Self::MinStock => &[Column::Int("min_stock"), ID],
            Self::BuyPrice => &[Column::Int("COALESCE(buy_price_eur, -1)"), ID],
            Self::SellPrice => &[Column::Int("COALESCE(sell_price_rub, -1)"), ID],
            Self::Supplier => &[Column::Text("supplier_key"), ID],
        }
    }

    fn keys(self, product: &Product) -> Vec<SortKey> {
        let first = match self {
            Self::Name => return vec![SortKey::Text(fold(&product.name))],
            Self::Stock => SortKey::Int(product.stock),
            Self::OnHand => SortKey::Int(product.on_hand),
            Self::Reserved => SortKey::Int(product.reserved),
            Self::MinStock => SortKey::Int(product.min_stock),
            Self::BuyPrice => SortKey::Int(product.buy_price_eur.map_or(-1, |price| price.0)),
            Self::SellPrice => SortKey::Int(product.sell_price_rub.map_or(-1, |price| price.0)),
            Self::Supplier => {
                SortKey::Text(fold(product.supplier_name.as_deref().unwrap_or_default()))
            }
        };
        vec![first, SortKey::Int(product.id)]
    }
}

/// Returns the ids of products, with how many pieces of them are available.
pub fn available(tx: &mut Tx<'_>, ids: Vec<i64>) -> Result<Vec<(i64, i64)>, Error> {
    tx.actor.may(Permission::ViewStock)?;
    products::table
        .filter(products::id.eq_any(ids))
        .select((products::id, products::stock))
        .load(tx.conn)
        .map_err(Error::from)
}
