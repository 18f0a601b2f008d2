//! The statements of an issue, without the program around them: for a floor on SQLite, and as a script for `pgbench`.
//!
//! Both change exactly what Sirius changes, so `sirius check` holds after them.

use crate::Outcome;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Date, Nullable, Text, Timestamp},
};
use sirius::{
    clock,
    db::{CacheStatement, Conn, DatabaseUrl},
};
use std::{sync::mpsc, thread};
use tokio::sync::oneshot;

/// The largest number of issues in one commit, as in Sirius.
const BATCH: usize = 64;
/// The account that issues.
pub const USER: &str = "bench";

/// The number of an order to issue, and the channel on which the end of its transaction is announced.
pub type Job = (i64, oneshot::Sender<()>);

/// Starts a thread that issues orders, in one transaction with those that wait behind them.
pub fn writer(url: &DatabaseUrl) -> Outcome<mpsc::Sender<Job>> {
    let mut conn = url.open()?;
    // As in Sirius, whose checkpoints are not part of a commit.
    conn.batch_execute("PRAGMA wal_autocheckpoint = 0")?;
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            let ids: Vec<i64> = batch.iter().map(|(id, _)| *id).collect();
            if issue_all(&mut conn, &ids).is_err() {
                // The requests that wait fail, because their channels are dropped.
                return;
            }
            for (_, answer) in batch {
                let _ = answer.send(());
            }
        }
    });
    Ok(sender)
}

fn issue_all(conn: &mut Conn, ids: &[i64]) -> QueryResult<()> {
    conn.batch_execute("BEGIN IMMEDIATE")?;
    for id in ids {
        conn.batch_execute("SAVEPOINT one")?;
        issue(conn, *id)?;
        conn.batch_execute("RELEASE one")?;
    }
    conn.batch_execute("COMMIT")
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    product_id: i64,
    #[diesel(sql_type = BigInt)]
    qty: i64,
    #[diesel(sql_type = BigInt)]
    unit_price_rub: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    list_price_rub: Option<i64>,
}

#[derive(QueryableByName)]
struct Counters {
    #[diesel(sql_type = BigInt)]
    quantity: i64,
    #[diesel(sql_type = BigInt)]
    issued: i64,
    #[diesel(sql_type = BigInt)]
    reserved: i64,
    #[diesel(sql_type = BigInt)]
    value_eur: i64,
    #[diesel(sql_type = BigInt)]
    uncosted: i64,
}

#[derive(QueryableByName)]
struct Rate {
    #[diesel(sql_type = BigInt)]
    rub_per_eur: i64,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt, column_name = id)]
    _id: i64,
}

fn issue(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let now = clock::now();
    let (at, day): (NaiveDateTime, NaiveDate) = (now.utc(), now.day());
    let order: Waiting = sql_query(
        "SELECT id, phone, phone_shown, customer_name, product_id, product_name, qty, unit_price_rub, list_price_rub,
            status, created_at, issued_at, denied_at, user_id, version FROM orders WHERE id = ?",
    )
    .bind::<BigInt, _>(id)
    .cached()
    .get_result(conn)?;
    let product: Counters = sql_query(
        "SELECT id, quantity, issued, reserved, value_eur, uncosted, min_stock, name, buy_price_eur, sell_price_rub,
            supplier_name, archived_at FROM products WHERE id = ?",
    )
    .bind::<BigInt, _>(order.product_id)
    .cached()
    .get_result(conn)?;
    let costed = product.quantity - product.issued - product.uncosted;
    let taken = order.qty.min(costed);
    let cost = if taken == costed {
        product.value_eur
    } else {
        (product.value_eur * taken * 2 + costed) / (costed * 2)
    };
    let uncosted = order.qty - taken;
    sql_query("UPDATE products SET quantity = ?, issued = ?, reserved = ?, value_eur = ?, uncosted = ? WHERE id = ?")
        .bind::<BigInt, _>(product.quantity)
        .bind::<BigInt, _>(product.issued + order.qty)
        .bind::<BigInt, _>(product.reserved - order.qty)
        .bind::<BigInt, _>(product.value_eur - cost)
        .bind::<BigInt, _>(product.uncosted - uncosted)
        .bind::<BigInt, _>(order.product_id)
        .cached()
        .execute(conn)?;
    sql_query(
        "INSERT INTO stock_movements (product_id, kind, quantity, issued, reserved, value_eur, uncosted, on_hand_after,
            stock_after, order_id, user_id, created_at) VALUES (?, 'issue', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind::<BigInt, _>(order.product_id)
    .bind::<BigInt, _>(order.qty)
    .bind::<BigInt, _>(-order.qty)
    .bind::<BigInt, _>(-cost)
    .bind::<BigInt, _>(-uncosted)
    .bind::<BigInt, _>(product.quantity - product.issued - order.qty)
    .bind::<BigInt, _>(product.quantity - product.issued - product.reserved)
    .bind::<BigInt, _>(id)
    .bind::<Text, _>(USER)
    .bind::<Timestamp, _>(at)
    .cached()
    .execute(conn)?;
    sql_query(
        "UPDATE orders SET status = 'paid_issued', issued_at = ?, issued_on = ?, cost_eur = ?, uncosted_qty = ?,
            user_id = ?, version = version + 1 WHERE id = ? RETURNING id, phone, phone_shown, customer_name, product_id,
            product_name, qty, unit_price_rub, status, created_at, issued_at, denied_at, user_id, version",
    )
    .bind::<Timestamp, _>(at)
    .bind::<Date, _>(day)
    .bind::<BigInt, _>(cost)
    .bind::<BigInt, _>(uncosted)
    .bind::<Text, _>(USER)
    .bind::<BigInt, _>(id)
    .cached()
    .get_result::<Id>(conn)?;
    let rate: Rate = sql_query(
        "SELECT rub_per_eur FROM exchange_rates WHERE day <= ? ORDER BY day DESC LIMIT 1",
    )
    .bind::<Date, _>(day)
    .cached()
    .get_result(conn)?;
    let sums = [
        1,
        order.qty,
        order.unit_price_rub * order.qty,
        order.list_price_rub.unwrap_or(order.unit_price_rub) * order.qty,
        cost,
        cost * rate.rub_per_eur,
        uncosted,
        order.unit_price_rub * uncosted,
    ];
    add(
        conn,
        "sales_by_product",
        "product_id = ?",
        &sums,
        (None, order.product_id),
    )?;
    let month = chrono::Datelike::with_day(&day, 1);
    add(
        conn,
        "sales_by_month",
        "month = ? AND product_id = ?",
        &sums,
        (month, order.product_id),
    )?;
    let slot = order.product_id.rem_euclid(8);
    add(
        conn,
        "sales_by_day",
        "day = ? AND slot = ?",
        &sums,
        (Some(day), slot),
    )?;
    sql_query(
        "INSERT INTO operation_log (timestamp, user_id, action, entity_type, entity_id, details)
            VALUES (?, ?, 'issue', 'order', ?, '[]') RETURNING id",
    )
    .bind::<Timestamp, _>(at)
    .bind::<Text, _>(USER)
    .bind::<Text, _>(id.to_string())
    .cached()
    .get_result::<Id>(conn)?;
    Ok(())
}

/// Adds the sums of an order to a row of a rollup, unless they would overflow.
fn add(
    conn: &mut Conn,
    table: &str,
    key: &str,
    sums: &[i64; 8],
    (date, number): (Option<NaiveDate>, i64),
) -> QueryResult<()> {
    let mut query = sql_query(format!(
        "UPDATE {table} SET orders = orders + ?, qty = qty + ?, revenue_rub = revenue_rub + ?, list_rub = list_rub + ?,
            cost_eur = cost_eur + ?, cost_rub_exact = cost_rub_exact + ?, uncosted_qty = uncosted_qty + ?,
            uncosted_rub = uncosted_rub + ?, denied = denied + 0
         WHERE {key} AND revenue_rub <= ? AND list_rub <= ? AND cost_eur <= ? AND cost_rub_exact <= ?"
    ))
    .into_boxed::<sirius::db::Dialect>();
    for sum in sums {
        query = query.bind::<BigInt, _>(*sum);
    }
    if let Some(date) = date {
        query = query.bind::<Date, _>(date);
    }
    query = query.bind::<BigInt, _>(number);
    for sum in &sums[2..6] {
        query = query.bind::<BigInt, _>(i64::MAX - sum);
    }
    match query.cached().execute(conn)? {
        0 => Err(diesel::result::Error::NotFound),
        _ => Ok(()),
    }
}
