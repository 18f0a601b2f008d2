//! `sirius check` detects inconsistent data, and `sirius demo` creates consistent data.

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    demo, integrity,
    orders::counts::{MenuCounts, OrderCounts},
};

#[apply(on_both_databases)]
async fn counters_that_disagree_with_the_ledger_are_detected(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    clerk.create_order("чай", 2).await.unwrap();
    app.assert_consistent().await;
    app.sql("UPDATE products SET quantity = 7, reserved = 1")
        .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert_eq!(report.wrong.len(), 3, "{:?}", report.wrong);
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.contains("quantity of 1: 7, expected 5")),
        "{:?}",
        report.wrong
    );
}

#[apply(on_both_databases)]
async fn a_missing_ledger_row_is_detected(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    app.sql("DELETE FROM stock_movements WHERE kind = 'issue'")
        .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.starts_with("order: issued of 1: 0, expected 2")),
        "{:?}",
        report.wrong
    );
}

#[apply(on_both_databases)]
async fn orders_are_counted_by_status(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 50).await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(clerk.create_order("чай", 2).await.unwrap().id);
    }
    clerk.issue_order(orders[0]).await.unwrap();
    clerk.issue_order(orders[1]).await.unwrap();
    clerk.deny_order(orders[2]).await.unwrap();
    let counts = clerk.read(MenuCounts::read).await.unwrap().orders;
    let expected = OrderCounts {
        waiting: 3,
        issued: 2,
        denied: 1,
    };
    assert_eq!(counts, expected);

    app.sql("UPDATE order_counts SET waiting = waiting + 1")
        .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.contains("orders: waiting")),
        "{:?}",
        report.wrong
    );
    integrity::repair(&app.state).await.unwrap();
    app.assert_consistent().await;
    let counts = clerk.read(MenuCounts::read).await.unwrap().orders;
    assert_eq!(counts, expected);
    app.sql("DELETE FROM order_counts").await;
    integrity::repair(&app.state).await.unwrap();
    clerk.deny_order(orders[3]).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_database_itself_refuses_negative_stock(app: App) {
    app.create_product("чай", 5).await;
    let refused = app
        .state
        .db
        .write(|conn| {
            diesel::connection::SimpleConnection::batch_execute(
                conn,
                "UPDATE products SET reserved = 6",
            )
            .map_err(crate::error::Error::from)
        })
        .await;
    assert!(refused.is_err());
}

#[apply(on_both_databases)]
async fn the_demo_is_consistent_and_needs_an_empty_database(app: App) {
    demo::fill(&app.state, 60, demo::KINDS).await.unwrap();
    app.assert_consistent().await;
    assert!(
        demo::fill(&app.state, 60, demo::KINDS)
            .await
            .unwrap_err()
            .contains("not empty")
    );
}
