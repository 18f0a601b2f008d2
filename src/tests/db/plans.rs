//! The query plans of SQLite: lists are always read through an index, and a whole table is never sorted.
//!
//! SQLite chooses its plans without regard to the number of rows, so an almost empty shop proves them for a full one.

use crate::tests::products::names::INSERT_MANY_ROWS;
use crate::tests::support::{App, PHONE, apply, block_on, on_both_databases};
use crate::{
    analytics,
    audit::{self, Entity},
    clock,
    customers::{records, retention::Walk},
    db::{SortKey, cursor},
    orders,
    phone::Phone,
    stock, supplies,
    transaction::Tx,
};
use chrono::{Days, TimeDelta};
use diesel::{
    connection::{Connection, InstrumentationEvent},
    prelude::*,
    sql_types::Text,
};
use std::sync::{Arc, Mutex};

/// The tables that grow for as long as the shop is in use.
const GROWING: [&str; 7] = [
    "orders",
    "order_names",
    "operation_log",
    "operation_log_personal",
    "stock_movements",
    "supplies",
    "idempotency_keys",
];

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Runs `work` and returns its statements.
fn record(tx: &mut Tx<'_>, work: impl FnOnce(&mut Tx<'_>)) -> Vec<String> {
    let queries: Arc<Mutex<Vec<String>>> = Arc::default();
    let recorded = queries.clone();
    tx.conn
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                recorded.lock().unwrap().push(query.to_string());
            }
        });
    work(tx);
    tx.conn
        .set_instrumentation(|_: InstrumentationEvent<'_>| {});
    std::mem::take(&mut *queries.lock().unwrap())
}

/// Runs `read` and returns its SELECT queries, each with the steps of its plan.
fn explain(tx: &mut Tx<'_>, read: impl FnOnce(&mut Tx<'_>)) -> Vec<(String, Vec<String>)> {
    let queries = record(tx, read);
    let selects = queries.iter().filter_map(|query| {
        let (sql, _) = query.split_once(" -- binds")?;
        sql.starts_with("SELECT").then(|| sql.to_owned())
    });
    selects
        .map(|sql| {
            let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"))
                .load::<Step>(tx.conn)
                .unwrap();
            (sql, steps.into_iter().map(|step| step.detail).collect())
        })
        .collect()
}

/// Returns whether a step reads a growing table without an index.
fn is_full_scan(step: &str) -> bool {
    GROWING.iter().any(|table| {
        step.strip_prefix("SCAN ")
            .is_some_and(|scanned| scanned == *table)
    })
}

/// Runs `read` in a shop with sales a hundred days ago and today, and returns the plans of its queries.
fn plans(read: impl FnOnce(&mut Tx<'_>) + Send + 'static) -> Vec<(String, Vec<String>)> {
    plans_after("", read)
}

/// Returns the same after running `sql`.
fn plans_after(
    sql: &'static str,
    read: impl FnOnce(&mut Tx<'_>) + Send + 'static,
) -> Vec<(String, Vec<String>)> {
    let (sender, receiver) = std::sync::mpsc::channel();
    block_on(async move {
        let app = App::sqlite();
        app.create_product("чай", 5).await;
        for days in [100, 0] {
            let then = clock::at((clock::now().utc() - TimeDelta::days(days)).and_utc());
            let sell = |tx: &mut Tx<'_>| {
                let draft = fields! { phone: PHONE, product: "чай", qty: "1" };
                let order = orders::service::create(tx, "", &draft.read()?)?;
                orders::service::issue(tx, order.id)
            };
            app.state.write_at(then, sell).await.unwrap();
        }
        app.sql(sql).await;
        let plans = app.admin().read(|tx| Ok(explain(tx, read))).await.unwrap();
        sender.send(plans).unwrap();
    });
    let plans = receiver.recv().unwrap();
    assert!(!plans.is_empty());
    plans
}

fn assert_by_index(plans: &[(String, Vec<String>)]) {
    for (query, steps) in plans {
        assert!(
            !steps.iter().any(|step| is_full_scan(step)),
            "{query}\n{steps:#?}"
        );
    }
}

fn assert_unsorted(plans: &[(String, Vec<String>)]) {
    for (query, steps) in plans {
        assert!(
            !steps.iter().any(|step| step.contains("TEMP B-TREE")),
            "{query}\n{steps:#?}"
        );
    }
}

#[apply(on_both_databases)]
async fn an_issue_takes_few_statements(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 5).await;
    let rate = "INSERT INTO exchange_rates (day, rub_per_eur, created_at)
        VALUES ('2026-01-01', 985000, '2026-01-01 00:00:00')";
    app.sql(rate).await;
    let first = manager.create_order("чай", 1).await.unwrap().id;
    // The first issue of a day also adds the rows of the sums.
    manager.issue_order(first).await.unwrap();
    let order = manager.create_order("чай", 1).await.unwrap().id;
    let issue = move |tx: &mut Tx<'_>| {
        let statements = record(tx, |tx| {
            orders::service::issue(tx, order).unwrap();
        });
        let is_postgres = matches!(tx.conn, crate::db::Conn::Postgres(_));
        Ok((statements, is_postgres))
    };
    let (statements, is_postgres) = manager.write(issue).await.unwrap();
    // With BEGIN and COMMIT, PostgreSQL is asked ten times.
    let expected = if is_postgres { 8 } else { 10 };
    assert_eq!(statements.len(), expected, "{statements:#?}");
}

#[test]
fn what_is_stored_about_a_customer_is_read_through_indexes() {
    let plans = plans(|tx| {
        let phone = Phone::parse(PHONE).unwrap();
        records::card(tx, &phone).unwrap();
        records::everything(tx, &phone).unwrap();
        // Only the log may have this one.
        records::find(tx, &Phone::parse("+79035557788").unwrap()).unwrap_err();
        let (_, rest) = Walk::default().step(tx).unwrap();
        rest.unwrap().step(tx).unwrap();
    });
    assert_by_index(&plans);
}

/// Returns a cursor within a list that is sorted by time.
fn time_cursor() -> String {
    let noon = "2026-11-23T12:00:00".parse().unwrap();
    cursor(&[SortKey::Time(noon), SortKey::Int(7)])
}

#[test]
fn order_pages_use_indexes_for_their_sort_and_status() {
    let plans = plans(|tx| {
        let phone = cursor(&[SortKey::Text("7916".to_owned()), SortKey::Int(7)]);
        let status = cursor(&[
            SortKey::Text("paid_issued".to_owned()),
            SortKey::Time("2026-11-23T12:00:00".parse().unwrap()),
            SortKey::Int(7),
        ]);
        for (sort, after) in [
            ("created_at", time_cursor()),
            ("phone", phone),
            ("status", status),
        ] {
            for sort in [sort.to_owned(), format!("-{sort}")] {
                for (after, before) in [("", ""), (&after, ""), ("", &after)] {
                    let query = orders::Query {
                        sort: sort.clone(),
                        after: after.to_owned(),
                        before: before.to_owned(),
                        ..orders::Query::default()
                    };
                    orders::search::list_with_baskets(tx, &query).unwrap();
                }
            }
        }
        for status in ["paid_not_issued", "paid_issued", "paid_denied"] {
            let query = orders::Query {
                status: status.to_owned(),
                from: "2026-11-01".to_owned(),
                to: "2026-11-30".to_owned(),
                ..orders::Query::default()
            };
            orders::search::list_with_baskets(tx, &query).unwrap();
        }
        for status in ["paid_issued", "paid_denied"] {
            let query = orders::Query {
                status: status.to_owned(),
                sort: "phone".to_owned(),
                ..orders::Query::default()
            };
            orders::search::list_with_baskets(tx, &query).unwrap();
        }
        orders::search::waiting(tx, 5).unwrap();
        orders::search::of_product(tx, 1, 5).unwrap();
    });
    assert_by_index(&plans);
    assert_unsorted(&plans);
    // What waits in a basket is counted for each of its orders.
    for (query, steps) in plans.iter().filter(|(query, _)| query.contains("others")) {
        let is_by_basket = |step: &String| step.contains("orders_basket_id (basket_id=?)");
        assert!(steps.iter().any(is_by_basket), "{query}: {steps:#?}");
    }
}

#[test]
fn phone_searches_use_the_indexes_on_both_ends_of_the_number() {
    let plans = plans(|tx| {
        let query = orders::Query {
            phone: "4567".to_owned(),
            ..orders::Query::default()
        };
        orders::search::list(tx, &query).unwrap();
    });
    assert_by_index(&plans);
    let steps = plans.iter().flat_map(|(_, steps)| steps);
    for index in ["orders_phone_reversed", "orders_phone_digits"] {
        assert!(
            steps.clone().any(|step| step.contains(index)),
            "{index}: {plans:#?}"
        );
    }
}

/// Lists the orders and supplies of a product in all their sort orders.
fn list_orders_and_supplies_of_a_product(tx: &mut Tx<'_>) {
    let phone = cursor(&[SortKey::Text("7916".to_owned()), SortKey::Int(7)]);
    for (sort, after) in [("-created_at", time_cursor()), ("phone", phone)] {
        for after in [String::new(), after] {
            let query = orders::Query {
                product: "чай".to_owned(),
                sort: sort.to_owned(),
                after,
                ..orders::Query::default()
            };
            orders::search::list(tx, &query).unwrap();
        }
    }
    let query = supplies::Query {
        product: "чай".to_owned(),
        ..supplies::Query::default()
    };
    supplies::service::list(tx, &query).unwrap();
}

/// Gives the product a former name without orders or supplies of that time.
const ADD_FORMER_NAME: &str = "INSERT INTO product_names (product_id, name, name_key, used_until) SELECT id, name, \
    name_key, '2030-01-01 00:00:00' FROM products";

#[test]
fn lists_of_a_rare_product_use_its_index_and_sort_only_its_rows() {
    for sql in ["", ADD_FORMER_NAME] {
        let plans = plans_after(sql, list_orders_and_supplies_of_a_product);
        assert_by_index(&plans);
        let of_product = plans.iter().flat_map(|(_, steps)| steps);
        for index in ["orders_product_id", "supplies_product_id"] {
            assert!(
                of_product.clone().any(|step| step.contains(index)),
                "{index}: {plans:#?}"
            );
        }
        // Only rows that were found before and are read by their ids may be sorted.
        let sorted = plans
            .iter()
            .filter(|(_, steps)| steps.iter().any(|step| step.contains("TEMP B-TREE")));
        for (query, steps) in sorted {
            assert!(
                steps[0].contains("USING INTEGER PRIMARY KEY (rowid=?)"),
                "{query}\n{steps:#?}"
            );
        }
    }
}

#[test]
fn lists_of_a_common_product_are_read_in_order_without_sorting() {
    for sql in [
        INSERT_MANY_ROWS.to_owned(),
        format!("{ADD_FORMER_NAME}; {INSERT_MANY_ROWS}"),
    ] {
        let plans = plans_after(sql.leak(), list_orders_and_supplies_of_a_product);
        assert_by_index(&plans);
        assert_unsorted(&plans);
        let by_phone = plans
            .iter()
            .flat_map(|(_, steps)| steps)
            .any(|step| step.contains("orders_phone_digits"));
        assert!(by_phone, "{plans:#?}");
    }
}

#[test]
fn the_picker_reads_names_in_the_order_of_their_index() {
    let plans = plans(|tx| {
        crate::products::search::offers(tx, "чай зел").unwrap();
    });
    assert_by_index(&plans);
    assert_unsorted(&plans);
}

#[test]
fn searches_by_number_and_customer_name_use_indexes() {
    let plans = plans(|tx| {
        for (id, customer) in [("7", ""), ("", "мария"), ("", "мария иванова")] {
            let query = orders::Query {
                id: id.to_owned(),
                customer: customer.to_owned(),
                ..orders::Query::default()
            };
            orders::search::list(tx, &query).unwrap();
        }
        crate::orders::stage::stage(tx, &[]).unwrap();
    });
    assert_by_index(&plans);
    let of_names: Vec<_> = plans
        .iter()
        .filter(|(query, _)| query.starts_with("SELECT `order_names`.`order_id` FROM"))
        .collect();
    assert!(!of_names.is_empty());
    for (query, steps) in of_names {
        assert!(
            steps[0].contains("INDEX order_names_word (word>"),
            "{query}\n{steps:#?}"
        );
    }
}

#[test]
fn log_queries_use_an_index_for_every_filter() {
    let plans = plans(|tx| {
        let of = |user: &str, action: &str, entity_type: &str, entity_id: &str| audit::Query {
            user: user.to_owned(),
            action: action.to_owned(),
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            after: time_cursor(),
            ..audit::Query::default()
        };
        for query in [
            of("", "", "", ""),
            of("system", "", "", ""),
            of("менеджер", "", "", ""),
            of("", "issue", "", ""),
            of("", "", "order", ""),
            of("", "", "order", "7"),
        ] {
            audit::search::list(tx, &query).unwrap();
        }
        audit::service::history(tx, Entity::Order, 7).unwrap();
    });
    assert_by_index(&plans);
    assert_unsorted(&plans);
    let of_one_entity = plans
        .iter()
        .filter(|(query, _)| query.contains("`entity_id` ="));
    for (query, steps) in of_one_entity {
        assert!(
            steps[0].contains("(entity_type=? AND entity_id=?"),
            "{query}\n{steps:#?}"
        );
    }
}

#[test]
fn supplies_and_ledgers_are_read_by_index_without_sorting() {
    let plans = plans(|tx| {
        let query = supplies::Query {
            after: time_cursor(),
            ..supplies::Query::default()
        };
        supplies::service::list(tx, &query).unwrap();
        supplies::service::of_product(tx, 1, 5).unwrap();
        let after = cursor(&[SortKey::Int(7)]);
        stock::service::ledger(tx, 1, &after, "", 50).unwrap();
    });
    assert_by_index(&plans);
    assert_unsorted(&plans);
}

#[test]
fn reports_read_orders_only_through_covering_indexes() {
    let plans = plans(|tx| {
        let (from, to) = (tx.now.day() - Days::new(90), tx.now.day() - Days::new(10));
        for product_id in ["", "1"] {
            let query = analytics::Query {
                from: from.to_string(),
                to: to.to_string(),
                by: "day".to_owned(),
                product_id: product_id.to_owned(),
                ..analytics::Query::default()
            };
            analytics::service::board(tx, &query).unwrap();
        }
    });
    assert_by_index(&plans);
    let of_orders: Vec<_> = plans
        .iter()
        .filter(|(query, _)| query.contains("FROM `orders`"))
        .collect();
    assert!(
        of_orders.len() > 3,
        "the range covers some months only in part"
    );
    for (query, steps) in of_orders {
        assert!(steps[0].contains("COVERING INDEX"), "{query}\n{steps:#?}");
    }
}
