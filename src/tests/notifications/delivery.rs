//! Delivery: notifications arrive in order and are not repeated needlessly, in spite of errors, outages and concurrent
//! servers.

use super::*;
use crate::{
    notifications::{queue, upkeep, worker::Worker},
    orders::Order,
};
use tokio::sync::Semaphore;

const HOUR: i64 = 3_600;

/// Returns a shop that sends notifications about orders, with its channels and a clerk, and a product in stock.
async fn shop_with_product(
    app: App,
    telegram: &Telegram,
    chats: &[&str],
) -> (App, Arc<Channels>, Person) {
    let app = with_order_notifications(app, telegram, chats);
    let channels = Channels::of(&app.state).unwrap();
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 90).await;
    (app, channels, clerk)
}

/// The message about a new order.
fn new_order_message(order: &Order) -> String {
    let id = order.id;
    format!(
        "<a href=\"https://shop.example/orders/{id}\">Новый заказ № {id}</a>\nчай × {} = {}\n{}\nКто оформил: продавец",
        order.qty,
        order.total_rub().display(crate::i18n::Locale::ru),
        order.phone_shown
    )
}

#[apply(on_both_databases)]
async fn notifications_about_orders_arrive_in_order(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    let denied = clerk.create_order("чай", 1).await.unwrap();
    clerk.deny_order(denied.id).await.unwrap();
    // The first message is rejected for now. The others wait behind it.
    telegram.queue_reply(Reply::Refused(500, "Internal Server Error"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), 1);
    assert_eq!(deliver(&app.state, &channels, 10).await, 4);
    let messages = telegram.messages(CHAT);
    let titles: Vec<_> = messages
        .iter()
        .map(|text| {
            text.lines()
                .next()
                .unwrap()
                .split(['>', '<'])
                .nth(2)
                .unwrap()
        })
        .collect();
    assert_eq!(
        titles,
        [
            "Новый заказ № 1",
            "Заказ № 1 выдан",
            "Новый заказ № 2",
            "Заказ № 2 отменён"
        ]
    );
    assert_eq!(messages[0], new_order_message(&order));
    assert!(
        messages[1].ends_with("Кто выдал: продавец")
            && messages[3].ends_with("Кто отменил: продавец"),
        "{messages:?}"
    );
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
}

#[apply(on_both_databases)]
async fn orders_are_notified_only_when_the_setting_is_on(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 9).await;
    clerk.create_order("чай", 1).await.unwrap();
    assert_eq!(outbox(&app).await, []);
}

#[apply(on_both_databases)]
async fn a_failing_chat_does_not_delay_the_others(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    telegram.queue_reply_to(OTHER_CHAT, Reply::Refused(500, "Internal Server Error"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    assert_eq!(deliver(&app.state, &channels, 10).await, 1);
    assert_eq!(
        (telegram.messages(CHAT), telegram.messages(OTHER_CHAT)),
        (
            vec![new_order_message(&order)],
            vec![new_order_message(&order)]
        )
    );
}

#[apply(on_both_databases)]
async fn retry_after_from_telegram_is_respected(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    telegram.queue_reply(Reply::TooManyRequests(90));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    // Not even another notification is sent before that time.
    clerk.issue_order(order.id).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 80).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), 1);
    assert_eq!(deliver(&app.state, &channels, 95).await, 2);
    assert_eq!(outbox(&app).await[0], (State::Sent, 2, None));
}

#[apply(on_both_databases)]
async fn a_redirect_leads_no_message_to_another_server(app: App) {
    let (telegram, other) = (Telegram::start().await, Telegram::start().await);
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    let target = format!("{}/bot{TOKEN}/sendMessage", other.url);
    for (status, time) in [(302, 0), (307, HOUR)] {
        telegram.queue_reply(Reply::Redirect(status, target.clone()));
        assert_eq!(deliver(&app.state, &channels, time).await, 0, "{status}");
    }
    assert_eq!(telegram.calls("sendMessage").len(), 2);
    assert_eq!(other.calls("sendMessage").len(), 0);
    // The message waits until the server accepts it.
    assert_eq!(deliver(&app.state, &channels, 2 * HOUR).await, 1);
    assert_eq!(telegram.messages(CHAT), [new_order_message(&order)]);
}

#[apply(on_both_databases)]
async fn retry_after_from_a_proxy_is_respected(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    clerk.create_order("чай", 1).await.unwrap();
    telegram.queue_reply_to(CHAT, Reply::Busy(503, "300"));
    telegram.queue_reply_to(OTHER_CHAT, Reply::Busy(503, "300"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    let calls = telegram.calls("sendMessage").len();
    assert_eq!(deliver(&app.state, &channels, 290).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), calls);
    let sent_later =
        deliver(&app.state, &channels, 610).await + deliver(&app.state, &channels, 1_000).await;
    assert_eq!(sent_later, 2);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER_CHAT).len()
        ),
        (1, 1)
    );
}

#[apply(on_both_databases)]
async fn a_long_outage_delays_a_message_but_neither_loses_nor_repeats_it(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    let failures = [
        Reply::Disconnect,
        Reply::Refused(500, "Internal Server Error"),
        Reply::Refused(502, "Bad Gateway"),
    ];
    let mut attempts = 0;
    for minute in 0..5 * 60 {
        telegram.queue_reply(failures[minute % failures.len()].clone());
        let before = telegram.calls("sendMessage").len();
        assert_eq!(
            deliver(&app.state, &channels, i64::try_from(minute).unwrap() * 60).await,
            0
        );
        attempts += telegram.calls("sendMessage").len() - before;
    }
    // Retries become less frequent but do not stop.
    assert!((20..60).contains(&attempts), "{attempts}");
    telegram.clear_replies();
    assert_eq!(deliver(&app.state, &channels, 5 * HOUR + 720).await, 1);
    assert_eq!(deliver(&app.state, &channels, 6 * HOUR).await, 0);
    let messages = telegram.messages(CHAT);
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].starts_with(&new_order_message(&order)),
        "{messages:?}"
    );
}

#[apply(on_both_databases)]
async fn messages_that_no_worker_delivers_are_also_given_up(app: App) {
    let telegram = Telegram::start().await;
    let (app, _, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    clerk.create_order("чай", 1).await.unwrap();
    upkeep::delete_old(&app.state, clock_ahead(47 * HOUR)())
        .await
        .unwrap();
    assert_eq!(outbox(&app).await[0].0, State::Waiting);
    upkeep::delete_old(&app.state, clock_ahead(49 * HOUR)())
        .await
        .unwrap();
    assert_eq!(outbox(&app).await[0].0, State::Failed);
}

#[apply(on_both_databases)]
async fn a_message_is_given_up_after_two_days(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    clerk.create_order("чай", 1).await.unwrap();
    for hours in 0..48 {
        telegram.queue_reply(Reply::Refused(500, "Internal Server Error"));
        deliver(&app.state, &channels, hours * HOUR).await;
    }
    assert_eq!(outbox(&app).await[0].0, State::Waiting);
    telegram.clear_replies();
    assert_eq!(deliver(&app.state, &channels, 48 * HOUR + 1).await, 0);
    let why = Some("500: Internal Server Error".to_owned());
    assert_eq!(outbox(&app).await, [(State::Failed, 48, why)]);
    // Later messages are not held up by the failed one.
    clerk.create_order("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 1).await, 1);
}

#[apply(on_both_databases)]
async fn a_wrong_token_is_tried_once_and_a_correct_one_delivers_at_once(app: App) {
    let telegram = Telegram::start().await;
    let app = with_token(
        with_order_notifications(app, &telegram, &[CHAT]),
        &telegram,
        "4242:wrong-token",
        &[CHAT],
    );
    let channels = Channels::of(&app.state).unwrap();
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 9).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    for second in 0..600 {
        deliver(&app.state, &channels, second).await;
    }
    assert_eq!(telegram.calls("sendMessage").len(), 1);
    assert_eq!(
        outbox(&app).await,
        [(State::Waiting, 1, Some("401: Unauthorized".to_owned()))]
    );

    let app = with_token(app, &telegram, TOKEN, &[CHAT]);
    let worker = Worker::start(app.state.clone(), Channels::of(&app.state).unwrap());
    assert_eq!(
        telegram.wait_for(CHAT, 1).await,
        [new_order_message(&order)]
    );
    worker.stop().await;
    assert_eq!(outbox(&app).await[0].0, State::Sent);
}

#[apply(on_both_databases)]
async fn messages_to_an_inaccessible_chat_fail_permanently(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    telegram.queue_reply_to(
        CHAT,
        Reply::Refused(403, "Forbidden: bot was kicked from the group chat"),
    );
    telegram.queue_reply_to(CHAT, Reply::Refused(400, "Bad Request: chat not found"));
    let order = clerk.create_order("чай", 1).await.unwrap();
    clerk.issue_order(order.id).await.unwrap();
    clerk.create_order("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 0).await, 4);
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER_CHAT).len()
        ),
        (1, 3)
    );
    let failed: Vec<_> = outbox(&app)
        .await
        .into_iter()
        .filter(|row| row.0 == State::Failed)
        .filter_map(|row| row.2)
        .collect();
    assert_eq!(
        failed,
        [
            "403: Forbidden: bot was kicked from the group chat",
            "400: Bad Request: chat not found"
        ]
    );
}

#[apply(on_both_databases)]
async fn a_message_awaiting_a_slow_reply_is_not_sent_by_another_server(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    let permits = Arc::new(Semaphore::new(0));
    telegram.queue_reply(Reply::Slow(permits.clone()));
    let (state, other) = (app.state.clone(), Channels::of(&app.state).unwrap());
    let slow = tokio::spawn(async move { deliver(&state, &channels, 0).await });
    telegram.wait_for(CHAT, 1).await;
    // Meanwhile another server checks the outbox repeatedly.
    for second in [0, 1, 30, 60, 119] {
        assert_eq!(deliver(&app.state, &other, second).await, 0);
    }
    permits.add_permits(1);
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(deliver(&app.state, &other, HOUR).await, 0);
    assert_eq!(telegram.messages(CHAT), [new_order_message(&order)]);
}

#[apply(on_both_databases)]
async fn concurrent_servers_send_each_message_once_and_in_order(app: App) {
    let telegram = Telegram::start().await;
    let (app, _, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    for _ in 0..10 {
        clerk.create_order("чай", 1).await.unwrap();
    }
    let servers: Vec<_> = (0..6)
        .map(|_| (app.another_server(), Channels::of(&app.state).unwrap()))
        .collect();
    for _ in 0..20 {
        futures::future::join_all(
            servers
                .iter()
                .map(|(state, channels)| deliver(state, channels, 0)),
        )
        .await;
    }
    for chat in [CHAT, OTHER_CHAT] {
        let messages = telegram.messages(chat);
        let numbers: Vec<_> = messages
            .iter()
            .map(|text| text.split(['№', '<']).nth(2).unwrap().trim().to_owned())
            .collect();
        let expected: Vec<_> = (1..=10).map(|id| id.to_string()).collect();
        assert_eq!(numbers, expected);
    }
}

#[apply(on_both_databases)]
async fn a_repeat_after_a_lost_reply_says_that_it_may_be_one(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    telegram.queue_reply(Reply::AcceptAndDisconnect);
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(deliver(&app.state, &channels, 10).await, 1);
    let repeat = format!(
        "{}\n\nВозможно, это повтор: в прошлый раз связь прервалась при отправке.",
        new_order_message(&order)
    );
    assert_eq!(telegram.messages(CHAT), [new_order_message(&order), repeat]);
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
}

#[apply(on_both_databases)]
async fn messages_claimed_by_a_dead_server_are_taken_over(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    let queue_key = queue::queue_keys(&app.state).await.unwrap().remove(0).0;
    queue::claim(&app.state, &queue_key, "dead server", clock::now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, 100).await, 0);
    assert_eq!(deliver(&app.state, &channels, 130).await, 1);
    let messages = telegram.messages(CHAT);
    assert!(
        messages[0].starts_with(&new_order_message(&order))
            && messages[0].contains("Возможно, это повтор"),
        "{messages:?}"
    );
}

#[apply(on_both_databases)]
async fn removed_recipients_are_not_notified(app: App) {
    let telegram = Telegram::start().await;
    let (app, _, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    clerk.create_order("чай", 1).await.unwrap();
    let app = with_bot(app, &telegram, &[OTHER_CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER_CHAT).len()
        ),
        (0, 1)
    );
}

#[apply(on_both_databases)]
async fn a_slow_recipient_does_not_delay_the_others(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT, OTHER_CHAT]).await;
    let permits = Arc::new(Semaphore::new(0));
    telegram.queue_reply_to(CHAT, Reply::Slow(permits.clone()));
    let worker = Worker::start(app.state.clone(), channels);
    let mut expected = Vec::new();
    for count in 1..=3 {
        expected.push(new_order_message(
            &clerk.create_order("чай", 1).await.unwrap(),
        ));
        assert_eq!(telegram.wait_for(OTHER_CHAT, count).await, expected);
    }
    assert_eq!(telegram.messages(CHAT), expected[..1]);
    permits.add_permits(1);
    assert_eq!(telegram.wait_for(CHAT, 3).await, expected);
    worker.stop().await;
}

#[apply(on_both_databases)]
async fn a_worker_delivers_as_soon_as_an_order_is_created(app: App) {
    let telegram = Telegram::start().await;
    let (app, channels, clerk) = shop_with_product(app, &telegram, &[CHAT]).await;
    let worker = Worker::start(app.state.clone(), channels);
    let order = clerk.create_order("чай", 1).await.unwrap();
    assert_eq!(
        telegram.wait_for(CHAT, 1).await,
        [new_order_message(&order)]
    );
    worker.stop().await;
    // Without a worker, the message stays in the outbox.
    clerk.create_order("чай", 1).await.unwrap();
    assert_eq!(
        outbox(&app)
            .await
            .iter()
            .map(|row| row.0)
            .collect::<Vec<_>>(),
        [State::Sent, State::Waiting]
    );
}
