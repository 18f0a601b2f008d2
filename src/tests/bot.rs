//! The bot: it identifies the user of a chat, respects their permissions, and processes each update once.

use crate::testing::{telegram::TOKEN, telegram::Telegram};
use crate::tests::support::{App, PASSWORD, Person, apply, on_both_databases};
use crate::{
    audit::{Action, Query, search},
    auth::{
        Role,
        chats::service,
        client_origin::ClientOrigin,
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

/// The chats of two users.
const ANNA: i64 = 100;
const BORIS: i64 = 200;
/// The greeting for a chat that is not linked to an account.
const GREETING: &str = "Здравствуйте! Этот бот — для сотрудников магазина. Если вы здесь работаете, получите код на \
    странице «Мой аккаунт» и пришлите его сюда.";

fn with_bot(app: App, telegram: &Telegram) -> App {
    let settings = settings::Telegram {
        token: Secret::new(TOKEN.to_owned()),
        chats: Vec::new(),
        api_url: telegram.url.clone(),
    };
    app.restarted(|config| config.notifications.telegram = Some(settings))
}

/// Builds an update with a private message to the bot.
fn message_from(from: i64, text: &str) -> Value {
    let person = json!({"id": from, "is_bot": false, "first_name": "Аня"});
    json!({"message": {
        "message_id": 1, "date": 1, "from": person, "text": text,
        "chat": {"id": from, "type": "private", "first_name": "Аня"},
    }})
}

/// Builds an update for a pressed button under a message of the bot.
fn button_press_from(from: i64, data: &str) -> Value {
    let person = json!({"id": from, "is_bot": false, "first_name": "Аня"});
    json!({"callback_query": {
        "id": "77", "from": person, "chat_instance": "1", "data": data,
        "message": {"message_id": 5, "date": 1, "text": "…", "chat": {"id": from, "type": "private",
            "first_name": "Аня"}},
    }})
}

/// A private chat with the bot.
struct Chat<'a> {
    bot: &'a Bot,
    telegram: &'a Telegram,
    id: i64,
}

impl<'a> Chat<'a> {
    const fn new(bot: &'a Bot, telegram: &'a Telegram, id: i64) -> Self {
        Self { bot, telegram, id }
    }

    /// Sends a message and returns the answers to it.
    async fn send(&self, text: &str) -> Vec<String> {
        let before = self.messages().len();
        self.bot
            .take(with_new_id(&message_from(self.id, text)))
            .await
            .unwrap();
        self.messages().split_off(before)
    }

    /// Presses a button and returns the answer to it.
    async fn press(&self, data: &str) -> Value {
        self.bot
            .take(with_new_id(&button_press_from(self.id, data)))
            .await
            .unwrap();
        self.telegram.calls("answerCallbackQuery").pop().unwrap()
    }

    /// Returns all messages that the bot has sent to the chat.
    fn messages(&self) -> Vec<String> {
        self.telegram.messages(&self.id.to_string())
    }

    /// Links the chat to the account of a person.
    async fn link(&self, person: &Person) {
        let (code, _) = person.write(service::new_code).await.unwrap();
        let answer = self.send(&code).await.remove(0);
        assert!(
            answer.starts_with(&format!(
                "Готово, {}: чат привязан к вашему аккаунту.",
                person.me.username
            )),
            "{answer}"
        );
    }
}

/// Gives an update an id that no other has.
fn with_new_id(content: &Value) -> Value {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    let mut update = content.clone();
    update["update_id"] = NEXT.fetch_add(1, Ordering::Relaxed).into();
    update
}

/// Returns the data of the button under a message, or an empty text.
fn button(message: &Value) -> &str {
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        .as_str()
        .unwrap_or_default()
}

#[apply(on_both_databases)]
async fn an_unlinked_chat_gets_one_greeting_and_no_data(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    app.create_product("чай", 5).await;
    app.create_account(app.clerk())
        .await
        .create_order("чай", 1)
        .await
        .unwrap();
    let bot = Bot::of(&app.state).unwrap();
    let unlinked = Chat::new(&bot, &telegram, 666);
    assert_eq!(unlinked.send("/stock чай").await, [GREETING]);
    for text in ["/order 4567", "/low", "/start", "ABCDEFGH", "чай"] {
        assert_eq!(unlinked.send(text).await, Vec::<String>::new(), "{text}");
    }
    assert!(unlinked.press("issue:1").await["text"].is_null());
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
        Chat::new(&bot, &telegram, ANNA),
        Chat::new(&bot, &telegram, BORIS),
    );
    let (old, _) = clerk.write(service::new_code).await.unwrap();
    let (code, until) = clerk.write(service::new_code).await.unwrap();
    assert!((until.utc() - clock::now().utc()).num_minutes() <= 10);
    assert_eq!(
        anna.send(&old).await,
        [GREETING],
        "an older code is still valid"
    );
    let welcome = anna
        .send(&format!("/start {}", code.to_lowercase()))
        .await
        .remove(0);
    assert_eq!(
        welcome,
        "Готово, продавец: чат привязан к вашему аккаунту.\n\n/low — что заканчивается\n/stock чай — сколько есть и \
            почём\n/order 4567 — заказы по последним цифрам телефона\n/today — что ждёт выдачи и как идёт день\n\
            /help — эта подсказка"
    );
    assert_eq!(
        boris.send(&code).await,
        [GREETING],
        "a used code is still valid"
    );
    let chats = clerk.read(service::list).await.unwrap();
    assert_eq!(
        chats
            .iter()
            .map(|chat| chat.name.as_str())
            .collect::<Vec<_>>(),
        ["Аня"]
    );
    // Only its owner can unlink the chat.
    let id = chats[0].id;
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
        anna.send("/low").await,
        Vec::<String>::new(),
        "an unlinked chat is not greeted again"
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
        Chat::new(&bot, &telegram, ANNA).send(&code).await,
        [GREETING]
    );
}

#[apply(on_both_databases)]
async fn a_chat_that_guesses_link_codes_is_ignored(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    let attacker = Chat::new(&bot, &telegram, 666);
    attacker.send("/start").await;
    for _ in 0..10 {
        attacker.send("AAAAAAAA").await;
    }
    let (code, _) = clerk.write(service::new_code).await.unwrap();
    assert_eq!(attacker.send(&code).await, Vec::<String>::new());
    Chat::new(&bot, &telegram, ANNA).send(&code).await;
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
            revoke_access: false,
        },
        &ClientOrigin::default(),
    )
    .await
    .unwrap();
    assert_eq!(
        Chat::new(&bot, &telegram, 666).send(&code).await,
        [GREETING]
    );
    assert_eq!(clerk.read(service::list).await.unwrap(), []);
}

#[apply(on_both_databases)]
async fn the_bot_answers_queries_about_stock_and_orders(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let bot = Bot::of(&app.state).unwrap();
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&clerk).await;
    assert_eq!(
        anna.send("/low").await,
        ["Товаров пока нет. Попросите менеджера добавить товары и принять поставку."]
    );
    assert_eq!(anna.send("/stock чай").await, ["Ничего не нашлось."]);
    assert_eq!(anna.send("/order 4567").await, ["Таких заказов нет."]);
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
        anna.send("/low").await,
        [
            "<b>Заканчиваются</b>\n<a href=\"https://shop.example/products/2\">кофе</a>: доступно 3, минимум 9"
        ]
    );
    assert_eq!(
        anna.send("/stock ЧАЙ").await,
        [
            "<a href=\"https://shop.example/products/1\">Чай &lt;зелёный&gt;</a>: Доступно: 3, цена 100,00\u{a0}₽"
        ]
    );
    assert_eq!(
        anna.send("/stock коф").await,
        ["▼ <a href=\"https://shop.example/products/2\">кофе</a>: Доступно: 3, цена 250,00\u{a0}₽"]
    );
    let order = "<a href=\"https://shop.example/orders/1\">Заказ № 1</a>: <b>ждёт выдачи</b>\nЧай &lt;зелёный&gt; × \
        2 = 200,00\u{a0}₽\n8 (916) 123-45-67";
    assert_eq!(anna.send("/order 4567").await, [order]);
    assert_eq!(
        anna.send("/order 67").await,
        ["Пришлите последние цифры телефона, не меньше трёх. Например: /order 4567"]
    );
    assert_eq!(
        anna.send("/stock").await,
        ["Что искать? Например: /stock чай"]
    );
    let help = anna.send("/help").await;
    assert_eq!(anna.send("что это?").await, help);
    let today = anna.send("/today").await.remove(0);
    assert!(
        today.starts_with("<b>Сегодня, ")
            && today.ends_with(
                "<a href=\"https://shop.example/orders/1\">Заказ № \
        1</a>: Чай &lt;зелёный&gt; × 2, 8 (916) 123-45-67"
            ),
        "{today}"
    );
}

#[apply(on_both_databases)]
async fn long_lists_are_truncated_and_link_to_the_rest(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let manager = app.create_account(app.manager()).await;
    let bot = Bot::of(&app.state).unwrap();
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&manager).await;
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
    let last_line = |text: &str| text.lines().last().unwrap().to_owned();
    let low = anna.send("/low").await.remove(0);
    assert_eq!(
        (
            low.lines().count(),
            last_line(&low).contains("/products?low=1&amp;sort=stock")
        ),
        (12, true),
        "{low}"
    );
    let stock = anna.send("/stock чай").await.remove(0);
    assert_eq!(
        (
            stock.lines().count(),
            last_line(&stock).contains("/products?search=%D1%87%D0%B0%D0%B9")
        ),
        (11, true),
        "{stock}"
    );
    let found = anna.send("/order 4567").await;
    assert_eq!(
        (found.len(), found[5].contains("/orders?phone=4567")),
        (6, true),
        "{found:?}"
    );
    let today = anna.send("/today").await.remove(0);
    assert!(
        last_line(&today).contains("/orders?status=paid_not_issued"),
        "{today}"
    );
}

#[apply(on_both_databases)]
async fn the_button_issues_the_order_once_as_the_user_who_presses_it(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let bot = Bot::of(&app.state).unwrap();
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&clerk).await;
    let tea = manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 2).await.unwrap();
    anna.send("/order 4567").await;
    let message = telegram.raw_messages("100").pop().unwrap();
    assert_eq!(button(&message), format!("issue:{}", order.id));
    let answer = anna.press(button(&message)).await;
    assert_eq!(
        (answer["text"].as_str(), answer["show_alert"].as_bool()),
        (Some("Заказ № 1 выдан."), Some(false))
    );
    let edit = telegram.calls("editMessageText").pop().unwrap();
    assert!(
        edit["text"].as_str().unwrap().contains("<b>выдан</b>"),
        "{edit}"
    );
    // The button below it takes the issue back, once.
    let back = button(&edit).to_owned();
    for _ in 0..2 {
        assert_eq!(anna.press(&back).await["text"], "Вернули как было.");
        assert_eq!(clerk.counters(tea.id).await, (5, 2, 3));
    }
    assert_eq!(anna.press("issue:1").await["text"], "Заказ № 1 выдан.");
    assert_eq!(
        anna.press("issue:1").await["text"],
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
    let users: Vec<_> = issued
        .page
        .items
        .iter()
        .map(|row| row.user_id.as_deref())
        .collect();
    assert_eq!(
        users,
        [Some("продавец"); 2],
        "the issue that was taken back, and the one after it"
    );
    // A denied order is not issued; the answer says so, and the message shows its status.
    let denied = manager.create_order("чай", 1).await.unwrap();
    manager.deny_order(denied.id).await.unwrap();
    let answer = anna.press("issue:2").await;
    assert_eq!(
        (answer["text"].as_str(), answer["show_alert"].as_bool()),
        (Some("Заказ уже отменён."), Some(true))
    );
    assert!(
        telegram.calls("editMessageText").pop().unwrap()["text"]
            .as_str()
            .unwrap()
            .contains("отменён")
    );
    assert_eq!(anna.press("issue:99").await["show_alert"], true);
}

#[apply(on_both_databases)]
async fn a_chat_has_the_current_permissions_of_its_owner(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let (admin, owner) = (
        app.create_account(app.admin()).await,
        app.create_account(app.person("хозяин", Role::Admin)).await,
    );
    admin.create_product("чай", 5).await;
    admin.create_order("чай", 1).await.unwrap();
    admin.issue_order(1).await.unwrap();
    let bot = Bot::of(&app.state).unwrap();
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&owner).await;
    let sold = "Выдано заказов: 1, штук: 1, на 100,00\u{a0}₽";
    assert!(anna.send("/today").await[0].contains(sold));
    admin
        .write(|tx| users::change_role(tx, "хозяин", Role::User))
        .await
        .unwrap();
    assert!(!anna.send("/today").await[0].contains(sold));
    admin.write(|tx| users::block(tx, "хозяин")).await.unwrap();
    assert_eq!(anna.send("/low").await, [GREETING]);
    // After being unblocked, they must link the chat again.
    admin
        .write(|tx| users::unblock(tx, "хозяин"))
        .await
        .unwrap();
    assert_eq!(anna.send("/low").await, Vec::<String>::new());
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
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&clerk).await;
    admin
        .write(|tx| users::reset_password(tx, "продавец", "", true))
        .await
        .unwrap();
    assert_eq!(anna.send("/low").await, [GREETING]);
}

#[apply(on_both_databases)]
async fn the_bot_gives_no_data_in_a_group(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram);
    let clerk = app.create_account(app.clerk()).await;
    let bot = Bot::of(&app.state).unwrap();
    Chat::new(&bot, &telegram, ANNA).link(&clerk).await;
    app.create_product("чай", 5).await;
    clerk.create_order("чай", 1).await.unwrap();
    let group = json!({"id": -5, "type": "group", "title": "Лавка"});
    for text in ["/low", "/stock чай", "чай"] {
        let mut update = with_new_id(&message_from(ANNA, text));
        update["message"]["chat"] = group.clone();
        bot.take(update).await.unwrap();
    }
    assert_eq!(telegram.messages("-5"), [GREETING]);
    let mut update = with_new_id(&button_press_from(ANNA, "issue:1"));
    update["callback_query"]["message"]["chat"] = group;
    bot.take(update).await.unwrap();
    // A button press by another user than the one who received the message is ignored.
    let mut update = with_new_id(&button_press_from(ANNA, "issue:1"));
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
    let anna = Chat::new(&bot, &telegram, ANNA);
    anna.link(&clerk).await;
    let update = with_new_id(&message_from(ANNA, "/low"));
    let other = Bot::of(&app.another_server()).unwrap();
    futures::future::join_all((0..8).map(|copy| {
        if copy % 2 == 0 {
            bot.take(update.clone())
        } else {
            other.take(update.clone())
        }
    }))
    .await;
    assert_eq!(anna.messages().len(), 2);
    // An unknown update is skipped without an error.
    for unknown in [
        json!({"update_id": 9_000_001, "telepathy": {}}),
        json!({"update_id": 9_000_002}),
        json!({}),
        json!({"update_id": 9_000_003, "message": {"text": 5}}),
    ] {
        bot.take(unknown).await.unwrap();
    }
    assert_eq!(anna.messages().len(), 2);
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
        "another bot has its own offset"
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
    telegram.push_update(7_000, &message_from(ANNA, &format!("/start {code}")));
    let poller = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for("100", 1).await;
    telegram.push_update(7_001, &message_from(ANNA, "/low"));
    assert_eq!(
        telegram.wait_for("100", 2).await[1],
        "Товаров пока нет. Попросите менеджера добавить товары и принять поставку."
    );
    poller.stop().await;
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
    // Updates that were answered before a restart are not answered again.
    telegram.push_update(7_002, &message_from(ANNA, "/low"));
    let poller = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for("100", 3).await;
    poller.stop().await;
    assert_eq!(telegram.messages("100").len(), 3);
}

#[apply(on_both_databases)]
async fn polling_slows_down_if_telegram_does_not_hold_requests_open(app: App) {
    let telegram = Telegram::start().await;
    telegram.answer_updates_at_once();
    let app = with_bot(app, &telegram)
        .restarted(|config| config.notifications.site = "http://127.0.0.1:3000".to_owned());
    let poller = UpdatePoller::start(Bot::of(&app.state).unwrap());
    telegram.wait_for_calls("getUpdates", 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    poller.stop().await;
    let polls = telegram.calls("getUpdates").len();
    assert!(polls <= 3, "polled {polls} times");
}

#[apply(on_both_databases)]
async fn a_public_server_receives_updates_by_an_authenticated_webhook(app: App) {
    let telegram = Telegram::start().await;
    let private = with_bot(app, &telegram)
        .restarted(|config| config.notifications.site = "http://127.0.0.1:3000".to_owned());
    let webhook_call = |secret: &str, update: &Value| {
        Request::post(webhook::PATH)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-telegram-bot-api-secret-token", secret)
            .body(Body::from(update.to_string()))
            .unwrap()
    };
    let hello = with_new_id(&message_from(666, "/start"));
    let secret = webhook::secret(&private.state.config.notifications);
    assert_eq!(
        private
            .browser()
            .send(webhook_call(&secret, &hello))
            .await
            .status,
        404
    );

    let app =
        private.restarted(|config| config.notifications.site = "https://shop.example".to_owned());
    let poller = UpdatePoller::start(Bot::of(&app.state).unwrap());
    let hook = telegram.wait_for_calls("setWebhook", 1).await.remove(0);
    assert_eq!(hook["url"], "https://shop.example/telegram/webhook");
    assert_eq!(hook["secret_token"], secret);
    assert!(!secret.contains("right-token"));
    assert_eq!(
        app.browser()
            .send(webhook_call("a guess", &hello))
            .await
            .status,
        403
    );
    let without_secret = Request::post(webhook::PATH)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(hello.to_string()))
        .unwrap();
    assert_eq!(app.browser().send(without_secret).await.status, 403);
    assert_eq!(telegram.messages("666"), Vec::<String>::new());
    for _ in 0..2 {
        assert_eq!(
            app.browser()
                .send(webhook_call(&secret, &hello))
                .await
                .status,
            200
        );
    }
    assert_eq!(telegram.messages("666"), [GREETING]);
    poller.stop().await;
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
    app.create_product("чай", 5).await;
    let bot = Bot::of(&app.state).unwrap();
    Chat::new(&bot, &telegram, ANNA).link(&clerk).await;
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
        "a code is offered without a bot"
    );
    let app = with_bot(app, &telegram);
    let mut browser = browser.connected_to(&app);
    assert!(browser.get("/account").await.body.contains("Получить код"));
    let created = browser.submit("/account", "make_chat_code", &[]).await;
    assert_eq!(
        created.location.as_deref(),
        Some("/account?success=chat_code#secret")
    );
    let cookie = created.set_cookie.clone().unwrap();
    let code = cookie
        .trim_start_matches("chat_code=")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(cookie.contains("HttpOnly") && code.len() == 8, "{cookie}");
    assert!(browser.follow(&created).await.body.contains(&code));
    assert!(!browser.get("/account").await.body.contains(&code));
    let bot = Bot::of(&app.state).unwrap();
    Chat::new(&bot, &telegram, ANNA).send(&code).await;
    let page = browser.get("/account").await;
    assert!(page.body.contains("Привязанные чаты") && page.body.contains("Аня"));
    let unlinked = browser
        .submit("/account", "unlink_chat", &[("id", "1")])
        .await;
    assert_eq!(
        unlinked.location.as_deref(),
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
