//! The bot: it knows whom it talks to, and does what he may, once.

use crate::testing::{telegram::TOKEN, telegram::Telegram};
use crate::tests::support::{App, PASSWORD, Person, apply, on_both_databases};
use crate::{
    audit::{Action, Query, search},
    auth::{
        Role,
        chats::service,
        service::{PasswordChange, change_password},
        users::service as users,
    },
    bot::{conversation::Bot, inbox, poll::UpdatePoller, webhook},
    clock,
    config::notifications::{self as settings, Secret},
    notifications::worker::{Channels, deliver_due},
    orders::{self, Status},
};
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// The chats of two people.
const ANNA: i64 = 100;
const BORIS: i64 = 200;
const STRANGER: &str = "Здравствуйте! Этот бот — для сотрудников магазина. Если вы здесь работаете, получите код на странице «Мой аккаунт» и пришлите его сюда.";

fn with_bot(app: App, telegram: &Telegram) -> App {
    let settings = settings::Telegram {
        token: Secret::new(TOKEN.to_owned()),
        chats: Vec::new(),
        api_url: telegram.url.clone(),
    };
    app.restarted(|config| config.notifications.telegram = Some(settings))
}

/// A message that somebody writes to the bot in private.
fn written(from: i64, text: &str) -> Value {
    let person = json!({"id": from, "is_bot": false, "first_name": "Аня"});
    json!({"message": {
        "message_id": 1, "date": 1, "from": person, "text": text,
        "chat": {"id": from, "type": "private", "first_name": "Аня"},
    }})
}

/// A button that somebody presses under a message of the bot.
fn pressed(from: i64, data: &str) -> Value {
    let person = json!({"id": from, "is_bot": false, "first_name": "Аня"});
    json!({"callback_query": {
        "id": "77", "from": person, "chat_instance": "1", "data": data,
        "message": {"message_id": 5, "date": 1, "text": "…", "chat": {"id": from, "type": "private", "first_name": "Аня"}},
    }})
}

/// Somebody who talks to the bot.
struct Talk<'a> {
    bot: &'a Bot,
    telegram: &'a Telegram,
    chat: i64,
}

impl<'a> Talk<'a> {
    const fn new(bot: &'a Bot, telegram: &'a Telegram, chat: i64) -> Self {
        Self {
            bot,
            telegram,
            chat,
        }
    }

    /// Writes something and reads what is new.
    async fn writes(&self, text: &str) -> Vec<String> {
        let before = self.reads().len();
        self.bot
            .take(numbered(&written(self.chat, text)))
            .await
            .unwrap();
        self.reads().split_off(before)
    }

    /// Presses a button, and reads what the bot says to that.
    async fn presses(&self, data: &str) -> Value {
        self.bot
            .take(numbered(&pressed(self.chat, data)))
            .await
            .unwrap();
        self.telegram.calls("answerCallbackQuery").pop().unwrap()
    }

    fn reads(&self) -> Vec<String> {
        self.telegram.messages(&self.chat.to_string())
    }

    /// Links the chat to the account of a person.
    async fn links(&self, person: &Person) {
        let (code, _) = person.write(service::new_code).await.unwrap();
        let answer = self.writes(&code).await.remove(0);
        assert!(
            answer.starts_with(&format!(
                "Готово, {}: чат привязан к вашему аккаунту.",
                person.me.username
            )),
            "{answer}"
        );
    }
}

/// An update with a number that none had before.
fn numbered(content: &Value) -> Value {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    let mut update = content.clone();
    update["update_id"] = NEXT.fetch_add(1, Ordering::Relaxed).into();
    update
}

/// The button under a message.
fn button(message: &Value) -> &str {
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        .as_str()
        .unwrap_or_default()
}

#[apply(on_both_databases)]
async fn an_unlinked_chat_gets_one_greeting_and_no_data(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    app.create_account(app.manager())
        .await
        .create_product("чай", 5)
        .await;
    app.create_account(app.clerk())
        .await
        .create_order("чай", 1)
        .await
        .unwrap();
    let bot = Bot::of(&app.state).unwrap();
    let stranger = Talk::new(&bot, &telegram, 666);
    assert_eq!(stranger.writes("/stock чай").await, [STRANGER]);
    for text in ["/order 4567", "/low", "/start", "ABCDEFGH", "чай"] {
        assert_eq!(stranger.writes(text).await, Vec::<String>::new(), "{text}");
    }
    assert!(stranger.presses("issue:1").await["text"].is_null());
    assert_eq!(
        app.clerk()
            .read(|tx| orders::service::get(tx, 1))
            .await
            .unwrap()
            .status,
        Status::PaidNotIssued
    );
    assert!(telegram.calls("editMessageText").is_empty());
}

#[apply(on_both_databases)]
async fn a_link_code_links_one_chat_once(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (clerk, admin) = (
        app.create_account(app.clerk()).await,
        app.create_account(app.admin()).await,
    );
    let bot = Bot::of(&app.state).unwrap();
    let (anna, boris) = (
        Talk::new(&bot, &telegram, ANNA),
        Talk::new(&bot, &telegram, BORIS),
    );
    let (old, _) = clerk.write(service::new_code).await.unwrap();
    let (code, until) = clerk.write(service::new_code).await.unwrap();
    assert!((until.utc() - clock::now().utc()).num_minutes() <= 10);
    assert_eq!(anna.writes(&old).await, [STRANGER], "only the newest holds");
    let welcome = anna
        .writes(&format!("/start {}", code.to_lowercase()))
        .await
        .remove(0);
    assert_eq!(
        welcome,
        "Готово, продавец: чат привязан к вашему аккаунту.\n\n/low — что заканчивается\n/stock чай — сколько есть и почём\n/order 4567 — заказы по последним цифрам телефона\n/today — что ждёт выдачи и как идёт день\n/help — эта подсказка"
    );
    assert_eq!(boris.writes(&code).await, [STRANGER], "it is used up");
    let mine = clerk.read(service::list).await.unwrap();
    assert_eq!(
        mine.iter()
            .map(|chat| chat.name.as_str())
            .collect::<Vec<_>>(),
        ["Аня"]
    );
    // Nobody else takes it away; its owner does.
    let id = mine[0].id;
    assert!(
        admin
            .write(move |tx| service::unlink(tx, id))
            .await
            .is_err()
    );
    clerk
        .write(move |tx| service::unlink(tx, id))
        .await
        .unwrap();
    assert_eq!(
        anna.writes("/low").await,
        Vec::<String>::new(),
        "a stranger again, who was greeted"
    );
}

#[apply(on_both_databases)]
async fn an_expired_link_code_is_refused(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    let clerk = app.clerk().actor();
    let earlier = clock::at(clock::now().utc().and_utc() - TimeDelta::seconds(601));
    let (code, _) = app
        .state
        .write(clerk, move |tx| {
            tx.now = earlier;
            service::new_code(tx)
        })
        .await
        .unwrap();
    assert_eq!(
        Talk::new(&bot, &telegram, ANNA).writes(&code).await,
        [STRANGER]
    );
}

#[apply(on_both_databases)]
async fn a_chat_that_guesses_link_codes_is_ignored(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    let guesser = Talk::new(&bot, &telegram, 666);
    guesser.writes("/start").await;
    for _ in 0..10 {
        guesser.writes("AAAAAAAA").await;
    }
    let (code, _) = clerk.write(service::new_code).await.unwrap();
    assert_eq!(guesser.writes(&code).await, Vec::<String>::new());
    Talk::new(&bot, &telegram, ANNA).writes(&code).await;
    assert_eq!(clerk.read(service::list).await.unwrap().len(), 1);
}

#[apply(on_both_databases)]
async fn a_password_change_invalidates_a_link_code(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    let (code, _) = clerk.write(service::new_code).await.unwrap();
    let password = "battery staple".to_owned();
    change_password(
        &app.state,
        clerk.me.clone(),
        PasswordChange {
            current_password: PASSWORD.to_owned(),
            password: password.clone(),
        },
    )
    .await
    .unwrap();
    assert_eq!(
        Talk::new(&bot, &telegram, 666).writes(&code).await,
        [STRANGER]
    );
    assert_eq!(clerk.read(service::list).await.unwrap(), []);
}

#[apply(on_both_databases)]
async fn the_bot_answers_queries_about_stock_and_orders(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (manager, clerk) = (
        app.create_account(app.manager()).await,
        app.create_account(app.clerk()).await,
    );
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&clerk).await;
    assert_eq!(
        anna.writes("/low").await,
        ["Товаров пока нет. Попросите менеджера добавить товары и принять поставку."]
    );
    assert_eq!(anna.writes("/stock чай").await, ["Ничего не нашлось."]);
    assert_eq!(anna.writes("/order 4567").await, ["Таких заказов нет."]);
    manager.create_product("Чай <зелёный>", 5).await;
    let draft = fields! { name: "кофе", min_stock: "9", sell_price_rub: "250" };
    manager
        .write(move |tx| {
            crate::products::service::create(tx, "", &draft.with("quantity", "3").read()?)
        })
        .await
        .unwrap();
    clerk.create_order("чай", 2).await.unwrap();
    assert_eq!(
        anna.writes("/low").await,
        [
            "<b>Заканчиваются</b>\n<a href=\"https://shop.example/products/2\">кофе</a>: доступно 3, минимум 9"
        ]
    );
    assert_eq!(
        anna.writes("/stock ЧАЙ").await,
        [
            "<a href=\"https://shop.example/products/1\">Чай &lt;зелёный&gt;</a>: Доступно: 3, цена 100,00\u{a0}₽"
        ]
    );
    assert_eq!(
        anna.writes("/stock коф").await,
        ["▼ <a href=\"https://shop.example/products/2\">кофе</a>: Доступно: 3, цена 250,00\u{a0}₽"]
    );
    let order = "<a href=\"https://shop.example/orders/1\">Заказ № 1</a>: <b>ждёт выдачи</b>\nЧай &lt;зелёный&gt; × 2 = 200,00\u{a0}₽\n8 (916) 123-45-67";
    assert_eq!(anna.writes("/order 4567").await, [order]);
    assert_eq!(
        anna.writes("/order 67").await,
        ["Пришлите последние цифры телефона, не меньше трёх. Например: /order 4567"]
    );
    assert_eq!(
        anna.writes("/stock").await,
        ["Что искать? Например: /stock чай"]
    );
    let help = anna.writes("/help").await;
    assert_eq!(anna.writes("что это?").await, help);
    let today = anna.writes("/today").await.remove(0);
    assert!(today.starts_with("<b>Сегодня, ") && today.ends_with("<a href=\"https://shop.example/orders/1\">Заказ № 1</a>: Чай &lt;зелёный&gt; × 2, 8 (916) 123-45-67"), "{today}");
}

#[apply(on_both_databases)]
async fn long_lists_are_truncated_and_link_to_the_rest(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let manager = app.create_account(app.manager()).await;
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&manager).await;
    manager.create_product("чай", 50).await;
    for number in 0..12 {
        let draft = fields! { name: format!("чай {number}"), min_stock: "9" };
        manager
            .write(move |tx| {
                crate::products::service::create(tx, "", &draft.with("quantity", "3").read()?)
            })
            .await
            .unwrap();
        manager.create_order("чай", 1).await.unwrap();
    }
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    let low = anna.writes("/low").await.remove(0);
    assert_eq!(
        (
            low.lines().count(),
            last(&low).contains("/products?low=1&amp;sort=stock")
        ),
        (12, true),
        "{low}"
    );
    let stock = anna.writes("/stock чай").await.remove(0);
    assert_eq!(
        (
            stock.lines().count(),
            last(&stock).contains("/products?search=%D1%87%D0%B0%D0%B9")
        ),
        (11, true),
        "{stock}"
    );
    let found = anna.writes("/order 4567").await;
    assert_eq!(
        (found.len(), found[5].contains("/orders?phone=4567")),
        (6, true),
        "{found:?}"
    );
    let today = anna.writes("/today").await.remove(0);
    assert!(
        last(&today).contains("/orders?status=paid_not_issued"),
        "{today}"
    );
}

#[apply(on_both_databases)]
async fn the_button_issues_the_order_once_as_the_user_who_presses_it(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (manager, clerk) = (
        app.create_account(app.manager()).await,
        app.create_account(app.clerk()).await,
    );
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&clerk).await;
    let tea = manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 2).await.unwrap();
    anna.writes("/order 4567").await;
    let message = telegram.raw_messages("100").pop().unwrap();
    assert_eq!(button(&message), format!("issue:{}", order.id));
    let said = anna.presses(button(&message)).await;
    assert_eq!(
        (said["text"].as_str(), said["show_alert"].as_bool()),
        (Some("Заказ № 1 выдан."), Some(false))
    );
    let edit = telegram.calls("editMessageText").pop().unwrap();
    assert!(
        edit["text"].as_str().unwrap().contains("<b>выдан</b>") && edit["reply_markup"].is_null(),
        "{edit}"
    );
    assert_eq!(
        anna.presses("issue:1").await["text"],
        "Заказ № 1 уже был выдан."
    );
    assert_eq!(clerk.counters(tea.id).await, (3, 0, 3));
    let admin = app.create_account(app.admin()).await;
    let issued = admin
        .read(|tx| {
            search::list(
                tx,
                &Query {
                    action: Action::Issue.to_string(),
                    ..Query::default()
                },
            )
        })
        .await
        .unwrap();
    let by: Vec<_> = issued
        .page
        .items
        .iter()
        .map(|row| row.user_id.as_deref())
        .collect();
    assert_eq!(by, [Some("продавец")]);
    // What was cancelled is not issued: the button says so, and the message shows it.
    let denied = manager.create_order("чай", 1).await.unwrap();
    manager.deny_order(denied.id).await.unwrap();
    let said = anna.presses("issue:2").await;
    assert_eq!(
        (said["text"].as_str(), said["show_alert"].as_bool()),
        (Some("Заказ уже отменён."), Some(true))
    );
    assert!(
        telegram.calls("editMessageText").pop().unwrap()["text"]
            .as_str()
            .unwrap()
            .contains("отменён")
    );
    assert_eq!(anna.presses("issue:99").await["show_alert"], true);
}

#[apply(on_both_databases)]
async fn a_chat_has_the_current_permissions_of_its_owner(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (admin, boss) = (
        app.create_account(app.admin()).await,
        app.create_account(app.person("хозяин", Role::Admin)).await,
    );
    admin.create_product("чай", 5).await;
    admin.create_order("чай", 1).await.unwrap();
    admin.issue_order(1).await.unwrap();
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&boss).await;
    let sold = "Выдано заказов: 1, штук: 1, на 100,00\u{a0}₽";
    assert!(anna.writes("/today").await[0].contains(sold));
    admin
        .write(|tx| users::change_role(tx, "хозяин", Role::User))
        .await
        .unwrap();
    assert!(!anna.writes("/today").await[0].contains(sold));
    admin.write(|tx| users::block(tx, "хозяин")).await.unwrap();
    assert_eq!(anna.writes("/low").await, [STRANGER]);
    // Let in again, he must link his chat again.
    admin
        .write(|tx| users::unblock(tx, "хозяин"))
        .await
        .unwrap();
    assert_eq!(anna.writes("/low").await, Vec::<String>::new());
}

#[apply(on_both_databases)]
async fn a_password_reset_unlinks_the_chats(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&clerk).await;
    admin
        .write(|tx| users::reset_password(tx, "продавец", "", true))
        .await
        .unwrap();
    assert_eq!(anna.writes("/low").await, [STRANGER]);
}

#[apply(on_both_databases)]
async fn the_bot_gives_no_data_in_a_group(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    Talk::new(&bot, &telegram, ANNA).links(&clerk).await;
    app.create_account(app.manager())
        .await
        .create_product("чай", 5)
        .await;
    clerk.create_order("чай", 1).await.unwrap();
    let group = json!({"id": -5, "type": "group", "title": "Лавка"});
    for text in ["/low", "/stock чай", "чай"] {
        let mut update = numbered(&written(ANNA, text));
        update["message"]["chat"] = group.clone();
        bot.take(update).await.unwrap();
    }
    assert_eq!(telegram.messages("-5"), [STRANGER]);
    let mut update = numbered(&pressed(ANNA, "issue:1"));
    update["callback_query"]["message"]["chat"] = group;
    bot.take(update).await.unwrap();
    // Nor does a button obey whoever it was not shown to.
    let mut update = numbered(&pressed(ANNA, "issue:1"));
    update["callback_query"]["from"]["id"] = 666.into();
    bot.take(update).await.unwrap();
    assert_eq!(
        clerk
            .read(|tx| orders::service::get(tx, 1))
            .await
            .unwrap()
            .status,
        Status::PaidNotIssued
    );
}

#[apply(on_both_databases)]
async fn an_update_that_comes_twice_is_answered_once(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    let anna = Talk::new(&bot, &telegram, ANNA);
    anna.links(&clerk).await;
    let update = numbered(&written(ANNA, "/low"));
    let other = Bot::of(&app.another_server()).unwrap();
    futures::future::join_all((0..8).map(|copy| {
        if copy % 2 == 0 {
            bot.take(update.clone())
        } else {
            other.take(update.clone())
        }
    }))
    .await;
    assert_eq!(anna.reads().len(), 2);
    // Nor does what nobody understands keep the rest from being heard.
    for strange in [
        json!({"update_id": 9_000_001, "telepathy": {}}),
        json!({"update_id": 9_000_002}),
        json!({}),
        json!({"update_id": 9_000_003, "message": {"text": 5}}),
    ] {
        bot.take(strange).await.unwrap();
    }
    assert_eq!(anna.reads().len(), 2);
}

#[apply(on_both_databases)]
async fn one_server_polls_and_another_takes_over_when_the_lease_ends(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let other = app.another_server();
    let now = clock::now();
    let later = clock::at(now.utc().and_utc() + TimeDelta::seconds(91));
    assert!(inbox::lease(&app.state, 4242, "first", now).await.unwrap());
    assert!(!inbox::lease(&other, 4242, "second", now).await.unwrap());
    assert!(inbox::lease(&app.state, 4242, "first", now).await.unwrap());
    assert!(inbox::lease(&other, 4242, "second", later).await.unwrap());
    assert!(
        !inbox::lease(&app.state, 4242, "first", later)
            .await
            .unwrap()
    );
    inbox::release(&other, 4242, "second").await.unwrap();
    assert!(
        inbox::lease(&app.state, 4242, "first", later)
            .await
            .unwrap()
    );
}

#[apply(on_both_databases)]
async fn the_update_offset_is_reset_after_days_without_updates(app: App) {
    let now = clock::now();
    let after_days = clock::at(now.utc().and_utc() + TimeDelta::days(6));
    assert_eq!(inbox::next(&app.state, 1, now).await, Ok(None));
    assert_eq!(inbox::take(&app.state, 1, 900, now).await, Ok(true));
    assert_eq!(inbox::next(&app.state, 1, now).await, Ok(Some(901)));
    assert_eq!(
        inbox::next(&app.state, 2, now).await,
        Ok(None),
        "another bot counts for itself"
    );
    assert_eq!(inbox::next(&app.state, 1, after_days).await, Ok(None));
    assert_eq!(inbox::take(&app.state, 1, 17, after_days).await, Ok(true));
    assert_eq!(inbox::next(&app.state, 1, after_days).await, Ok(Some(18)));
}

#[apply(on_both_databases)]
async fn the_bot_polls_for_updates_and_answers_them(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram)
        .restarted(|config| config.notifications.site = "http://127.0.0.1:3000".to_owned());
    let clerk = app.create_account(app.clerk()).await;
    let (code, _) = clerk.write(service::new_code).await.unwrap();
    telegram.push_update(7_000, &written(ANNA, &format!("/start {code}")));
    let ear = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for("100", 1).await;
    telegram.push_update(7_001, &written(ANNA, "/low"));
    assert_eq!(
        telegram.wait_for("100", 2).await[1],
        "Товаров пока нет. Попросите менеджера добавить товары и принять поставку."
    );
    ear.stop().await;
    let offsets: Vec<_> = telegram
        .calls("getUpdates")
        .iter()
        .map(|call| call["offset"].as_i64())
        .collect();
    assert_eq!(offsets[..2], [None, Some(7_001)]);
    assert_eq!(
        (
            telegram.calls("deleteWebhook").len(),
            telegram.calls("setWebhook").len()
        ),
        (1, 0)
    );
    // What was answered before a restart is not answered again.
    telegram.push_update(7_002, &written(ANNA, "/low"));
    let ear = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for("100", 3).await;
    ear.stop().await;
    assert_eq!(telegram.messages("100").len(), 3);
}

#[apply(on_both_databases)]
async fn polling_slows_down_if_telegram_does_not_hold_requests_open(app: App) {
    let telegram = Telegram::start().await;
    telegram.answer_updates_at_once();
    let app = with_bot(app, &telegram)
        .restarted(|config| config.notifications.site = "http://127.0.0.1:3000".to_owned());
    let ear = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for_calls("getUpdates", 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    ear.stop().await;
    let asked = telegram.calls("getUpdates").len();
    assert!(asked <= 3, "asked {asked} times");
}

#[apply(on_both_databases)]
async fn a_public_server_receives_updates_by_an_authenticated_webhook(app: App) {
    let telegram = Telegram::start().await;
    let closed = with_bot(app, &telegram)
        .restarted(|config| config.notifications.site = "http://127.0.0.1:3000".to_owned());
    let bring = |secret: &str, update: &Value| {
        Request::post(webhook::PATH)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-telegram-bot-api-secret-token", secret)
            .body(Body::from(update.to_string()))
            .unwrap()
    };
    let hello = numbered(&written(666, "/start"));
    let secret = webhook::secret(&closed.state.config.notifications);
    assert_eq!(
        closed.browser().send(bring(&secret, &hello)).await.status,
        404
    );

    let app =
        closed.restarted(|config| config.notifications.site = "https://shop.example".to_owned());
    let ear = UpdatePoller::start(Bot::of(&app.state).unwrap());
    let hook = telegram.wait_for_calls("setWebhook", 1).await.remove(0);
    assert_eq!(hook["url"], "https://shop.example/telegram/webhook");
    assert_eq!(hook["secret_token"], secret);
    assert!(!secret.contains("right-token"));
    assert_eq!(
        app.browser().send(bring("a guess", &hello)).await.status,
        403
    );
    let nameless = Request::post(webhook::PATH)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(hello.to_string()))
        .unwrap();
    assert_eq!(app.browser().send(nameless).await.status, 403);
    assert_eq!(telegram.messages("666"), Vec::<String>::new());
    for _ in 0..2 {
        assert_eq!(app.browser().send(bring(&secret, &hello)).await.status, 200);
    }
    assert_eq!(telegram.messages("666"), [STRANGER]);
    ear.stop().await;
    assert!(telegram.calls("getUpdates").is_empty());
}

#[apply(on_both_databases)]
async fn a_new_order_has_an_issue_button_only_in_linked_chats(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram).restarted(|config| {
        config.notifications.orders = true;
        let chats = ["100", "-1001"].map(str::to_owned);
        config.notifications.telegram.as_mut().unwrap().chats = chats.to_vec();
    });
    let clerk = app.create_account(app.clerk()).await;
    app.create_account(app.manager())
        .await
        .create_product("чай", 5)
        .await;
    let bot = Bot::of(&app.state).unwrap();
    Talk::new(&bot, &telegram, ANNA).links(&clerk).await;
    clerk.create_order("чай", 1).await.unwrap();
    clerk.issue_order(1).await.unwrap();
    let channels = Channels::of(&app.state).unwrap();
    assert_eq!(deliver_due(&app.state, &channels, clock::now).await, Ok(4));
    let buttons = |chat: &str| {
        telegram
            .raw_messages(chat)
            .iter()
            .map(|message| button(message).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(buttons("100"), ["", "issue:1", ""]);
    assert_eq!(buttons("-1001"), ["", ""]);
}

#[apply(on_both_databases)]
async fn the_account_page_shows_a_link_code_once_and_lists_chats(app: App) {
    let telegram = Telegram::start().await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    assert!(
        !browser.get("/account").await.body.contains("Получить код"),
        "there is no bot"
    );
    let app = with_bot(app, &telegram);
    let mut browser = browser.connected_to(&app);
    assert!(browser.get("/account").await.body.contains("Получить код"));
    let made = browser.submit("/account", "make_chat_code", &[]).await;
    assert_eq!(
        made.location.as_deref(),
        Some("/account?success=chat_code#secret")
    );
    let cookie = made.set_cookie.clone().unwrap();
    let code = cookie
        .trim_start_matches("chat_code=")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(cookie.contains("HttpOnly") && code.len() == 8, "{cookie}");
    assert!(browser.follow(&made).await.body.contains(&code));
    assert!(!browser.get("/account").await.body.contains(&code));
    let bot = Bot::of(&app.state).unwrap();
    Talk::new(&bot, &telegram, ANNA).writes(&code).await;
    let page = browser.get("/account").await;
    assert!(page.body.contains("Привязанные чаты") && page.body.contains("Аня"));
    let gone = browser
        .submit("/account", "unlink_chat", &[("id", "1")])
        .await;
    assert_eq!(
        gone.location.as_deref(),
        Some("/account?success=chat_unlinked")
    );
    assert!(
        !browser
            .get("/account")
            .await
            .body
            .contains("Привязанные чаты")
    );
}
