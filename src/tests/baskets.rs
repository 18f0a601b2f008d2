//! Baskets: all lines or none, found together, issued and denied together.

use crate::{
    audit::{Entity, service::history},
    baskets::{Basket, service},
    error::{Error, FieldError, Problem},
    fields::Fields,
    money::Rub,
    orders::{self, Order, Status, search},
    tests::support::{App, PHONE, Person, apply, on_both_databases},
};
use futures::future::join_all;

/// The form of a basket with these lines.
fn basket(lines: &[(&str, i64)]) -> Fields {
    let mut fields = fields! { phone: PHONE, customer_name: "Мария" };
    for (number, (product, qty)) in lines.iter().enumerate() {
        fields = fields
            .with(&format!("lines.{number}.product"), product)
            .with(&format!("lines.{number}.qty"), qty);
    }
    fields
}

async fn book(person: &Person, fields: Fields) -> Result<Basket, Error> {
    book_with_key(person, fields, "").await
}

async fn book_with_key(
    person: &Person,
    fields: Fields,
    key: &'static str,
) -> Result<Basket, Error> {
    person
        .write(move |tx| service::create(tx, key, &fields.read()?))
        .await
}

async fn issue(person: &Person, id: i64) -> Result<Basket, Error> {
    person.write(move |tx| service::issue(tx, id)).await
}

async fn list(person: &Person, query: orders::Query) -> Vec<Order> {
    let found = person.read(move |tx| search::list(tx, &query)).await;
    found.unwrap().items
}

#[apply(on_both_databases)]
async fn the_waiting_orders_of_a_basket_are_counted_beyond_the_page(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    for product in ["чай", "кофе", "сахар", "мёд"] {
        manager.create_product(product, 5).await;
    }
    let lines = [("чай", 1), ("кофе", 1), ("сахар", 1), ("мёд", 1)];
    let made = book(&clerk, basket(&lines)).await.unwrap();
    clerk.issue_order(made.orders[3].id).await.unwrap();
    let query = orders::Query {
        limit: "2".to_owned(),
        ..orders::Query::default()
    };
    let page = clerk.read(move |tx| search::list_with_baskets(tx, &query));
    let (page, waiting) = page.await.unwrap();
    assert_eq!((page.items.len(), waiting.of(made.id)), (2, 3));
}

#[apply(on_both_databases)]
async fn a_basket_is_booked_issued_and_found_as_one(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    manager.create_product("кофе", 5).await;
    clerk.create_order("чай", 1).await.unwrap();
    let made = book(&clerk, basket(&[("чай", 2), ("кофе", 3)]))
        .await
        .unwrap();
    assert_eq!((made.id, made.orders.len(), made.waiting()), (2, 2, 2));
    assert_eq!(made.total_rub(), Rub(50_000));
    assert_eq!(made.customer_name.as_deref(), Some("Мария"));
    assert!(made.orders.iter().all(|order| order.basket_id == 2));
    // The order that was booked alone is a basket of its own.
    let alone = clerk.read(|tx| service::get(tx, 1)).await.unwrap();
    assert_eq!(alone.orders.len(), 1);
    for query in [
        orders::Query {
            id: "2".to_owned(),
            ..Default::default()
        },
        orders::Query {
            customer: "мария".to_owned(),
            ..Default::default()
        },
    ] {
        let found = list(&clerk, query).await;
        let ids: Vec<i64> = found.iter().map(|order| order.id).collect();
        assert_eq!(ids, [3, 2]);
    }
    let issued = issue(&clerk, 2).await.unwrap();
    assert!(
        issued
            .orders
            .iter()
            .all(|order| order.status == Status::PaidIssued)
    );
    assert_eq!(
        issue(&clerk, 2).await.unwrap(),
        issued,
        "a repeat changes nothing"
    );
    let denied = clerk.write(|tx| service::deny(tx, 2)).await;
    assert_eq!(denied, Err(Error::OrderIs(Status::PaidIssued.into())));
    assert_eq!(
        issue(&clerk, 3).await,
        Err(Error::NotFound),
        "3 is no basket"
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn all_lines_are_booked_or_none_and_every_wrong_one_is_named(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    manager.create_product("кофе", 1).await;
    let short = |number, stock, qty| FieldError {
        field: format!("lines.{number}.qty"),
        problem: Problem::OutOfStock { stock, qty },
    };
    // The second line of tea finds what the first one has left.
    let refused = book(&clerk, basket(&[("чай", 4), ("кофе", 2), ("чай", 2)])).await;
    let expected = vec![short(1, 1, 2), short(2, 1, 2)];
    assert_eq!(refused, Err(Error::LinesOutOfStock(expected)));
    let Err(Error::Invalid(wrong)) = book(&clerk, basket(&[("чай", 0), ("какао", 1)])).await
    else {
        panic!("the basket was booked")
    };
    assert_eq!(wrong[0].field, "lines.0.qty");
    let Err(Error::Invalid(wrong)) = book(&clerk, basket(&[("чай", 1), ("какао", 1)])).await
    else {
        panic!("the basket was booked")
    };
    assert_eq!(
        (wrong[0].field.as_str(), &wrong[0].problem),
        ("lines.1.product", &Problem::UnknownProduct)
    );
    assert_eq!(list(&clerk, orders::Query::default()).await, []);
    assert_eq!(clerk.counters(1).await, (5, 0, 5));
    let empty = book(&clerk, basket(&[])).await;
    assert_eq!(empty, Err(Error::field("lines", Problem::Required)));
    // A refused basket has used up no number.
    let made = book(&clerk, basket(&[("чай", 1)])).await.unwrap();
    assert_eq!(made.id, 1);
}

#[apply(on_both_databases)]
async fn a_basket_can_be_handed_out_at_once_and_a_repeat_is_not_a_second_one(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    manager.create_product("кофе", 5).await;
    let fields = basket(&[("кофе", 1), ("чай", 2)]).with("status", "paid_issued");
    let made = book_with_key(&clerk, fields.clone(), "key").await.unwrap();
    assert_eq!(made.waiting(), 0);
    assert_eq!(
        made.orders[0].product_name, "кофе",
        "lines keep their order"
    );
    let again = book_with_key(&clerk, fields, "key").await.unwrap();
    assert_eq!(again, made);
    assert_eq!(clerk.counters(1).await, (3, 0, 3));
    let denied = basket(&[("чай", 1)]).with("status", "paid_denied");
    let refused = book(&clerk, denied).await;
    assert_eq!(refused, Err(Error::field("status", Problem::NotOffered)));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_part_is_issued_and_the_rest_waits_in_the_same_basket(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 5).await.unwrap();
    let issue_part = |qty: i64| {
        clerk.write(move |tx| {
            let part: orders::service::Part = fields! { qty: qty }.read()?;
            orders::service::issue_part(tx, order.id, part.qty)
        })
    };
    assert_eq!(
        issue_part(6).await,
        Err(Error::field("qty", Problem::TooLarge(5)))
    );
    let issued = issue_part(2).await.unwrap();
    assert_eq!((issued.id, issued.qty.0), (order.id, 2));
    assert_eq!(
        issue_part(2).await.unwrap(),
        issued,
        "a repeat changes nothing"
    );
    assert_eq!(
        issue_part(3).await,
        Err(Error::OrderIs(Status::PaidIssued.into()))
    );
    let basket = clerk
        .read(move |tx| service::get(tx, order.id))
        .await
        .unwrap();
    let [_, rest] = &basket.orders[..] else {
        panic!("{basket:?}")
    };
    assert_eq!((rest.qty.0, rest.waits()), (3, true));
    assert_eq!(rest.created_at, order.created_at);
    assert_eq!(clerk.counters(1).await, (3, 3, 0));
    // The database refuses a rest of nothing, whatever the program does.
    let refused = app
        .state
        .db
        .write(|conn| {
            let sql = "INSERT INTO orders (phone, phone_shown, phone_digits, phone_reversed, product_id, product_name,
                    qty, unit_price_rub, status, created_at, first_order_id)
                SELECT phone, phone_shown, phone_digits, phone_reversed, product_id, product_name, qty - 2,
                    unit_price_rub, 'paid_not_issued', created_at, basket_id FROM orders WHERE id = 1";
            diesel::connection::SimpleConnection::batch_execute(conn, sql).map_err(Error::from)
        })
        .await;
    assert!(refused.is_err());
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_line_is_added_and_its_product_changed_while_the_basket_waits(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    manager.create_product("кофе", 5).await;
    let first = clerk.create_order("чай", 2).await.unwrap();
    let add = |line: Fields| clerk.write(move |tx| service::add(tx, "", 1, &line.read()?));
    let second = add(fields! { product: "кофе", qty: "1" }).await.unwrap();
    assert_eq!(
        (second.basket_id, second.created_at, &second.phone),
        (first.id, first.created_at, &first.phone)
    );
    let edited = fields! {
        phone: PHONE, customer_name: "Пётр", product: "чай", qty: "3", unit_price_rub: "90", version: "1"
    };
    let changed = clerk
        .write(move |tx| orders::service::edit(tx, second.id, &edited.read()?))
        .await
        .unwrap();
    assert_eq!((changed.product_name.as_str(), changed.qty.0), ("чай", 3));
    assert_eq!(clerk.counters(1).await, (5, 5, 0));
    assert_eq!(clerk.counters(2).await, (5, 0, 5));
    // The name belongs to the basket, so the first order has it, too.
    let basket = clerk.read(|tx| service::get(tx, 1)).await.unwrap();
    assert_eq!(basket.customer_name.as_deref(), Some("Пётр"));
    let changes = clerk
        .read(|tx| history(tx, Entity::Order, 1))
        .await
        .unwrap();
    assert_eq!(changes[0].changes[0].field, "customer_name");
    clerk.write(|tx| service::deny(tx, 1)).await.unwrap();
    let late = add(fields! { product: "кофе", qty: "1" }).await;
    assert_eq!(late, Err(Error::OrderIs(Status::PaidDenied.into())));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_number_of_an_issued_order_can_be_corrected_but_not_its_price(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let edit = |phone: &str, price: &str| {
        let edited = fields! { phone: phone, qty: "2", unit_price_rub: price, version: "2" };
        clerk.write(move |tx| orders::service::edit(tx, order.id, &edited.read()?))
    };
    let refused = edit("8 916 000-00-00", "90").await;
    assert_eq!(refused, Err(Error::OrderIs(Status::PaidIssued.into())));
    let corrected = edit("8 916 000-00-00", "100").await.unwrap();
    assert_eq!(
        (corrected.phone.as_str(), corrected.status.known()),
        ("+79160000000", Some(Status::PaidIssued))
    );
    app.assert_consistent().await;
}

/// Two clerks book and issue baskets of the same two products in opposite order.
#[apply(on_both_databases)]
async fn opposite_baskets_at_once_never_deadlock(app: App) {
    const ROUNDS: i64 = 200;
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 2 * ROUNDS).await;
    manager.create_product("кофе", 2 * ROUNDS).await;
    for round in 0..ROUNDS {
        let booked = join_all([
            book(&manager, basket(&[("чай", 1), ("кофе", 1)])),
            book(&clerk, basket(&[("кофе", 1), ("чай", 1)])),
        ])
        .await;
        let ids: Vec<i64> = booked
            .into_iter()
            .map(|basket| {
                basket
                    .unwrap_or_else(|error| panic!("round {round}: {error}"))
                    .id
            })
            .collect();
        // Both issue both baskets, in opposite order.
        let issued = join_all([
            issue(&manager, ids[0]),
            issue(&clerk, ids[1]),
            issue(&manager, ids[1]),
            issue(&clerk, ids[0]),
        ])
        .await;
        for basket in issued {
            let basket = basket.unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(basket.waiting(), 0);
        }
    }
    assert_eq!(clerk.counters(1).await, (0, 0, 0));
    assert_eq!(clerk.counters(2).await, (0, 0, 0));
    app.assert_consistent().await;
}

/// A repeat gets the first response, for which nothing is stored that identifies the customer.
#[apply(on_both_databases)]
async fn the_stored_response_of_a_basket_does_not_identify_its_customer(app: App) {
    use crate::schema::idempotency_keys::dsl::{answer, idempotency_keys};
    use diesel::prelude::*;
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let fields = basket(&[("чай", 1), ("чай", 2)]);
    let made = book_with_key(&clerk, fields.clone(), "key").await.unwrap();
    let stored = app.state.db.read(|conn| {
        let stored = idempotency_keys.select(answer.assume_not_null());
        stored.first::<String>(conn).map_err(Error::from)
    });
    let stored = stored.await.unwrap();
    for personal in ["9161234567", "123-45-67", "Мария"] {
        assert!(!stored.contains(personal), "{personal} is in {stored}");
    }
    issue(&clerk, made.id).await.unwrap();
    let again = book_with_key(&clerk, fields.clone(), "key").await.unwrap();
    assert_eq!(again, made);
    let request = fields! { phone: PHONE, last_digits: "4567", reason: "просьба" };
    app.state
        .write(crate::auth::Actor::System, move |tx| {
            crate::customers::service::erase(tx, &request.read()?)
        })
        .await
        .unwrap();
    let refused = book_with_key(&clerk, fields, "key").await;
    assert!(matches!(refused, Err(Error::KeyReused(_))), "{refused:?}");
}
