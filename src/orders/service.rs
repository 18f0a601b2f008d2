//! The business rules for orders.

use super::{Order, Status, names};
use crate::{
    analytics::{
        rollup,
        sums::{Entry, Sold},
    },
    api::values::Amount,
    audit::{
        self, Action, Change, Entity,
        service::{last_change, record},
        undo::Undoable,
    },
    auth::Permission,
    db::{CacheStatement, Dialect, load_locked},
    error::{Error, Problem, Stale},
    events::OrderEvent,
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    phone::Phone,
    products,
    schema::orders,
    stock::{
        self, MovementKind,
        counters::{Cost, Counters},
        service::{Locked, MovementSource},
    },
    text::{fold, tidy},
    transaction::Tx,
    validation::{Input, Request, line, number, optional, qty, rub},
};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::{dsl::exists, prelude::*};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The longest name of a customer, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

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

/// The new data for an existing order
#[derive(Clone, Debug, Default, ToSchema)]
pub struct EditedOrder {
    /// The version that the edit is based on
    #[schema(example = 1)]
    pub version: i64,
    #[schema(value_type = String, min_length = 1, example = "8 916 123-45-67")]
    pub phone: Phone,
    #[schema(max_length = 200, example = "Мария")]
    pub customer_name: Option<String>,
    /// Number of another product; alternatively, give its name in `product`. The order keeps its product by default
    #[schema(minimum = 1, example = 7)]
    pub product_id: Option<i64>,
    /// Name of another product, or words that only its name contains; ignored if `product_id` is given
    #[schema(value_type = Option<String>)]
    pub product: Option<String>,
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
            product_id: input.read("product_id", optional(number(1..=i64::MAX))),
            product: Some(input.text("product").to_owned()).filter(|name| !tidy(name).is_empty()),
            qty: input.read("qty", qty),
            unit_price_rub: input.read("unit_price_rub", rub),
        }
    }
}

/// How many pieces of an order to issue
#[derive(Clone, Debug, Default, ToSchema)]
pub struct Part {
    /// At most the quantity of the order; all of it by default
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1000000, example = 1)]
    pub qty: Option<Qty>,
}

impl Request for Part {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        Self {
            qty: input.read("qty", optional(qty)),
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

/// Books an order and reserves its pieces; refused if fewer are available. Its basket has no other order.
pub fn create(tx: &mut Tx<'_>, key: &str, new: &NewOrder) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let insert = |tx: &mut Tx<'_>| {
        let product = products::search::resolve(tx, new.product_id, &new.product)?;
        let mut product = stock::service::lock_on_sale(tx, product.id)?;
        let price = price_of(&product, new.qty, new.unit_price_rub)?;
        // Checked before the insert, so that a refused order does not use up a number.
        product.can_reserve(new.qty)?;
        let basket = NewRows {
            phone: &new.phone,
            customer_name: new.customer_name.as_deref(),
            first_order_id: None,
            created_at: tx.now,
        };
        insert(tx, &basket, &mut product, new.qty, price)
    };
    tx.once(key, Entity::Order, new, insert, get)
}

/// What the new orders of a basket have in common.
#[derive(Clone, Copy)]
pub struct NewRows<'a> {
    pub phone: &'a Phone,
    pub customer_name: Option<&'a str>,
    /// `None` for the first order of the basket.
    pub first_order_id: Option<i64>,
    /// All orders of a basket were created when it was booked, so that lists show them together.
    pub created_at: Moment,
}

/// Returns the price of a piece, which is the product's by default. Fails if there is none, or if the total is too
/// large.
pub fn price_of(product: &Locked, qty: Qty, price: Option<Rub>) -> Result<Rub, Error> {
    let price = price
        .or(product.sell_price_rub)
        .ok_or_else(|| Error::field("unit_price_rub", Problem::NoPrice))?;
    check_total(qty, price)?;
    Ok(price)
}

/// Writes an order and reserves its pieces. Returns its number.
pub fn insert(
    tx: &mut Tx<'_>,
    basket: &NewRows<'_>,
    product: &mut Locked,
    qty: Qty,
    price: Rub,
) -> Result<i64, Error> {
    let id = diesel::insert_into(orders::table)
        .values((
            Customer::new(basket.phone, basket.customer_name),
            orders::product_id.eq(product.id),
            orders::product_name.eq(&product.name),
            orders::qty.eq(qty),
            orders::unit_price_rub.eq(price),
            orders::list_price_rub.eq(product.sell_price_rub),
            orders::status.eq(Status::PaidNotIssued),
            orders::created_at.eq(basket.created_at),
            orders::user_id.eq(tx.actor.username()),
            orders::first_order_id.eq(basket.first_order_id),
        ))
        .returning(orders::id)
        .get_result::<i64>(tx.conn)?;
    stock::service::reserve(tx, product, qty, id)?;
    names::replace(tx, id, basket.customer_name)?;
    let changes = creation_changes(
        &basket.phone.e164,
        basket.customer_name,
        &product.name,
        qty,
        price,
        basket.first_order_id,
    );
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

/// Returns what the operation log records of a new order. `first_order` is that of its basket, if it is another one.
pub fn creation_changes(
    phone: &str,
    customer_name: Option<&str>,
    product: &str,
    qty: Qty,
    price: Rub,
    first_order: Option<i64>,
) -> Vec<Change> {
    let mut changes = vec![
        audit::set("phone", phone),
        audit::set("product", product),
        audit::set("qty", qty.0),
        audit::set("unit_price_rub", price),
    ];
    changes.extend(customer_name.map(|name| audit::set("customer_name", name)));
    changes.extend(first_order.map(|first| audit::set("basket", first)));
    changes
}

/// Edits an order. The product, the quantity and the price can be changed only while the order waits. The number and
/// the name of the customer can always be corrected, in all orders of the basket. If nothing would change, returns the
/// order as it is and does not check the version.
pub fn edit(tx: &mut Tx<'_>, id: i64, new: &EditedOrder) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let basket_id = get(tx, id)?.basket_id;
    let basket = lock_basket(tx, basket_id)?;
    let before = basket
        .iter()
        .find(|order| order.id == id)
        .ok_or(Error::NotFound)?
        .clone();
    let named = new.product.as_deref();
    // The product may have been renamed since.
    let named = named.filter(|name| fold(name) != fold(&before.product_name));
    let product = match (new.product_id, named) {
        (None, None) => None,
        (id, name) => {
            let product = products::search::resolve(tx, id, name.unwrap_or_default())?;
            Some(product).filter(|product| product.id != before.product_id)
        }
    };
    let name = product.as_ref().map(|product| product.name.clone());
    let customer = customer_changes(&before, new);
    let line = line_changes(&before, new, name);
    if customer.is_empty() && line.is_empty() {
        return Ok(before);
    }
    if !before.waits() && !line.is_empty() {
        return Err(Error::OrderIs(before.status));
    }
    if before.is_erased() {
        return Err(Error::CustomerErased);
    }
    if before.version != new.version {
        let changes = [customer, line].concat();
        let last_change = last_change(tx, Entity::Order, id)?;
        let stale = Stale::new(before.version, changes, last_change);
        return Err(Error::Stale(stale));
    }
    check_total(new.qty, new.unit_price_rub)?;
    move_reserve(tx, &before, product.map(|product| product.id), new.qty)?;
    diesel::update(orders::table.find(id))
        .set((
            orders::qty.eq(new.qty),
            orders::unit_price_rub.eq(new.unit_price_rub),
        ))
        .execute(tx.conn)?;
    for order in &basket {
        let changes = customer_changes(order, new);
        if !changes.is_empty() {
            let name = new.customer_name.as_deref();
            diesel::update(orders::table.find(order.id))
                .set(Customer::new(&new.phone, name))
                .execute(tx.conn)?;
            if new.customer_name != order.customer_name {
                names::replace(tx, order.id, name)?;
            }
        }
        let changes = match order.id == id {
            true => [changes, line.clone()].concat(),
            false => changes,
        };
        if !changes.is_empty() {
            diesel::update(orders::table.find(order.id))
                .set((
                    orders::user_id.eq(tx.actor.username()),
                    orders::version.eq(orders::version + 1),
                ))
                .execute(tx.conn)?;
            record(tx, Action::Edit, Entity::Order, order.id, &changes)?;
        }
    }
    get(tx, id)
}

fn customer_changes(old: &Order, new: &EditedOrder) -> Vec<Change> {
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
    ])
}

fn line_changes(old: &Order, new: &EditedOrder, product: Option<String>) -> Vec<Change> {
    let name = &old.product_name;
    audit::changes([
        (
            "product",
            product.is_some().then(|| name.clone()),
            product.clone(),
        ),
        ("qty", Some(old.qty.to_string()), Some(new.qty.to_string())),
        (
            "unit_price_rub",
            Some(old.unit_price_rub.to_string()),
            Some(new.unit_price_rub.to_string()),
        ),
    ])
}

/// Changes what a waiting order reserves: the quantity, or the product as well.
fn move_reserve(
    tx: &mut Tx<'_>,
    order: &Order,
    product: Option<i64>,
    qty: Qty,
) -> Result<(), Error> {
    if let Some(to) = product {
        let mut locked = lock_products(tx, [order.product_id, to])?;
        let mut product_of = |id| locked.remove(&id).ok_or(Error::NotFound);
        let (mut old, mut new) = (product_of(order.product_id)?, product_of(to)?);
        if new.archived_at.is_some() {
            return Err(Error::Archived);
        }
        let counted = orders::table
            .find(order.id)
            .filter(orders::denied_on.is_not_null())
            .select(orders::id);
        if diesel::select(exists(counted)).get_result::<bool>(tx.conn)? {
            // The report of an earlier day counts that this product was denied.
            return Err(Error::field("product", Problem::DeniedBefore));
        }
        stock::service::release(tx, &mut old, order.qty, order.id)?;
        stock::service::reserve(tx, &mut new, qty, order.id)?;
        diesel::update(orders::table.find(order.id))
            .set((
                orders::product_id.eq(new.id),
                orders::product_name.eq(&new.name),
                orders::list_price_rub.eq(new.sell_price_rub),
            ))
            .execute(tx.conn)?;
        return Ok(());
    }
    let more = qty.0 - order.qty.0;
    if more == 0 {
        return Ok(());
    }
    let mut product = stock::service::lock(tx, order.product_id)?;
    if more < 0 {
        return stock::service::release(tx, &mut product, Qty(-more), order.id);
    }
    if product.archived_at.is_some() {
        return Err(Error::field("qty", Problem::OnlyFewer));
    }
    stock::service::reserve(tx, &mut product, Qty(more), order.id).map_err(|error| match error {
        // The pieces already reserved for this order are available to it, too.
        Error::OutOfStock { stock, .. } => Error::OutOfStock {
            stock: stock + order.qty.0,
            qty: qty.0,
        },
        error => error,
    })
}

/// Locks orders and then their products, in the order of their numbers. Returns the product of each order.
pub fn lock_all(
    tx: &mut Tx<'_>,
    ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, i64>, Error> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    let locked = ids.into_iter().map(|id| {
        let order = lock(tx, id)?;
        Ok((id, order.product_id))
    });
    let products = locked.collect::<Result<BTreeMap<i64, i64>, Error>>()?;
    lock_products(tx, products.values().copied())?;
    Ok(products)
}

/// Returns the operations by which orders were settled, for an offer to take them back.
pub fn settled_by(tx: &mut Tx<'_>, orders: &[Order]) -> Result<Vec<i64>, Error> {
    let mut operations = Vec::new();
    for order in orders {
        operations.extend(last_settled(tx, order)?.map(|operation| operation.id));
    }
    Ok(operations)
}

/// Locks products in the order of their ids.
pub fn lock_products(
    tx: &mut Tx<'_>,
    ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Locked>, Error> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    let lock = |id| Ok((id, stock::service::lock(tx, id)?));
    ids.into_iter().map(lock).collect()
}

/// Issues an order. Issuing it again returns the order as it is.
pub fn issue(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    issue_part(tx, id, None)
}

/// Issues an order, or only some of its pieces: then the order keeps its number and becomes the issued part, and the
/// rest is a new order of the same basket, which waits. The same again returns the order as it is.
pub fn issue_part(tx: &mut Tx<'_>, id: i64, part: Option<Qty>) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    let qty = part.unwrap_or(order.qty);
    if !order.waits() {
        let is_repeat = qty == order.qty && order.status == Status::PaidIssued;
        return if is_repeat {
            Ok(order)
        } else {
            Err(Error::OrderIs(order.status))
        };
    }
    if qty > order.qty {
        return Err(Error::field("qty", Problem::TooLarge(order.qty.0)));
    }
    let mut product = stock::service::lock(tx, order.product_id)?;
    if qty < order.qty {
        split(tx, &order, &mut product, qty)?;
    }
    let issued = hand_out(tx, id, &mut product, qty)?;
    issued.count(tx)?;
    Ok(issued.order)
}

/// An order that was issued, and what the rollups count of it.
pub struct Issued {
    pub order: Order,
    sold: Sold,
}

impl Issued {
    /// Counts the order. A transaction that issues several orders calls this after the last one was issued, in the
    /// order of [`rollup::lock_order`].
    pub fn count(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let day = tx.now.day();
        rollup::count(tx, self.order.product_id, day, Entry::Issued(self.sold))
    }
}

/// Issues `qty` pieces, which is what a waiting order reserves. The caller has locked the order and the product, and
/// counts the order.
pub fn hand_out(tx: &mut Tx<'_>, id: i64, product: &mut Locked, qty: Qty) -> Result<Issued, Error> {
    let cost = stock::service::issue(tx, product, qty, id)?;
    let issued = (
        orders::status.eq(Status::PaidIssued),
        orders::qty.eq(qty),
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
    record(tx, Action::Issue, Entity::Order, id, &[])?;
    tx.events.record_order(OrderEvent::Issued, id);
    let sold = Sold {
        qty,
        unit_price_rub: order.unit_price_rub,
        list_price_rub,
        cost_eur: cost.eur,
        uncosted_qty: cost.uncosted,
    };
    Ok(Issued { order, sold })
}

/// Moves all but `qty` pieces of a waiting order to a new order of its basket.
fn split(tx: &mut Tx<'_>, order: &Order, product: &mut Locked, qty: Qty) -> Result<(), Error> {
    let rest = Qty(order.qty.0 - qty.0);
    // The check of `orders.qty` refuses a rest that is not positive, whatever the order had.
    let id = orders::table
        .find(order.id)
        .select((
            orders::phone,
            orders::phone_shown,
            orders::phone_digits,
            orders::phone_reversed,
            orders::customer_name,
            orders::customer_key,
            orders::product_id,
            orders::product_name,
            orders::qty - qty.0,
            orders::unit_price_rub,
            orders::list_price_rub,
            orders::status,
            orders::created_at,
            orders::user_id,
            orders::basket_id.nullable(),
        ))
        .insert_into(orders::table)
        .into_columns((
            orders::phone,
            orders::phone_shown,
            orders::phone_digits,
            orders::phone_reversed,
            orders::customer_name,
            orders::customer_key,
            orders::product_id,
            orders::product_name,
            orders::qty,
            orders::unit_price_rub,
            orders::list_price_rub,
            orders::status,
            orders::created_at,
            orders::user_id,
            orders::first_order_id,
        ))
        .returning(orders::id)
        .get_result::<i64>(tx.conn)?;
    stock::service::release(tx, product, rest, order.id)?;
    stock::service::reserve(tx, product, rest, id)?;
    names::replace(tx, id, order.customer_name.as_deref())?;
    let (before, after) = (Some(order.qty.to_string()), Some(qty.to_string()));
    let changes = audit::changes([("qty", before, after)]);
    record(tx, Action::Edit, Entity::Order, order.id, &changes)?;
    let mut changes = creation_changes(
        &order.phone,
        order.customer_name.as_deref(),
        &order.product_name,
        rest,
        order.unit_price_rub,
        None,
    );
    changes.push(audit::set("split_from", order.id));
    record(tx, Action::Create, Entity::Order, id, &changes)
}

/// Denies an order and releases its pieces. Denying it again returns the order as it is.
pub fn deny(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    if !order.waits() {
        return if order.status == Status::PaidDenied {
            Ok(order)
        } else {
            Err(Error::OrderIs(order.status))
        };
    }
    let mut product = stock::service::lock(tx, order.product_id)?;
    let (order, is_counted) = call_off(tx, &order, &mut product)?;
    if is_counted {
        rollup::count(tx, order.product_id, tx.now.day(), Entry::Denied)?;
    }
    Ok(order)
}

/// Denies a waiting order. Returns it, and whether it is to be counted: an order counts as denied once, on the first
/// day. The caller has locked the order and the product.
pub fn call_off(
    tx: &mut Tx<'_>,
    order: &Order,
    product: &mut Locked,
) -> Result<(Order, bool), Error> {
    let id = order.id;
    stock::service::release(tx, product, order.qty, id)?;
    let denied = (
        orders::status.eq(Status::PaidDenied),
        orders::denied_at.eq(tx.now),
        orders::user_id.eq(tx.actor.username()),
        orders::version.eq(orders::version + 1),
    );
    let uncounted = orders::table.find(id).filter(orders::denied_on.is_null());
    let first = diesel::update(uncounted)
        .set((denied, orders::denied_on.eq(tx.now.day())))
        .returning(columns())
        .cached()
        .get_result::<Order>(tx.conn)
        .optional()?;
    let is_first = first.is_some();
    let order = match first {
        Some(order) => order,
        None => diesel::update(orders::table.find(id))
            .set(denied)
            .returning(columns())
            .get_result::<Order>(tx.conn)?,
    };
    record(tx, Action::Deny, Entity::Order, id, &[])?;
    tx.events.record_order(OrderEvent::Denied, id);
    Ok((order, is_first))
}

/// Makes an issued or denied order wait again. An issued order only on the day of its issue, so that the reports of
/// past days do not change, and a denied one only if there is stock. Reopening an order that waits returns it as it is.
pub fn reopen(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    if order.waits() {
        return Ok(order);
    }
    let settled = last_settled(tx, &order)?;
    make_wait(tx, &order, settled.as_ref())
}

/// Takes the issue or the denial of an order back, which is this operation of the log. Refused if it is not what the
/// order was settled by.
pub fn undo(tx: &mut Tx<'_>, id: i64, operation: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = lock(tx, id)?;
    let settled = last_settled(tx, &order)?.filter(|settled| settled.id == operation);
    if order.waits() || settled.is_none() {
        return Err(Error::NotUndoable);
    }
    make_wait(tx, &order, settled.as_ref())
}

/// Returns whether the actor may make a settled order wait again, or take its pieces back.
pub fn may_take_back(tx: &mut Tx<'_>, order: &Order) -> Result<bool, Error> {
    tx.actor.may(Permission::Orders)?;
    let settled = last_settled(tx, order)?;
    Ok(audit::undo::allow(tx, settled.as_ref()).is_ok())
}

/// Returns the operation that issued or denied an order.
fn last_settled(tx: &mut Tx<'_>, order: &Order) -> Result<Option<Undoable>, Error> {
    let action = match order.status.known() {
        Some(Status::PaidIssued) => Action::Issue,
        Some(Status::PaidDenied) => Action::Deny,
        Some(Status::PaidNotIssued) | None => return Ok(None),
    };
    audit::undo::last(tx, Entity::Order, order.id, action)
}

fn make_wait(tx: &mut Tx<'_>, order: &Order, settled: Option<&Undoable>) -> Result<Order, Error> {
    audit::undo::allow(tx, settled)?;
    match order.status.known() {
        Some(Status::PaidIssued) => take_issue_back(tx, order)?,
        Some(Status::PaidDenied) => take_denial_back(tx, order)?,
        Some(Status::PaidNotIssued) | None => return Err(Error::OrderIs(order.status.clone())),
    }
    let waiting = (
        orders::status.eq(Status::PaidNotIssued),
        orders::issued_at.eq(None::<NaiveDateTime>),
        orders::issued_on.eq(None::<NaiveDate>),
        orders::denied_at.eq(None::<NaiveDateTime>),
        orders::cost_eur.eq(None::<i64>),
        orders::uncosted_qty.eq(None::<i64>),
        orders::user_id.eq(tx.actor.username()),
        orders::version.eq(orders::version + 1),
    );
    let id = order.id;
    let order = diesel::update(orders::table.find(id))
        .set(waiting)
        .returning(columns())
        .get_result::<Order>(tx.conn)?;
    let settled = settled.map(|operation| operation.id);
    audit::undo::record(tx, Action::Reopen, Entity::Order, id, &[], settled)?;
    Ok(order)
}

fn take_issue_back(tx: &mut Tx<'_>, order: &Order) -> Result<(), Error> {
    if order.returned_qty > 0 {
        return Err(Error::HasReturns);
    }
    let (day, list_price_rub, eur, uncosted) = orders::table
        .find(order.id)
        .select((
            orders::issued_on.assume_not_null(),
            orders::list_price_rub,
            orders::cost_eur.assume_not_null(),
            orders::uncosted_qty.assume_not_null(),
        ))
        .first::<(NaiveDate, Option<Rub>, Eur, i64)>(tx.conn)?;
    if day != tx.now.day() {
        return Err(Error::IssuedEarlier);
    }
    reverse(tx, order, MovementKind::Issue, |counters| {
        counters.reopen(order.qty, Cost { eur, uncosted })
    })?;
    let sold = Sold {
        qty: order.qty,
        unit_price_rub: order.unit_price_rub,
        list_price_rub,
        cost_eur: eur,
        uncosted_qty: uncosted,
    };
    rollup::discount(tx, order.product_id, day, Entry::Issued(sold))
}

/// Moves the stock back that the last movement of this kind has moved for an order.
fn reverse(
    tx: &mut Tx<'_>,
    order: &Order,
    kind: MovementKind,
    change: impl FnOnce(&mut Counters) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut product = stock::service::lock(tx, order.product_id)?;
    let source = MovementSource {
        reverses_id: Some(stock::service::last_of_order(tx, order.id, kind)?),
        ..MovementSource::order(order.id)
    };
    stock::service::change(tx, &mut product, MovementKind::Reopen, source, change)
}

fn take_denial_back(tx: &mut Tx<'_>, order: &Order) -> Result<(), Error> {
    reverse(tx, order, MovementKind::Release, |counters| {
        counters.reserve(order.qty)
    })?;
    let today = tx.now.day();
    // On another day, the report keeps that the order was denied on that day.
    let denied_today = orders::table
        .find(order.id)
        .filter(orders::denied_on.eq(today));
    let forgotten = diesel::update(denied_today)
        .set(orders::denied_on.eq(None::<NaiveDate>))
        .execute(tx.conn)?;
    if forgotten > 0 {
        rollup::discount(tx, order.product_id, today, Entry::Denied)?;
    }
    Ok(())
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
pub(super) fn lock(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    let order = orders::table.find(id).select(columns());
    load_locked!(tx.conn, order, first).map_err(Error::from)
}

/// Returns the orders of a basket in the order of their numbers, and locks their rows.
pub fn lock_basket(tx: &mut Tx<'_>, basket: i64) -> Result<Vec<Order>, Error> {
    let all = orders::table
        .filter(orders::basket_id.eq(basket))
        .order(orders::id)
        .select(columns());
    load_locked!(tx.conn, all, load).map_err(Error::from)
}

/// Returns the columns of an order.
pub fn columns() -> <Order as Selectable<Dialect>>::SelectExpression {
    <Order as Selectable<Dialect>>::construct_selection()
}
