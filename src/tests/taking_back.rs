//! Everything can be taken back: issues, cancellations, supplies, counts, write-offs and sales.

use crate::{
    analytics::{self, Summary, rates},
    audit::{Action, Entity, undo},
    clock,
    error::{Error, Problem},
    fields::Fields,
    money::{Eur, Rub},
    orders::{self, Order, Status, returns::OrderReturn},
    products,
    supplies::{self, Supply, correction},
    tests::support::{App, Person, apply, on_both_databases},
    transaction::Tx,
    undo::service::undo as take_back,
    write_offs::{self, WriteOff},
};
use chrono::TimeDelta;

/// Returns the number of the last operation of a kind on an entity.
async fn last(person: &Person, entity: Entity, id: i64, action: Action) -> i64 {
    let find = move |tx: &mut Tx<'_>| undo::last(tx, entity, id, action);
    person.read(find).await.unwrap().unwrap().id
}

async fn undo(person: &Person, operation: i64) -> Result<(), Error> {
    person
        .write(move |tx| take_back(tx, operation).map(drop))
        .await
}

async fn reopen(person: &Person, order: i64) -> Result<Order, Error> {
    person
        .write(move |tx| orders::service::reopen(tx, order))
        .await
}

async fn bring_back(person: &Person, order: i64, fields: Fields) -> Result<OrderReturn, Error> {
    person
        .write(move |tx| orders::returns::create(tx, "", order, &fields.read()?))
        .await
}

async fn correct(person: &Person, supply: i64, fields: Fields) -> Result<Supply, Error> {
    person
        .write(move |tx| correction::correct(tx, supply, &fields.read()?))
        .await
}

/// Returns the sales of this year.
async fn year(app: &App) -> Summary {
    let query = analytics::Query {
        preset: "year".to_owned(),
        ..Default::default()
    };
    app.admin()
        .read(move |tx| analytics::service::summary(tx, &query))
        .await
        .unwrap()
}

#[apply(on_both_databases)]
async fn an_issue_is_taken_back_once_by_whoever_made_it(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let other = app
        .create_account(app.person("другой", crate::auth::Role::User))
        .await;
    manager.create_product("чай", 5).await;
    manager.receive_supply("чай", 5, "2.01").await.unwrap();
    let order = clerk.create_order("чай", 3).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let issue = last(&clerk, Entity::Order, order.id, Action::Issue).await;
    assert_eq!(undo(&other, issue).await, Err(Error::NotYoursToTakeBack));
    assert_eq!(
        reopen(&other, order.id).await,
        Err(Error::NotYoursToTakeBack)
    );
    // The page of the order offers it only to those who may.
    let issued = clerk
        .read(move |tx| orders::service::get(tx, order.id))
        .await
        .unwrap();
    for (person, may) in [(&manager, true), (&clerk, true), (&other, false)] {
        let issued = issued.clone();
        let offered = person
            .read(move |tx| orders::service::may_take_back(tx, &issued))
            .await;
        assert_eq!(offered, Ok(may));
    }
    undo(&clerk, issue).await.unwrap();
    undo(&clerk, issue).await.unwrap();
    assert_eq!(clerk.counters(1).await, (10, 3, 7));
    assert_eq!(
        year(&app).await.totals,
        analytics::figures::Figures::default()
    );
    let log = clerk
        .read(move |tx| crate::audit::service::history(tx, Entity::Order, order.id))
        .await
        .unwrap();
    assert_eq!(
        (log[0].action.known(), log[0].undoes_id, log.len()),
        (Some(Action::Reopen), Some(issue), 3)
    );
    // The order can be issued anew, and the earlier issue cannot be taken back again.
    clerk.issue_order(order.id).await.unwrap();
    undo(&clerk, issue).await.unwrap();
    assert_eq!(clerk.counters(1).await, (7, 0, 7));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn clerks_take_back_only_what_is_recent_and_reports_of_past_days_stay(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 3).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let reopen_later = |person: &Person, minutes: i64| {
        let (actor, db) = (person.actor(), app.state.db.clone());
        let later = clock::at((clock::now().utc() + TimeDelta::minutes(minutes)).and_utc());
        async move {
            db.write(move |conn| {
                orders::service::reopen(&mut Tx::new(conn, actor, later), order.id)
            })
            .await
        }
    };
    let late = reopen_later(&clerk, 16).await;
    assert_eq!(late, Err(Error::NotYoursToTakeBack));
    // On another day, not even the manager can change the report of this one.
    let refused = reopen_later(&manager, 24 * 60).await;
    assert_eq!(refused, Err(Error::IssuedEarlier));
    let waiting = reopen_later(&clerk, 0).await.unwrap();
    assert!(waiting.waits());
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_denied_order_waits_again_if_there_is_stock(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let first = clerk.create_order("чай", 3).await.unwrap();
    clerk.deny_order(first.id).await.unwrap();
    let second = clerk.create_order("чай", 4).await.unwrap();
    let refused = reopen(&clerk, first.id).await;
    assert_eq!(refused, Err(Error::OutOfStock { stock: 1, qty: 3 }));
    clerk.deny_order(second.id).await.unwrap();
    let waiting = reopen(&clerk, first.id).await.unwrap();
    assert!(waiting.waits());
    assert_eq!(reopen(&clerk, first.id).await.unwrap(), waiting);
    assert_eq!(year(&app).await.totals.denied, 1);
    clerk.deny_order(first.id).await.unwrap();
    assert_eq!(year(&app).await.totals.denied, 2);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn returned_pieces_come_back_at_their_cost_and_are_subtracted_today(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 3, "3.33").await.unwrap();
    let set_rate = fields! { day: clock::now().day(), rub_per_eur: "100" };
    app.create_account(app.admin())
        .await
        .write(move |tx| rates::set(tx, &set_rate.read()?))
        .await
        .unwrap();
    let order = clerk.create_order("чай", 3).await.unwrap();
    let back =
        |qty: &str, restock: bool| fields! { qty: qty, reason: "defective", restock: restock };
    let early = bring_back(&clerk, order.id, back("1", true)).await;
    assert_eq!(early, Err(Error::OrderIs(Status::PaidNotIssued.into())));
    clerk.issue_order(order.id).await.unwrap();
    // Another price now does not matter for the pieces that were sold.
    manager.receive_supply("чай", 1, "9").await.unwrap();
    let dear = back("1", true).with("refund_rub", "100.01");
    assert_eq!(
        bring_back(&clerk, order.id, dear).await,
        Err(Error::field(
            "refund_rub",
            Problem::MoreThanPaid(Rub(10_000))
        ))
    );
    bring_back(&clerk, order.id, back("1", true).with("refund_rub", "90"))
        .await
        .unwrap();
    let rest = bring_back(&clerk, order.id, back("2", false))
        .await
        .unwrap();
    assert_eq!(rest.refund_rub, Rub(20_000), "what was paid, by default");
    assert_eq!(
        bring_back(&clerk, order.id, back("1", true)).await,
        Err(Error::field("qty", Problem::TooLarge(0)))
    );
    assert_eq!(reopen(&clerk, order.id).await, Err(Error::HasReturns));
    assert_eq!(clerk.counters(tea).await, (2, 0, 2));
    assert_eq!(clerk.product(tea).await.written_off, 2);
    let totals = year(&app).await.totals;
    assert_eq!(
        (totals.qty, totals.revenue_rub, totals.cost_eur),
        (0, Rub(1_000), Eur(0))
    );
    assert_eq!((totals.returned_qty, totals.returned_rub), (3, Rub(29_000)));
    assert_eq!(
        (
            totals.written_off_qty,
            totals.written_off_eur,
            totals.written_off_rub
        ),
        (2, Eur(666), Some(Rub(66_600)))
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_supply_typed_ten_times_too_large_is_corrected(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 10, "1").await.unwrap();
    let wrong = manager.receive_supply("чай", 200, "10").await.unwrap();
    let order = clerk.create_order("чай", 21).await.unwrap();
    let right = |version: i64, qty: &str, price: &str| {
        fields! {
            version: version, qty: qty, buy_price_eur: price, supplier_name: "Teekanne", reason: "лишний ноль"
        }
    };
    let missing = correct(&manager, wrong.id, right(1, "10", "10")).await;
    assert_eq!(
        missing,
        Err(Error::Reserved {
            on_hand: 20,
            reserved: 21
        })
    );
    assert_eq!(
        correct(&clerk, wrong.id, right(1, "20", "10")).await,
        Err(Error::Forbidden)
    );
    let corrected = correct(&manager, wrong.id, right(1, "20", "10"))
        .await
        .unwrap();
    assert_eq!((corrected.qty.0, corrected.version), (20, 2));
    assert_eq!(clerk.counters(tea).await, (30, 21, 9));
    let value = |app: &App| {
        let db = app.state.db.clone();
        async move {
            db.read(|conn| {
                use crate::schema::products::dsl::{products, value_eur};
                use diesel::prelude::*;
                products
                    .select(value_eur)
                    .first::<i64>(conn)
                    .map_err(Error::from)
            })
            .await
            .unwrap()
        }
    };
    assert_eq!(value(&app).await, 10 * 100 + 20 * 1_000);
    assert!(matches!(
        correct(&manager, wrong.id, right(1, "20", "9")).await,
        Err(Error::Stale(_))
    ));
    // Two thirds of the stock are sold, so that only a third of the supply gets the other price.
    clerk.deny_order(order.id).await.unwrap();
    let order = clerk.create_order("чай", 20).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let gone = {
        let corrected = corrected.clone();
        manager
            .read(move |tx| correction::gone(tx, &corrected))
            .await
    };
    assert_eq!(gone, Ok(13));
    let before = value(&app).await;
    correct(&manager, wrong.id, right(2, "20", "7"))
        .await
        .unwrap();
    assert_eq!(value(&app).await, before - 20 * 300 / 3);
    assert_eq!(clerk.product(tea).await.buy_price_eur, Some(Eur(700)));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn pieces_go_back_to_the_supplier_and_a_supply_is_undone(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 5, "1").await.unwrap();
    let supply = manager.receive_supply("чай", 5, "3").await.unwrap();
    let send_back = |qty: &str| {
        let fields = fields! { qty: qty, reason: "брак" };
        manager.write(move |tx| correction::return_to_supplier(tx, "", supply.id, &fields.read()?))
    };
    assert_eq!(send_back("2").await.unwrap().value_eur, Eur(600));
    assert_eq!(
        send_back("4").await,
        Err(Error::field("qty", Problem::TooLarge(3)))
    );
    let received = last(&manager, Entity::Supply, supply.id, Action::Supply).await;
    assert_eq!(undo(&clerk, received).await, Err(Error::Forbidden));
    undo(&manager, received).await.unwrap();
    undo(&manager, received).await.unwrap();
    assert_eq!(clerk.counters(tea).await, (5, 0, 5));
    assert_eq!(clerk.product(tea).await.buy_price_eur, Some(Eur(100)));
    let undone = manager
        .read(move |tx| supplies::service::get(tx, supply.id))
        .await
        .unwrap();
    assert!(undone.undone_at.is_some());
    assert_eq!(send_back("1").await, Err(Error::SupplyUndone));
    app.assert_consistent().await;
}

async fn write_off(
    person: &Person,
    product: i64,
    qty: &str,
    reason: &str,
) -> Result<WriteOff, Error> {
    let fields = fields! { qty: qty, reason: reason };
    person
        .write(move |tx| write_offs::service::create(tx, "", product, &fields.read()?))
        .await
}

#[apply(on_both_databases)]
async fn write_offs_and_counts_are_taken_back(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 5, "2").await.unwrap();
    clerk.create_order("чай", 2).await.unwrap();
    assert_eq!(
        write_off(&clerk, tea, "1", "damage").await,
        Err(Error::Forbidden)
    );
    assert_eq!(
        write_off(&manager, tea, "4", "damage").await,
        Err(Error::OutOfStock { stock: 3, qty: 4 })
    );
    assert_eq!(
        write_off(&manager, tea, "1", "return").await,
        Err(Error::field("reason", Problem::NotOffered))
    );
    write_off(&manager, tea, "2", "gift").await.unwrap();
    assert_eq!(year(&app).await.totals.written_off_eur, Eur(400));
    let made = last(&manager, Entity::Product, tea, Action::WriteOff).await;
    undo(&manager, made).await.unwrap();
    assert_eq!(year(&app).await.totals.written_off_eur, Eur(0));
    let count = fields! { expected: "5", on_hand: "3" };
    manager
        .write(move |tx| products::service::correct(tx, tea, &count.read()?))
        .await
        .unwrap();
    let counted = last(&manager, Entity::Product, tea, Action::Correct).await;
    undo(&manager, counted).await.unwrap();
    assert_eq!(clerk.counters(tea).await, (5, 2, 3));
    assert_eq!(clerk.product(tea).await.written_off, 0);
    let create = last(&manager, Entity::Product, tea, Action::Create).await;
    assert_eq!(undo(&manager, create).await, Err(Error::NotUndoable));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_wrong_rate_is_deleted_and_its_days_follow(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 0).await;
    manager.receive_supply("чай", 5, "1").await.unwrap();
    let order = clerk.create_order("чай", 5).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let today = clock::now().day();
    let admin = app.create_account(app.admin()).await;
    for (days_ago, rate) in [(10, "90"), (0, "900")] {
        let new = fields! { day: today - chrono::Days::new(days_ago), rub_per_eur: rate };
        admin
            .write(move |tx| rates::set(tx, &new.read()?))
            .await
            .unwrap();
    }
    assert_eq!(year(&app).await.totals.cost_rub, Some(Rub(450_000)));
    let delete = |day| admin.write(move |tx| rates::delete(tx, day));
    delete(today).await.unwrap();
    assert_eq!(year(&app).await.totals.cost_rub, Some(Rub(45_000)));
    app.assert_consistent().await;
    delete(today - chrono::Days::new(10)).await.unwrap();
    assert_eq!(year(&app).await.totals.cost_rub, None);
    assert_eq!(delete(today).await, Err(Error::NotFound));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_file_of_products_has_the_opening_stock_of_new_ones(app: App) {
    let manager = app.create_account(app.manager()).await;
    let file = "name;quantity;buy_price_eur;sell_price_rub\nчай;12;2,50;100\nкофе;;3;200\n";
    manager.import_products(file.to_owned()).await.unwrap();
    assert_eq!(manager.counters(1).await, (12, 0, 12));
    assert_eq!(manager.counters(2).await, (0, 0, 0));
    let again = manager
        .upload_products("name;quantity\nчай;5\n".to_owned())
        .await
        .unwrap();
    assert_eq!(
        again.wrong, 1,
        "the stock of a product is not set by a file"
    );
    app.assert_consistent().await;
}
