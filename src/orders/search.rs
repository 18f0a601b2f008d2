//! Finding orders: the list with its filters and sort orders, a page at a time.

use super::{Order, Query, Sort, Status, names, phone_problem, read_number};
use crate::{
    auth::Permission,
    clock,
    db::{CacheStatement, Column, Dialect, Keyset, SortKey},
    error::Error,
    page::Page,
    phone,
    products::names::{MAX_SORTED, NameFilter},
    schema::{order_names, orders},
    text::tidy,
    transaction::Tx,
    validation::{Validator, optional},
};
use chrono::NaiveDate;
use diesel::{
    dsl::{exists, sql},
    prelude::*,
    sql_types::{BigInt, Nullable, Untyped},
};
use std::collections::HashMap;

/// Maximum number of orders that are read by their numbers at once: a page.
const MAX_READ: usize = 50;

/// A query whose parameters are all valid.
struct Filter {
    status: Option<Status>,
    /// Digits only.
    phone: String,
    id: Option<i64>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    sort: Sort,
    descending: bool,
    limit: i64,
}

impl Query {
    fn check(&self) -> Result<Filter, Error> {
        let mut validator = Validator::default();
        let typed = tidy(&self.phone);
        let phone: String = typed.chars().filter(char::is_ascii_digit).collect();
        if !typed.is_empty()
            && let Some(problem) = phone_problem(&typed)
        {
            validator.wrong("phone", problem);
        }
        let id = validator.take("id", optional(read_number)(&self.id));
        let sort: Option<Sort> = validator.code("sort", self.sort.trim_start_matches('-'));
        let (from, to) = validator.range(&self.from, &self.to);
        let filter = Filter {
            status: validator.code("status", &self.status),
            phone,
            id,
            from,
            to,
            sort: sort.unwrap_or(Sort::CreatedAt),
            descending: sort.is_none() || self.sort.starts_with('-'),
            limit: validator.page_size(&self.limit),
        };
        validator.done().map(|()| filter)
    }
}

/// Returns a page of the list.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Order>, Error> {
    page(tx, query, None)
}

/// Returns a page of the list. `limit` overrides the page size of the query.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Page<Order>, Error> {
    Ok(find(tx, query, limit, "NULL")?.map(|(order, _)| order))
}

/// Returns a page of the list, and how many orders of its baskets wait.
pub fn list_with_baskets(
    tx: &mut Tx<'_>,
    query: &Query,
) -> Result<(Page<Order>, WaitingByBasket), Error> {
    let page = find(tx, query, None, WAITING_IN_BASKET)?;
    let mut waiting = WaitingByBasket::default();
    Ok((page.map(|row| waiting.note(row)), waiting))
}

/// The number of waiting orders in the basket of an order that is not its first one.
///
/// Two orders of a basket are needed to show it, so one of them has the number. A search whose matches are sorted
/// counts for all matches, which takes a few milliseconds.
const WAITING_IN_BASKET: &str = "CASE WHEN orders.first_order_id IS NOT NULL THEN (
    SELECT COUNT(*) FROM orders AS others
    WHERE others.basket_id = orders.basket_id AND others.status = 'paid_not_issued') END";

/// How many orders wait in the baskets of a list, which may show only some of their orders.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WaitingByBasket(HashMap<i64, i64>);

impl WaitingByBasket {
    /// Returns how many orders of a basket wait.
    pub fn of(&self, basket: i64) -> i64 {
        self.0.get(&basket).copied().unwrap_or_default()
    }

    fn note(&mut self, (order, waiting): (Order, Option<i64>)) -> Order {
        if let Some(waiting) = waiting {
            self.0.insert(order.basket_id, waiting);
        }
        order
    }
}

/// Returns a page of the list. `extra` is the SQL of a number that is read with each order.
fn find(
    tx: &mut Tx<'_>,
    query: &Query,
    limit: Option<i64>,
    extra: &str,
) -> Result<Page<(Order, Option<i64>)>, Error> {
    tx.actor.may(Permission::Orders)?;
    let filter = query.check()?;
    let order = crate::db::SortOrder {
        columns: filter.sort.columns(),
        descending: filter.descending,
    };
    let keyset = Keyset::new(
        order,
        &query.after,
        &query.before,
        limit.unwrap_or(filter.limit),
    )?;
    let mut rows = orders::table
        .select((Order::as_select(), sql::<Nullable<BigInt>>(extra)))
        .filter(keyset.seek_after())
        .into_boxed::<Dialect>();
    rows = match (filter.status, filter.sort) {
        // Most orders have one of these statuses. `ne_all` avoids the index by status, so that orders are read in the
        // order of the list and the others are skipped.
        (Some(status @ (Status::PaidIssued | Status::PaidDenied)), Sort::Phone) => {
            let others = Status::ALL.iter().copied().filter(|other| *other != status);
            rows.filter(orders::status.ne_all(others.collect::<Vec<_>>()))
        }
        (Some(status), _) => rows.filter(orders::status.eq(status)),
        (None, _) => rows,
    };
    if !filter.phone.is_empty() {
        rows = match ids_by_phone(tx, &filter.phone)? {
            Some(ids) => rows.filter(orders::id.eq_any(ids)),
            None => {
                let [plain, with_code, without_prefix] = phone::possible_prefixes(&filter.phone);
                let begins = |start: String| orders::phone_digits.like(format!("{start}%"));
                let ends = orders::phone_reversed.like(format!("{}%", reversed(&filter.phone)));
                rows.filter(
                    ends.or(begins(plain))
                        .or(begins(with_code))
                        .or(begins(without_prefix)),
                )
            }
        };
    }
    if let Some(id) = filter.id {
        // The number of a basket is that of its first order.
        rows = rows.filter(orders::id.eq(id).or(orders::basket_id.eq(id)));
    }
    if !query.customer.trim().is_empty() {
        let words = names::words(&query.customer);
        if let Some(ids) = ids_by_customer(tx, &words)? {
            rows = rows.filter(orders::id.eq_any(ids));
        }
        for word in words {
            let of_order = order_names::table.filter(order_names::order_id.eq(orders::id));
            rows = rows.filter(exists(of_order.filter(begins_with(word))));
        }
    }
    if let Some(product) = NameFilter::read(tx, "orders", &query.product)? {
        if let Some(ids) = product.matching_ids(tx)? {
            rows = rows.filter(orders::id.eq_any(ids));
        } else {
            rows = rows.filter(product.condition());
            if filter.sort != Sort::Phone
                && let Some((first, last)) = product.span(tx)?
            {
                rows = rows.filter(orders::created_at.between(first, last));
            }
        }
    }
    if let Some(day) = filter.from {
        rows = rows.filter(orders::created_at.ge(clock::start_of(day)));
    }
    if let Some(day) = filter.to {
        rows = rows.filter(orders::created_at.lt(clock::end_of(day)));
    }
    let rows = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch());
    // What is searched for gives the statement too many forms.
    let has_few_forms = filter.phone.is_empty()
        && query.customer.trim().is_empty()
        && query.product.trim().is_empty();
    let rows = if has_few_forms {
        rows.cached().load(tx.conn)?
    } else {
        rows.load(tx.conn)?
    };
    Ok(keyset.page(rows, |(order, _): &(Order, _)| filter.sort.keys(order)))
}

/// Returns the ids of orders whose phone number begins or ends with these digits, found through the two indexes, or
/// `None` if there are more than [`MAX_SORTED`]. A few rows are cheap to sort; many are found quickly by testing the
/// rows in list order.
fn ids_by_phone(tx: &mut Tx<'_>, phone: &str) -> Result<Option<Vec<i64>>, Error> {
    let from_end = reversed(phone);
    let [plain, with_code, without_prefix] = phone::possible_prefixes(phone);
    let begins = |start: String| {
        orders::phone_digits
            .ge(start.clone())
            .and(orders::phone_digits.lt(prefix_end(&start)))
    };
    let ends = orders::phone_reversed
        .ge(from_end.clone())
        .and(orders::phone_reversed.lt(prefix_end(&from_end)));
    let ids = orders::table
        .filter(
            ends.or(begins(plain))
                .or(begins(with_code))
                .or(begins(without_prefix)),
        )
        .select(orders::id)
        .limit(MAX_SORTED + 1)
        .load::<i64>(tx.conn)?;
    let few = usize::try_from(MAX_SORTED).unwrap_or(usize::MAX);
    Ok(Some(ids).filter(|ids| ids.len() <= few))
}

/// Returns the ids of orders whose customer's name may match: those with one rare word, or else those with every word.
/// `None` if there are more than [`MAX_SORTED`], as for phone numbers.
fn ids_by_customer(tx: &mut Tx<'_>, words: &[String]) -> Result<Option<Vec<i64>>, Error> {
    let few = usize::try_from(MAX_SORTED).unwrap_or(usize::MAX);
    for word in words {
        let ids = order_names::table
            .filter(begins_with(word.clone()))
            .select(order_names::order_id)
            .limit(MAX_SORTED + 1)
            .load::<i64>(tx.conn)?;
        if ids.len() <= few {
            return Ok(Some(ids));
        }
    }
    if words.is_empty() {
        return Ok(Some(Vec::new()));
    }
    // Each word alone is frequent, but perhaps not all of them together. A single letter matches too many names.
    let words: Vec<_> = words
        .iter()
        .filter(|word| word.chars().count() > 1)
        .collect();
    if words.len() < 2 {
        return Ok(None);
    }
    let mut together = orders::table.select(orders::id).into_boxed::<Dialect>();
    for word in words {
        let named = order_names::table.filter(begins_with(word.clone()));
        together = together.filter(orders::id.eq_any(named.select(order_names::order_id)));
    }
    let ids = together.limit(MAX_SORTED + 1).load::<i64>(tx.conn)?;
    Ok(Some(ids).filter(|ids| ids.len() <= few))
}

/// Returns the condition that a word of a name begins with `word`.
#[diesel::dsl::auto_type(no_type_alias)]
fn begins_with(word: String) -> _ {
    let end: String = format!("{word}\u{10ffff}");
    order_names::word.ge(word).and(order_names::word.lt(end))
}

fn reversed(digits: &str) -> String {
    digits.chars().rev().collect()
}

/// Returns orders by their numbers, at most a page of them. Those that do not exist are left out.
pub fn by_number(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Order>, Error> {
    tx.actor.may(Permission::Orders)?;
    let ids = &ids[..ids.len().min(MAX_READ)];
    orders::table
        .filter(orders::id.eq_any(ids))
        .select(Order::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the latest orders for a product.
pub fn of_product(tx: &mut Tx<'_>, product: i64, limit: i64) -> Result<Vec<Order>, Error> {
    tx.actor.may(Permission::Orders)?;
    orders::table
        .filter(orders::product_id.eq(product))
        .order((orders::created_at.desc(), orders::id.desc()))
        .limit(limit)
        .select(Order::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns how many other orders the basket of an order has.
pub fn others_of_basket(tx: &mut Tx<'_>, order: &Order) -> Result<i64, Error> {
    tx.actor.may(Permission::Orders)?;
    let others = orders::table
        .filter(orders::basket_id.eq(order.basket_id))
        .filter(orders::id.ne(order.id));
    others.count().get_result(tx.conn).map_err(Error::from)
}

/// Returns whether there is any order, whatever its status.
pub fn any(tx: &mut Tx<'_>) -> Result<bool, Error> {
    tx.actor.may(Permission::Orders)?;
    diesel::select(diesel::dsl::exists(orders::table.select(orders::id)))
        .get_result(tx.conn)
        .map_err(Error::from)
}

/// Returns at most `limit` orders that wait to be issued, oldest first.
pub fn waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Order>, Error> {
    Ok(waiting_with_baskets(tx, limit)?.0)
}

/// Returns at most `limit` orders that wait to be issued, oldest first, and how many orders of their baskets wait.
pub fn waiting_with_baskets(
    tx: &mut Tx<'_>,
    limit: i64,
) -> Result<(Vec<Order>, WaitingByBasket), Error> {
    tx.actor.may(Permission::Orders)?;
    let rows: Vec<(Order, Option<i64>)> = orders::table
        .filter(orders::status.eq(Status::PaidNotIssued))
        .order((orders::created_at, orders::id))
        .limit(limit)
        .select((
            Order::as_select(),
            sql::<Nullable<BigInt>>(WAITING_IN_BASKET),
        ))
        .cached()
        .load(tx.conn)?;
    let mut waiting = WaitingByBasket::default();
    let orders = rows.into_iter().map(|row| waiting.note(row)).collect();
    Ok((orders, waiting))
}

/// Returns the exclusive upper bound of texts that begin with these digits: in ASCII, `:` follows `9`.
fn prefix_end(digits: &str) -> String {
    format!("{digits}:")
}

impl Sort {
    const fn columns(self) -> &'static [Column] {
        const DATE: Column = Column::Time("created_at");
        const ID: Column = Column::Int("id");
        match self {
            Self::CreatedAt => &[DATE, ID],
            Self::Phone => &[Column::Text("phone_digits"), ID],
            Self::Status => &[Column::Text("status"), DATE, ID],
        }
    }

    fn keys(self, order: &Order) -> Vec<SortKey> {
        let date = SortKey::Time(order.created_at.utc());
        let id = SortKey::Int(order.id);
        match self {
            Self::CreatedAt => vec![date, id],
            Self::Phone => vec![
                SortKey::Text(order.phone.trim_start_matches('+').to_owned()),
                id,
            ],
            Self::Status => vec![SortKey::Text(order.status.code().to_owned()), date, id],
        }
    }
}
