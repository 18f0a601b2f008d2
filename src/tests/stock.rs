//! The rules of stock, orders and supplies.

use super::{app::PHONE, on_both_databases};
use crate::{
    db::DatabaseUrl,
    error::{Error, Problem},
    log::{Action, Change, Entity, service::history},
    money::{Eur, Rub},
    orders::{self, Status},
    products,
    schema::{orders as orders_table, products as products_table},
    supplies,
};
use diesel::prelude::*;

on_both_databases! {
    async fn an_order_reserves_and_its_issue_hands_out(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let tea = manager.adds("чай", 0).await;
        manager.supplies("чай", 10, "2.50").await.unwrap();
        let order = clerk.books("чай", 3).await.unwrap();
        assert_eq!((order.status.clone(), order.unit_price_rub, order.total_rub()), (Status::PaidNotIssued.into(), Rub(10_000), Rub(30_000)));
        assert_eq!(clerk.counts(tea.id).await, (10, 3, 7));
        let issued = clerk.issues(order.id).await.unwrap();
        assert_eq!((issued.status, issued.issued_at.is_some()), (Status::PaidIssued.into(), true));
        assert_eq!(clerk.counts(tea.id).await, (7, 0, 7));
        app.assert_agrees().await;
    }

    async fn a_denied_order_gives_its_pieces_back(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let tea = manager.adds("чай", 5).await;
        let order = clerk.books("чай", 5).await.unwrap();
        assert_eq!(clerk.denies(order.id).await.unwrap().status, Status::PaidDenied);
        assert_eq!(clerk.counts(tea.id).await, (5, 0, 5));
        app.assert_agrees().await;
    }

    async fn more_than_there_is_cannot_be_booked(app: App) {
        let clerk = app.hire(app.clerk()).await;
        let tea = app.hire(app.manager()).await.adds("чай", 3).await;
        clerk.books("чай", 2).await.unwrap();
        assert_eq!(clerk.books("чай", 2).await.unwrap_err(), Error::OutOfStock { stock: 1, qty: 2 });
        assert_eq!(clerk.counts(tea.id).await, (3, 2, 1));
    }

    async fn settling_twice_changes_nothing_and_the_opposite_is_a_conflict(app: App) {
        let clerk = app.hire(app.clerk()).await;
        let tea = app.hire(app.manager()).await.adds("чай", 5).await;
        let (first, second) = (clerk.books("чай", 2).await.unwrap(), clerk.books("чай", 1).await.unwrap());
        let issued = clerk.issues(first.id).await.unwrap();
        assert_eq!(clerk.issues(first.id).await.unwrap(), issued);
        assert_eq!(clerk.denies(first.id).await.unwrap_err(), Error::OrderIs(Status::PaidIssued.into()));
        let denied = clerk.denies(second.id).await.unwrap();
        assert_eq!(clerk.denies(second.id).await.unwrap(), denied);
        assert_eq!(clerk.issues(second.id).await.unwrap_err(), Error::OrderIs(Status::PaidDenied.into()));
        assert_eq!(clerk.counts(tea.id).await, (3, 0, 3));
        app.assert_agrees().await;
    }

    async fn an_issue_freezes_the_average_cost(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        manager.adds("чай", 0).await;
        manager.supplies("чай", 1, "1").await.unwrap();
        manager.supplies("чай", 2, "2").await.unwrap();
        let order = clerk.books("чай", 2).await.unwrap();
        clerk.issues(order.id).await.unwrap();
        let frozen = clerk.look(move |tx| {
            let cost = orders_table::table.find(order.id).select((orders_table::cost_eur, orders_table::uncosted_qty));
            cost.first::<(Option<Eur>, Option<i64>)>(tx.conn).map_err(Error::from)
        }).await.unwrap();
        assert_eq!(frozen, (Some(Eur(333)), Some(0)));
        app.assert_agrees().await;
    }

    async fn a_supply_tells_a_product_what_it_cost_last_and_who_brought_it(app: App) {
        let manager = app.hire(app.manager()).await;
        let id = manager.adds("чай", 0).await.id;
        manager.supplies("чай", 1, "1.50").await.unwrap();
        manager.supplies("чай", 1, "1.50").await.unwrap();
        let tea = manager.sees(id).await;
        assert_eq!((tea.buy_price_eur, tea.supplier_name.as_deref(), tea.version), (Some(Eur(150)), Some("Teekanne"), 2));
        let draft = fields! { product: "чай", qty: "1", supplier_name: "Lipton", buy_price_eur: "9" };
        manager.act(move |tx| supplies::service::receive(tx, "", &draft.read()?)).await.unwrap();
        let tea = manager.sees(id).await;
        assert_eq!((tea.buy_price_eur, tea.supplier_name.as_deref(), tea.version), (Some(Eur(900)), Some("Lipton"), 3));
        // Each change is on record, and the next supply is proposed by the last one.
        let (history, start) = manager.look(move |tx| Ok((history(tx, Entity::Product, id)?, products::picker::start(tx, &id.to_string())?))).await.unwrap();
        let edits: Vec<_> = history.iter().filter(|row| row.action == Action::Edit).map(|row| row.changes.clone()).collect();
        let change = |field: &str, before: Option<&str>, after: &str| Change { field: field.into(), before: before.map(Into::into), after: Some(after.into()) };
        assert_eq!(edits, [
            vec![change("buy_price_eur", Some("1.50"), "9.00"), change("supplier_name", Some("Teekanne"), "Lipton")],
            vec![change("buy_price_eur", None, "1.50"), change("supplier_name", None, "Teekanne")],
        ]);
        let proposed = start.chosen.unwrap();
        assert_eq!((proposed.buy_price_eur, proposed.supplier_name.as_deref()), (Some(Eur(900)), Some("Lipton")));
        app.assert_agrees().await;
    }

    async fn a_form_that_was_open_does_not_wipe_what_a_supply_set(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("чай", 0).await;
        manager.supplies("чай", 1, "2.50").await.unwrap();
        let draft = fields! { name: "чай зелёный", sell_price_rub: "100" };
        let refused = manager.act(move |tx| products::service::edit(tx, tea.id, &draft.with("version", tea.version).read()?)).await.unwrap_err();
        let Error::Stale(stale) = refused else { panic!("{refused}") };
        let shown: Vec<_> = stale.differences.iter().map(|difference| (difference.field.as_str(), difference.now.as_str())).collect();
        assert_eq!((stale.version, shown), (2, vec![("name", "чай"), ("buy_price_eur", "2.50"), ("supplier_name", "Teekanne")]));
        assert_eq!(manager.sees(tea.id).await.buy_price_eur, Some(Eur(250)));
    }

    async fn what_a_count_finds_is_worth_the_last_purchase_price(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("чай", 0).await.id;
        manager.supplies("чай", 1, "1").await.unwrap();
        manager.supplies("чай", 1, "3").await.unwrap();
        manager.act(move |tx| products::service::correct(tx, tea, &fields! { expected: 2, on_hand: "4", note: "излишек" }.read()?)).await.unwrap();
        let value = manager.look(move |tx| Ok(products_table::table.find(tea).select(products_table::value_eur).first::<Eur>(tx.conn)?)).await.unwrap();
        assert_eq!(value, Eur(100 + 300 + 2 * 300));
        app.assert_agrees().await;
    }

    async fn a_shop_of_before_gets_the_last_purchase_prices_of_what_nobody_edited(app: App) {
        let manager = app.hire(app.manager()).await;
        for name in ["чай", "кофе", "какао"] {
            manager.adds(name, 0).await;
        }
        for name in ["чай", "кофе"] {
            manager.supplies(name, 1, "1.50").await.unwrap();
            manager.supplies(name, 1, "9").await.unwrap();
        }
        // As earlier versions left them: «кофе» was edited by hand afterwards.
        app.sql("UPDATE products SET buy_price_eur = 150, supplier_name = 'Lipton', supplier_key = 'lipton', version = 1 WHERE id = 1").await;
        app.sql("UPDATE products SET buy_price_eur = 777, version = 2 WHERE id = 2").await;
        app.sql(match app.shop.config.database_url {
            DatabaseUrl::Sqlite(_) => include_str!("../../migrations/sqlite/2026-11-26-000085_last_purchase/up.sql"),
            DatabaseUrl::Postgres(_) => include_str!("../../migrations/postgres/2026-11-26-000085_last_purchase/up.sql"),
        }).await;
        let mut now = Vec::new();
        for id in 1..=3 {
            let product = manager.sees(id).await;
            now.push((product.buy_price_eur, product.supplier_name.clone(), product.version));
        }
        let teekanne = || Some("Teekanne".to_owned());
        assert_eq!(now, [(Some(Eur(900)), teekanne(), 2), (Some(Eur(777)), teekanne(), 2), (None, None, 1)]);
    }

    async fn an_archived_product_is_not_ordered_more_of(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let tea = manager.adds("чай", 9).await;
        let (first, second) = (clerk.books("чай", 3).await.unwrap(), clerk.books("чай", 2).await.unwrap());
        manager.act(move |tx| products::service::archive(tx, tea.id)).await.unwrap();
        let edit = |qty: &str, version: i64| {
            let draft = fields! { phone: PHONE, qty: qty, unit_price_rub: "90" };
            clerk.act(move |tx| orders::service::edit(tx, first.id, &draft.with("version", version).read()?))
        };
        assert_eq!(edit("4", 1).await.unwrap_err(), Error::field("qty", Problem::OnlyFewer));
        assert_eq!(clerk.counts(tea.id).await, (9, 5, 4));
        assert_eq!(edit("3", 1).await.unwrap().unit_price_rub, Rub(9_000), "anything else may change");
        assert_eq!(edit("1", 2).await.unwrap().qty.0, 1);
        clerk.issues(first.id).await.unwrap();
        clerk.denies(second.id).await.unwrap();
        assert_eq!(clerk.counts(tea.id).await, (8, 0, 8));
        app.assert_agrees().await;
    }

    async fn an_edit_that_changes_nothing_changes_nothing(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let tea = manager.adds("чай", 5).await;
        let order = clerk.books("чай", 2).await.unwrap();
        let edit_order = |qty: &str, version: i64| {
            let draft = fields! { phone: "8 916 123-45-67", qty: qty, unit_price_rub: "100,00" };
            manager.act(move |tx| orders::service::edit(tx, order.id, &draft.with("version", version).read()?))
        };
        let edit_product = |min_stock: &str, version: i64| {
            let draft = fields! { name: " чай ", sell_price_rub: "100", min_stock: min_stock };
            manager.act(move |tx| products::service::edit(tx, tea.id, &draft.with("version", version).read()?))
        };
        assert_eq!(edit_order("2", 1).await.unwrap(), order, "version and user are those of before");
        assert_eq!(edit_product("", 1).await.unwrap().version, 1);
        // Nor is it a conflict when somebody else has written the same meanwhile, or it was sent twice.
        edit_order("3", 1).await.unwrap();
        edit_product("1", 1).await.unwrap();
        assert_eq!(edit_order("3", 1).await.unwrap().version, 2);
        assert_eq!(edit_product("1", 1).await.unwrap().version, 2);
        assert!(matches!(edit_order("4", 1).await, Err(Error::Stale(_))));
        // What is settled is not edited at all.
        clerk.issues(order.id).await.unwrap();
        assert_eq!(edit_order("3", 3).await.unwrap_err(), Error::OrderIs(Status::PaidIssued.into()));
        let rows = manager.look(move |tx| Ok((history(tx, Entity::Order, order.id)?.len(), history(tx, Entity::Product, tea.id)?.len()))).await.unwrap();
        assert_eq!(rows, (3, 2));
        app.assert_agrees().await;
    }

    async fn a_price_may_be_a_discount_but_must_be_there(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let free = fields! { name: "без цены" };
        manager.act(move |tx| products::service::create(tx, "", &free.with("quantity", "5").read()?)).await.unwrap();
        assert_eq!(clerk.books("без цены", 1).await.unwrap_err(), Error::field("unit_price_rub", Problem::NoPrice));
        let draft = fields! { phone: PHONE, product: "без цены", qty: "2", unit_price_rub: "89,90" };
        let order = clerk.act(move |tx| orders::service::create(tx, "", &draft.read()?)).await.unwrap();
        assert_eq!(order.total_rub(), Rub(17_980));
    }

    async fn an_edit_moves_the_reserve(app: App) {
        let clerk = app.hire(app.clerk()).await;
        let tea = app.hire(app.manager()).await.adds("чай", 5).await;
        let order = clerk.books("чай", 2).await.unwrap();
        let edit = |qty: &str, version: i64| {
            let draft = fields! { phone: PHONE, qty: qty, unit_price_rub: "90" };
            clerk.act(move |tx| orders::service::edit(tx, order.id, &draft.with("version", version).read()?))
        };
        assert_eq!(edit("4", 1).await.unwrap().version, 2);
        assert_eq!(clerk.counts(tea.id).await, (5, 4, 1));
        assert_eq!(edit("6", 2).await.unwrap_err(), Error::OutOfStock { stock: 5, qty: 6 }, "what the order holds counts for it");
        edit("1", 2).await.unwrap();
        assert_eq!(clerk.counts(tea.id).await, (5, 1, 4));
        assert!(matches!(edit("3", 1).await.unwrap_err(), Error::Stale(stale) if stale.version == 3 && stale.differences[0].field == "qty"));
        clerk.issues(order.id).await.unwrap();
        assert_eq!(edit("3", 4).await.unwrap_err(), Error::OrderIs(Status::PaidIssued.into()));
        app.assert_agrees().await;
    }

    async fn a_stale_edit_of_a_product_says_what_changed(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("чай", 0).await;
        let edit = |price: &str| {
            let draft = fields! { name: "чай", sell_price_rub: price };
            manager.act(move |tx| products::service::edit(tx, tea.id, &draft.with("version", 1).read()?))
        };
        edit("120").await.unwrap();
        let Error::Stale(stale) = edit("130").await.unwrap_err() else { panic!("not a conflict") };
        assert_eq!((stale.version, stale.differences[0].field.as_str(), stale.differences[0].now.as_str()), (2, "sell_price_rub", "120.00"));
        assert_eq!(manager.sees(tea.id).await.sell_price_rub, Some(Rub(12_000)));
    }

    async fn a_count_corrects_the_stock_but_not_what_is_promised(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let tea = manager.adds("чай", 5).await;
        clerk.books("чай", 3).await.unwrap();
        let count = |expected: i64, counted: &str| {
            let counted = counted.to_owned();
            manager.act(move |tx| products::service::correct(tx, tea.id, &fields! { expected: expected, on_hand: counted, note: "пересчёт" }.read()?))
        };
        assert_eq!(count(5, "2").await.unwrap_err(), Error::Reserved { on_hand: 2, reserved: 3 });
        count(5, "4").await.unwrap();
        assert_eq!(clerk.counts(tea.id).await, (4, 3, 1));
        assert!(matches!(count(5, "6").await.unwrap_err(), Error::Stale(stale) if stale.version == 4));
        app.assert_agrees().await;
    }

    async fn a_product_with_history_is_archived_and_one_without_is_deleted(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        let (tea, typo) = (manager.adds("чай", 5).await, manager.adds("чяй", 0).await);
        let order = clerk.books("чай", 1).await.unwrap();
        assert!(!manager.act(move |tx| products::service::archive(tx, typo.id)).await.unwrap());
        assert!(manager.act(move |tx| products::service::archive(tx, tea.id)).await.unwrap());
        assert_eq!(clerk.look(move |tx| products::service::get(tx, typo.id)).await.unwrap_err(), Error::NotFound);
        assert_eq!(clerk.books("чай", 1).await.unwrap_err(), Error::Archived);
        assert_eq!(manager.supplies("чай", 1, "1").await.unwrap_err(), Error::Archived);
        clerk.issues(order.id).await.unwrap();
        manager.act(move |tx| products::service::restore(tx, tea.id)).await.unwrap();
        clerk.books("чай", 1).await.unwrap();
        app.assert_agrees().await;
    }

    async fn names_differ_in_more_than_case(app: App) {
        let manager = app.hire(app.manager()).await;
        manager.adds("Зелёный чай", 1).await;
        let draft = fields! { name: " зеленый  ЧАЙ " };
        let again = manager.act(move |tx| products::service::create(tx, "", &draft.read()?)).await;
        assert_eq!(again.unwrap_err(), Error::field("name", Problem::Taken));
    }

    async fn a_product_is_found_by_words_that_only_it_has(app: App) {
        let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
        manager.adds("Чай чёрный", 1).await;
        manager.adds("Чай зелёный", 1).await;
        assert_eq!(clerk.books("ЗЕЛЁНЫЙ", 1).await.unwrap().product_name, "Чай зелёный");
        assert!(matches!(clerk.books("чай", 1).await.unwrap_err().problem("product"), Some(Problem::Ambiguous(names)) if names.len() == 2));
        assert_eq!(clerk.books("кофе", 1).await.unwrap_err(), Error::field("product", Problem::UnknownProduct));
        assert_eq!(clerk.books("%", 1).await.unwrap_err(), Error::field("product", Problem::UnknownProduct));
    }

    async fn a_key_makes_one_order_and_refuses_another(app: App) {
        let clerk = app.hire(app.clerk()).await;
        let tea = app.hire(app.manager()).await.adds("чай", 5).await;
        let first = clerk.books_once("чай", 1, "key").await.unwrap();
        assert_eq!(clerk.books_once("чай", 1, "key").await.unwrap(), first);
        let refused = clerk.books_once("чай", 2, "key").await.unwrap_err();
        assert!(matches!(&refused, Error::KeyReused(recorded) if recorded.entity == Entity::Order && recorded.id == first.id), "{refused:?}");
        assert_eq!(clerk.counts(tea.id).await, (5, 1, 4));
    }

    async fn all_wrong_fields_are_named_at_once(app: App) {
        let clerk = app.hire(app.clerk()).await;
        let draft = fields! { phone: "12", qty: "0", unit_price_rub: "-1" };
        let error = clerk.act(move |tx| orders::service::create(tx, "", &draft.read()?)).await.unwrap_err();
        assert_eq!(error.problem("phone"), Some(&Problem::NotPhone));
        assert_eq!(error.problem("product"), Some(&Problem::Required));
        assert_eq!(error.problem("qty"), Some(&Problem::TooSmall(1)));
        assert_eq!(error.problem("unit_price_rub"), Some(&Problem::Negative));
    }

    async fn a_phone_with_an_extension_is_refused_in_words(app: App) {
        let clerk = app.hire(app.clerk()).await;
        app.hire(app.manager()).await.adds("чай", 5).await;
        for (phone, problem) in [
            ("8 (495) 123-45-67 доб. 12", Problem::NotOnePhone),
            ("+7 916 123 45 6o", Problem::NotPhone),
        ] {
            let draft = fields! { phone: phone, product: "чай", qty: "1" };
            let error = clerk.act(move |tx| orders::service::create(tx, "", &draft.read()?)).await.unwrap_err();
            assert_eq!(error, Error::field("phone", problem));
        }
    }

    async fn every_act_on_an_order_is_in_its_history(app: App) {
        let clerk = app.hire(app.clerk()).await;
        app.hire(app.manager()).await.adds("чай", 5).await;
        let order = clerk.books("чай", 1).await.unwrap();
        clerk.issues(order.id).await.unwrap();
        clerk.issues(order.id).await.unwrap();
        let history = clerk.look(move |tx| history(tx, Entity::Order, order.id)).await.unwrap();
        let acts: Vec<_> = history.iter().map(|operation| (operation.action.code(), operation.user_id.as_deref())).collect();
        assert_eq!(acts, [("issue", Some("продавец")), ("create", Some("продавец"))]);
    }
}
