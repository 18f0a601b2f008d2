//! Returns: issued pieces that the customer brought back.

use super::{Order, ReturnReason, Status, service::lock};
use crate::{
    analytics::{
        rollup,
        sums::{Entry, Returned},
    },
    api::values::Amount,
    audit::{self, Action, Entity, service::record, undo},
    auth::Permission,
    codes::Code,
    error::{Error, Problem},
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    schema::{order_returns, orders},
    stock::{
        self, MovementKind,
        counters::Cost,
        service::{Locked, MovementSource},
    },
    transaction::Tx,
    validation::{Input, Request, code, flag, optional, qty, rub},
    write_offs::{self, Reason},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Pieces of an issued order that the customer brings back
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewReturn {
    /// At most the pieces of the order that were not returned yet
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 1)]
    pub qty: Qty,
    pub reason: ReturnReason,
    /// Whether the pieces are for sale again; else they are written off
    pub restock: bool,
    /// What the customer gets back for all pieces: at most, and by default, what was paid for them
    #[schema(value_type = Option<Amount>)]
    pub refund_rub: Option<Rub>,
}

impl Request for NewReturn {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        Self {
            qty: input.read("qty", qty),
            reason: input.read_or("reason", ReturnReason::Other, code),
            restock: input.read("restock", flag),
            refund_rub: input.read("refund_rub", optional(rub)),
        }
    }
}

/// A return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = order_returns)]
pub struct OrderReturn {
    pub id: i64,
    pub order_id: i64,
    pub product_id: i64,
    pub qty: Qty,
    pub reason: Code<ReturnReason>,
    /// Whether the pieces are for sale again; else they were written off.
    pub is_restocked: bool,
    /// What the customer got back.
    pub refund_rub: Rub,
    pub user_id: Option<String>,
    pub created_at: Moment,
}

/// Takes pieces of an issued order back, at the cost that was frozen on it. Sales and cost are reduced on the day of
/// the return.
pub fn create(
    tx: &mut Tx<'_>,
    key: &str,
    order: i64,
    new: &NewReturn,
) -> Result<OrderReturn, Error> {
    tx.actor.may(Permission::Orders)?;
    let asked = (order, new);
    tx.once(
        key,
        Entity::OrderReturn,
        &asked,
        |tx| insert(tx, order, new),
        get,
    )
}

fn insert(tx: &mut Tx<'_>, id: i64, new: &NewReturn) -> Result<i64, Error> {
    let order = lock(tx, id)?;
    if order.status != Status::PaidIssued {
        return Err(Error::OrderIs(order.status));
    }
    let issue = undo::last(tx, Entity::Order, id, Action::Issue)?;
    undo::allow(tx, issue.as_ref())?;
    let left = order.qty.0 - order.returned_qty;
    if new.qty.0 > left {
        return Err(Error::field("qty", Problem::TooLarge(left)));
    }
    let paid = order.unit_price_rub.times(new.qty).unwrap_or_default();
    let refund = new.refund_rub.unwrap_or(paid);
    if refund > paid {
        return Err(Error::field("refund_rub", Problem::MoreThanPaid(paid)));
    }
    let mut product = stock::service::lock(tx, order.product_id)?;
    let (cost_left, list_price) = frozen(tx, id)?;
    let cost = cost_left.of_part(left, new.qty.0);
    let list_price = list_price.unwrap_or(order.unit_price_rub);
    let returned = Returned {
        qty: new.qty,
        refund_rub: refund,
        list_rub: list_price.times(new.qty).ok_or(Error::SumTooLarge)?,
        cost_eur: cost.eur,
        uncosted_qty: cost.uncosted,
    };
    let return_id = write(tx, &order, new, returned)?;
    let source = MovementSource::order(id);
    stock::service::change(tx, &mut product, MovementKind::Return, source, |counters| {
        counters.take_back(new.qty, cost)
    })?;
    rollup::count(tx, product.id, tx.now.day(), Entry::Returned(returned))?;
    if !new.restock {
        write_off(tx, &mut product, new.qty, cost, return_id)?;
    }
    let changes = [
        audit::set("qty", new.qty),
        audit::set("reason", new.reason.code()),
        audit::set("refund_rub", refund),
        audit::set("restock", new.restock),
    ];
    record(tx, Action::Return, Entity::Order, id, &changes)?;
    Ok(return_id)
}

/// Returns the cost of the pieces that were not returned yet, and the list price.
fn frozen(tx: &mut Tx<'_>, id: i64) -> Result<(Cost, Option<Rub>), Error> {
    let (eur, uncosted, list_price) = orders::table
        .find(id)
        .select((
            orders::cost_eur.assume_not_null(),
            orders::uncosted_qty.assume_not_null(),
            orders::list_price_rub,
        ))
        .first::<(Eur, i64, Option<Rub>)>(tx.conn)?;
    let earlier = order_returns::table
        .filter(order_returns::order_id.eq(id))
        .select((order_returns::cost_eur, order_returns::uncosted_qty))
        .load::<(Eur, i64)>(tx.conn)?;
    let mut left = Cost { eur, uncosted };
    for (eur, uncosted) in earlier {
        left.eur.0 -= eur.0;
        left.uncosted -= uncosted;
    }
    Ok((left, list_price))
}

fn write(
    tx: &mut Tx<'_>,
    order: &Order,
    new: &NewReturn,
    returned: Returned,
) -> Result<i64, Error> {
    diesel::update(orders::table.find(order.id))
        .set((
            orders::returned_qty.eq(orders::returned_qty + new.qty.0),
            orders::user_id.eq(tx.actor.username()),
            orders::version.eq(orders::version + 1),
        ))
        .execute(tx.conn)?;
    diesel::insert_into(order_returns::table)
        .values((
            order_returns::order_id.eq(order.id),
            order_returns::product_id.eq(order.product_id),
            order_returns::qty.eq(new.qty),
            order_returns::reason.eq(new.reason),
            order_returns::is_restocked.eq(new.restock),
            order_returns::refund_rub.eq(returned.refund_rub),
            order_returns::list_rub.eq(returned.list_rub),
            order_returns::cost_eur.eq(returned.cost_eur),
            order_returns::uncosted_qty.eq(returned.uncosted_qty),
            order_returns::returned_on.eq(tx.now.day()),
            order_returns::user_id.eq(tx.actor.username()),
            order_returns::created_at.eq(tx.now),
        ))
        .returning(order_returns::id)
        .get_result::<i64>(tx.conn)
        .map_err(Error::from)
}

/// Writes off pieces that came back and are not fit for sale.
fn write_off(
    tx: &mut Tx<'_>,
    product: &mut Locked,
    qty: Qty,
    cost: Cost,
    return_id: i64,
) -> Result<(), Error> {
    write_offs::service::write(
        tx,
        product,
        qty,
        Reason::Return,
        (Some(return_id), None),
        |counters| counters.write_off_at(qty, cost),
    )?;
    Ok(())
}

/// Returns one return.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<OrderReturn, Error> {
    tx.actor.may(Permission::Orders)?;
    order_returns::table
        .find(id)
        .select(OrderReturn::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns the returns of orders, oldest first.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[i64]) -> Result<Vec<OrderReturn>, Error> {
    tx.actor.may(Permission::Orders)?;
    order_returns::table
        .filter(order_returns::order_id.eq_any(orders))
        .order(order_returns::id)
        .select(OrderReturn::as_select())
        .load(tx.conn)
        .map_err(Error::from)
}

/// Returns the returns of an order, oldest first.
pub fn of_order(tx: &mut Tx<'_>, order: i64) -> Result<Vec<OrderReturn>, Error> {
    of_orders(tx, &[order])
}
