//! What was done today, for the home page.

use crate::money::Rub;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    super::{Order, Status, search},
    crate::{
        analytics::sales::Sales, auth::Permission, error::Error, schema::orders, transaction::Tx,
    },
    diesel::prelude::*,
};

/// What was done today, in the shop's time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Today {
    /// Orders that the shop issued.
    pub issued: i64,
    /// Orders that the shop cancelled.
    pub denied: i64,
    /// Orders that wait, as the menu counts them.
    pub waiting: i64,
    /// What the shop took, less what customers got back; `None` for clerks.
    pub revenue_rub: Option<Rub>,
    /// Orders that the user issued, and their total.
    pub own: (i64, Rub),
}

/// Returns what was done today.
#[cfg(feature = "ssr")]
pub fn today(tx: &mut Tx<'_>) -> Result<Today, Error> {
    tx.actor.may(Permission::Orders)?;
    let day = tx.now.day();
    let sums = Sales::open(tx.conn)?.by_day((day, day))?;
    let sums = sums.get(&day).copied().unwrap_or_default();
    let own: Vec<Order> = orders::table
        .filter(orders::issued_on.eq(day))
        .filter(orders::status.eq(Status::PaidIssued))
        .filter(orders::user_id.eq(tx.actor.username()))
        .select(Order::as_select())
        .load(tx.conn)?;
    let total = own.iter().map(|order| order.total_rub().0).sum();
    Ok(Today {
        issued: sums.orders,
        denied: sums.denied,
        waiting: search::count_waiting(tx)?,
        revenue_rub: tx
            .actor
            .may(Permission::Supplies)
            .is_ok()
            .then_some(Rub(sums.revenue_rub)),
        own: (own.len().try_into().unwrap_or(i64::MAX), Rub(total)),
    })
}
