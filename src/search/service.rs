//! Finding orders and products by whatever was typed.

use crate::{
    auth::Permission,
    error::Error,
    keyboard::other_layout,
    orders::{self, Order, PHONE_DIGITS, Query, Status},
    products::{self, Product},
    scan::{self, service::Scanned},
    text::tidy,
    transaction::Tx,
};

/// The most orders that are found.
const ORDERS: i64 = 8;
/// The most products that are found.
const PRODUCTS: usize = 5;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The one with exactly the number first, then those that wait, then the newest.
    pub orders: Vec<Order>,
    pub products: Vec<Product>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.products.is_empty()
    }
}

/// Finds what a scanned code stands for, and nothing else if the text is one.
///
/// Otherwise finds orders by their number or that of their basket, by three or more digits of a phone, or by words of
/// the customer's name, and products by words of their name. If nothing matches, the text is read as typed in the other
/// keyboard layout.
pub fn find(tx: &mut Tx<'_>, text: &str) -> Result<Found, Error> {
    tx.actor.may(Permission::Orders)?;
    let text = tidy(text);
    let found = find_exactly(tx, &text)?;
    match other_layout(&text) {
        Some(other) if found.is_empty() => find_exactly(tx, &other),
        _ => Ok(found),
    }
}

fn find_exactly(tx: &mut Tx<'_>, text: &str) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut exact: Option<i64> = None;
    if text.is_empty() {
        return Ok(found);
    }
    if by_code(tx, text, &mut found)? {
        return Ok(found);
    }
    let number = text.trim_start_matches(['№', '#']).trim_start();
    let is_number = |sign: char| sign.is_ascii_digit() || " +-()".contains(sign);
    if number.chars().all(is_number) {
        exact = number.parse().ok().filter(|number| *number > 0);
        if let Some(id) = exact {
            // First, so that it is not lost among those of a large basket.
            match orders::service::get(tx, id) {
                Ok(order) => found.orders.push(order),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            let basket = of_number(tx, id)?;
            found.orders.extend(basket);
        }
        let digits = number.chars().filter(char::is_ascii_digit).count();
        if number == text && digits >= PHONE_DIGITS {
            let query = Query {
                phone: number.to_owned(),
                ..Query::default()
            };
            found.orders.extend(waiting_first(tx, query)?);
        }
    } else {
        let query = Query {
            customer: text.to_owned(),
            ..Query::default()
        };
        found.orders = waiting_first(tx, query)?;
        found.products = products::search::offers(tx, text)?;
        found.products.truncate(PRODUCTS);
    }
    // An order may be found by its number and by its phone.
    let mut orders: Vec<Order> = Vec::new();
    for order in found.orders {
        if orders.iter().all(|known| known.id != order.id) {
            orders.push(order);
        }
    }
    orders.sort_by_key(|order| (Some(order.id) != exact, !order.waits()));
    orders.truncate(usize::try_from(ORDERS).unwrap_or(usize::MAX));
    found.orders = orders;
    Ok(found)
}

/// Finds what a scanned code stands for; returns false if the text is no known code.
fn by_code(tx: &mut Tx<'_>, text: &str, found: &mut Found) -> Result<bool, Error> {
    match scan::service::resolve(tx, text) {
        Ok(Scanned::Product(product)) => found.products.push(*product),
        Ok(Scanned::Order(id)) => found.orders.push(orders::service::get(tx, id)?),
        Ok(Scanned::Basket(id)) => found.orders = of_number(tx, id)?,
        Err(Error::NotFound) => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// Returns the order with a number, or the orders of the basket with it.
fn of_number(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Order>, Error> {
    let query = Query {
        id: id.to_string(),
        ..Query::default()
    };
    Ok(orders::search::page(tx, &query, Some(ORDERS))?.items)
}

/// Returns the orders of a query that wait, then the newest of all.
fn waiting_first(tx: &mut Tx<'_>, query: Query) -> Result<Vec<Order>, Error> {
    let waiting = Query {
        status: Status::PaidNotIssued.code().to_owned(),
        ..query.clone()
    };
    let mut orders = orders::search::page(tx, &waiting, Some(ORDERS))?.items;
    if orders.len() < usize::try_from(ORDERS).unwrap_or(usize::MAX) {
        orders.extend(orders::search::page(tx, &query, Some(ORDERS))?.items);
    }
    Ok(orders)
}
