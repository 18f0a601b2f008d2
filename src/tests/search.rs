//! The search of the header: by number, phone, name and product, waiting orders first.

use crate::{
    orders::{self, Order},
    search::service::{Found, find},
    tests::support::{App, Person, apply, on_both_databases},
};

async fn search(person: &Person, text: &str) -> Found {
    let text = text.to_owned();
    person.read(move |tx| find(tx, &text)).await.unwrap()
}

async fn ids(person: &Person, text: &str) -> Vec<i64> {
    let found = search(person, text).await;
    found.orders.iter().map(|order| order.id).collect()
}

async fn book(person: &Person, phone: &str, customer: &str) -> Order {
    let fields = fields! { phone: phone, customer_name: customer, product: "чай", qty: "1" };
    person
        .write(move |tx| orders::service::create(tx, "", &fields.read()?))
        .await
        .unwrap()
}

#[apply(on_both_databases)]
async fn an_order_is_found_by_whatever_identifies_it_and_those_that_wait_come_first(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 20).await;
    let first = book(&clerk, "+79161234567", "Мария Иванова").await;
    let second = book(&clerk, "+79167654567", "Пётр").await;
    let third = book(&clerk, "+79160000001", "Мария").await;
    clerk.issue_order(second.id).await.unwrap();
    clerk.issue_order(third.id).await.unwrap();
    // By the end of the phone, by its beginning, by the name, and by the number
    assert_eq!(ids(&clerk, "4567").await, [first.id, second.id]);
    assert_eq!(ids(&clerk, "8 (916) 123").await, [first.id]);
    assert_eq!(ids(&clerk, "мария").await, [first.id, third.id]);
    assert_eq!(ids(&clerk, "№ 2").await, [second.id]);
    assert_eq!(ids(&clerk, "2").await, [second.id]);
    // In the other keyboard layout
    assert_eq!(ids(&clerk, "gtnh").await, [second.id]);
    assert_eq!(ids(&clerk, "vfhbz").await, [first.id, third.id]);
    assert_eq!(ids(&clerk, "никто").await, [] as [i64; 0]);
    assert_eq!(ids(&clerk, "  ").await, [] as [i64; 0]);
}

#[apply(on_both_databases)]
async fn a_product_is_found_by_its_name_in_either_keyboard_layout(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("Чай чёрный", 1).await;
    manager.create_product("Кофе", 1).await;
    for text in ["чай", "xfq", "чёрный ЧАЙ"] {
        let found = search(&clerk, text).await;
        let names: Vec<_> = found
            .products
            .iter()
            .map(|found| found.name.clone())
            .collect();
        assert_eq!(names, ["Чай чёрный"], "{text}");
    }
    // Digits are a number, not part of a name.
    assert!(search(&clerk, "250").await.products.is_empty());
}

#[apply(on_both_databases)]
async fn at_most_eight_orders_are_found_and_one_that_waits_is_among_them(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 20).await;
    let oldest = book(&clerk, "+79161234567", "").await;
    for _ in 0..10 {
        let later = book(&clerk, "+79161234567", "").await;
        clerk.issue_order(later.id).await.unwrap();
    }
    let found = ids(&clerk, "4567").await;
    assert_eq!(found, [1, 11, 10, 9, 8, 7, 6, 5]);
    assert_eq!(found[0], oldest.id);
}

#[apply(on_both_databases)]
async fn the_order_with_exactly_the_number_comes_first(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 200).await;
    for _ in 0..100 {
        book(&clerk, "+79160000000", "").await;
    }
    clerk.issue_order(100).await.unwrap();
    for _ in 0..9 {
        book(&clerk, "+79161230100", "").await;
    }
    // Nine waiting orders have a phone that ends in the number of an issued one.
    assert_eq!(ids(&clerk, "100").await[..2], [100, 109]);
}
