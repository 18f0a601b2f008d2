//! Orders: creating, editing, issuing and denying them.

mod bulk;
mod lists;

use crate::tests::support::{App, PHONE, Person, apply, on_both_databases};
use crate::{
    audit::{Entity, service::history},
    auth::Role,
    error::{Error, Problem},
    money::Rub,
    number::Qty,
    orders::{self, ReturnReason, Status, returns::NewReturn, today::Today},
    products,
};

#[apply(on_both_databases)]
async fn an_order_reserves_stock_and_its_issue_removes_it(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 0).await;
    manager.receive_supply("чай", 10, "2.50").await.unwrap();
    let order = clerk.create_order("чай", 3).await.unwrap();
    assert_eq!(
        (
            order.status.clone(),
            order.unit_price_rub,
            order.total_rub()
        ),
        (Status::PaidNotIssued.into(), Rub(10_000), Rub(30_000))
    );
    assert_eq!(clerk.counters(tea.id).await, (10, 3, 7));
    let issued = clerk.issue_order(order.id).await.unwrap();
    assert_eq!(
        (issued.status, issued.issued_at.is_some()),
        (Status::PaidIssued.into(), true)
    );
    assert_eq!(clerk.counters(tea.id).await, (7, 0, 7));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_denied_order_releases_its_reserve(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 5).await.unwrap();
    assert_eq!(
        clerk.deny_order(order.id).await.unwrap().status,
        Status::PaidDenied
    );
    assert_eq!(clerk.counters(tea.id).await, (5, 0, 5));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn more_than_the_available_stock_cannot_be_ordered(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 3).await;
    clerk.create_order("чай", 2).await.unwrap();
    assert_eq!(
        clerk.create_order("чай", 2).await.unwrap_err(),
        Error::OutOfStock { stock: 1, qty: 2 }
    );
    assert_eq!(clerk.counters(tea.id).await, (3, 2, 1));
}

#[apply(on_both_databases)]
async fn issuing_or_denying_twice_changes_nothing_and_the_opposite_conflicts(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 5).await;
    let (first, second) = (
        clerk.create_order("чай", 2).await.unwrap(),
        clerk.create_order("чай", 1).await.unwrap(),
    );
    let issued = clerk.issue_order(first.id).await.unwrap();
    assert_eq!(clerk.issue_order(first.id).await.unwrap(), issued);
    assert_eq!(
        clerk.deny_order(first.id).await.unwrap_err(),
        Error::OrderIs(Status::PaidIssued.into())
    );
    let denied = clerk.deny_order(second.id).await.unwrap();
    assert_eq!(clerk.deny_order(second.id).await.unwrap(), denied);
    assert_eq!(
        clerk.issue_order(second.id).await.unwrap_err(),
        Error::OrderIs(Status::PaidDenied.into())
    );
    assert_eq!(clerk.counters(tea.id).await, (3, 0, 3));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn orders_of_an_archived_product_cannot_grow(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 9).await;
    let (first, second) = (
        clerk.create_order("чай", 3).await.unwrap(),
        clerk.create_order("чай", 2).await.unwrap(),
    );
    manager
        .write(move |tx| products::service::archive(tx, tea.id))
        .await
        .unwrap();
    let edit = |qty: &str, version: i64| {
        let draft = fields! { phone: PHONE, qty: qty, unit_price_rub: "90" };
        clerk.write(move |tx| {
            orders::service::edit(tx, first.id, &draft.with("version", version).read()?)
        })
    };
    assert_eq!(
        edit("4", 1).await.unwrap_err(),
        Error::field("qty", Problem::OnlyFewer)
    );
    assert_eq!(clerk.counters(tea.id).await, (9, 5, 4));
    assert_eq!(
        edit("3", 1).await.unwrap().unit_price_rub,
        Rub(9_000),
        "fields other than the quantity may change"
    );
    assert_eq!(edit("1", 2).await.unwrap().qty.0, 1);
    clerk.issue_order(first.id).await.unwrap();
    clerk.deny_order(second.id).await.unwrap();
    assert_eq!(clerk.counters(tea.id).await, (8, 0, 8));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_edit_without_changes_writes_nothing(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    let edit_order = |qty: &str, version: i64| {
        let draft = fields! { phone: "8 916 123-45-67", qty: qty, unit_price_rub: "100,00" };
        manager.write(move |tx| {
            orders::service::edit(tx, order.id, &draft.with("version", version).read()?)
        })
    };
    let edit_product = |min_stock: &str, version: i64| {
        let draft = fields! { name: " чай ", sell_price_rub: "100", min_stock: min_stock };
        manager.write(move |tx| {
            products::service::edit(tx, tea.id, &draft.with("version", version).read()?)
        })
    };
    assert_eq!(
        edit_order("2", 1).await.unwrap(),
        order,
        "version and user stay the same"
    );
    assert_eq!(edit_product("", 1).await.unwrap().version, 1);
    // It is no conflict if the order already has the new values, because of another edit or a repeated request.
    edit_order("3", 1).await.unwrap();
    edit_product("1", 1).await.unwrap();
    assert_eq!(edit_order("3", 1).await.unwrap().version, 2);
    assert_eq!(edit_product("1", 1).await.unwrap().version, 2);
    assert!(matches!(edit_order("4", 1).await, Err(Error::Stale(_))));
    // The quantity of an issued order cannot be edited.
    clerk.issue_order(order.id).await.unwrap();
    assert_eq!(
        edit_order("4", 3).await.unwrap_err(),
        Error::OrderIs(Status::PaidIssued.into())
    );
    let rows = manager
        .read(move |tx| {
            Ok((
                history(tx, Entity::Order, order.id)?.len(),
                history(tx, Entity::Product, tea.id)?.len(),
            ))
        })
        .await
        .unwrap();
    assert_eq!(rows, (3, 2));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_order_needs_a_price_if_the_product_has_none(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let unpriced = fields! { name: "без цены" };
    manager
        .write(move |tx| products::service::create(tx, "", &unpriced.with("quantity", "5").read()?))
        .await
        .unwrap();
    assert_eq!(
        clerk.create_order("без цены", 1).await.unwrap_err(),
        Error::field("unit_price_rub", Problem::NoPrice)
    );
    let draft = fields! { phone: PHONE, product: "без цены", qty: "2", unit_price_rub: "89,90" };
    let order = clerk
        .write(move |tx| orders::service::create(tx, "", &draft.read()?))
        .await
        .unwrap();
    assert_eq!(order.total_rub(), Rub(17_980));
}

#[apply(on_both_databases)]
async fn an_edited_quantity_changes_the_reserve(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    let edit = |qty: &str, version: i64| {
        let draft = fields! { phone: PHONE, qty: qty, unit_price_rub: "90" };
        clerk.write(move |tx| {
            orders::service::edit(tx, order.id, &draft.with("version", version).read()?)
        })
    };
    assert_eq!(edit("4", 1).await.unwrap().version, 2);
    assert_eq!(clerk.counters(tea.id).await, (5, 4, 1));
    assert_eq!(
        edit("6", 2).await.unwrap_err(),
        Error::OutOfStock { stock: 5, qty: 6 },
        "the quantity reserved by the order itself is available to it"
    );
    edit("1", 2).await.unwrap();
    assert_eq!(clerk.counters(tea.id).await, (5, 1, 4));
    assert!(matches!(
        edit("3", 1).await.unwrap_err(),
        Error::Stale(stale) if stale.version == 3 && stale.differences[0].field == "qty"
    ));
    clerk.issue_order(order.id).await.unwrap();
    assert_eq!(
        edit("3", 4).await.unwrap_err(),
        Error::OrderIs(Status::PaidIssued.into())
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_stale_edit_names_who_changed_the_order(app: App) {
    let anna = app.create_account(app.person("анна", Role::User)).await;
    let boris = app.create_account(app.person("борис", Role::User)).await;
    app.create_product("чай", 5).await;
    let order = anna.create_order("чай", 1).await.unwrap();
    let draft = |qty: &str| fields! { phone: PHONE, qty: qty, unit_price_rub: "90", version: "1" };
    let edited = draft("2");
    boris
        .write(move |tx| orders::service::edit(tx, order.id, &edited.read()?))
        .await
        .unwrap();
    let edited = draft("3");
    let refused = anna
        .write(move |tx| orders::service::edit(tx, order.id, &edited.read()?))
        .await
        .unwrap_err();
    let Error::Stale(stale) = refused else {
        panic!("{refused}")
    };
    let last = stale.last_change.unwrap();
    assert_eq!(
        (last.entity, last.user.as_deref()),
        (Entity::Order, Some("борис"))
    );
}

#[apply(on_both_databases)]
async fn an_idempotency_key_creates_one_order_and_rejects_a_different_one(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 5).await;
    let first = clerk.create_order_with_key("чай", 1, "key").await.unwrap();
    assert_eq!(
        clerk.create_order_with_key("чай", 1, "key").await.unwrap(),
        first
    );
    let refused = clerk
        .create_order_with_key("чай", 2, "key")
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::KeyReused(recorded) if recorded.entity == Entity::Order && recorded.id == first.id),
        "{refused:?}"
    );
    assert_eq!(clerk.counters(tea.id).await, (5, 1, 4));
}

#[apply(on_both_databases)]
async fn all_invalid_fields_are_reported_at_once(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let draft = fields! { phone: "12", qty: "0", unit_price_rub: "-1" };
    let error = clerk
        .write(move |tx| orders::service::create(tx, "", &draft.read()?))
        .await
        .unwrap_err();
    assert_eq!(error.problem("phone"), Some(&Problem::NotPhone));
    assert_eq!(error.problem("product"), Some(&Problem::Required));
    assert_eq!(error.problem("qty"), Some(&Problem::TooSmall(1)));
    assert_eq!(error.problem("unit_price_rub"), Some(&Problem::Negative));
}

#[apply(on_both_databases)]
async fn a_phone_with_an_extension_gets_its_own_error(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    for (phone, problem) in [
        ("8 (495) 123-45-67 доб. 12", Problem::NotOnePhone),
        ("+7 916 123 45 6o", Problem::NotPhone),
    ] {
        let draft = fields! { phone: phone, product: "чай", qty: "1" };
        let error = clerk
            .write(move |tx| orders::service::create(tx, "", &draft.read()?))
            .await
            .unwrap_err();
        assert_eq!(error, Error::field("phone", problem));
    }
}

#[apply(on_both_databases)]
async fn the_history_of_an_order_lists_each_change_once(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let history = clerk
        .read(move |tx| history(tx, Entity::Order, order.id))
        .await
        .unwrap();
    let actions: Vec<_> = history
        .iter()
        .map(|operation| (operation.action.code(), operation.user_id.as_deref()))
        .collect();
    assert_eq!(
        actions,
        [("issue", Some("продавец")), ("create", Some("продавец"))]
    );
}

#[apply(on_both_databases)]
async fn the_home_page_tells_what_was_done_today(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 20).await;
    for _ in 0..4 {
        clerk.create_order("чай", 2).await.unwrap();
    }
    clerk.issue_order(1).await.unwrap();
    manager.issue_order(2).await.unwrap();
    manager.deny_order(3).await.unwrap();
    let total = clerk
        .read(|tx| orders::service::get(tx, 1))
        .await
        .unwrap()
        .total_rub();
    let seen_by_clerk = clerk.read(orders::today::today).await.unwrap();
    let expected = Today {
        issued: 2,
        denied: 1,
        revenue_rub: None,
        own: (1, total),
    };
    assert_eq!(seen_by_clerk, expected);
    let seen_by_manager = manager.read(orders::today::today).await.unwrap();
    assert_eq!(seen_by_manager.revenue_rub, Some(Rub(2 * total.0)));
    // An issue that is taken back was not done. Who issues the order then has issued it.
    clerk
        .write(|tx| orders::service::reopen(tx, 1))
        .await
        .unwrap();
    let seen_by_clerk = clerk.read(orders::today::today).await.unwrap();
    assert_eq!((seen_by_clerk.issued, seen_by_clerk.own), (1, (0, Rub(0))));
    manager.issue_order(1).await.unwrap();
    let own = async |user: &Person| user.read(orders::today::today).await.unwrap().own;
    assert_eq!(own(&clerk).await, (0, Rub(0)));
    assert_eq!(own(&manager).await, (2, Rub(2 * total.0)));
}

#[apply(on_both_databases)]
async fn what_a_clerk_issued_stays_theirs_when_a_manager_takes_a_piece_back(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 20).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let new = NewReturn {
        qty: Qty(1),
        reason: ReturnReason::Other,
        restock: true,
        refund_rub: Some(Rub(order.unit_price_rub.0 - 1)),
    };
    manager
        .write(move |tx| orders::returns::create(tx, "", order.id, &new))
        .await
        .unwrap();
    let own = async |user: &Person| user.read(orders::today::today).await.unwrap().own;
    assert_eq!(own(&clerk).await, (1, Rub(order.unit_price_rub.0 + 1)));
    assert_eq!(own(&manager).await, (0, Rub(0)));
}
