//! Each notification arrives, once, whatever happens on the way.

use super::*;
use crate::{
    notifications::{queue, upkeep, worker::Worker},
    orders::Order,
};
use tokio::sync::Semaphore;

const HOUR: i64 = 3_600;

/// A shop that tells of orders, with a product in it.
async fn opened(app: App, telegram: &Telegram, chats: &[&str]) -> (App, Arc<Channels>, Person) {
    let app = with_orders_told(app, telegram, chats);
    let channels = Channels::of(&app.state).unwrap();
    let clerk = app.hire(app.clerk()).await;
    app.hire(app.manager()).await.adds("чай", 90).await;
    (app, channels, clerk)
}

/// The message that an order was booked.
fn booked(order: &Order) -> String {
    let id = order.id;
    format!(
        "<a href=\"https://shop.example/orders/{id}\">Новый заказ № {id}</a>\nчай × {} = {}\n{}\nКто оформил: продавец",
        order.qty,
        order.total_rub().display(crate::i18n::Locale::ru),
        order.phone_shown
    )
}

#[apply(on_both_databases)]
async fn what_happens_to_an_order_is_told_in_its_order(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 2).await.unwrap();
    clerk.issues(order.id).await.unwrap();
    clerk.issues(order.id).await.unwrap();
    let denied = clerk.books("чай", 1).await.unwrap();
    clerk.denies(denied.id).await.unwrap();
    // The first is refused for a while: the others wait behind it.
    telegram.replies(Reply::Refused(500, "Internal Server Error"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), 1);
    assert_eq!(deliver(&app.state, &channels, 10).await, 4);
    let told = telegram.messages(CHAT);
    let firsts: Vec<_> = told
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
        firsts,
        [
            "Новый заказ № 1",
            "Заказ № 1 выдан",
            "Новый заказ № 2",
            "Заказ № 2 отменён"
        ]
    );
    assert_eq!(told[0], booked(&order));
    assert!(
        told[1].ends_with("Кто выдал: продавец") && told[3].ends_with("Кто отменил: продавец"),
        "{told:?}"
    );
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
}

#[apply(on_both_databases)]
async fn orders_are_told_only_when_the_setting_says_so(app: App) {
    let telegram = Telegram::open().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let clerk = app.hire(app.clerk()).await;
    app.hire(app.manager()).await.adds("чай", 9).await;
    clerk.books("чай", 1).await.unwrap();
    assert_eq!(outbox(&app).await, []);
}

#[apply(on_both_databases)]
async fn each_chat_is_told_for_itself(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    telegram.replies_to(OTHER, Reply::Refused(500, "Internal Server Error"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    assert_eq!(deliver(&app.state, &channels, 10).await, 1);
    assert_eq!(
        (telegram.messages(CHAT), telegram.messages(OTHER)),
        (vec![booked(&order)], vec![booked(&order)])
    );
}

#[apply(on_both_databases)]
async fn telegram_is_given_the_time_that_it_asks_for(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    telegram.replies(Reply::TooMany(90));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    // Whatever else there is to tell: nobody knocks before.
    clerk.issues(order.id).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 80).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), 1);
    assert_eq!(deliver(&app.state, &channels, 95).await, 2);
    assert_eq!(outbox(&app).await[0], (State::Sent, 2, None));
}

#[apply(on_both_databases)]
async fn whoever_stands_before_telegram_is_given_time_too(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    clerk.books("чай", 1).await.unwrap();
    telegram.replies_to(CHAT, Reply::Busy(503, "300"));
    telegram.replies_to(OTHER, Reply::Busy(503, "300"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    let asked = telegram.calls("sendMessage").len();
    assert_eq!(deliver(&app.state, &channels, 290).await, 0);
    assert_eq!(telegram.calls("sendMessage").len(), asked);
    let in_ten_minutes =
        deliver(&app.state, &channels, 610).await + deliver(&app.state, &channels, 1_000).await;
    assert_eq!(in_ten_minutes, 2);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER).len()
        ),
        (1, 1)
    );
}

#[apply(on_both_databases)]
async fn an_outage_of_hours_delays_and_doubles_nothing(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    let troubles = [
        Reply::Cut,
        Reply::Refused(500, "Internal Server Error"),
        Reply::Refused(502, "Bad Gateway"),
    ];
    let mut attempts = 0;
    for minute in 0..5 * 60 {
        telegram.replies(troubles[minute % troubles.len()].clone());
        let before = telegram.calls("sendMessage").len();
        assert_eq!(
            deliver(&app.state, &channels, i64::try_from(minute).unwrap() * 60).await,
            0
        );
        attempts += telegram.calls("sendMessage").len() - before;
    }
    // Ever less often, but never given up.
    assert!((20..60).contains(&attempts), "{attempts}");
    telegram.forget_replies();
    assert_eq!(deliver(&app.state, &channels, 5 * HOUR + 720).await, 1);
    assert_eq!(deliver(&app.state, &channels, 6 * HOUR).await, 0);
    let told = telegram.messages(CHAT);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(&booked(&order)), "{told:?}");
}

#[apply(on_both_databases)]
async fn what_waits_for_somebody_who_is_no_longer_told_is_given_up_too(app: App) {
    let telegram = Telegram::open().await;
    let (app, _, clerk) = opened(app, &telegram, &[CHAT]).await;
    clerk.books("чай", 1).await.unwrap();
    upkeep::delete_old(&app.state, ahead(47 * HOUR)())
        .await
        .unwrap();
    assert_eq!(outbox(&app).await[0].0, State::Waiting);
    upkeep::delete_old(&app.state, ahead(49 * HOUR)())
        .await
        .unwrap();
    assert_eq!(outbox(&app).await[0].0, State::Failed);
}

#[apply(on_both_databases)]
async fn after_two_days_it_is_given_up(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    clerk.books("чай", 1).await.unwrap();
    for hours in 0..48 {
        telegram.replies(Reply::Refused(500, "Internal Server Error"));
        deliver(&app.state, &channels, hours * HOUR).await;
    }
    assert_eq!(outbox(&app).await[0].0, State::Waiting);
    telegram.forget_replies();
    assert_eq!(deliver(&app.state, &channels, 48 * HOUR + 1).await, 0);
    let why = Some("500: Internal Server Error".to_owned());
    assert_eq!(outbox(&app).await, [(State::Failed, 48, why)]);
    // What comes later is not held up by it.
    clerk.books("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 1).await, 1);
}

#[apply(on_both_databases)]
async fn a_wrong_token_is_not_hammered_and_a_right_one_delivers_at_once(app: App) {
    let telegram = Telegram::open().await;
    let app = with_token(
        with_orders_told(app, &telegram, &[CHAT]),
        &telegram,
        "4242:wrong-token",
        &[CHAT],
    );
    let channels = Channels::of(&app.state).unwrap();
    let clerk = app.hire(app.clerk()).await;
    app.hire(app.manager()).await.adds("чай", 9).await;
    let order = clerk.books("чай", 1).await.unwrap();
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
    assert_eq!(telegram.wait_for(CHAT, 1).await, [booked(&order)]);
    worker.stop().await;
    assert_eq!(outbox(&app).await[0].0, State::Sent);
}

#[apply(on_both_databases)]
async fn a_chat_that_is_closed_to_us_fails_for_good(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    telegram.replies_to(
        CHAT,
        Reply::Refused(403, "Forbidden: bot was kicked from the group chat"),
    );
    telegram.replies_to(CHAT, Reply::Refused(400, "Bad Request: chat not found"));
    let order = clerk.books("чай", 1).await.unwrap();
    clerk.issues(order.id).await.unwrap();
    clerk.books("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 0).await, 4);
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER).len()
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
async fn a_slow_answer_is_waited_for_and_two_servers_send_once(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    let permits = Arc::new(Semaphore::new(0));
    telegram.replies(Reply::Slow(permits.clone()));
    let (state, other) = (app.state.clone(), Channels::of(&app.state).unwrap());
    let slow = tokio::spawn(async move { deliver(&state, &channels, 0).await });
    telegram.wait_for(CHAT, 1).await;
    // Meanwhile another server looks into the outbox, again and again.
    for second in [0, 1, 30, 60, 119] {
        assert_eq!(deliver(&app.state, &other, second).await, 0);
    }
    permits.add_permits(1);
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(deliver(&app.state, &other, HOUR).await, 0);
    assert_eq!(telegram.messages(CHAT), [booked(&order)]);
}

#[apply(on_both_databases)]
async fn many_servers_at_once_send_each_message_once(app: App) {
    let telegram = Telegram::open().await;
    let (app, _, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    for _ in 0..10 {
        clerk.books("чай", 1).await.unwrap();
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
    for chat in [CHAT, OTHER] {
        let told = telegram.messages(chat);
        let numbers: Vec<_> = told
            .iter()
            .map(|text| text.split(['№', '<']).nth(2).unwrap().trim().to_owned())
            .collect();
        let expected: Vec<_> = (1..=10).map(|id| id.to_string()).collect();
        assert_eq!(numbers, expected);
    }
}

#[apply(on_both_databases)]
async fn an_answer_that_never_came_says_so_in_the_repeat(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    telegram.replies(Reply::TakenAndCut);
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(deliver(&app.state, &channels, 10).await, 1);
    let repeat = format!(
        "{}\n\nВозможно, это повтор: в прошлый раз связь прервалась при отправке.",
        booked(&order)
    );
    assert_eq!(telegram.messages(CHAT), [booked(&order), repeat]);
    assert_eq!(deliver(&app.state, &channels, HOUR).await, 0);
}

#[apply(on_both_databases)]
async fn what_a_server_left_when_it_died_is_taken_over(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let order = clerk.books("чай", 1).await.unwrap();
    let queue_key = queue::queue_keys(&app.state).await.unwrap().remove(0).0;
    queue::claim(&app.state, &queue_key, "somebody who died", clock::now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(deliver(&app.state, &channels, 100).await, 0);
    assert_eq!(deliver(&app.state, &channels, 130).await, 1);
    let told = telegram.messages(CHAT);
    assert!(
        told[0].starts_with(&booked(&order)) && told[0].contains("Возможно, это повтор"),
        "{told:?}"
    );
}

#[apply(on_both_databases)]
async fn who_is_not_named_any_more_is_not_told(app: App) {
    let telegram = Telegram::open().await;
    let (app, _, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    clerk.books("чай", 1).await.unwrap();
    let app = with_bot(app, &telegram, &[OTHER]);
    let channels = Channels::of(&app.state).unwrap();
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    assert_eq!(
        (
            telegram.messages(CHAT).len(),
            telegram.messages(OTHER).len()
        ),
        (0, 1)
    );
}

#[apply(on_both_databases)]
async fn who_answers_slowly_holds_nobody_else_up(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT, OTHER]).await;
    let answers = Arc::new(Semaphore::new(0));
    telegram.replies_to(CHAT, Reply::Slow(answers.clone()));
    let worker = Worker::start(app.state.clone(), channels);
    let mut booked_so_far = Vec::new();
    for count in 1..=3 {
        booked_so_far.push(booked(&clerk.books("чай", 1).await.unwrap()));
        assert_eq!(telegram.wait_for(OTHER, count).await, booked_so_far);
    }
    assert_eq!(telegram.messages(CHAT), booked_so_far[..1]);
    answers.add_permits(1);
    assert_eq!(telegram.wait_for(CHAT, 3).await, booked_so_far);
    worker.stop().await;
}

#[apply(on_both_databases)]
async fn a_worker_delivers_as_soon_as_it_is_done(app: App) {
    let telegram = Telegram::open().await;
    let (app, channels, clerk) = opened(app, &telegram, &[CHAT]).await;
    let worker = Worker::start(app.state.clone(), channels);
    let order = clerk.books("чай", 1).await.unwrap();
    assert_eq!(telegram.wait_for(CHAT, 1).await, [booked(&order)]);
    worker.stop().await;
    // Nobody works any more: it stays in the outbox.
    clerk.books("чай", 1).await.unwrap();
    assert_eq!(
        outbox(&app)
            .await
            .iter()
            .map(|row| row.0)
            .collect::<Vec<_>>(),
        [State::Sent, State::Waiting]
    );
}
