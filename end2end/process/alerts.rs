//! Notifications of a real process: even if it is killed between the commit and the delivery, each is sent once.

use crate::{
    database::Database,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, post},
};
use reqwest::Client;
use serde_json::{Value, json};
use sirius::testing::{
    mail_server::{MailServer, PASSWORD as MAIL_PASSWORD, Tls},
    telegram::{Reply, TOKEN, Telegram},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

const CHAT: &str = "-1001";

fn notification_settings(telegram: &str) -> Vec<(&'static str, String)> {
    vec![
        ("TELEGRAM_BOT_TOKEN", TOKEN.to_owned()),
        ("TELEGRAM_CHAT_ID", CHAT.to_owned()),
        ("TELEGRAM_API_URL", telegram.to_owned()),
        ("NOTIFY_ORDERS", "true".to_owned()),
        ("RUST_LOG", "trace".to_owned()),
    ]
}

async fn start(database: &Database, settings: &[(&'static str, String)]) -> Server {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Server::start_at(database, free_port(), &settings).await
}

/// Opens the shop and creates an order, which triggers a notification. Returns the admin's client and the order's id.
async fn create_order(server: &Server) -> (Client, i64) {
    let shop = Shop::open(server, 5).await;
    let order = shop.create_order(&server.site, "", 2).await.unwrap();
    assert_eq!(order.status, 201, "{order:?}");
    (shop.admin, order.id())
}

/// Signs the admin in again.
async fn sign_in(server: &Server) -> Client {
    let client = Client::builder().cookie_store(true).build().unwrap();
    let credentials = json!({"username": "anna", "password": PASSWORD});
    post(&client, &server.site, "/api/auth/login", "", &credentials)
        .await
        .unwrap();
    client
}

/// Waits until an attempt has failed and is recorded.
async fn wait_for_failed_attempt(client: &Client, server: &Server) {
    server
        .wait_for_log("could not deliver a notification")
        .await;
    loop {
        let list = client.get(format!("{}/api/notifications", server.site));
        let list: Value = list.send().await.unwrap().json().await.unwrap();
        if list["items"][0]["last_error"].is_string() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn assert_sent_once(messages: &[String], server: &Server, order: i64) {
    assert_eq!(messages.len(), 1, "{messages:?}");
    let link = format!("{}/orders/{order}", server.site);
    assert!(messages[0].contains(&link), "{messages:?}");
}

/// Telegram cannot be reached when the order is created, and the process is killed before it can.
async fn a_notification_committed_before_a_kill_is_sent_once_after_restart(database: Database) {
    let port = free_port();
    let settings = notification_settings(&format!("http://127.0.0.1:{port}"));
    let server = start(&database, &settings).await;
    let (client, order) = create_order(&server).await;
    wait_for_failed_attempt(&client, &server).await;
    server.kill();

    let telegram = Telegram::start_at(port).await;
    let server = start(&database, &settings).await;
    telegram.wait_for(CHAT, 1).await;
    // Sends another notification afterwards. When it arrives, a duplicate would have arrived, too.
    let client = sign_in(&server).await;
    post(
        &client,
        &server.site,
        "/api/notifications/test",
        "",
        &Value::Null,
    )
    .await
    .unwrap();
    let messages = telegram.wait_for(CHAT, 2).await;
    assert_sent_once(&messages[..1], &server, order);
    assert!(messages[1].contains("Проверка связи"), "{messages:?}");
    assert!(server.stop().success());
    assert_eq!(telegram.messages(CHAT).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_committed_before_a_kill_is_sent_once_after_restart_on_sqlite() {
    a_notification_committed_before_a_kill_is_sent_once_after_restart(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_committed_before_a_kill_is_sent_once_after_restart_on_postgres() {
    a_notification_committed_before_a_kill_is_sent_once_after_restart(Database::postgres()).await;
}

/// The process is killed when Telegram has the message but has not answered. Whether it arrived is unknown, and the
/// repeat says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_may_have_arrived_is_sent_again_and_marked_as_a_repeat() {
    let database = Database::sqlite();
    let telegram = Telegram::start().await;
    telegram.queue_reply(Reply::Slow(Arc::new(Semaphore::new(0))));
    let settings = notification_settings(&telegram.url);
    let server = start(&database, &settings).await;
    create_order(&server).await;
    telegram.wait_for(CHAT, 1).await;
    server.kill();
    let server = start(&database, &settings).await;
    let messages = telegram.wait_for(CHAT, 2).await;
    assert!(
        !messages[0].contains("повтор") && messages[1].contains("Возможно, это повтор"),
        "{messages:?}"
    );
    assert!(server.stop().success());
}

/// The process is stopped by SIGTERM when Telegram has the message but has not answered yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_waits_for_the_answer_of_telegram() {
    let database = Database::sqlite();
    let telegram = Telegram::start().await;
    let permits = Arc::new(Semaphore::new(0));
    telegram.queue_reply(Reply::Slow(permits.clone()));
    let settings = notification_settings(&telegram.url);
    let server = start(&database, &settings).await;
    let (_, order) = create_order(&server).await;
    telegram.wait_for(CHAT, 1).await;
    let pid = server.pid().to_string();
    let stopping = tokio::task::spawn_blocking(move || (server.site.clone(), server.stop()));
    permits.add_permits(1);
    let (site, stopped) = stopping.await.unwrap();
    assert!(stopped.success(), "{pid}");

    let server = start(&database, &settings).await;
    // Issuing the order sends a notification, but the first one is not sent again.
    let client = sign_in(&server).await;
    post(
        &client,
        &server.site,
        &format!("/api/orders/{order}/issue"),
        "",
        &Value::Null,
    )
    .await
    .unwrap();
    let messages = telegram.wait_for(CHAT, 2).await;
    assert!(
        messages[0].contains("Новый заказ") && messages[0].contains(&site),
        "{messages:?}"
    );
    assert!(messages[1].contains("выдан"), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_disabled_channels_and_never_contains_the_token() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    let logged = server.logged();
    assert_eq!(logged.matches("Telegram is off").count(), 1, "{logged}");
    assert_eq!(logged.matches("mail is off").count(), 1, "{logged}");
    drop(server);

    // A server that refuses the token, and one that does not exist: both errors are logged.
    let telegram = Telegram::start().await;
    for (url, token) in [
        (telegram.url.as_str(), "4242:wrong-token"),
        ("http://127.0.0.1:1", TOKEN),
    ] {
        let database = Database::sqlite();
        let mut settings = notification_settings(url);
        settings[0].1 = token.to_owned();
        let server = start(&database, &settings).await;
        create_order(&server).await;
        telegram.wait_for_calls("getMe", 1).await;
        server
            .wait_for_log("could not deliver a notification")
            .await;
        let logged = server.logged();
        assert!(
            !logged.contains(token.split(':').nth(1).unwrap()),
            "the token is in the log"
        );
        let refused = logged.contains("Telegram rejects TELEGRAM_BOT_TOKEN");
        assert_eq!(refused, token != TOKEN);
    }
}

/// Sends mail over TLS, from the first byte and after STARTTLS, to a server whose certificate is trusted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_sent_over_tls() {
    for tls in [Tls::Implicit, Tls::Start] {
        let database = Database::sqlite();
        let certificate = database.folder.path().join("mail.pem");
        let mail = MailServer::start(tls, &certificate).await;
        let scheme = match tls {
            Tls::Implicit => "smtps",
            Tls::Start | Tls::None => "smtp",
        };
        let url = format!("{scheme}://shop:{MAIL_PASSWORD}@localhost:{}", mail.port);
        let settings = [
            ("SMTP_URL", url.as_str()),
            ("MAIL_FROM", "shop@example.org"),
            ("MAIL_TO", "anna@example.org"),
            ("NOTIFY_ORDERS", "true"),
            ("SHOP_LANGUAGE", "en"),
            ("SSL_CERT_FILE", certificate.to_str().unwrap()),
        ];
        let server = Server::start_at(&database, free_port(), &settings).await;
        let (_, order) = create_order(&server).await;
        let letters = mail.wait_for(1).await;
        assert_eq!(
            letters[0].header("Subject"),
            format!("Sirius: New order No. {order}")
        );
        assert_eq!(letters[0].to, "anna@example.org");
        assert!(!server.logged().contains(MAIL_PASSWORD));
    }
}
