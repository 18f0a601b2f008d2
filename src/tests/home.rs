//! The home page of a new shop.

use crate::{
    first_steps::{self, FirstSteps},
    orders,
    tests::support::{App, Person, apply, on_both_databases},
};
use diesel::{Connection, connection::InstrumentationEvent};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Returns the steps as the home page reads them, and the number of statements that this took.
async fn read_steps(person: &Person) -> (Option<FirstSteps>, usize) {
    person
        .read(|tx| {
            let waiting = orders::search::waiting(tx, 5)?;
            let count = Arc::new(AtomicUsize::new(0));
            let counter = count.clone();
            tx.conn
                .set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            let steps = first_steps::read(tx, &waiting);
            tx.conn
                .set_instrumentation(|_: InstrumentationEvent<'_>| {});
            Ok((steps?, count.load(Ordering::Relaxed)))
        })
        .await
        .unwrap()
}

#[apply(on_both_databases)]
async fn the_first_steps_are_ticked_off_one_by_one(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut expected = FirstSteps {
        product: false,
        supply: false,
        order: false,
        colleague: false,
    };
    assert_eq!(read_steps(&admin).await, (Some(expected), 1));
    admin.create_product("чай", 0).await;
    expected.product = true;
    assert_eq!(read_steps(&admin).await.0, Some(expected));
    admin.receive_supply("чай", 40, "2.50").await.unwrap();
    expected.supply = true;
    assert_eq!(read_steps(&admin).await.0, Some(expected));
    admin.create_order("чай", 1).await.unwrap();
    expected.order = true;
    assert_eq!(read_steps(&admin).await.0, Some(expected));
    app.create_account(app.clerk()).await;
    expected.colleague = true;
    assert_eq!(read_steps(&admin).await.0, Some(expected));
}

#[apply(on_both_databases)]
async fn a_shop_that_works_has_no_first_steps_and_pays_nothing_for_them(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 50).await;
    for _ in 0..21 {
        admin.create_order("чай", 1).await.unwrap();
    }
    // The oldest waiting orders are from the first day, so the shop is asked.
    assert_eq!(read_steps(&admin).await, (None, 1));
    for order in 1..21 {
        admin.issue_order(order).await.unwrap();
    }
    assert_eq!(read_steps(&admin).await, (None, 0));
}

#[apply(on_both_databases)]
async fn the_home_page_tells_how_many_orders_wait(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 9).await;
    for _ in 0..7 {
        clerk.create_order("чай", 1).await.unwrap();
    }
    let mut browser = app.signed_in_browser(app.admin()).await;
    let page = browser.get("/").await.body;
    let tile = "<dt>Ждут выдачи<!></dt><dd>7<!></dd>";
    assert!(page.contains(tile), "{page}");
}

#[apply(on_both_databases)]
async fn the_home_page_offers_only_the_steps_of_the_role(app: App) {
    let steps = async |person: Person| {
        let page = app.signed_in_browser(person).await.get("/").await.body;
        [
            "Добавить товар",
            "Принять поставку",
            "Оформить заказ",
            "Пригласить коллегу",
        ]
        .map(|step| page.contains(&format!(">{step}<")))
    };
    assert_eq!(steps(app.clerk()).await, [false, false, true, false]);
    assert_eq!(steps(app.manager()).await, [true, true, true, false]);
}
