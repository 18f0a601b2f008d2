//! Writes notifications to the outbox. This happens in the transaction of the operation, so that an operation that is
//! rolled back notifies nobody.

use super::{
    Channel, Kind, State,
    notice::{LowProduct, LowStock, Notice},
    worker,
};
use crate::{
    audit::{self, Action, Entity, service::record_as},
    config::{self, notifications::Config},
    error::Error,
    events::OrderEvent,
    orders,
    schema::{notifications, products},
    transaction::{Listener, Tx},
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// How long a notification about low stock is held back, so that later ones can join its message.
pub const GATHER: TimeDelta = TimeDelta::seconds(60);

/// The listener that writes notifications about the events of an operation.
pub struct Outbox;

impl Listener for Outbox {
    fn handle_events(&self, tx: &mut Tx<'_>, config: &config::Config) -> Result<(), Error> {
        write(tx, &config.notifications)
    }

    fn committed(&self) {
        worker::wake();
    }
}

/// Returns every recipient in the settings, with its channel.
pub fn recipients(config: &Config) -> Vec<(Channel, String)> {
    let chats = config.telegram.iter().flat_map(|telegram| &telegram.chats);
    let addresses = config.mail.iter().flat_map(|mail| &mail.to);
    chats
        .map(|chat| (Channel::Telegram, chat.clone()))
        .chain(addresses.map(|address| (Channel::Mail, address.email.to_string())))
        .collect()
}

/// Writes notifications about the events of the operation to the outbox. Products that fell below their minimum are
/// also recorded in the operation log.
fn write(tx: &mut Tx<'_>, config: &Config) -> Result<(), Error> {
    let mut notices = Vec::new();
    let low = newly_low(tx)?;
    for product in &low {
        let changes = [
            audit::set("stock", product.stock),
            audit::set("min_stock", product.min_stock),
        ];
        record_as(
            tx,
            None,
            Action::LowStock,
            Entity::Product,
            product.id,
            &changes,
        )?;
    }
    if !low.is_empty() {
        notices.push(Notice::LowStock(LowStock::of(low)));
    }
    let recipients = recipients(config);
    let orders = tx.events.take_orders();
    if config.orders && !recipients.is_empty() {
        for (event, id) in orders {
            let order = orders::service::get(tx, id)?.into();
            notices.push(match event {
                OrderEvent::Created => Notice::OrderCreated(order),
                OrderEvent::Issued => Notice::OrderIssued(order),
                OrderEvent::Denied => Notice::OrderDenied(order),
            });
        }
    }
    for notice in &notices {
        for (channel, recipient) in &recipients {
            insert(tx, notice, *channel, recipient)?;
        }
    }
    Ok(())
}

/// Writes a notification for one recipient.
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
            notifications::queue_key.eq(queue_key(kind, channel, recipient)),
            notifications::notice.eq(serde_json::to_string(notice).unwrap_or_default()),
            notifications::state.eq(State::Waiting),
            notifications::created_at.eq(tx.now),
            notifications::due_at.eq(due_at),
        ))
        .execute(tx.conn)?;
    tx.events.request_callback();
    Ok(())
}

/// Returns the queue of a notification: one topic for one recipient. The notifications of a queue are delivered in
/// order.
fn queue_key(kind: Kind, channel: Channel, recipient: &str) -> String {
    let topic = match kind {
        Kind::LowStock => "stock",
        Kind::OrderCreated | Kind::OrderIssued | Kind::OrderDenied => "orders",
        Kind::Test => "test",
    };
    format!("{channel}/{topic}/{recipient}")
}

/// Returns the products on sale that the operation took below their minimum.
fn newly_low(tx: &mut Tx<'_>) -> Result<Vec<LowProduct>, Error> {
    let ids = tx.events.take_newly_low();
    let mut low = Vec::new();
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
        low.extend(
            rows.into_iter()
                .map(|(id, name, stock, min_stock)| LowProduct {
                    id,
                    name,
                    stock,
                    min_stock,
                }),
        );
    }
    Ok(low)
}
