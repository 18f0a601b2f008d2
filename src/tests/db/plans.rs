//! How SQLite reads what pages show: always by an index, and never sorting what may be the whole table.
//!
//! Its plans do not depend on how much there is, so an empty shop proves them for a full one.

use crate::tests::products::names::MANY;
use crate::tests::support::{App, PHONE, block_on};
use crate::{
    analytics,
    audit::{self, Entity},
    clock,
    db::{SortKey, cursor},
    orders, stock, supplies,
    transaction::Tx,
};
use chrono::{Days, TimeDelta};
use diesel::{
    connection::{Connection, InstrumentationEvent},
    prelude::*,
    sql_types::Text,
};
use std::sync::{Arc, Mutex};

/// Tables that grow as long as the shop is open.
const GROWING: [&str; 6] = [
    "orders",
    "order_names",
    "operation_log",
    "stock_movements",
    "supplies",
    "idempotency_keys",
];

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The queries of a reading, each with the steps of its plan.
fn plans(tx: &mut Tx<'_>, read: impl FnOnce(&mut Tx<'_>)) -> Vec<(String, Vec<String>)> {
    let queries: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = queries.clone();
    tx.conn
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                heard.lock().unwrap().push(query.to_string());
            }
        });
    read(tx);
    tx.conn
        .set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let queries = std::mem::take(&mut *queries.lock().unwrap());
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

/// Whether a step reads a growing table without an index.
fn reads_all(step: &str) -> bool {
    GROWING.iter().any(|table| {
        step.strip_prefix("SCAN ")
            .is_some_and(|scanned| scanned == *table)
    })
}

/// Reads in a shop that has sold, a hundred days ago and today, and gives the plans of what was read.
fn shown(read: impl FnOnce(&mut Tx<'_>) + Send + 'static) -> Vec<(String, Vec<String>)> {
    shown_after("", read)
}

/// The same after `sql`.
fn shown_after(
    sql: &'static str,
    read: impl FnOnce(&mut Tx<'_>) + Send + 'static,
) -> Vec<(String, Vec<String>)> {
    let (told, heard) = std::sync::mpsc::channel();
    block_on(async move {
        let app = App::sqlite();
        app.hire(app.manager()).await.adds("чай", 5).await;
        for days in [100, 0] {
            let then = clock::at((clock::now().utc() - TimeDelta::days(days)).and_utc());
            let sold = |tx: &mut Tx<'_>| {
                let draft = fields! { phone: PHONE, product: "чай", qty: "1" };
                let order = orders::service::create(tx, "", &draft.read()?)?;
                orders::service::issue(tx, order.id)
            };
            app.state.write_at(then, sold).await.unwrap();
        }
        app.sql(sql).await;
        let plans = app.admin().read(|tx| Ok(plans(tx, read))).await.unwrap();
        told.send(plans).unwrap();
    });
    let plans = heard.recv().unwrap();
    assert!(!plans.is_empty());
    plans
}

fn assert_by_index(plans: &[(String, Vec<String>)]) {
    for (query, steps) in plans {
        assert!(
            !steps.iter().any(|step| reads_all(step)),
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

/// A cursor somewhere in a list by time.
fn somewhere() -> String {
    let noon = "2026-11-23T12:00:00".parse().unwrap();
    cursor(&[SortKey::Time(noon), SortKey::Int(7)])
}

#[test]
fn pages_of_orders_are_read_by_their_sort_and_status() {
    let plans = shown(|tx| {
        let phone = cursor(&[SortKey::Text("7916".to_owned()), SortKey::Int(7)]);
        let status = cursor(&[
            SortKey::Text("paid_issued".to_owned()),
            SortKey::Time("2026-11-23T12:00:00".parse().unwrap()),
            SortKey::Int(7),
        ]);
        for (sort, after) in [
            ("created_at", somewhere()),
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
                    orders::search::list(tx, &query).unwrap();
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
            orders::search::list(tx, &query).unwrap();
        }
        for status in ["paid_issued", "paid_denied"] {
            let query = orders::Query {
                status: status.to_owned(),
                sort: "phone".to_owned(),
                ..orders::Query::default()
            };
            orders::search::list(tx, &query).unwrap();
        }
        orders::search::waiting(tx, 5).unwrap();
        orders::search::of_product(tx, 1, 5).unwrap();
    });
    assert_by_index(&plans);
    assert_unsorted(&plans);
}

#[test]
fn orders_are_found_by_digits_through_the_indexes_of_both_ends() {
    let plans = shown(|tx| {
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

/// Lists of what was sold and received of a product, by all their sorts.
fn lists_of_a_product(tx: &mut Tx<'_>) {
    let phone = cursor(&[SortKey::Text("7916".to_owned()), SortKey::Int(7)]);
    for (sort, after) in [("-created_at", somewhere()), ("phone", phone)] {
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

/// The product has another name, under which it was not sold yet.
const RENAMED: &str = "INSERT INTO product_names (product_id, name, name_key, used_until) SELECT id, name, name_key, '2030-01-01 00:00:00' FROM products";

#[test]
fn what_is_rare_is_found_by_its_product_and_only_that_is_sorted() {
    for sql in ["", RENAMED] {
        let plans = shown_after(sql, lists_of_a_product);
        assert_by_index(&plans);
        let of_product = plans.iter().flat_map(|(_, steps)| steps);
        for index in ["orders_product_id", "supplies_product_id"] {
            assert!(
                of_product.clone().any(|step| step.contains(index)),
                "{index}: {plans:#?}"
            );
        }
        // Rows that were found are read by their numbers.
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
fn what_is_common_is_found_in_the_order_of_the_list() {
    for sql in [MANY.to_owned(), format!("{RENAMED}; {MANY}")] {
        let plans = shown_after(sql.leak(), lists_of_a_product);
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
fn orders_are_found_by_number_and_by_words_of_a_name_through_their_indexes() {
    let plans = shown(|tx| {
        for (id, customer) in [("7", ""), ("", "мария"), ("", "мария иванова")] {
            let query = orders::Query {
                id: id.to_owned(),
                customer: customer.to_owned(),
                ..orders::Query::default()
            };
            orders::search::list(tx, &query).unwrap();
        }
        crate::orders::stage::stage(tx).unwrap();
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
fn the_log_is_read_by_what_is_asked_of_it() {
    let plans = shown(|tx| {
        let of = |user: &str, action: &str, entity_type: &str, entity_id: &str| audit::Query {
            user: user.to_owned(),
            action: action.to_owned(),
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            after: somewhere(),
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
    let of_one = plans
        .iter()
        .filter(|(query, _)| query.contains("`entity_id` ="));
    for (query, steps) in of_one {
        assert!(
            steps[0].contains("(entity_type=? AND entity_id=?"),
            "{query}\n{steps:#?}"
        );
    }
}

#[test]
fn supplies_and_ledgers_are_read_by_product_and_time() {
    let plans = shown(|tx| {
        let query = supplies::Query {
            after: somewhere(),
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
fn a_report_reads_of_the_orders_only_what_its_indexes_have() {
    let plans = shown(|tx| {
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
    assert!(of_orders.len() > 3, "the range cuts months");
    for (query, steps) in of_orders {
        assert!(steps[0].contains("COVERING INDEX"), "{query}\n{steps:#?}");
    }
}
