//! What runs low is told once, when it falls below its minimum.

use super::*;
use crate::{
    audit::{Action, Operation, Query, SYSTEM, search},
    i18n::Locale,
    products,
};

/// What the log says of products that fell below their minimum, newest first.
async fn noticed(person: &Person) -> Vec<Operation> {
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

/// The line of a product.
fn line(id: i64, name: &str, counts: &str) -> String {
    format!("<a href=\"https://shop.example/products/{id}\">{name}</a>: {counts}")
}

#[apply(on_both_databases)]
async fn it_is_told_when_it_falls_below_and_again_after_it_was_back(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
    let tea = manager.adds_with_minimum("Чай «Ассам» & мёд", 7, 5).await;

    // At the minimum is not below it.
    clerk.books("ассам", 2).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    // Below: told a minute later, and not before.
    let fourth = clerk.books("ассам", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 30).await, 0);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let low = line(tea, "Чай «Ассам» &amp; мёд", "доступно 4, минимум 5");
    let first = message(&["Заканчивается товар", &low]);
    assert_eq!(telegram.messages(CHAT), [first.as_str()]);
    // It stays below: nothing more to tell, whatever is done to it.
    clerk.books("ассам", 1).await.unwrap();
    clerk.issues(fourth.id).await.unwrap();
    manager.supplies("ассам", 1, "2").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    // Back at the minimum: armed again.
    manager.supplies("ассам", 1, "2").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    clerk.books("ассам", 3).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let low = line(tea, "Чай «Ассам» &amp; мёд", "доступно 2, минимум 5");
    let second = message(&["Заканчивается товар", &low]);
    assert_eq!(telegram.messages(CHAT), [first.as_str(), second.as_str()]);
    // Each fall is on record, as what nobody did but the program noticed.
    let noticed = noticed(&app.admin()).await;
    assert_eq!(noticed.len(), 2);
    assert!(
        noticed
            .iter()
            .all(|row| row.user_id.is_none() && row.entity_id == tea.to_string())
    );
}

#[apply(on_both_databases)]
async fn an_edit_and_a_count_take_it_below_too(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let (tea, coffee) = (
        manager.adds_with_minimum("чай", 5, 2).await,
        manager.adds_with_minimum("кофе", 5, 2).await,
    );
    let raised = fields! { name: "чай", min_stock: "6", sell_price_rub: "100" };
    manager
        .write(move |tx| products::service::edit(tx, tea, &raised.with("version", 1).read()?))
        .await
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
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
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let order = manager.books("чай", 5).await.unwrap();
    manager.denies(order.id).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
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
async fn many_within_a_minute_are_one_message(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let mut ids = Vec::new();
    for name in ["какао", "кофе", "чай"] {
        ids.push(manager.adds_with_minimum(name, 5, 5).await);
    }
    for name in ["чай", "кофе", "какао", "чай"] {
        manager.books(name, 1).await.unwrap();
    }
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    assert_eq!(deliver(&app.state, &channels, 2 * GATHERED).await, 0);
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
async fn an_import_that_takes_hundreds_below_is_one_message(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
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
    let import = move |tx: &mut crate::transaction::Tx<'_>| {
        use crate::import::{Kind, service};
        let id = service::keep(tx, Kind::Products, "минимумы.csv", file.as_bytes())?;
        let preview = service::preview(tx, Kind::Products, &id)?;
        service::confirm(tx, Kind::Products, &id, &preview.digest, false)
    };
    manager.write(import).await.unwrap();
    assert_eq!(outbox(&app).await.len(), 1);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let told = telegram.messages(CHAT).remove(0);
    assert!(
        told.starts_with("▼ <b>Заканчиваются товары: 200</b>\n"),
        "{told}"
    );
    assert!(
        told.ends_with(
            "<a href=\"https://shop.example/products?low=1&amp;sort=stock\">И ещё: 170</a>"
        ),
        "{told}"
    );
}

#[apply(on_both_databases)]
async fn what_is_low_from_the_start_is_told_once(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let tea = manager.adds_with_minimum("чай", 3, 5).await;
    manager.adds_with_minimum("кофе", 5, 5).await;
    manager.adds_with_minimum("какао", 0, 0).await;
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    // It stays low: nothing more to tell.
    manager.books("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    let first = message(&[
        "Заканчивается товар",
        &line(tea, "чай", "доступно 3, минимум 5"),
    ]);
    assert_eq!(
        (telegram.messages(CHAT), noticed(&app.admin()).await.len()),
        (vec![first.clone()], 1)
    );
    // Products of a file: one message, a row for each.
    let import = |tx: &mut crate::transaction::Tx<'_>| {
        use crate::import::{Kind, service};
        let file = "name;min_stock\nмёд;2\nсоль;0\nперец;1\n";
        let id = service::keep(tx, Kind::Products, "новые.csv", file.as_bytes())?;
        let preview = service::preview(tx, Kind::Products, &id)?;
        service::confirm(tx, Kind::Products, &id, &preview.digest, false)
    };
    manager.write(import).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let second = telegram.messages(CHAT).remove(1);
    assert!(
        second.starts_with("▼ <b>Заканчиваются товары: 2</b>")
            && second.contains("мёд")
            && second.contains("перец"),
        "{second}"
    );
    assert_eq!(noticed(&app.admin()).await.len(), 3);
}

#[apply(on_both_databases)]
async fn what_comes_back_from_the_archive_is_told_when_it_is_low(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let (tea, coffee) = (
        manager.adds_with_minimum("чай", 5, 5).await,
        manager.adds_with_minimum("кофе", 5, 5).await,
    );
    let archive = |id| manager.write(move |tx| products::service::archive(tx, id));
    let restore = |id| manager.write(move |tx| products::service::restore(tx, id));
    for id in [tea, coffee] {
        archive(id).await.unwrap();
    }
    // In the archive nothing is low.
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
        (outbox(&app).await.len(), noticed(&app.admin()).await.len()),
        (0, 0)
    );
    for id in [tea, tea, coffee] {
        restore(id).await.unwrap();
    }
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    assert_eq!(
        telegram.messages(CHAT),
        [message(&[
            "Заканчивается товар",
            &line(tea, "чай", "доступно 1, минимум 5")
        ])]
    );
    assert_eq!(noticed(&app.admin()).await.len(), 1);
}

#[apply(on_both_databases)]
async fn what_stays_below_its_minimum_does_not_fall_again(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let manager = app.hire(app.manager()).await;
    manager.adds_with_minimum("чай", 0, 5).await;
    let told = (outbox(&app).await.len(), noticed(&app.admin()).await.len());
    assert_eq!(told, (1, 1));
    manager.supplies("чай", 3, "1").await.unwrap();
    // In one act down and up again: nothing happened.
    manager.adds_with_minimum("кофе", 5, 5).await;
    manager
        .write(|tx| {
            products::service::correct(tx, 2, &fields! { expected: 5, on_hand: "1" }.read()?)?;
            products::service::correct(tx, 2, &fields! { expected: 1, on_hand: "6" }.read()?)
        })
        .await
        .unwrap();
    assert_eq!(
        (outbox(&app).await.len(), noticed(&app.admin()).await.len()),
        told
    );
}

#[apply(on_both_databases)]
async fn what_was_refilled_before_it_was_told_is_not_told(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let mut browser = app.browser_of(app.admin()).await;
    let manager = app.hire(app.manager()).await;
    let mut ids = Vec::new();
    for name in ["чай", "кофе", "вода"] {
        ids.push(manager.adds_with_minimum(name, 5, 5).await);
        manager.books(name, 1).await.unwrap();
    }
    manager.supplies("чай", 3, "1").await.unwrap();
    let archived = ids[2];
    manager
        .write(move |tx| products::service::archive(tx, archived))
        .await
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
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
    // It falls again: that is told.
    manager.books("чай", 4).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    assert_eq!(telegram.messages(CHAT).len(), 2);
}

#[apply(on_both_databases)]
async fn nothing_is_sent_when_everything_was_refilled_and_later_alerts_keep_their_minute(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    for name in ["чай", "кофе"] {
        manager.adds_with_minimum(name, 5, 5).await;
        manager.books(name, 1).await.unwrap();
    }
    manager.supplies("чай", 3, "1").await.unwrap();
    // The second alert came half a minute later.
    app.sql("UPDATE notifications SET due_at = '2099-01-01 00:00:00' WHERE id = 2")
        .await;
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    let states: Vec<_> = outbox(&app).await.into_iter().map(|row| row.0).collect();
    assert_eq!(states, [State::Cancelled, State::Waiting]);
    assert_eq!(telegram.calls("sendMessage").len(), 0);
}

#[apply(on_both_databases)]
async fn an_alert_that_may_have_arrived_is_told_again_whatever_was_refilled(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    manager.adds_with_minimum("чай", 5, 5).await;
    manager.adds_with_minimum("кофе", 5, 5).await;
    manager.books("чай", 1).await.unwrap();
    telegram.replies(Reply::TakenAndCut);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    manager.supplies("чай", 3, "1").await.unwrap();
    manager.books("кофе", 1).await.unwrap();
    // The repeat is alone, and says that it may be one; what came later is a message of its own.
    assert_eq!(deliver(&app.state, &channels, 2 * GATHERED).await, 2);
    let told = telegram.messages(CHAT);
    assert!(
        told[1].starts_with(&told[0])
            && told[1].contains("Возможно, это повтор")
            && !told[1].contains("кофе"),
        "{told:?}"
    );
    assert!(
        told[2].contains("кофе") && !told[2].contains("повтор") && !told[2].contains("чай"),
        "{told:?}"
    );
}

#[apply(on_both_databases)]
async fn what_was_rolled_back_is_not_told(app: App) {
    let telegram = Telegram::open().await;
    let app = with_orders_told(app, &telegram, &[CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    manager.adds_with_minimum("чай", 5, 5).await;
    let failing = manager.write(|tx| {
        let draft = fields! { phone: "+79161234567", product: "чай", qty: "1" };
        crate::orders::service::create(tx, "", &draft.read()?)?;
        Err::<(), _>(crate::error::Error::Unavailable)
    });
    failing.await.unwrap_err();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    assert_eq!(
        (outbox(&app).await.len(), noticed(&app.admin()).await.len()),
        (0, 0)
    );
}

#[apply(on_both_databases)]
async fn without_anybody_to_tell_it_is_on_record_only(app: App) {
    let manager = app.hire(app.manager()).await;
    manager.adds_with_minimum("чай", 5, 5).await;
    manager.books("чай", 1).await.unwrap();
    assert_eq!(outbox(&app).await, []);
    assert_eq!(noticed(&app.admin()).await.len(), 1);
}

#[apply(on_both_databases)]
async fn the_demo_tells_nobody(app: App) {
    let telegram = Telegram::open().await;
    let app = with_orders_told(app, &telegram, &[CHAT]);
    crate::demo::fill(&app.state, 60).await.unwrap();
    assert_eq!(outbox(&app).await, []);
    assert_eq!(noticed(&app.admin()).await.len(), 0);
}

#[apply(on_both_databases)]
async fn the_shop_speaks_its_own_language(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT])
        .restarted(|config| config.notifications.language = Locale::en);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let tea = manager.adds_with_minimum("Assam", 5, 5).await;
    manager.books("assam", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 1);
    let told = message(&[
        "Product running low",
        &line(tea, "Assam", "4 available, minimum 5"),
    ]);
    assert_eq!(telegram.messages(CHAT), [told]);
}
