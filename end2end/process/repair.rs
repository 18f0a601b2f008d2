//! `sirius check --repair` rebuilds the rollups, or says which ones it cannot rebuild.

use crate::database::Database;
use crate::{
    on_both_databases,
    server::Server,
    shop::{Shop, post},
};
use rstest_reuse::apply;
use serde_json::Value;

const SUMS: &str = "SELECT CAST(revenue_rub AS TEXT) AS line FROM sales_by_product";

#[apply(on_both_databases)]
async fn a_repair_that_fails_changes_nothing_and_does_not_report_success(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let order = shop.create_order(&server.site, "", 2).await.unwrap().id();
    let issue = format!("/api/orders/{order}/issue");
    assert_eq!(
        post(&shop.admin, &server.site, &issue, "", &Value::Null)
            .await
            .unwrap()
            .status,
        200
    );
    assert!(server.stop().success());
    let right = database.lines(SUMS);
    database.sql("UPDATE sales_by_product SET revenue_rub = 1");
    assert!(database.refuses(&["check"]).contains("1 rows disagree"));
    assert!(
        database
            .does(&["check", "--repair"])
            .contains("everything agrees")
    );
    assert_eq!(database.lines(SUMS), right);
    // The total of the order exceeds 64 bits.
    database.sql("UPDATE orders SET unit_price_rub = 9000000000000000000");
    assert!(
        database
            .refuses(&["check", "--repair"])
            .contains("3 rows disagree"),
        "by day, by month, by product"
    );
    assert_eq!(database.lines(SUMS), right);
}
