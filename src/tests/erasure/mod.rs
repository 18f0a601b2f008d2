//! Erasing a customer: nothing that identifies them is left, and everything else stays.

mod bytes;

use crate::{
    audit::{self, Action, Entity, Operation, search},
    auth::Actor,
    customers::{Erasure, Query, erased_name, service},
    db::Conn,
    error::{Error, Problem},
    orders,
    schema::{operation_log, operation_log_personal},
    tests::{
        customers::shop::{book, edit},
        support::{App, Person, apply, on_both_databases},
    },
};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

/// The customer to erase, and another one.
const ERASED: &str = "+79167654321";
const OTHER: &str = "+79031112233";

async fn erase(admin: &Person, phone: &str, last_digits: &str) -> Result<Erasure, Error> {
    let asked =
        fields! { phone: phone, last_digits: last_digits, reason: "Требование от 23.11.2026" };
    admin
        .write(move |tx| service::erase(tx, &asked.read()?))
        .await
}

async fn history(app: &App, order: i64) -> Vec<Operation> {
    app.state
        .read(Actor::System, move |tx| {
            audit::service::history(tx, Entity::Order, order)
        })
        .await
        .unwrap()
}

/// Returns the values of a field in the history of an order, oldest first: before, after.
async fn values(app: &App, order: i64, field: &str) -> Vec<(Option<String>, Option<String>)> {
    let mut operations = history(app, order).await;
    operations.reverse();
    operations
        .into_iter()
        .flat_map(|operation| operation.changes)
        .filter(|change| change.field == field)
        .map(|change| (change.before, change.after))
        .collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[apply(on_both_databases)]
async fn erasing_replaces_number_and_name_and_keeps_stock_and_sums(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    let tea = app.create_product("чай", 20).await;
    let issued = book(&clerk, ERASED, "Гульнара").await;
    let denied = book(&clerk, ERASED, "Гуля").await;
    let other = book(&clerk, OTHER, "Гульнара").await;
    clerk.issue_order(issued.id).await.unwrap();
    assert_eq!(
        erase(&admin, ERASED, "4321").await,
        Err(Error::OrdersWait { orders: 1 })
    );
    clerk.deny_order(denied.id).await.unwrap();
    let before = clerk.counters(tea.id).await;
    let erasure = erase(&admin, "8 (916) 765-43-21", "4321").await.unwrap();
    assert_eq!((erasure.orders, erasure.log_entries), (2, 2));
    let name = erased_name(erasure.id);
    for (id, status) in [(issued.id, "paid_issued"), (denied.id, "paid_denied")] {
        let order = clerk
            .read(move |tx| orders::service::get(tx, id))
            .await
            .unwrap();
        assert_eq!(
            (order.phone.as_str(), order.phone_shown.as_str()),
            (name.as_str(), name.as_str())
        );
        assert_eq!(order.customer_name.as_ref(), Some(&name));
        assert_eq!(
            (order.status.code(), order.unit_price_rub.0),
            (status, 10_000)
        );
        assert!(order.is_erased());
    }
    assert_eq!(clerk.counters(tea.id).await, before);
    app.assert_consistent().await;
    // The other customer has the same name.
    let id = other.id;
    let other = clerk
        .read(move |tx| orders::service::get(tx, id))
        .await
        .unwrap();
    assert_eq!(other.customer_name.as_deref(), Some("Гульнара"));
    assert_eq!(
        values(&app, other.id, "customer_name").await,
        [(None, some("Гульнара"))]
    );
    // Orders are found by the name of the erasure, and no longer by the number.
    let found = async |query: orders::Query| {
        clerk
            .read(move |tx| orders::search::list(tx, &query))
            .await
            .unwrap()
            .items
            .len()
    };
    let by_name = orders::Query {
        customer: name.clone(),
        ..orders::Query::default()
    };
    assert_eq!(found(by_name).await, 2);
    let by_phone = orders::Query {
        phone: "4321".to_owned(),
        ..orders::Query::default()
    };
    assert_eq!(found(by_phone).await, 0);
    assert_eq!(
        erase(&admin, ERASED, "4321").await,
        Err(Error::field("phone", Problem::UnknownCustomer))
    );
}

#[apply(on_both_databases)]
async fn an_erasure_is_confirmed_by_digits_and_its_reason_names_nobody(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    app.create_product("чай", 20).await;
    let order = book(&clerk, ERASED, "Алёна Петрова").await;
    clerk.deny_order(order.id).await.unwrap();
    for digits in ["4322", "21", "7654321", "абвг"] {
        let refused = erase(&admin, ERASED, digits).await.unwrap_err();
        assert!(
            refused.problem("last_digits").is_some(),
            "{digits}: {refused:?}"
        );
    }
    for reason in ["просил 8-916-765-43-21", "просила АЛЕНА ПЕТРОВА", ""] {
        let asked = fields! { phone: ERASED, last_digits: "4321", reason: reason };
        let refused = admin
            .write(move |tx| service::erase(tx, &asked.read()?))
            .await
            .unwrap_err();
        assert!(refused.problem("reason").is_some(), "{reason}: {refused:?}");
    }
    for person in [app.manager(), clerk] {
        assert_eq!(erase(&person, ERASED, "4321").await, Err(Error::Forbidden));
    }
    assert!(erase(&admin, ERASED, "4321").await.is_ok());
}

#[apply(on_both_databases)]
async fn the_act_is_on_record_and_cannot_be_changed(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    app.create_product("чай", 20).await;
    let order = book(&clerk, ERASED, "Мария").await;
    let order = edit(&clerk, &order, ERASED, "Мария Ивановна").await;
    clerk.deny_order(order.id).await.unwrap();
    let erasure = erase(&admin, ERASED, "4321").await.unwrap();
    let id = erasure.id;
    let listed = admin
        .read(|tx| service::erasures(tx, &Query::default()))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].user_id.as_deref(), Some("админ"));
    let is_file = admin
        .read(|tx| Ok(matches!(tx.conn, Conn::Sqlite(_))))
        .await
        .unwrap();
    assert_eq!(
        listed.items[0].purged_at.is_some(),
        is_file,
        "only a file is rewritten"
    );
    let extract = admin
        .read(move |tx| service::log_extract(tx, id))
        .await
        .unwrap();
    let actions: Vec<_> = extract
        .iter()
        .map(|operation| operation.action.known().unwrap())
        .collect();
    assert_eq!(actions, [Action::Create, Action::Edit, Action::Erase]);
    let act = &extract[2];
    assert_eq!(
        (act.entity_type.known(), act.entity_id.as_str()),
        (Some(Entity::Customer), id.to_string().as_str())
    );
    for statement in [
        "UPDATE erasures SET reason = 'другая'",
        "DELETE FROM erasures",
        "UPDATE operation_log_personal SET value_after = 'Пётр'",
        "UPDATE operation_log_personal SET value_after = NULL",
        "UPDATE operation_log_personal SET value_before = 'Покупатель удалён № 1' WHERE value_before IS NULL",
        "UPDATE operation_log_personal SET value_after = 'Покупатель удалён № 99'",
        "UPDATE operation_log_personal SET field = 'note' WHERE field = 'phone'",
        "DELETE FROM operation_log_personal",
        "UPDATE operation_log SET details = '[]'",
    ] {
        let refused = app
            .state
            .db
            .write(move |conn| {
                diesel::connection::SimpleConnection::batch_execute(conn, statement)
                    .map_err(Error::from)
            })
            .await;
        assert!(refused.is_err(), "{statement}");
    }
}

#[apply(on_both_databases)]
async fn the_log_shows_and_finds_values_that_are_stored_beside_it(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    app.create_product("чай", 20).await;
    let order = book(&clerk, ERASED, "Мария").await;
    edit(&clerk, &order, ERASED, "Мария Ивановна").await;
    assert_eq!(
        values(&app, order.id, "phone").await,
        [(None, some(ERASED))]
    );
    assert_eq!(
        values(&app, order.id, "customer_name").await,
        [
            (None, some("Мария")),
            (some("Мария"), some("Мария Ивановна"))
        ]
    );
    for (text, expected) in [("8 916 765 43 21", 1), ("ивановна", 1), ("мария", 2)] {
        let query = audit::Query {
            text: text.to_owned(),
            ..audit::Query::default()
        };
        let found = admin
            .read(move |tx| search::list(tx, &query))
            .await
            .unwrap();
        assert_eq!(found.page.items.len(), expected, "{text}");
    }
    let details: Vec<String> = app
        .state
        .db
        .read(|conn| {
            operation_log::table
                .select(operation_log::details)
                .load(conn)
                .map_err(Error::from)
        })
        .await
        .unwrap();
    let details = details.concat();
    assert!(details.contains(r#"{"field":"phone"}"#), "{details}");
    for personal in ["7654321", "Мария"] {
        assert!(!details.contains(personal), "{personal} in {details}");
    }
}

#[apply(on_both_databases)]
async fn an_order_whose_number_was_corrected_keeps_what_is_of_its_customer(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    app.create_product("чай", 20).await;
    // Booked for the erased customer, then given to the other one.
    let given = book(&clerk, ERASED, "Гульнара").await;
    let given = edit(&clerk, &given, OTHER, "Гульнара").await;
    edit(&clerk, &given, OTHER, "Пётр").await;
    // The name stayed when the number was corrected, so it is also that of the other customer.
    let corrected = book(&clerk, ERASED, "Ольга").await;
    edit(&clerk, &corrected, OTHER, "Ольга").await;
    let erasure = erase(&admin, ERASED, "4321").await.unwrap();
    assert_eq!((erasure.orders, erasure.log_entries), (0, 5));
    let name = some(&erased_name(erasure.id));
    assert_eq!(
        values(&app, given.id, "phone").await,
        [(None, name.clone()), (name.clone(), some(OTHER))]
    );
    assert_eq!(
        values(&app, given.id, "customer_name").await,
        [(None, name.clone()), (name.clone(), some("Пётр"))]
    );
    assert_eq!(
        values(&app, corrected.id, "phone").await,
        [(None, name.clone()), (name.clone(), some(OTHER))]
    );
    assert_eq!(
        values(&app, corrected.id, "customer_name").await,
        [(None, some("Ольга"))]
    );
    // The other way: the former number and name of an erased order are erased, too, except for earlier erasures.
    for order in [given.id, corrected.id] {
        clerk.deny_order(order).await.unwrap();
    }
    let second = erase(&admin, OTHER, "2233").await.unwrap();
    assert_eq!(second.orders, 2);
    let second = some(&erased_name(second.id));
    assert_eq!(
        values(&app, given.id, "phone").await,
        [(None, name.clone()), (name.clone(), second.clone())]
    );
    assert_eq!(
        values(&app, corrected.id, "customer_name").await,
        [(None, second)]
    );
}

#[apply(on_both_databases)]
async fn of_two_erasures_at_once_one_finds_the_customer(app: App) {
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    app.create_product("чай", 20).await;
    for _ in 0..3 {
        let order = book(&clerk, ERASED, "Мария").await;
        clerk.deny_order(order.id).await.unwrap();
    }
    let both = tokio::join!(
        erase(&admin, ERASED, "4321"),
        erase(&admin, ERASED, "4321"),
        book(&clerk, OTHER, "Пётр"),
    );
    let refused = Err(Error::field("phone", Problem::UnknownCustomer));
    assert!(
        (both.0 == refused) ^ (both.1 == refused),
        "{:?} {:?}",
        both.0,
        both.1
    );
    app.assert_consistent().await;
}

#[test]
fn a_row_of_an_older_server_is_moved_on_postgres() {
    crate::tests::support::block_on(async {
        let app = App::postgres();
        app.sql(
            "INSERT INTO operation_log (timestamp, action, entity_type, entity_id, details)
             VALUES ('2026-11-27 10:00:00', 'edit', 'order', '1',
                '[{\"field\":\"phone\",\"before\":\"+79167654321\",\"after\":\"+79031112233\"},\
                  {\"field\":\"qty\",\"after\":\"2\"}]')",
        )
        .await;
        assert_eq!(
            values(&app, 1, "phone").await,
            [(some(ERASED), some(OTHER))]
        );
        assert_eq!(values(&app, 1, "qty").await, [(None, some("2"))]);
        let details = |conn: &mut Conn| {
            operation_log::table
                .select(operation_log::details)
                .first::<String>(conn)
                .map_err(Error::from)
        };
        let details = app.state.db.read(details).await.unwrap();
        assert_eq!(
            details,
            r#"[{"field":"phone"},{"field":"qty","after":"2"}]"#
        );
    });
}

#[test]
fn the_migration_moves_the_values_of_earlier_rows() {
    for fixture in std::fs::read_dir("migrations/fixtures/sqlite").unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let url = crate::db::DatabaseUrl::Sqlite(folder.path().join("sirius.db"));
        let dump = std::fs::read_to_string(fixture.unwrap().path()).unwrap();
        let mut conn = url.open().unwrap();
        diesel::connection::SimpleConnection::batch_execute(&mut conn, &dump).unwrap();
        let rows = |conn: &mut Conn| {
            let rows = operation_log::table
                .order(operation_log::id)
                .select(audit::service::Row::as_select())
                .load(conn)
                .unwrap();
            audit::service::operations(conn, rows)
        };
        let before: Vec<Operation> = operation_log::table
            .order(operation_log::id)
            .select((
                operation_log::id,
                operation_log::timestamp,
                operation_log::user_id,
                operation_log::action,
                operation_log::entity_type,
                operation_log::entity_id,
                operation_log::details,
                // The fixture has no such column.
                sql::<Nullable<BigInt>>("NULL"),
            ))
            .load::<audit::service::Row>(&mut conn)
            .unwrap()
            .into_iter()
            .map(Operation::from)
            .collect();
        crate::migrate::migrate(&url).unwrap();
        let after = rows(&mut conn).unwrap();
        assert_eq!(after[..before.len()], before);
        let moved: i64 = operation_log_personal::table
            .count()
            .get_result(&mut conn)
            .unwrap();
        assert!(moved > 10, "{moved}");
        drop(conn);
        // The file has the number of the first order only beside the log.
        let phone = before
            .iter()
            .flat_map(|operation| &operation.changes)
            .find(|change| change.field == "phone")
            .and_then(|change| change.after.clone())
            .unwrap();
        let detail = format!(r#""after":"{phone}""#);
        let file = std::fs::read(folder.path().join("sirius.db")).unwrap();
        assert!(
            !bytes::contains(&file, &detail),
            "{detail} is left in the file"
        );
    }
}
