//! What was done today, for the home page.

use crate::money::Rub;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        analytics::sales,
        auth::Permission,
        error::Error,
        schema::{orders, stock_movements},
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
    let sums = sales::of_day(tx.conn, day)?;
    Ok(Today {
        issued: sums.orders,
        denied: sums.denied,
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
    let issues = stock_movements::table
        .filter(stock_movements::order_id.eq(orders::id.nullable()))
        .filter(stock_movements::kind.eq(MovementKind::Issue))
        .filter(stock_movements::created_at.nullable().eq(orders::issued_at))
        .filter(stock_movements::user_id.eq(user));
    let paid = "unit_price_rub * qty - COALESCE((
        SELECT SUM(refund_rub) FROM order_returns WHERE order_returns.order_id = orders.id), 0)";
    let (count, paid) = orders::table
        .filter(orders::issued_on.eq(day))
        .filter(exists(issues))
        .select((
            count_star(),
            sql::<BigInt>(&format!("CAST(COALESCE(SUM({paid}), 0) AS BIGINT)")),
        ))
        .first::<(i64, i64)>(tx.conn)?;
    Ok((count, Rub(paid)))
}
