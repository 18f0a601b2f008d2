//! The business rules for orders.

use super::{Order, Status, names};
use crate::{
    analytics::{rollup, sums::Sold},
    api::values::Amount,
    audit::{
        self, Action, Change, Entity,
        service::{last_change, record},
    },
    auth::Permission,
    db::{CacheStatement, Dialect, load_locked},
    error::{Error, Problem, Stale},
    events::OrderEvent,
    money::Rub,
    number::Qty,
    phone::Phone,
    products,
    schema::orders,
    stock,
    text::fold,
    transaction::Tx,
    validation::{Input, Request, line, number, optional, qty, rub},
};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

const MAX_NAME_LENGTH: usize = 200;

/// An order to book
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct NewOrder {
    /// A valid phone number; without a country code it belongs to the shop's country
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
    #[schema(max_length = 200, example = "Мария")]
    pub customer_name: Option<String>,
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
}

impl Request for NewOrder {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        let (product_id, product) = products::search::read_product(input);
        Self {
            phone: input.read("phone", Phone::entered),
            customer_name: input.read("customer_name", optional(line(MAX_NAME_LENGTH))),
            product_id,
            product,
            qty: input.read("qty", qty),
            unit_price_rub: input.read("unit_price_rub", optional(rub)),
        }
    }
}

/// The new data for an existing order; the product cannot be changed
#[derive(Clone, Debug, Default, ToSchema)]
pub struct EditedOrder {
    /// The version that the edit is based on
    #[schema(example = 1)]
    pub version: i64,
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
    #[schema(max_length = 200, example = "Мария")]
    pub customer_name: Option<String>,
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 2)]
    pub qty: Qty,
    #[schema(value_type = Amount)]
    pub unit_price_rub: Rub,
}

impl Request for EditedOrder {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        Self {
            version: input.read("version", number(i64::MIN..=i64::MAX)),
            phone: input.read("phone", Phone::entered),
            customer_name: input.read("customer_name", optional(line(MAX_NAME_LENGTH))),
            qty: input.read("qty", qty),
            unit_price_rub: input.read("unit_price_rub", rub),
        }
    }
}

/// The columns that describe the customer.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = orders, treat_none_as_null = true)]
struct Customer<'a> {
    phone: &'a str,
    phone_shown: &'a str,
    phone_digits: &'a str,
    phone_reversed: String,
    customer_name: Option<&'a str>,
    customer_key: Option<String>,
}

impl<'a> Customer<'a> {
    fn new(phone: &'a Phone, name: Option<&'a str>) -> Self {
        Self {
            phone: &phone.e164,
            phone_shown: &phone.shown,
            phone_digits: phone.digits(),
            phone_reversed: phone.reversed(),
            customer_name: name,
            customer_key: name.map(fold),
        }
    }
}

/// Books an order and reserves its pieces; refused if fewer are available.
pub fn create(tx: &mut Tx<'_>, key: &str, new: &NewOrder) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    tx.once(key, Entity::Order, new, |tx| insert(tx, new), get)
}

fn insert(tx: &mut Tx<'_>, new: &NewOrder) -> Result<i64, Error> {
    let product = products::search::resolve(tx, new.product_id, &new.product)?;
    let product = stock::service::lock_on_sale(tx, product.id)?;
    let price = new
        .unit_price_rub
        .or(product.sell_price_rub)
        .ok_or_else(|| Error::field("unit_price_rub", Problem::NoPrice))?;
    check_total(new.qty, price)?;
    // Checked before the insert, so that a refused order does not use up a number.
    product.can_reserve(new.qty)?;
    let customer = new.customer_name.as_deref();
    let id = diesel::insert_into(orders::table)
        .values((
            Customer::new(&new.phone, customer),
            orders::product_id.eq(product.id),
            orders::product_name.eq(&product.name),
            orders::qty.eq(new.qty),
            orders::unit_price_rub.eq(price),
            orders::list_price_rub.eq(product.sell_price_rub),
            orders::status.eq(Status::PaidNotIssued),
            orders::created_at.eq(tx.now),
            orders::user_id.eq(tx.actor.username()),
        ))
        .returning(orders::id)
        .get_result::<i64>(tx.conn)?;
    stock::service::reserve(tx, &product, new.qty, id)?;
    names::replace(tx, id, customer)?;
    let changes = creation_changes(&new.phone, customer, &product.name, new.qty, price);
    record(tx, Action::Create, Entity::Order, id, &changes)?;
    tx.events.record_order(OrderEvent::Created, id);
    Ok(id)
}

/// Refuses a price at which `qty` pieces exceed the largest total.
fn check_total(qty: Qty, price: Rub) -> Result<(), Error> {
    match price.total_within(Rub::MAX_TOTAL, qty) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::field("unit_price_rub", error.into())),
    }
}

/// Returns what the operation log records of a new order.
pub fn creation_changes(
    phone: &Phone,
    customer_name: Option<&str>,
    product: &str,
    qty: Qty,
    price: Rub,
) -> Vec<Change> {
    let mut changes = vec![
        audit::set("phone", &phone.e164),
        audit::set("product", product),
        audit::set("qty", qty.0),
        audit::set("unit_price_rub", price),
    ];
    changes.extend(customer_name.map(|name| audit::set("customer_name", name)));
    changes
}

/// Edits an order that is neither issued nor denied; its product cannot be changed. If nothing would change, returns
/// the order as it is and does not check the version.
pub fn edit(tx: &mut Tx<'_>, id: i64, new: &EditedOrder) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let before = get(tx, id)?;
    let compare = |old: &Order| {
        audit::changes([
            (
                "phone",
                Some(old.phone.clone()),
                Some(new.phone.e164.clone()),
            ),
            (
                "customer_name",
                old.customer_name.clone(),
                new.customer_name.clone(),
            ),
            ("qty", Some(old.qty.to_string()), Some(new.qty.to_string())),
            (
                "unit_price_rub",
                Some(old.unit_price_rub.to_string()),
                Some(new.unit_price_rub.to_string()),
            ),
        ])
    };
    let changes = compare(&before);
    if changes.is_empty() && before.status == Status::PaidNotIssued {
        return Ok(before);
    }
    check_total(new.qty, new.unit_price_rub)?;
    // Versions only increase, so a row that still has this version is the order that was read above.
    let unchanged = orders::table.find(id).filter(
        orders::version
            .eq(new.version)
            .and(orders::version.eq(before.version))
            .and(orders::status.eq(Status::PaidNotIssued)),
    );
    let edited = diesel::update(unchanged)
        .set((
            Customer::new(&new.phone, new.customer_name.as_deref()),
            orders::qty.eq(new.qty),
            orders::unit_price_rub.eq(new.unit_price_rub),
            orders::user_id.eq(tx.actor.username()),
            orders::version.eq(orders::version + 1),
        ))
        .cached()
        .execute(tx.conn)?;
    if edited == 0 {
        let present = get(tx, id)?;
        let changes = compare(&present);
        return match present.status.known() {
            Some(Status::PaidNotIssued) if changes.is_empty() => Ok(present),
            Some(Status::PaidNotIssued) => {
                let last_change = last_change(tx, Entity::Order, id)?;
                Err(Error::Stale(Stale::new(
                    present.version,
                    changes,
                    last_change,
                )))
            }
            Some(Status::PaidIssued | Status::PaidDenied) | None => {
                Err(Error::OrderIs(present.status))
            }
        };
    }
    if new.customer_name != before.customer_name {
        names::replace(tx, id, new.customer_name.as_deref())?;
    }
    if new.qty != before.qty {
        let product = stock::service::lock(tx, before.product_id)?;
        let more = new.qty.0 - before.qty.0;
        if more < 0 {
            stock::service::release(tx, &product, Qty(-more), id)?;
        } else if product.archived_at.is_some() {
            return Err(Error::field("qty", Problem::OnlyFewer));
        } else {
            stock::service::reserve(tx, &product, Qty(more), id).map_err(|error| match error {
                // The pieces already reserved for this order are available to it, too.
                Error::OutOfStock { stock, .. } => Error::OutOfStock {
                    stock: stock + before.qty.0,
                    qty: new.qty.0,
                },
                error => error,
            })?;
        }
    }
    record(tx, Action::Edit, Entity::Order, id, &changes)?;
    get(tx, id)
}

/// Issues an order. Issuing it again returns the order as it is.
pub fn issue(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    if order.status != Status::PaidNotIssued {
        return repeat_or_conflict(order, Status::PaidIssued);
    }
    let product = stock::service::lock(tx, order.product_id)?;
    let cost = stock::service::issue(tx, &product, order.qty, id)?;
    let issued = (
        orders::status.eq(Status::PaidIssued),
        orders::issued_at.eq(tx.now),
        orders::issued_on.eq(tx.now.day()),
        orders::cost_eur.eq(cost.eur),
        orders::uncosted_qty.eq(cost.uncosted),
        orders::user_id.eq(tx.actor.username()),
        orders::version.eq(orders::version + 1),
    );
    let (order, list_price_rub) = diesel::update(orders::table.find(id))
        .set(issued)
        .returning((columns(), orders::list_price_rub))
        .cached()
        .get_result::<(Order, Option<Rub>)>(tx.conn)?;
    let sold = Sold {
        qty: order.qty,
        unit_price_rub: order.unit_price_rub,
        list_price_rub,
        cost_eur: cost.eur,
        uncosted_qty: cost.uncosted,
    };
    rollup::issued(tx, order.product_id, tx.now.day(), sold)?;
    record(tx, Action::Issue, Entity::Order, id, &[])?;
    tx.events.record_order(OrderEvent::Issued, id);
    Ok(order)
}

/// Denies an order and releases its pieces. Denying it again returns the order as it is.
pub fn deny(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    if order.status != Status::PaidNotIssued {
        return repeat_or_conflict(order, Status::PaidDenied);
    }
    let denied = (
        orders::status.eq(Status::PaidDenied),
        orders::denied_at.eq(tx.now),
        orders::denied_on.eq(tx.now.day()),
        orders::user_id.eq(tx.actor.username()),
        orders::version.eq(orders::version + 1),
    );
    let order = diesel::update(orders::table.find(id))
        .set(denied)
        .returning(columns())
        .cached()
        .get_result::<Order>(tx.conn)?;
    let product = stock::service::lock(tx, order.product_id)?;
    stock::service::release(tx, &product, order.qty, id)?;
    rollup::denied(tx, order.product_id, tx.now.day())?;
    record(tx, Action::Deny, Entity::Order, id, &[])?;
    tx.events.record_order(OrderEvent::Denied, id);
    Ok(order)
}

/// Returns one order.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    orders::table
        .find(id)
        .select(Order::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns one order and locks its row until the end of the transaction, so that only one request can settle it.
fn lock(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    let order = orders::table.find(id).select(columns());
    load_locked!(tx.conn, order, first).map_err(Error::from)
}

fn columns() -> <Order as Selectable<Dialect>>::SelectExpression {
    <Order as Selectable<Dialect>>::construct_selection()
}

fn repeat_or_conflict(order: Order, status: Status) -> Result<Order, Error> {
    if order.status == status {
        Ok(order)
    } else {
        Err(Error::OrderIs(order.status))
    }
}
