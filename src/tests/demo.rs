//! `sirius demo`: consistent data, the same through the services and in bulk, in a shop that can continue.

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    audit::{Action, Entity},
    clock,
    demo::{self, Method, Year},
    error::Error,
    orders::{self, Order, Status},
    products::{self, Product},
    schema::{
        operation_log, operation_log_personal, order_names, orders as orders_table,
        supplies as supplies_table,
    },
    stock::{self, Movement},
    supplies::{self, Supply},
    transaction::Tx,
};
use chrono::NaiveDate;
use diesel::prelude::*;

/// More orders than fit on a page, and more than are still waiting at the end.
const ORDERS: u32 = 400;
/// A page size larger than any list here.
const ALL: i64 = 10_000;

/// The visible data of a shop and the columns behind it.
#[derive(Debug, PartialEq)]
struct Snapshot {
    products: Vec<Product>,
    supplies: Vec<Supply>,
    orders: Vec<Order>,
    order_columns: Vec<OrderColumns>,
    names: Vec<(i64, String)>,
    ledgers: Vec<Vec<Movement>>,
    log: Vec<LogRow>,
    personal: Vec<(String, String, Option<String>, Option<String>)>,
}

/// Phone digits, reversed phone digits, folded name, list price, days of issue and denial, cost, pieces without a cost.
type OrderColumns = (
    String,
    String,
    Option<String>,
    Option<i64>,
    Option<NaiveDate>,
    Option<NaiveDate>,
    Option<i64>,
    Option<i64>,
);

/// Action, entity type, entity id, time, details.
type LogRow = (Action, Entity, String, chrono::NaiveDateTime, String);

fn snapshot(tx: &mut Tx<'_>) -> Result<Snapshot, Error> {
    let query = products::Query::default();
    let products = products::search::page(tx, &query, Some(ALL))?.items;
    let ledgers = products
        .iter()
        .map(|product| Ok(stock::service::ledger(tx, product.id, "", "", ALL)?.items))
        .collect::<Result<_, Error>>()?;
    let order_columns = (
        orders_table::phone_digits,
        orders_table::phone_reversed,
        orders_table::customer_key,
        orders_table::list_price_rub,
        orders_table::issued_on,
        orders_table::denied_on,
        orders_table::cost_eur,
        orders_table::uncosted_qty,
    );
    Ok(Snapshot {
        products,
        supplies: supplies::service::page(tx, &supplies::Query::default(), Some(ALL))?.items,
        orders: orders::search::page(tx, &orders::Query::default(), Some(ALL))?.items,
        names: order_names::table
            .order((order_names::order_id, order_names::word))
            .load(tx.conn)?,
        order_columns: orders_table::table
            .order(orders_table::id)
            .select(order_columns)
            .load(tx.conn)?,
        ledgers,
        log: operation_log::table
            .filter(operation_log::entity_type.eq_any([
                Entity::Order,
                Entity::Supply,
                Entity::Product,
            ]))
            .filter(operation_log::action.ne(Action::Export))
            .order(operation_log::id)
            .select((
                operation_log::action,
                operation_log::entity_type,
                operation_log::entity_id,
                operation_log::timestamp,
                operation_log::details,
            ))
            .load(tx.conn)?,
        personal: operation_log_personal::table
            .inner_join(operation_log::table)
            .filter(operation_log::entity_type.eq(Entity::Order))
            .order((
                operation_log_personal::operation_id,
                operation_log_personal::field,
            ))
            .select((
                operation_log::entity_id,
                operation_log_personal::field,
                operation_log_personal::value_before,
                operation_log_personal::value_after,
            ))
            .load(tx.conn)?,
    })
}

#[apply(on_both_databases)]
async fn the_bulk_demo_equals_the_demo_made_by_the_services(app: App) {
    let year = Year {
        products: demo::KINDS,
        orders: ORDERS,
        end: clock::now(),
    };
    let reference = App::sqlite();
    demo::make(&reference.state, year, Method::Services)
        .await
        .unwrap();
    demo::make(&app.state, year, Method::Bulk).await.unwrap();
    let expected = reference.admin().read(snapshot).await.unwrap();
    let found = app.admin().read(snapshot).await.unwrap();
    assert_eq!(expected.orders.len(), ORDERS as usize);
    for status in Status::ALL {
        assert!(
            expected.orders.iter().any(|order| order.status == *status),
            "{status}"
        );
    }
    assert_eq!(found, expected);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_large_demo_is_consistent_and_the_shop_can_continue(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    demo::fill(&app.state, demo::LARGE, demo::KINDS)
        .await
        .unwrap();
    app.assert_consistent().await;
    let newest = manager
        .read(|tx| {
            Ok((
                orders_table::table
                    .select(diesel::dsl::max(orders_table::id))
                    .first::<Option<i64>>(tx.conn)?,
                supplies_table::table
                    .select(diesel::dsl::max(supplies_table::id))
                    .first::<Option<i64>>(tx.conn)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(newest.0, Some(demo::LARGE.into()));
    let tea = manager.create_product("Чай нового урожая", 0).await;
    let supply = manager.receive_supply(&tea.name, 3, "2.50").await.unwrap();
    assert_eq!(Some(supply.id - 1), newest.1);
    let order = clerk.create_order(&tea.name, 2).await.unwrap();
    assert_eq!(Some(order.id - 1), newest.0);
    clerk.issue_order(order.id).await.unwrap();
    // The waiting orders of the demo can be issued and denied like any other.
    clerk.issue_order(order.id - 1).await.unwrap();
    clerk.deny_order(order.id - 2).await.unwrap();
    app.assert_consistent().await;
    assert!(
        demo::fill(&app.state, demo::LARGE, demo::KINDS)
            .await
            .unwrap_err()
            .contains("not empty")
    );
}
