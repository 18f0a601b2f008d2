//! Writing to the outbox: in the transaction of the act, so that what was rolled back is never told.

use super::{
    Channel, Kind, State,
    message::{LowProduct, LowStock, Notice, OrderNotice},
    settings::Config,
};
use crate::{
    act::Tx,
    error::Error,
    log::{self, Action, Entity, service::record_noticed},
    orders,
    schema::{notifications, products},
};
use chrono::TimeDelta;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// How long products that run low are gathered, so that many become one message.
pub const GATHER: TimeDelta = TimeDelta::seconds(60);

/// What an act gives reason to tell, until it ends.
#[derive(Debug, Default)]
pub struct Notices {
    /// Of products whose stock or minimum changed: whether they were low before, and whether they are now.
    levels: BTreeMap<i64, (bool, bool)>,
    /// What was done with which orders.
    orders: Vec<(OrderEvent, i64)>,
    /// Something was put into the outbox.
    is_waiting: bool,
}

/// Makes the notice of what was done with an order: a variant of [`Notice`].
type OrderEvent = fn(OrderNotice) -> Notice;

impl Notices {
    /// Notes that stock or minimum of a product changed. Only the whole act counts, not its steps.
    pub fn level(&mut self, product: i64, was_low: bool, is_low: bool) {
        let level = self.levels.entry(product).or_insert((was_low, is_low));
        level.1 = is_low;
    }

    /// Notes that a product came on sale, new or from the archive: one that is low has fallen below its minimum.
    pub fn put_on_sale(&mut self, product: i64, is_low: bool) {
        self.levels.insert(product, (false, is_low));
    }

    /// Notes what was done with an order: `Notice::OrderIssued`.
    pub fn order(&mut self, event: OrderEvent, order: i64) {
        self.orders.push((event, order));
    }

    /// Notes that something in the outbox is due when the act is done.
    pub const fn wake(&mut self) {
        self.is_waiting = true;
    }
}

/// Puts what the act noted on record and into the outbox. Tells whether somebody will be told.
pub fn write(tx: &mut Tx<'_>, config: &Config) -> Result<bool, Error> {
    let Notices {
        levels,
        orders,
        is_waiting,
    } = std::mem::take(&mut tx.notices);
    let mut notices = Vec::new();
    let low = fallen(tx, levels)?;
    for product in &low {
        let changes = [
            log::set("stock", product.stock),
            log::set("min_stock", product.min_stock),
        ];
        record_noticed(tx, Action::LowStock, Entity::Product, product.id, &changes)?;
    }
    if !low.is_empty() {
        notices.push(Notice::LowStock(LowStock::of(low)));
    }
    if config.orders {
        for (notice, id) in orders {
            notices.push(notice(orders::service::get(tx, id)?.into()));
        }
    }
    let recipients = config.recipients();
    for notice in &notices {
        for (channel, recipient) in &recipients {
            insert(tx, notice, *channel, recipient)?;
        }
    }
    Ok(is_waiting || tx.notices.is_waiting)
}

/// Writes one notification for one recipient.
pub fn insert(
    tx: &mut Tx<'_>,
    notice: &Notice,
    channel: Channel,
    recipient: &str,
) -> Result<(), Error> {
    let kind = notice.kind();
    let due_at = match kind {
        Kind::LowStock => tx.now.utc() + GATHER,
        Kind::OrderCreated | Kind::OrderIssued | Kind::OrderDenied | Kind::Test => tx.now.utc(),
    };
    diesel::insert_into(notifications::table)
        .values((
            notifications::kind.eq(kind),
            notifications::channel.eq(channel),
            notifications::recipient.eq(recipient),
            notifications::lane.eq(lane(kind, channel, recipient)),
            notifications::notice.eq(serde_json::to_string(notice).unwrap_or_default()),
            notifications::state.eq(State::Waiting),
            notifications::created_at.eq(tx.now),
            notifications::due_at.eq(due_at),
        ))
        .execute(tx.conn)?;
    tx.notices.wake();
    Ok(())
}

/// What must keep its order, and waits for what was written before.
fn lane(kind: Kind, channel: Channel, recipient: &str) -> String {
    let topic = match kind {
        Kind::LowStock => "stock",
        Kind::OrderCreated | Kind::OrderIssued | Kind::OrderDenied => "orders",
        Kind::Test => "test",
    };
    format!("{channel}/{topic}/{recipient}")
}

/// The products on sale that the act took below their minimum.
fn fallen(tx: &mut Tx<'_>, levels: BTreeMap<i64, (bool, bool)>) -> Result<Vec<LowProduct>, Error> {
    let ids: Vec<i64> = levels
        .into_iter()
        .filter(|(_, (was_low, is_low))| !was_low && *is_low)
        .map(|(id, _)| id)
        .collect();
    let mut fallen = Vec::new();
    for ids in ids.chunks(1_000) {
        let rows = products::table
            .filter(products::id.eq_any(ids.to_vec()))
            .filter(products::archived_at.is_null())
            .order((products::name_key, products::id))
            .select((
                products::id,
                products::name,
                products::stock,
                products::min_stock,
            ))
            .load::<(i64, String, i64, i64)>(tx.conn)?;
        fallen.extend(
            rows.into_iter()
                .map(|(id, name, stock, min_stock)| LowProduct {
                    id,
                    name,
                    stock,
                    min_stock,
                }),
        );
    }
    Ok(fallen)
}
