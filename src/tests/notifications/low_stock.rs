//! Low stock: a product is reported once, when its stock falls below the minimum.

use super::*;
use crate::{
    audit::{Action, Operation, Query, SYSTEM, search},
    i18n::Locale,
    products,
};

/// Returns the log rows about products that fell below their minimum, newest first.
async fn low_stock_log(person: &Person) -> Vec<Operation> {
    let query = Query {
        user: SYSTEM.to_owned(),
        action: Action::LowStock.to_string(),
        ..Query::default()
    };
    person
        .read(move |tx| search::list(tx, &query))
        .await
        .unwrap()
        .page
        .items
}

fn message(lines: &[&str]) -> String {
    format!("▼ <b>{}</b>\n{}", lines[0], lines[1..].join("\n"))
}

/// The line about one product.
fn line(id: i64, name: &str, counts: &str) -> String {
    format!("<a href=\"https://shop.example/products/{id}\">{name}</a>: {counts}")
}

#[apply(on_both_databases)]
async fn a_product_is_reported_once_below_its_minimum_and_again_after_recovery(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager
        .add_product_with_minimum("Чай «Ассам» & мёд", 7, 5)
        .await;

    // Stock at the minimum is not below it.
    clerk.create_order("ассам", 2).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    // Below the minimum: reported a minute later, not earlier.
    let fourth = clerk.create_order("ассам", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 30).await, 0);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let low = line(tea, "Чай «Ассам» &amp; мёд", "доступно 4, минимум 5");
    let first = message(&["Заканчивается товар", &low]);
    assert_eq!(telegram.messages(CHAT), [first.as_str()]);
    // While it stays below, further changes are not reported.
    clerk.create_order("ассам", 1).await.unwrap();
    clerk.issue_order(fourth.id).await.unwrap();
    manager.receive_supply("ассам", 1, "2").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    // Back at the minimum: the next fall is reported again.
    manager.receive_supply("ассам", 1, "2").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    clerk.create_order("ассам", 3).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let low = line(tea, "Чай «Ассам» &amp; мёд", "доступно 2, минимум 5");
    let second = message(&["Заканчивается товар", &low]);
    assert_eq!(telegram.messages(CHAT), [first.as_str(), second.as_str()]);
    // Each fall is logged as an event of the program, without a user.
    let logged = low_stock_log(&app.admin()).await;
    assert_eq!(logged.len(), 2);
    assert!(
        logged
            .iter()
            .all(|row| row.user_id.is_none() && row.entity_id == tea.to_string())
    );
}

#[apply(on_both_databases)]
async fn edits_and_stock_counts_trigger_alerts_too(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let (tea, coffee) = (
        manager.add_product_with_minimum("чай", 5, 2).await,
        manager.add_product_with_minimum("кофе", 5, 2).await,
    );
    let raised = fields! { name: "чай", min_stock: "6", sell_price_rub: "100" };
    manager
        .write(move |tx| products::service::edit(tx, tea, &raised.with("version", 1).read()?))
        .await
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    manager
        .write(move |tx| {
            products::service::correct(
                tx,
                coffee,
                &fields! { expected: 5, on_hand: "1", note: "бой" }.read()?,
            )
        })
        .await
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let order = manager.create_order("чай", 5).await.unwrap();
    manager.deny_order(order.id).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    assert_eq!(
        telegram.messages(CHAT),
        [
            message(&[
                "Заканчивается товар",
                &line(tea, "чай", "доступно 5, минимум 6")
            ]),
            message(&[
                "Заканчивается товар",
                &line(coffee, "кофе", "доступно 1, минимум 2")
            ]),
        ]
    );
}

#[apply(on_both_databases)]
async fn alerts_within_a_minute_are_joined_into_one_message(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let mut ids = Vec::new();
    for name in ["какао", "кофе", "чай"] {
        ids.push(manager.add_product_with_minimum(name, 5, 5).await);
    }
    for name in ["чай", "кофе", "какао", "чай"] {
        manager.create_order(name, 1).await.unwrap();
    }
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    assert_eq!(deliver(&app.state, &channels, 2 * AFTER_GATHER).await, 0);
    assert_eq!(
        telegram.messages(CHAT),
        [message(&[
            "Заканчиваются товары: 3",
            &line(ids[2], "чай", "доступно 4, минимум 5"),
            &line(ids[1], "кофе", "доступно 4, минимум 5"),
            &line(ids[0], "какао", "доступно 4, минимум 5"),
        ])]
    );
}

#[apply(on_both_databases)]
async fn an_import_that_makes_hundreds_of_products_low_sends_one_message(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let count = 200;
    let add = move |tx: &mut crate::transaction::Tx<'_>| {
        for number in 0..count {
            let draft = fields! { name: format!("товар {number:03}") };
            products::service::create(tx, "", &draft.with("quantity", "3").read()?)?;
        }
        Ok(())
    };
    manager.write(add).await.unwrap();
    let mut file = "name;min_stock\n".to_owned();
    for number in 0..count {
        file += &format!("товар {number:03};9\n");
    }
    manager.import_products(file).await.unwrap();
    assert_eq!(outbox(&app).await.len(), 1);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let text = telegram.messages(CHAT).remove(0);
    assert!(
        text.starts_with("▼ <b>Заканчиваются товары: 200</b>\n"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "<a href=\"https://shop.example/products?low=1&amp;sort=stock\">И ещё: 170</a>"
        ),
        "{text}"
    );
}

#[apply(on_both_databases)]
async fn a_product_created_below_its_minimum_is_reported_once(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let tea = manager.add_product_with_minimum("чай", 3, 5).await;
    manager.add_product_with_minimum("кофе", 5, 5).await;
    manager.add_product_with_minimum("какао", 0, 0).await;
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    // While it stays low, nothing more is reported.
    manager.create_order("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    let first = message(&[
        "Заканчивается товар",
        &line(tea, "чай", "доступно 3, минимум 5"),
    ]);
    assert_eq!(
        (
            telegram.messages(CHAT),
            low_stock_log(&app.admin()).await.len()
        ),
        (vec![first.clone()], 1)
    );
    // Imported products: one message, but a log row for each.
    let file = "name;min_stock\nмёд;2\nсоль;0\nперец;1\n";
    manager.import_products(file.to_owned()).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let second = telegram.messages(CHAT).remove(1);
    assert!(
        second.starts_with("▼ <b>Заканчиваются товары: 2</b>")
            && second.contains("мёд")
            && second.contains("перец"),
        "{second}"
    );
    assert_eq!(low_stock_log(&app.admin()).await.len(), 3);
}

#[apply(on_both_databases)]
async fn a_product_restored_below_its_minimum_is_reported(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let (tea, coffee) = (
        manager.add_product_with_minimum("чай", 5, 5).await,
        manager.add_product_with_minimum("кофе", 5, 5).await,
    );
    let archive = |id| manager.write(move |tx| products::service::archive(tx, id));
    let restore = |id| manager.write(move |tx| products::service::restore(tx, id));
    for id in [tea, coffee] {
        archive(id).await.unwrap();
    }
    // Archived products are never low.
    manager
        .write(move |tx| {
            products::service::correct(
                tx,
                tea,
                &fields! { expected: 5, on_hand: "1", note: "бой" }.read()?,
            )
        })
        .await
        .unwrap();
    assert_eq!(
        (
            outbox(&app).await.len(),
            low_stock_log(&app.admin()).await.len()
        ),
        (0, 0)
    );
    for id in [tea, tea, coffee] {
        restore(id).await.unwrap();
    }
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    assert_eq!(
        telegram.messages(CHAT),
        [message(&[
            "Заканчивается товар",
            &line(tea, "чай", "доступно 1, минимум 5")
        ])]
    );
    assert_eq!(low_stock_log(&app.admin()).await.len(), 1);
}

#[apply(on_both_databases)]
async fn a_product_that_stays_below_its_minimum_is_not_reported_again(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let manager = app.create_account(app.manager()).await;
    manager.add_product_with_minimum("чай", 0, 5).await;
    let counts = (
        outbox(&app).await.len(),
        low_stock_log(&app.admin()).await.len(),
    );
    assert_eq!(counts, (1, 1));
    manager.receive_supply("чай", 3, "1").await.unwrap();
    // Down and up again within one transaction: not reported.
    manager.add_product_with_minimum("кофе", 5, 5).await;
    manager
        .write(|tx| {
            products::service::correct(tx, 2, &fields! { expected: 5, on_hand: "1" }.read()?)?;
            products::service::correct(tx, 2, &fields! { expected: 1, on_hand: "6" }.read()?)
        })
        .await
        .unwrap();
    assert_eq!(
        (
            outbox(&app).await.len(),
            low_stock_log(&app.admin()).await.len()
        ),
        counts
    );
}

#[apply(on_both_databases)]
async fn products_refilled_before_delivery_are_not_reported(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let mut browser = app.signed_in_browser(app.admin()).await;
    let manager = app.create_account(app.manager()).await;
    let mut ids = Vec::new();
    for name in ["чай", "кофе", "вода"] {
        ids.push(manager.add_product_with_minimum(name, 5, 5).await);
        manager.create_order(name, 1).await.unwrap();
    }
    manager.receive_supply("чай", 3, "1").await.unwrap();
    let archived = ids[2];
    manager
        .write(move |tx| products::service::archive(tx, archived))
        .await
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    assert_eq!(
        telegram.messages(CHAT),
        [message(&[
            "Заканчивается товар",
            &line(ids[1], "кофе", "доступно 4, минимум 5")
        ])]
    );
    let states: Vec<_> = outbox(&app).await.into_iter().map(|row| row.0).collect();
    assert_eq!(states, [State::Cancelled, State::Sent, State::Cancelled]);
    let page = browser
        .get("/admin/notifications?state=cancelled")
        .await
        .body;
    assert!(
        page.contains("отменено")
            && page.contains("товара снова достаточно")
            && !page.contains("Отправить ещё раз"),
        "{page}"
    );
    // The next fall is reported.
    manager.create_order("чай", 4).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    assert_eq!(telegram.messages(CHAT).len(), 2);
}

#[apply(on_both_databases)]
async fn refilled_alerts_are_cancelled_and_later_ones_keep_their_delay(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    for name in ["чай", "кофе"] {
        manager.add_product_with_minimum(name, 5, 5).await;
        manager.create_order(name, 1).await.unwrap();
    }
    manager.receive_supply("чай", 3, "1").await.unwrap();
    // The second alert is not due yet.
    app.sql("UPDATE notifications SET due_at = '2099-01-01 00:00:00' WHERE id = 2")
        .await;
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    let states: Vec<_> = outbox(&app).await.into_iter().map(|row| row.0).collect();
    assert_eq!(states, [State::Cancelled, State::Waiting]);
    assert_eq!(telegram.calls("sendMessage").len(), 0);
}

#[apply(on_both_databases)]
async fn an_alert_with_a_lost_reply_is_repeated_even_after_a_refill(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    manager.add_product_with_minimum("чай", 5, 5).await;
    manager.add_product_with_minimum("кофе", 5, 5).await;
    manager.create_order("чай", 1).await.unwrap();
    telegram.queue_reply(Reply::AcceptAndDisconnect);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    manager.receive_supply("чай", 3, "1").await.unwrap();
    manager.create_order("кофе", 1).await.unwrap();
    // The repeat contains nothing new and says that it may be a repeat. The later alert is a message of its own.
    assert_eq!(deliver(&app.state, &channels, 2 * AFTER_GATHER).await, 2);
    let messages = telegram.messages(CHAT);
    assert!(
        messages[1].starts_with(&messages[0])
            && messages[1].contains("Возможно, это повтор")
            && !messages[1].contains("кофе"),
        "{messages:?}"
    );
    assert!(
        messages[2].contains("кофе")
            && !messages[2].contains("повтор")
            && !messages[2].contains("чай"),
        "{messages:?}"
    );
}

#[apply(on_both_databases)]
async fn rolled_back_transactions_send_no_notifications(app: App) {
    let telegram = Telegram::start().await;
    let app = with_order_notifications(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    manager.add_product_with_minimum("чай", 5, 5).await;
    let failing = manager.write(|tx| {
        let draft = fields! { phone: "+79161234567", product: "чай", qty: "1" };
        crate::orders::service::create(tx, "", &draft.read()?)?;
        Err::<(), _>(crate::error::Error::Unavailable)
    });
    failing.await.unwrap_err();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    assert_eq!(
        (
            outbox(&app).await.len(),
            low_stock_log(&app.admin()).await.len()
        ),
        (0, 0)
    );
}

#[apply(on_both_databases)]
async fn without_recipients_low_stock_is_only_logged(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.add_product_with_minimum("чай", 5, 5).await;
    manager.create_order("чай", 1).await.unwrap();
    assert_eq!(outbox(&app).await, []);
    assert_eq!(low_stock_log(&app.admin()).await.len(), 1);
}

#[apply(on_both_databases)]
async fn the_demo_sends_no_notifications(app: App) {
    let telegram = Telegram::start().await;
    let app = with_order_notifications(app, &telegram, &[CHAT]);
    crate::demo::fill(&app.state, 60, crate::demo::KINDS)
        .await
        .unwrap();
    assert_eq!(outbox(&app).await, []);
    assert_eq!(low_stock_log(&app.admin()).await.len(), 0);
}

#[apply(on_both_databases)]
async fn notifications_use_the_configured_language(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT])
        .restarted(|config| config.notifications.language = Locale::en);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let tea = manager.add_product_with_minimum("Assam", 5, 5).await;
    manager.create_order("assam", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 1);
    let expected = message(&[
        "Product running low",
        &line(tea, "Assam", "4 available, minimum 5"),
    ]);
    assert_eq!(telegram.messages(CHAT), [expected]);
}
