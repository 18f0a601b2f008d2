//! What an act did that others follow up when it ends, such as stock that fell below its minimum.
//!
//! Services note events in their [`Tx`](crate::act::Tx) and do not know who listens.

use std::{collections::BTreeMap, mem};

/// The events of one act.
#[derive(Debug, Default)]
pub struct Events {
    /// Of products whose stock or minimum changed: whether they were low before the act, and whether they are now.
    levels: BTreeMap<i64, (bool, bool)>,
    orders: Vec<(OrderEvent, i64)>,
    is_awaited: bool,
}

/// What was done with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    Created,
    Issued,
    Denied,
}

impl Events {
    /// Notes that stock or minimum of a product changed. Only the act as a whole counts, not its steps.
    pub fn level(&mut self, product: i64, was_low: bool, is_low: bool) {
        let level = self.levels.entry(product).or_insert((was_low, is_low));
        level.1 = is_low;
    }

    /// Notes that a product came on sale, new or from the archive: one that is low has fallen below its minimum.
    pub fn put_on_sale(&mut self, product: i64, is_low: bool) {
        self.levels.insert(product, (false, is_low));
    }

    /// Notes what was done with an order.
    pub fn order(&mut self, event: OrderEvent, order: i64) {
        self.orders.push((event, order));
    }

    /// Notes that a listener has work to do after the commit.
    pub const fn wake(&mut self) {
        self.is_awaited = true;
    }

    /// The products that the act took below their minimum, by id.
    pub fn take_newly_low(&mut self) -> Vec<i64> {
        let is_newly_low = |&(_, (was_low, is_low)): &(i64, (bool, bool))| !was_low && is_low;
        let levels = mem::take(&mut self.levels).into_iter();
        levels.filter(is_newly_low).map(|(id, _)| id).collect()
    }

    /// What was done with which orders, in that sequence.
    pub fn take_orders(&mut self) -> Vec<(OrderEvent, i64)> {
        mem::take(&mut self.orders)
    }

    /// Whether a listener has work to do after the commit.
    pub const fn is_awaited(&self) -> bool {
        self.is_awaited
    }
}
