//! Issuing and denying several orders at once: each is decided by itself.

use crate::{
    error::{Error, FieldError, Problem},
    fields::Fields,
    orders::{
        Order, Status,
        bulk::service::{Chosen, MOST, Reason, Refused, Settled, settle_each},
        service::{deny, get, issue},
    },
    tests::support::{App, Person, apply, on_both_databases},
    transaction::Tx,
    undo::service::undo_all,
};
use futures::future::join;

type Act = fn(&mut Tx<'_>, i64) -> Result<Order, Error>;

/// Returns the fields of the form in which these orders are chosen.
fn form(orders: impl IntoIterator<Item = i64>) -> Vec<(String, String)> {
    let field = |id: i64| (format!("orders.{id}.id"), id.to_string());
    orders.into_iter().map(field).collect()
}

async fn settle(
    person: &Person,
    orders: impl IntoIterator<Item = i64>,
    act: Act,
) -> Result<Settled, Error> {
    let fields = Fields(form(orders).into_iter().collect());
    let chosen = Chosen::read(fields, &person.actor())?;
    Ok(settle_each(&person.state, &person.actor(), "", &chosen, act).await)
}

async fn statuses(person: &Person, orders: impl IntoIterator<Item = i64>) -> Vec<Status> {
    let mut statuses = Vec::new();
    for id in orders {
        let order = person.read(move |tx| get(tx, id)).await.unwrap();
        statuses.push(order.status.known().unwrap());
    }
    statuses
}

async fn book(person: &Person, product: &str, count: usize) {
    for _ in 0..count {
        person.create_order(product, 1).await.unwrap();
    }
}

const fn refused(order: i64, reason: Reason) -> Refused {
    Refused { order, reason }
}

#[apply(on_both_databases)]
async fn each_order_succeeds_or_says_why_and_one_undo_takes_back_those_that_succeeded(app: App) {
    use Status::{PaidDenied, PaidIssued, PaidNotIssued};
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    book(&clerk, "чай", 5).await;
    manager.deny_order(2).await.unwrap();
    manager.issue_order(3).await.unwrap();
    let settled = settle(&clerk, [1, 2, 3, 4, 99], issue).await.unwrap();
    assert_eq!(settled.orders, [1, 4]);
    assert_eq!(
        settled.refused,
        [
            refused(2, Reason::Denied),
            refused(3, Reason::Issued),
            refused(99, Reason::Missing)
        ]
    );
    let all = [
        PaidIssued,
        PaidDenied,
        PaidIssued,
        PaidIssued,
        PaidNotIssued,
    ];
    assert_eq!(statuses(&clerk, 1..=5).await, all);
    assert_eq!(clerk.counters(tea.id).await, (2, 1, 1));
    // The clerk could not take back what the manager did.
    let operations = settled.operations;
    assert_eq!(operations.len(), 2);
    clerk
        .write(move |tx| undo_all(tx, &operations))
        .await
        .unwrap();
    let all = [
        PaidNotIssued,
        PaidDenied,
        PaidIssued,
        PaidNotIssued,
        PaidNotIssued,
    ];
    assert_eq!(statuses(&clerk, 1..=5).await, all);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn denied_orders_release_their_goods_and_one_undo_reserves_them_again(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 3).await;
    let coffee = manager.create_product("кофе", 3).await;
    book(&clerk, "чай", 2).await;
    book(&clerk, "кофе", 2).await;
    let settled = settle(&clerk, 1..=4, deny).await.unwrap();
    assert_eq!((settled.operations.len(), settled.refused.len()), (4, 0));
    assert_eq!(clerk.counters(tea.id).await, (3, 0, 3));
    assert_eq!(clerk.counters(coffee.id).await, (3, 0, 3));
    let operations = settled.operations;
    clerk
        .write(move |tx| undo_all(tx, &operations))
        .await
        .unwrap();
    assert_eq!(statuses(&clerk, 1..=4).await, [Status::PaidNotIssued; 4]);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_repeat_settles_nothing_and_offers_no_undo(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 2).await;
    book(&clerk, "чай", 2).await;
    settle(&clerk, 1..=2, issue).await.unwrap();
    let repeat = settle(&clerk, 1..=2, issue).await.unwrap();
    assert!(repeat.operations.is_empty());
    let both = [refused(1, Reason::Issued), refused(2, Reason::Issued)];
    assert_eq!(repeat.refused, both);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn no_more_than_a_page_and_no_fewer_than_one_are_chosen(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 2).await;
    book(&clerk, "чай", 1).await;
    let wrong = |problem| {
        Some(Error::Invalid(vec![FieldError {
            field: "orders".to_owned(),
            problem,
        }]))
    };
    let most = i64::try_from(MOST).unwrap();
    let too_many = settle(&clerk, 1..=most + 1, issue).await.err();
    assert_eq!(too_many, wrong(Problem::TooManyItems(MOST)));
    let none = settle(&clerk, [], issue).await.err();
    assert_eq!(none, wrong(Problem::NothingChosen));
    assert_eq!(statuses(&clerk, [1]).await, [Status::PaidNotIssued]);
    let settled = settle(&clerk, 1..=most, issue).await.unwrap();
    assert_eq!(settled.operations.len(), 1);
    assert_eq!(settled.refused.len(), MOST - 1);
}

#[apply(on_both_databases)]
async fn without_the_right_nothing_is_issued(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 2).await;
    book(&clerk, "чай", 1).await;
    let mut confined = clerk.clone();
    confined.me.must_change_password = true;
    let answer = settle(&confined, [1], issue).await;
    assert_eq!(answer.err(), Some(Error::MustChangePassword));
    let mut visitor = app.browser();
    for function in ["issue_orders", "deny_orders"] {
        let answer = visitor.call(function, &[("orders.1.id", "1")]).await;
        assert_eq!(answer.status, 401, "{function}");
    }
    assert_eq!(statuses(&clerk, [1]).await, [Status::PaidNotIssued]);
}

#[apply(on_both_databases)]
async fn two_clerks_with_overlapping_orders_settle_each_once_without_a_deadlock(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let products = ["чай", "кофе", "мёд"];
    for product in products {
        manager.create_product(product, 30).await;
    }
    // Neighbouring orders are of different products, so that both clerks need each product again and again.
    for number in 0..30 {
        clerk.create_order(products[number % 3], 1).await.unwrap();
    }
    let (issued, denied) = join(
        settle(&clerk, 1..=20, issue),
        settle(&manager, (10..=30).rev(), deny),
    )
    .await;
    let (issued, denied) = (issued.unwrap(), denied.unwrap());
    assert_eq!(issued.operations.len() + denied.operations.len(), 30);
    let reasons = |settled: &Settled, reason| {
        let mut all = settled.refused.iter();
        assert!(all.all(|refused| refused.reason == reason), "{settled:?}");
    };
    reasons(&issued, Reason::Denied);
    reasons(&denied, Reason::Issued);
    // Both take back at once, too.
    let (taken, also) = (issued.operations, denied.operations);
    let (first, second) = join(
        clerk.write(move |tx| undo_all(tx, &taken)),
        manager.write(move |tx| undo_all(tx, &also)),
    )
    .await;
    assert_eq!((first, second), (Ok(true), Ok(true)));
    assert_eq!(statuses(&clerk, 1..=30).await, [Status::PaidNotIssued; 30]);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_form_works_without_javascript(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let clerk = app.clerk();
    app.create_product("чай", 4).await;
    book(&clerk, "чай", 4).await;
    clerk.deny_order(2).await.unwrap();
    let page = "/orders?status=paid_not_issued";
    let list = browser.get("/orders").await.body;
    let boxes = list.matches("name=\"orders.").count();
    assert_eq!((boxes, list.matches("id=\"chosen\"").count()), (3, 1));
    let choose = |orders: &[i64]| form(orders.iter().copied());
    let fields = choose(&[1, 2, 3]);
    let fields: Vec<_> = fields.iter().map(|(name, id)| (&**name, &**id)).collect();
    let answer = browser.submit(page, "issue_orders", &fields).await;
    let location = answer.location.clone().unwrap();
    assert!(location.contains("refused=2-denied&undo="), "{location}");
    assert!(location.ends_with("&success=order_issued"), "{location}");
    let shown = browser.follow(&answer).await.body;
    for words in [
        "Выдано заказов: 2.",
        "Заказ № 2 уже отменён.",
        "Вернуть как было",
    ] {
        assert!(shown.contains(words), "{words}");
    }
    // If nothing succeeds, only the reasons are shown.
    let answer = browser.submit(page, "deny_orders", &fields).await;
    let shown = browser.follow(&answer).await.body;
    assert!(shown.contains("Заказ № 1 уже выдан.") && !shown.contains("Вернуть как было"));
    let answer = browser.submit(page, "issue_orders", &[]).await;
    let shown = browser.follow(&answer).await.body;
    assert!(shown.contains("Выберите хотя бы один"));
    // No row waits any more, so nothing can be chosen.
    clerk.issue_order(4).await.unwrap();
    assert!(!browser.get("/orders").await.body.contains("id=\"chosen\""));
}

#[test]
fn only_numbers_and_reasons_are_read_from_the_url() {
    let one = refused(7, Reason::Denied);
    assert_eq!(one.to_string().parse(), Ok(one));
    for wrong in ["", "7", "7-", "-denied", "7-<b>", "x-denied"] {
        assert!(wrong.parse::<Refused>().is_err(), "{wrong}");
    }
}
