//! Stock: its counters, their cost and stock counts.

mod bounds;
mod race;

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    error::Error,
    money::Eur,
    products,
    schema::{orders as orders_table, products as products_table},
};
use diesel::prelude::*;

#[apply(on_both_databases)]
async fn an_issue_records_the_average_cost(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 0).await;
    manager.receive_supply("чай", 1, "1").await.unwrap();
    manager.receive_supply("чай", 2, "2").await.unwrap();
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let cost = clerk
        .read(move |tx| {
            let columns = orders_table::table
                .find(order.id)
                .select((orders_table::cost_eur, orders_table::uncosted_qty));
            columns
                .first::<(Option<Eur>, Option<i64>)>(tx.conn)
                .map_err(Error::from)
        })
        .await
        .unwrap();
    assert_eq!(cost, (Some(Eur(333)), Some(0)));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn surplus_found_by_a_count_is_valued_at_the_last_purchase_price(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 1, "1").await.unwrap();
    manager.receive_supply("чай", 1, "3").await.unwrap();
    manager
        .write(move |tx| {
            products::service::correct(
                tx,
                tea,
                &fields! { expected: 2, on_hand: "4", note: "излишек" }.read()?,
            )
        })
        .await
        .unwrap();
    let value = manager
        .read(move |tx| {
            Ok(products_table::table
                .find(tea)
                .select(products_table::value_eur)
                .first::<Eur>(tx.conn)?)
        })
        .await
        .unwrap();
    assert_eq!(value, Eur(100 + 300 + 2 * 300));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_count_cannot_go_below_the_reserved_quantity(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    clerk.create_order("чай", 3).await.unwrap();
    let count = |expected: i64, counted: &str| {
        let counted = counted.to_owned();
        manager.write(move |tx| {
            products::service::correct(
                tx,
                tea.id,
                &fields! { expected: expected, on_hand: counted, note: "пересчёт" }.read()?,
            )
        })
    };
    assert_eq!(
        count(5, "2").await.unwrap_err(),
        Error::Reserved {
            on_hand: 2,
            reserved: 3
        }
    );
    count(5, "4").await.unwrap();
    assert_eq!(clerk.counters(tea.id).await, (4, 3, 1));
    assert!(matches!(count(5, "6").await.unwrap_err(), Error::Stale(stale) if stale.version == 4));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_ledger_lists_each_movement_with_the_resulting_stock(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let ledger = clerk
        .read(move |tx| crate::stock::service::ledger(tx, tea.id, "", "", 10))
        .await
        .unwrap();
    let rows: Vec<_> = ledger
        .items
        .iter()
        .map(|row| {
            (
                row.kind.code(),
                row.on_hand(),
                row.stock(),
                row.on_hand_after,
                row.stock_after,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("issue", -2, 0, 3, 3),
            ("reserve", 0, -2, 5, 3),
            ("opening", 5, 5, 5, 5)
        ]
    );
}
