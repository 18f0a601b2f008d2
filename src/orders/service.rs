//! The rules of orders.

use super::{Draft, Order, Status, names};
use crate::{
    act::Tx,
    analytics::{rollup, sums::Sold},
    auth::Permission,
    checks::Checks,
    error::{Error, Problem, Stale},
    events::OrderEvent,
    log::{self, Action, Change, Entity, service::record},
    money::Rub,
    phone::{self, Phone},
    products::{self, Product},
    schema::orders,
    stock::{self, MAX_PIECES},
    text::fold,
};
use diesel::prelude::*;

const NAME: usize = 200;

/// What a draft says, once every field could be taken.
#[derive(Debug)]
struct Checked {
    phone: Phone,
    customer_name: Option<String>,
    qty: i64,
    /// `None`: the product's price.
    unit_price_rub: Option<Rub>,
}

impl Checked {
    fn customer_key(&self) -> Option<String> {
        self.customer_name.as_deref().map(fold)
    }
}

impl Draft {
    fn check(&self, mut checks: Checks) -> Result<Checked, Error> {
        let phone = read_phone(&mut checks, &self.phone);
        let customer_name = checks.optional_line("customer_name", &self.customer_name, NAME);
        let qty = checks.number("qty", &self.qty, 1, MAX_PIECES);
        let unit_price_rub = checks.optional_rub("unit_price_rub", &self.unit_price_rub);
        checks.done()?;
        let phone = phone.ok_or_else(|| Error::field("phone", Problem::NotPhone))?;
        Ok(Checked {
            phone,
            customer_name,
            qty,
            unit_price_rub,
        })
    }
}

fn read_phone(checks: &mut Checks, text: &str) -> Option<Phone> {
    let phone = Phone::parse(text);
    if phone.is_none() {
        checks.wrong(
            "phone",
            if text.trim().is_empty() {
                Problem::Required
            } else if phone::has_more(text) {
                Problem::NotOnePhone
            } else {
                Problem::NotPhone
            },
        );
    }
    phone
}

/// Books an order and reserves its pieces; refused when fewer are available.
pub fn create(tx: &mut Tx<'_>, key: &str, draft: &Draft) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let mut checks = Checks::default();
    let product = products::search::check_meant(&mut checks, &draft.product_id, &draft.product);
    let new = draft.check(checks)?;
    let insert = |tx: &mut Tx<'_>| {
        let product = products::search::meant(tx, product, &draft.product)?;
        insert(tx, &new, &product)
    };
    tx.once(key, Entity::Order, draft, insert, get)
}

fn insert(tx: &mut Tx<'_>, new: &Checked, product: &Product) -> Result<i64, Error> {
    let product = stock::service::lock_on_sale(tx, product.id)?;
    let price = new
        .unit_price_rub
        .or(product.sell_price_rub)
        .ok_or_else(|| Error::field("unit_price_rub", Problem::NoPrice))?;
    check_total(new.qty, price)?;
    let stock = product.counters.stock();
    if stock < new.qty {
        return Err(Error::OutOfStock {
            stock,
            qty: new.qty,
        });
    }
    let id = diesel::insert_into(orders::table)
        .values((
            orders::phone.eq(&new.phone.e164),
            orders::phone_shown.eq(&new.phone.shown),
            orders::phone_digits.eq(new.phone.digits()),
            orders::phone_reversed.eq(new.phone.reversed()),
            orders::customer_name.eq(&new.customer_name),
            orders::customer_key.eq(new.customer_key()),
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
    stock::service::reserve(tx, product.id, new.qty, id)?;
    let customer = new.customer_name.as_deref();
    names::replace(tx, id, customer)?;
    let changes = said(&new.phone, customer, &product.name, new.qty, price);
    record(tx, Action::Create, Entity::Order, id, &changes)?;
    tx.events.order(OrderEvent::Created, id);
    Ok(id)
}

/// Refuses a price at which so many pieces come to too much.
fn check_total(qty: i64, price: Rub) -> Result<(), Error> {
    match price.total_within(Rub::MAX_TOTAL, qty) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::field("unit_price_rub", error.into())),
    }
}

/// What the log says of an order that was booked.
pub fn said(
    phone: &Phone,
    customer_name: Option<&str>,
    product: &str,
    qty: i64,
    price: Rub,
) -> Vec<Change> {
    let mut changes = vec![
        log::set("phone", &phone.e164),
        log::set("product", product),
        log::set("qty", qty),
        log::set("unit_price_rub", price),
    ];
    changes.extend(customer_name.map(|name| log::set("customer_name", name)));
    changes
}

/// Edits an order that was read as `version` and is not issued yet. Its product stays. What is so already is left as it
/// is, whatever the version.
pub fn edit(tx: &mut Tx<'_>, id: i64, version: i64, draft: &Draft) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let mut checks = Checks::default();
    if draft.unit_price_rub.trim().is_empty() {
        checks.wrong("unit_price_rub", Problem::Required);
    }
    let new = draft.check(checks)?;
    let before = get(tx, id)?;
    let unit_price_rub = new.unit_price_rub.unwrap_or(before.unit_price_rub);
    let compare = |old: &Order| {
        log::changes([
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
                Some(unit_price_rub.to_string()),
            ),
        ])
    };
    let changes = compare(&before);
    if changes.is_empty() && before.status == Status::PaidNotIssued {
        return Ok(before);
    }
    check_total(new.qty, unit_price_rub)?;
    // Versions only rise: an order that has this one now is the one that was read above.
    let unchanged = orders::table.find(id).filter(
        orders::version
            .eq(version)
            .and(orders::version.eq(before.version))
            .and(orders::status.eq(Status::PaidNotIssued)),
    );
    let edited = diesel::update(unchanged)
        .set((
            orders::phone.eq(&new.phone.e164),
            orders::phone_shown.eq(&new.phone.shown),
            orders::phone_digits.eq(new.phone.digits()),
            orders::phone_reversed.eq(new.phone.reversed()),
            orders::customer_name.eq(&new.customer_name),
            orders::customer_key.eq(new.customer_key()),
            orders::qty.eq(new.qty),
            orders::unit_price_rub.eq(unit_price_rub),
            orders::user_id.eq(tx.actor.username()),
            orders::version.eq(orders::version + 1),
        ))
        .execute(tx.conn)?;
    if edited == 0 {
        let present = get(tx, id)?;
        let changes = compare(&present);
        return match present.status.known() {
            Some(Status::PaidNotIssued) if changes.is_empty() => Ok(present),
            Some(Status::PaidNotIssued) => Err(Error::Stale(Stale::new(present.version, changes))),
            Some(Status::PaidIssued | Status::PaidDenied) | None => {
                Err(Error::OrderIs(present.status))
            }
        };
    }
    if new.customer_name != before.customer_name {
        names::replace(tx, id, new.customer_name.as_deref())?;
    }
    if new.qty > before.qty {
        if stock::service::lock(tx, before.product_id)?
            .archived_at
            .is_some()
        {
            return Err(Error::field("qty", Problem::OnlyFewer));
        }
        let more = new.qty - before.qty;
        stock::service::reserve(tx, before.product_id, more, id).map_err(|error| match error {
            // What the order holds already is there for it, too.
            Error::OutOfStock { stock, .. } => Error::OutOfStock {
                stock: stock + before.qty,
                qty: new.qty,
            },
            error => error,
        })?;
    } else if new.qty < before.qty {
        stock::service::release(tx, before.product_id, before.qty - new.qty, id)?;
    }
    record(tx, Action::Edit, Entity::Order, id, &changes)?;
    get(tx, id)
}

/// Hands an order out. Issuing it again answers with the order as it is.
pub fn issue(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    // Its cost is written below, once the product's row is locked; the check of the row needs a value at once.
    let list_price = diesel::update(waiting(id))
        .set((
            orders::status.eq(Status::PaidIssued),
            orders::issued_at.eq(tx.now),
            orders::issued_on.eq(tx.now.day()),
            orders::cost_eur.eq(0),
            orders::uncosted_qty.eq(0),
            orders::user_id.eq(tx.actor.username()),
            orders::version.eq(orders::version + 1),
        ))
        .returning(orders::list_price_rub)
        .get_result::<Option<Rub>>(tx.conn)
        .optional()?;
    let order = get(tx, id)?;
    let Some(list_price) = list_price else {
        return settled_as(order, Status::PaidIssued);
    };
    let cost = stock::service::issue(tx, order.product_id, order.qty, id)?;
    diesel::update(orders::table.find(id))
        .set((
            orders::cost_eur.eq(cost.eur),
            orders::uncosted_qty.eq(cost.uncosted),
        ))
        .execute(tx.conn)?;
    let sold = Sold {
        qty: order.qty,
        unit_price_rub: order.unit_price_rub,
        list_price_rub: list_price,
        cost_eur: cost.eur,
        uncosted_qty: cost.uncosted,
    };
    rollup::issued(tx, order.product_id, tx.now.day(), sold)?;
    record(tx, Action::Issue, Entity::Order, id, &[])?;
    tx.events.order(OrderEvent::Issued, id);
    Ok(order)
}

/// Cancels an order: its pieces may be sold again. Denying it again answers with the order as it is.
pub fn deny(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    let denied = diesel::update(waiting(id))
        .set((
            orders::status.eq(Status::PaidDenied),
            orders::denied_at.eq(tx.now),
            orders::denied_on.eq(tx.now.day()),
            orders::user_id.eq(tx.actor.username()),
            orders::version.eq(orders::version + 1),
        ))
        .execute(tx.conn)?;
    let order = get(tx, id)?;
    if denied == 0 {
        return settled_as(order, Status::PaidDenied);
    }
    stock::service::release(tx, order.product_id, order.qty, id)?;
    rollup::denied(tx, order.product_id, tx.now.day())?;
    record(tx, Action::Deny, Entity::Order, id, &[])?;
    tx.events.order(OrderEvent::Denied, id);
    Ok(order)
}

/// One order.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Order, Error> {
    tx.actor.may(Permission::Orders)?;
    orders::table
        .find(id)
        .select(COLUMNS)
        .first(tx.conn)
        .map_err(Error::from)
}

/// The order, when it still waits: whoever changes that row first decides.
#[diesel::dsl::auto_type(no_type_alias)]
fn waiting(id: i64) -> _ {
    let status: Status = Status::PaidNotIssued;
    orders::table
        .filter(orders::id.eq(id))
        .filter(orders::status.eq(status))
}

fn settled_as(order: Order, status: Status) -> Result<Order, Error> {
    if order.status == status {
        Ok(order)
    } else {
        Err(Error::OrderIs(order.status))
    }
}

/// The columns of [`Order`].
pub type Columns = (
    orders::id,
    orders::phone,
    orders::phone_shown,
    orders::customer_name,
    orders::product_id,
    orders::product_name,
    orders::qty,
    orders::unit_price_rub,
    orders::status,
    orders::created_at,
    orders::issued_at,
    orders::denied_at,
    orders::user_id,
    orders::version,
);

/// The columns of [`Order`].
pub const COLUMNS: Columns = (
    orders::id,
    orders::phone,
    orders::phone_shown,
    orders::customer_name,
    orders::product_id,
    orders::product_name,
    orders::qty,
    orders::unit_price_rub,
    orders::status,
    orders::created_at,
    orders::issued_at,
    orders::denied_at,
    orders::user_id,
    orders::version,
);
