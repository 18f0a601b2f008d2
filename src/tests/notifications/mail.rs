//! Notifications by mail.

use super::*;
use crate::{
    config::notifications as settings,
    notifications::{mail::Mail, service},
    testing::mail_server::{self, Email, MailServer, Tls},
    tests::support::block_on,
};
use lettre::message::Mailbox;

const ANNA: &str = "anna@example.org";
const BORIS: &str = "boris@example.org";

fn mail_settings(url: &str, to: &[&str]) -> settings::Mail {
    settings::Mail {
        url: Secret::new(url.to_owned()),
        server: "localhost".to_owned(),
        from: "Лавка <shop@example.org>".parse().unwrap(),
        to: to.iter().map(|to| to.parse::<Mailbox>().unwrap()).collect(),
    }
}

/// Returns the shop after a restart with mail to these addresses.
fn with_mail(app: App, url: &str, to: &[&str]) -> App {
    app.restarted(|config| config.notifications.mail = Some(mail_settings(url, to)))
}

/// Sends a test notification as an admin.
async fn send_test(app: &App) {
    let config = app.state.config.notifications.clone();
    let admin = app.admin();
    admin
        .write(move |tx| service::send_test(tx, &config))
        .await
        .unwrap();
}

async fn open_mail_server(tls: Tls) -> (MailServer, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start(tls, &folder.path().join("mail.pem")).await;
    let url = format!(
        "smtp://shop:{}@localhost:{}",
        mail_server::PASSWORD,
        server.port
    );
    (server, url)
}

fn recipients(letters: &[Email]) -> Vec<&str> {
    letters.iter().map(|letter| letter.to.as_str()).collect()
}

#[apply(on_both_databases)]
async fn low_stock_is_mailed_once_to_each_recipient(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA, BORIS]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    let tea = manager
        .add_product_with_minimum("Чай <зелёный>", 5, 5)
        .await;
    manager.create_order("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 30).await, 0);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 2);
    assert_eq!(deliver(&app.state, &channels, 2 * AFTER_GATHER).await, 0);
    let letters = server.emails();
    let mut to = recipients(&letters);
    to.sort_unstable();
    assert_eq!(to, [ANNA, BORIS]);
    let letter = &letters[0];
    assert_eq!(
        letter.header("Subject"),
        "Сириус: Заканчивается: Чай <зелёный>"
    );
    assert!(
        letter.header("From").ends_with("<shop@example.org>"),
        "{letter:?}"
    );
    let text = format!(
        "▼ Заканчивается товар\nЧай <зелёный> (https://shop.example/products/{tea}): доступно 4, минимум 5"
    );
    assert_eq!(letter.text(), text);
}

#[apply(on_both_databases)]
async fn retried_mail_keeps_its_message_id(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA, BORIS]);
    let channels = Channels::of(&app.state).unwrap();
    app.create_account(app.admin()).await;
    send_test(&app).await;
    server.queue_reply(mail_server::Reply::AcceptAndDisconnect);
    server.queue_reply(mail_server::Reply::RejectEmail("451 4.3.0 Try again later"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(deliver(&app.state, &channels, 10).await, 2);
    let letters = server.emails();
    assert_eq!(letters.len(), 3);
    let repeated_to = letters[0].to.clone();
    let message_ids: Vec<_> = letters
        .iter()
        .filter(|letter| letter.to == repeated_to)
        .map(|letter| letter.header("Message-ID"))
        .collect();
    assert_eq!(message_ids.len(), 2);
    assert_eq!(message_ids[0], message_ids[1]);
    assert!(
        letters
            .iter()
            .any(|letter| letter.to != repeated_to && letter.header("Message-ID") != message_ids[0])
    );
}

#[apply(on_both_databases)]
async fn different_contents_never_share_a_message_id(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    for name in ["чай", "кофе", "вода", "сок"] {
        manager.add_product_with_minimum(name, 5, 5).await;
    }
    manager.create_order("чай", 1).await.unwrap();
    // The message is accepted but the reply is lost. Before the retry, another product runs low.
    server.queue_reply(mail_server::Reply::AcceptAndDisconnect);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    manager.create_order("кофе", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER + 10).await, 2);
    // The message is not accepted. Before the retry, one more product runs low.
    manager.create_order("вода", 1).await.unwrap();
    server.queue_reply(mail_server::Reply::RejectEmail("451 4.3.0 Try again later"));
    assert_eq!(deliver(&app.state, &channels, 2 * AFTER_GATHER).await, 0);
    manager.create_order("сок", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 3 * AFTER_GATHER).await, 1);
    let letters = server.emails();
    let mut contents = std::collections::BTreeMap::new();
    for letter in &letters {
        let text = letter.header("Subject") + &letter.text();
        let first = contents
            .entry(letter.header("Message-ID"))
            .or_insert_with(|| text.clone());
        assert_eq!(*first, text, "one Message-ID was used for two contents");
    }
    // A mailbox that drops messages with a known Message-ID has every alert exactly once.
    assert_eq!((letters.len(), contents.len()), (4, 3), "{letters:?}");
    let all: String = contents.into_values().collect();
    for name in ["чай", "кофе", "вода", "сок"] {
        assert_eq!(all.matches(&format!("{name} (")).count(), 1, "{all}");
    }
}

#[apply(on_both_databases)]
async fn retried_mail_repeats_the_first_text_even_after_a_refill(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    for name in ["чай", "кофе", "вода"] {
        manager.add_product_with_minimum(name, 5, 5).await;
    }
    // One transaction takes all three below their minimum. The first is refilled before the delivery, the second after.
    manager
        .write(|tx| {
            for id in 1..=3 {
                crate::products::service::correct(
                    tx,
                    id,
                    &fields! { expected: 5, on_hand: "4", note: "бой" }.read()?,
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
    manager.receive_supply("чай", 3, "1").await.unwrap();
    server.queue_reply(mail_server::Reply::AcceptAndDisconnect);
    assert_eq!(deliver(&app.state, &channels, AFTER_GATHER).await, 0);
    manager.receive_supply("кофе", 3, "1").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 2 * AFTER_GATHER).await, 1);
    let letters = server.emails();
    assert_eq!(
        letters[0].header("Message-ID"),
        letters[1].header("Message-ID")
    );
    assert_eq!(letters[0].text(), letters[1].text());
    assert!(
        !letters[0].text().contains("чай") && letters[0].text().contains("кофе"),
        "{letters:?}"
    );
}

#[apply(on_both_databases)]
async fn a_rejected_message_fails_permanently_and_the_next_one_is_sent(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]).restarted(|config| config.notifications.orders = true);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 1).await.unwrap();
    manager.issue_order(order.id).await.unwrap();
    server.queue_reply(mail_server::Reply::RejectRecipient(
        "550 5.1.1 No such mailbox",
    ));
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    let rows = outbox(&app).await;
    assert_eq!((rows[0].0, rows[1].0), (State::Failed, State::Sent));
    assert!(
        rows[0].2.as_ref().unwrap().contains("No such mailbox"),
        "{rows:?}"
    );
    assert_eq!(
        server.emails()[0].header("Subject"),
        "Сириус: Заказ № 1 выдан"
    );
}

#[apply(on_both_databases)]
async fn mail_waits_until_the_smtp_password_is_correct(app: App) {
    let (server, url) = open_mail_server(Tls::None).await;
    let app = with_mail(app, &url.replace(mail_server::PASSWORD, "wrong"), &[ANNA]);
    app.create_account(app.admin()).await;
    send_test(&app).await;
    let channels = Channels::of(&app.state).unwrap();
    for second in 0..100 {
        assert_eq!(deliver(&app.state, &channels, second * 8).await, 0);
    }
    let rows = outbox(&app).await;
    assert_eq!((rows[0].0, rows[0].1), (State::Waiting, 1), "{rows:?}");
    let why = rows[0].2.clone().unwrap();
    assert!(why.contains("535") && !why.contains("wrong"), "{why}");
    let app = with_mail(app, &url, &[ANNA]);
    assert_eq!(
        deliver(&app.state, &Channels::of(&app.state).unwrap(), 1_000).await,
        1
    );
    assert_eq!(server.emails().len(), 1);
}

#[test]
fn no_mail_is_sent_over_an_untrusted_certificate() {
    block_on(async {
        for tls in [Tls::Start, Tls::Implicit] {
            let (server, url) = open_mail_server(tls).await;
            let url = match tls {
                Tls::Implicit => url.replace("smtp://", "smtps://"),
                Tls::Start | Tls::None => format!("{url}?tls=required"),
            };
            let letter = crate::notifications::mail::Email {
                to: ANNA,
                subject: "x",
                text: "x".to_owned(),
                id: "x".to_owned(),
                at: clock::now(),
            };
            let refused = Mail::new(&mail_settings(&url, &[]))
                .unwrap()
                .send(letter)
                .await;
            let why = refused.unwrap_err().why().to_owned();
            assert!(why.contains("certificate"), "{why}");
            assert!(server.emails().is_empty());
        }
    });
}
