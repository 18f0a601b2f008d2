//! The events of an operation, such as stock falling below its minimum, for a listener to handle at its end.
//!
//! Services add events to their [`Tx`](crate::transaction::Tx) and do not know the listener.

use std::{collections::BTreeMap, mem};

/// The events of one operation.
#[derive(Debug, Default)]
pub struct Events {
    /// Products whose stock or minimum changed, by id: whether each was low before the operation, and is low now.
    levels: BTreeMap<i64, (bool, bool)>,
    orders: Vec<(OrderEvent, i64)>,
    is_awaited: bool,
    needs_purge: bool,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    Created,
    Issued,
    Denied,
}

impl Events {
    /// Notes that the stock or the minimum of a product changed. Only the operation as a whole counts, not its steps.
    pub fn record_stock_level(&mut self, product: i64, was_low: bool, is_low: bool) {
        let level = self.levels.entry(product).or_insert((was_low, is_low));
        level.1 = is_low;
    }

    /// Notes that a product was created or restored from the archive. If it is low, it counts as having fallen below
    /// its minimum.
    pub fn record_on_sale(&mut self, product: i64, is_low: bool) {
        self.levels.insert(product, (false, is_low));
    }

    /// Notes what happened to an order.
    pub fn record_order(&mut self, event: OrderEvent, order: i64) {
        self.orders.push((event, order));
    }

    /// Requests that the listener be called after the commit.
    pub const fn request_callback(&mut self) {
        self.is_awaited = true;
    }

    /// Requests that no byte of what the operation erased be left in the files of the database.
    pub const fn request_purge(&mut self) {
        self.needs_purge = true;
    }

    /// Returns whether [`Self::request_purge`] was called.
    pub const fn needs_purge(&self) -> bool {
        self.needs_purge
    }

    /// Takes the ids of the products that fell below their minimum in the operation, in ascending order.
    pub fn take_newly_low(&mut self) -> Vec<i64> {
        let is_newly_low = |&(_, (was_low, is_low)): &(i64, (bool, bool))| !was_low && is_low;
        let levels = mem::take(&mut self.levels).into_iter();
        levels.filter(is_newly_low).map(|(id, _)| id).collect()
    }

    /// Takes the order events with the ids of the orders, oldest first.
    pub fn take_orders(&mut self) -> Vec<(OrderEvent, i64)> {
        mem::take(&mut self.orders)
    }

    /// Returns whether the listener is to be called after the commit.
    pub const fn needs_callback(&self) -> bool {
        self.is_awaited
    }
}
