//! What was done today, for the home page.

use crate::money::Rub;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    super::counts::OrderCounts,
    crate::{
        analytics::sales::Sales,
        auth::Permission,
        error::Error,
        schema::{order_returns, orders, stock_movements},
        stock::MovementKind,
        transaction::Tx,
    },
    chrono::NaiveDate,
    diesel::{
        dsl::{count_star, exists, sql},
        prelude::*,
        sql_types::BigInt,
    },
};

/// What was done today, in the shop's time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Today {
    /// Orders that the shop issued.
    pub issued: i64,
    /// Orders that the shop cancelled.
    pub denied: i64,
    /// Orders that wait.
    pub waiting: i64,
    /// What the shop took, less what customers got back; `None` for clerks.
    pub revenue_rub: Option<Rub>,
    /// Orders that the user issued, and what customers paid for them, less what they got back.
    pub own: (i64, Rub),
}

/// Returns what was done today.
#[cfg(feature = "ssr")]
pub fn today(tx: &mut Tx<'_>) -> Result<Today, Error> {
    tx.actor.may(Permission::Orders)?;
    let day = tx.now.day();
    let sums = Sales::open(tx.conn)?.by_day((day, day))?;
    let sums = sums.get(&day).copied().unwrap_or_default();
    Ok(Today {
        issued: sums.orders,
        denied: sums.denied,
        waiting: OrderCounts::read(tx)?.waiting,
        revenue_rub: tx
            .actor
            .may(Permission::Supplies)
            .is_ok()
            .then_some(Rub(sums.revenue_rub)),
        own: own(tx, day)?,
    })
}

/// Returns the orders that the user issued on a day, as [`Today::own`].
///
/// The ledger knows who issued an order. The order itself has only who changed it last, such as by a return.
#[cfg(feature = "ssr")]
fn own(tx: &mut Tx<'_>, day: NaiveDate) -> Result<(i64, Rub), Error> {
    let user = tx.actor.username();
    let issued = || {
        let issues = stock_movements::table
            .filter(stock_movements::order_id.eq(orders::id.nullable()))
            .filter(stock_movements::kind.eq(MovementKind::Issue))
            .filter(stock_movements::created_at.nullable().eq(orders::issued_at))
            .filter(stock_movements::user_id.eq(user));
        orders::table
            .filter(orders::issued_on.eq(day))
            .filter(exists(issues))
    };
    let sum = |what| sql::<BigInt>(&format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)"));
    let (count, paid) = issued()
        .select((count_star(), sum("unit_price_rub * qty")))
        .first::<(i64, i64)>(tx.conn)?;
    let refunded = order_returns::table
        .filter(order_returns::order_id.eq_any(issued().select(orders::id)))
        .select(sum("refund_rub"))
        .first::<i64>(tx.conn)?;
    Ok((count, Rub(paid - refunded)))
}
