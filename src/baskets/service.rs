//! The business rules for baskets.

use super::{Basket, MAX_LINES};
use crate::{
    analytics::{rollup, sums::Entry},
    api::values::Amount,
    audit::Entity,
    auth::Permission,
    error::{Error, FieldError, Problem},
    money::Rub,
    number::Qty,
    orders::{
        Order, Status,
        service::{self, Issued, MAX_NAME_LENGTH, NewRows, lock_basket, lock_products},
    },
    phone::Phone,
    products,
    schema::orders,
    stock::service::Locked,
    transaction::Tx,
    validation::{Input, Request, code, line, optional, qty, rub},
};
use diesel::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A product that the customer takes
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewLine {
    /// Number of the product; alternatively, give its name in `product`
    #[schema(minimum = 1, example = 7)]
    pub product_id: Option<i64>,
    /// Name of the product, or words that only its name contains; ignored if `product_id` is given
    #[schema(value_type = Option<String>)]
    pub product: String,
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 2)]
    pub qty: Qty,
    /// Price of one piece; the product's sale price by default
    #[schema(value_type = Option<Amount>)]
    pub unit_price_rub: Option<Rub>,
    /// The number of the line in the request, at which its problems are reported.
    #[serde(skip)]
    #[schema(ignore)]
    pub number: usize,
}

impl Request for NewLine {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        let (product_id, product) = products::search::read_product(input);
        Self {
            product_id,
            product,
            qty: input.read("qty", qty),
            unit_price_rub: input.read("unit_price_rub", optional(rub)),
            number: 0,
        }
    }
}

/// A basket to book
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewBasket {
    /// A valid phone number; without a country code it belongs to the shop's country
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
    #[schema(max_length = 200, example = "Мария")]
    pub customer_name: Option<String>,
    /// The products, each of which becomes an order
    #[schema(inline, min_items = 1, max_items = 50)]
    pub lines: Vec<NewLine>,
    /// `paid_issued` hands the goods out at once; `paid_not_issued` is the default
    #[schema(value_type = Option<Status>, inline)]
    pub status: Status,
}

impl Request for NewBasket {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        let phone = input.read("phone", Phone::entered);
        let customer_name = input.read("customer_name", optional(line(MAX_NAME_LENGTH)));
        let status = input.read_or("status", None, optional(new_status));
        let lines = input.list("lines", MAX_LINES, |number, fields| NewLine {
            number,
            ..NewLine::read(fields)
        });
        Self {
            phone,
            customer_name,
            lines,
            status: status.unwrap_or(Status::PaidNotIssued),
        }
    }
}

/// Reads the status of a new order, which cannot be denied.
fn new_status(text: &str) -> Result<Status, Problem> {
    match code(text)? {
        Status::PaidDenied => Err(Problem::NotOffered),
        status @ (Status::PaidNotIssued | Status::PaidIssued) => Ok(status),
    }
}

/// Books all lines or none, and issues them if the basket says so.
pub fn create(tx: &mut Tx<'_>, key: &str, new: &NewBasket) -> Result<Basket, Error> {
    tx.actor.may(Permission::Orders)?;
    let insert = |tx: &mut Tx<'_>| {
        let mut products = find_products(tx, &new.lines)?;
        let rows = NewRows {
            phone: &new.phone,
            customer_name: new.customer_name.as_deref(),
            first_order_id: None,
            created_at: tx.now,
        };
        let booked = book(tx, rows, &new.lines, &mut products)?;
        if new.status == Status::PaidIssued {
            let waiting = booked
                .iter()
                .map(|(id, line, product)| (*id, *product, line.qty));
            hand_out(tx, waiting.collect(), &mut products.locked)?;
        }
        let first = booked.first().ok_or(Error::Internal)?;
        Ok(first.0)
    };
    tx.once(key, Entity::Basket, new, insert, get)
}

/// Adds a product to a basket that still waits.
pub fn add(tx: &mut Tx<'_>, key: &str, basket: i64, new: &NewLine) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let insert = |tx: &mut Tx<'_>| {
        let present = lock_basket(tx, basket)?;
        let first = present.first().ok_or(Error::NotFound)?;
        if !present.iter().any(Order::waits) {
            return Err(Error::OrderIs(first.status.clone()));
        }
        if first.is_erased() {
            return Err(Error::CustomerErased);
        }
        let phone = Phone::parse(&first.phone).ok_or(Error::Internal)?;
        let product = products::search::resolve(tx, new.product_id, &new.product)?;
        let mut product = crate::stock::service::lock_on_sale(tx, product.id)?;
        let price = service::price_of(&product, new.qty, new.unit_price_rub)?;
        product.can_reserve(new.qty)?;
        let rows = NewRows {
            phone: &phone,
            customer_name: first.customer_name.as_deref(),
            first_order_id: Some(basket),
            created_at: first.created_at,
        };
        service::insert(tx, &rows, &mut product, new.qty, price)
    };
    tx.once(key, Entity::Order, &(basket, new), insert, service::get)
}

/// The products of the lines of a basket: their ids in the order of the lines, and their locked rows.
struct LineProducts {
    ids: Vec<i64>,
    locked: BTreeMap<i64, Locked>,
}

/// Finds and locks the products of all lines. Reports all lines that name no product on sale.
fn find_products(tx: &mut Tx<'_>, lines: &[NewLine]) -> Result<LineProducts, Error> {
    let (mut ids, mut wrong) = (Vec::new(), Vec::new());
    for line in lines {
        match products::search::resolve(tx, line.product_id, &line.product) {
            Ok(product) => ids.push(product.id),
            Err(error) => wrong.extend(of_line(line, error)?),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let locked = lock_products(tx, ids.iter().copied())?;
    let archived = |(line, id): (&NewLine, &i64)| {
        let is_archived = locked
            .get(id)
            .is_none_or(|product| product.archived_at.is_some());
        is_archived.then(|| FieldError {
            field: format!("lines.{}.product", line.number),
            problem: Problem::Archived,
        })
    };
    let wrong: Vec<FieldError> = lines.iter().zip(&ids).filter_map(archived).collect();
    if wrong.is_empty() {
        Ok(LineProducts { ids, locked })
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// Writes the orders of a new basket. Returns their numbers, with the line and the product of each.
fn book<'l>(
    tx: &mut Tx<'_>,
    mut rows: NewRows<'_>,
    lines: &'l [NewLine],
    products: &mut LineProducts,
) -> Result<Vec<(i64, &'l NewLine, i64)>, Error> {
    let prices = check(lines, products)?;
    let mut booked = Vec::new();
    for ((line, id), price) in lines.iter().zip(&products.ids).zip(prices) {
        let product = products.locked.get_mut(id).ok_or(Error::NotFound)?;
        let order = service::insert(tx, &rows, product, line.qty, price)?;
        rows.first_order_id = rows.first_order_id.or(Some(order));
        booked.push((order, line, *id));
    }
    Ok(booked)
}

/// Returns the price of each line. Reports all lines without a valid price, or else all that exceed the stock, so that
/// a refused basket uses up no number.
fn check(lines: &[NewLine], products: &LineProducts) -> Result<Vec<Rub>, Error> {
    let mut left: BTreeMap<i64, _> = BTreeMap::new();
    let (mut prices, mut wrong, mut short) = (Vec::new(), Vec::new(), Vec::new());
    for (line, id) in lines.iter().zip(&products.ids) {
        let product = products.locked.get(id).ok_or(Error::NotFound)?;
        match service::price_of(product, line.qty, line.unit_price_rub) {
            Ok(price) => prices.push(price),
            Err(error) => wrong.extend(of_line(line, error)?),
        }
        let counters = left.entry(*id).or_insert(product.counters);
        if let Err(error) = counters.reserve(line.qty) {
            short.extend(of_line(line, error)?);
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if !short.is_empty() {
        return Err(Error::LinesOutOfStock(short));
    }
    Ok(prices)
}

/// Returns the problems of a line at their fields, or the error if it has none.
fn of_line(line: &NewLine, error: Error) -> Result<Vec<FieldError>, Error> {
    let fields = error.fields();
    if fields.is_empty() {
        return Err(error);
    }
    let at_line = |wrong: FieldError| FieldError {
        field: format!("lines.{}.{}", line.number, wrong.field),
        problem: wrong.problem,
    };
    Ok(fields.into_iter().map(at_line).collect())
}

/// Issues all waiting orders of a basket. If none waits and one was issued, returns the basket as it is.
pub fn issue(tx: &mut Tx<'_>, basket: i64) -> Result<Basket, Error> {
    tx.actor.may(Permission::Orders)?;
    let waiting = lock_waiting(tx, basket, Status::PaidIssued)?;
    let mut products = lock_products(tx, waiting.iter().map(|order| order.product_id))?;
    let waiting = waiting
        .iter()
        .map(|order| (order.id, order.product_id, order.qty));
    hand_out(tx, waiting.collect(), &mut products)?;
    get(tx, basket)
}

/// Denies all waiting orders of a basket. If none waits and one was denied, returns the basket as it is.
pub fn deny(tx: &mut Tx<'_>, basket: i64) -> Result<Basket, Error> {
    tx.actor.may(Permission::Orders)?;
    let waiting = lock_waiting(tx, basket, Status::PaidDenied)?;
    let mut products = lock_products(tx, waiting.iter().map(|order| order.product_id))?;
    let mut counted = Vec::new();
    for order in &waiting {
        let product = products.get_mut(&order.product_id).ok_or(Error::NotFound)?;
        let (order, is_counted) = service::call_off(tx, order, product)?;
        counted.extend(is_counted.then_some(order.product_id));
    }
    counted.sort_by_key(|product| rollup::lock_order(*product));
    for product in counted {
        rollup::count(tx, product, tx.now.day(), Entry::Denied)?;
    }
    get(tx, basket)
}

/// Locks a basket and returns its waiting orders. If none waits, the basket must have an order with the wanted status.
fn lock_waiting(tx: &mut Tx<'_>, basket: i64, wanted: Status) -> Result<Vec<Order>, Error> {
    let mut present = lock_basket(tx, basket)?;
    let first = present.first().ok_or(Error::NotFound)?;
    let is_done = present.iter().any(|order| order.status == wanted);
    if !is_done && !present.iter().any(Order::waits) {
        return Err(Error::OrderIs(first.status.clone()));
    }
    present.retain(Order::waits);
    Ok(present)
}

/// Issues orders, each given with its product and quantity, and then counts them in the order of the locks.
fn hand_out(
    tx: &mut Tx<'_>,
    waiting: Vec<(i64, i64, Qty)>,
    products: &mut BTreeMap<i64, Locked>,
) -> Result<(), Error> {
    let mut issued: Vec<Issued> = Vec::new();
    for (order, product, qty) in waiting {
        let product = products.get_mut(&product).ok_or(Error::NotFound)?;
        issued.push(service::hand_out(tx, order, product, qty)?);
    }
    issued.sort_by_key(|issued| rollup::lock_order(issued.order.product_id));
    issued.iter().try_for_each(|issued| issued.count(tx))
}

/// Issues or denies the waiting orders of a basket. Returns these orders, and the operations that can be taken back.
pub fn settle(
    tx: &mut Tx<'_>,
    basket: i64,
    act: fn(&mut Tx<'_>, i64) -> Result<Basket, Error>,
) -> Result<(Vec<Order>, Vec<i64>), Error> {
    let before = get(tx, basket)?.orders;
    let waited: Vec<i64> = before
        .iter()
        .filter(|order| order.waits())
        .map(|order| order.id)
        .collect();
    let mut settled = act(tx, basket)?.orders;
    settled.retain(|order| waited.contains(&order.id));
    let operations = service::settled_by(tx, &settled)?;
    Ok((settled, operations))
}

/// Returns one basket.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Basket, Error> {
    tx.actor.may(Permission::Orders)?;
    let present: Vec<Order> = orders::table
        .filter(orders::basket_id.eq(id))
        .order(orders::id)
        .select(Order::as_select())
        .load(tx.conn)?;
    let first = present.first().ok_or(Error::NotFound)?;
    Ok(Basket {
        id,
        phone: first.phone.clone(),
        phone_shown: first.phone_shown.clone(),
        customer_name: first.customer_name.clone(),
        created_at: first.created_at,
        orders: present,
    })
}
