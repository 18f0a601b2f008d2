//! The same notifications by mail.

use super::*;
use crate::{
    config::notifications as settings,
    notifications::{mail::Mail, service},
    testing::mail_server::{self, Letter, MailServer, Tls},
    tests::support::block_on,
};
use lettre::message::Mailbox;

const ANNA: &str = "anna@example.org";
const BORIS: &str = "boris@example.org";

fn mail(url: &str, to: &[&str]) -> settings::Mail {
    settings::Mail {
        url: Secret::new(url.to_owned()),
        server: "localhost".to_owned(),
        from: "Лавка <shop@example.org>".parse().unwrap(),
        to: to.iter().map(|to| to.parse::<Mailbox>().unwrap()).collect(),
    }
}

/// The shop after a restart, now with mail to these addresses.
fn with_mail(app: App, url: &str, to: &[&str]) -> App {
    app.restarted(|config| config.notifications.mail = Some(mail(url, to)))
}

/// An admin tries whether notifications arrive.
async fn test(app: &App) {
    let config = app.state.config.notifications.clone();
    let admin = app.admin();
    admin
        .write(move |tx| service::send_test(tx, &config))
        .await
        .unwrap();
}

async fn opened(tls: Tls) -> (MailServer, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::open(tls, &folder.path().join("mail.pem")).await;
    let url = format!(
        "smtp://shop:{}@localhost:{}",
        mail_server::PASSWORD,
        server.port
    );
    (server, url)
}

fn recipients(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.to.as_str()).collect()
}

#[apply(on_both_databases)]
async fn what_runs_low_is_mailed_once_to_each(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA, BORIS]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    let tea = manager.adds_with_minimum("Чай <зелёный>", 5, 5).await;
    manager.books("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 30).await, 0);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 2);
    assert_eq!(deliver(&app.state, &channels, 2 * GATHERED).await, 0);
    let letters = server.letters();
    let mut to = recipients(&letters);
    to.sort_unstable();
    assert_eq!(to, [ANNA, BORIS]);
    let letter = &letters[0];
    assert_eq!(
        letter.header("Subject"),
        "Sirius: Заканчивается: Чай <зелёный>"
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
async fn a_mail_server_that_is_busy_is_asked_again_with_the_same_number(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA, BORIS]);
    let channels = Channels::of(&app.state).unwrap();
    app.hire(app.admin()).await;
    test(&app).await;
    server.replies(mail_server::Reply::TakenAndCut);
    server.replies(mail_server::Reply::Letter("451 4.3.0 Try again later"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    assert_eq!(deliver(&app.state, &channels, 10).await, 2);
    let letters = server.letters();
    assert_eq!(letters.len(), 3);
    let twice = letters[0].to.clone();
    let numbers: Vec<_> = letters
        .iter()
        .filter(|letter| letter.to == twice)
        .map(|letter| letter.header("Message-ID"))
        .collect();
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers[0], numbers[1]);
    assert!(
        letters
            .iter()
            .any(|letter| letter.to != twice && letter.header("Message-ID") != numbers[0])
    );
}

#[apply(on_both_databases)]
async fn one_number_never_stands_for_two_contents(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    for name in ["чай", "кофе", "вода", "сок"] {
        manager.adds_with_minimum(name, 5, 5).await;
    }
    manager.books("чай", 1).await.unwrap();
    // Taken, but the answer is lost; until it is tried again, something else runs low.
    server.replies(mail_server::Reply::TakenAndCut);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    manager.books("кофе", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, GATHERED + 10).await, 2);
    // Not taken at all; until it is tried again, one more.
    manager.books("вода", 1).await.unwrap();
    server.replies(mail_server::Reply::Letter("451 4.3.0 Try again later"));
    assert_eq!(deliver(&app.state, &channels, 2 * GATHERED).await, 0);
    manager.books("сок", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 3 * GATHERED).await, 1);
    let letters = server.letters();
    let mut contents = std::collections::BTreeMap::new();
    for letter in &letters {
        let text = letter.header("Subject") + &letter.text();
        let first = contents
            .entry(letter.header("Message-ID"))
            .or_insert_with(|| text.clone());
        assert_eq!(*first, text, "two contents under one number");
    }
    // A mailbox that drops repeats has all that was told, and each once.
    assert_eq!((letters.len(), contents.len()), (4, 3), "{letters:?}");
    let all: String = contents.into_values().collect();
    for name in ["чай", "кофе", "вода", "сок"] {
        assert_eq!(all.matches(&format!("{name} (")).count(), 1, "{all}");
    }
}

#[apply(on_both_databases)]
async fn a_repeat_tells_what_was_told_though_more_was_refilled_since(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    for name in ["чай", "кофе", "вода"] {
        manager.adds_with_minimum(name, 5, 5).await;
    }
    // One act takes all three below; the first is refilled before it is told, the second after.
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
    manager.supplies("чай", 3, "1").await.unwrap();
    server.replies(mail_server::Reply::TakenAndCut);
    assert_eq!(deliver(&app.state, &channels, GATHERED).await, 0);
    manager.supplies("кофе", 3, "1").await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 2 * GATHERED).await, 1);
    let letters = server.letters();
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
async fn an_address_that_is_refused_fails_for_good_and_the_other_is_mailed(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url, &[ANNA]).restarted(|config| config.notifications.orders = true);
    let channels = Channels::of(&app.state).unwrap();
    let manager = app.hire(app.manager()).await;
    manager.adds("чай", 5).await;
    let order = manager.books("чай", 1).await.unwrap();
    manager.issues(order.id).await.unwrap();
    server.replies(mail_server::Reply::Recipient("550 5.1.1 No such mailbox"));
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    let rows = outbox(&app).await;
    assert_eq!((rows[0].0, rows[1].0), (State::Failed, State::Sent));
    assert!(
        rows[0].2.as_ref().unwrap().contains("No such mailbox"),
        "{rows:?}"
    );
    assert_eq!(
        server.letters()[0].header("Subject"),
        "Sirius: Заказ № 1 выдан"
    );
}

#[apply(on_both_databases)]
async fn a_wrong_password_waits_for_the_right_one(app: App) {
    let (server, url) = opened(Tls::None).await;
    let app = with_mail(app, &url.replace(mail_server::PASSWORD, "wrong"), &[ANNA]);
    app.hire(app.admin()).await;
    test(&app).await;
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
    assert_eq!(server.letters().len(), 1);
}

#[test]
fn a_certificate_that_nobody_vouches_for_gets_no_letter() {
    block_on(async {
        for tls in [Tls::Start, Tls::Implicit] {
            let (server, url) = opened(tls).await;
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
            let refused = Mail::new(&mail(&url, &[])).unwrap().send(letter).await;
            let why = refused.unwrap_err().why().to_owned();
            assert!(why.contains("certificate"), "{why}");
            assert!(server.letters().is_empty());
        }
    });
}
