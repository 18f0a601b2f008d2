//! Starting and stopping the server.

use crate::database::Database;
use crate::{
    on_both_databases, report,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, browser, post},
    storm::Storm,
};
use rstest_reuse::apply;
use serde_json::json;
use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    time::{Duration, Instant},
};

/// How often a server is stopped under load.
const STOPS: usize = 5;

#[apply(on_both_databases)]
async fn a_stopped_server_finishes_running_requests(database: Database) {
    let port = free_port();
    // Makes comparing a password slow.
    let settings = [("BCRYPT_COST", "13")];
    let server = Server::start_at(&database, port, &settings).await;
    Shop::open(&server, 5).await;
    let (client, site) = (browser(), server.site.clone());
    let sign_in = tokio::spawn(async move {
        let account = json!({"username": "anna", "password": PASSWORD});
        post(&client, &site, "/api/auth/login", "", &account).await
    });
    // The attempt is counted right before the password is compared.
    while database
        .lines("SELECT key AS line FROM throttles WHERE key NOT LIKE 'registration/%'")
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!sign_in.is_finished());
    assert!(server.stop().success());
    assert_eq!(sign_in.await.unwrap().unwrap().status, 200);
}

#[apply(on_both_databases)]
async fn a_server_stopped_under_load_loses_nothing(database: Database) {
    let mut server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for _ in 0..STOPS {
        storm.wait_for_orders(50).await;
        let (port, asked) = (server.port(), Instant::now());
        assert!(server.stop().success());
        assert!(
            asked.elapsed() < Duration::from_secs(9),
            "{:?}",
            asked.elapsed()
        );
        server = Server::start_at(&database, port, &[]).await;
    }
    storm.wait_for_orders(50).await;
    let log = server.logged();
    let outcome = storm.settle(&database).await;
    assert!(!log.contains("were aborted"), "{log}");
    report::note("SIGTERM", &database, STOPS, &outcome);
}

#[apply(on_both_databases)]
async fn a_session_survives_a_restart(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let port = server.port();
    assert!(server.stop().success());
    let server = Server::start_at(&database, port, &[]).await;
    let order = json!({"phone": "8 916 123-45-67", "product_id": shop.products[0], "qty": 2});
    let reply = post(&shop.admin, &server.site, "/api/orders", "", &order)
        .await
        .unwrap();
    assert_eq!(reply.status, 201);
    database.assert_agrees();
}

#[apply(on_both_databases)]
async fn the_first_account_from_another_machine_needs_the_printed_setup_code(database: Database) {
    let server = Server::start(&database).await;
    let printed = server.printed();
    let code = printed.trim().rsplit(' ').next().unwrap();
    assert!(!code.is_empty(), "{printed}");
    let register = async |code: &str| {
        let account = json!({"username": "anna", "password": PASSWORD, "setup_code": code});
        let request = browser()
            .post(format!("{}/api/auth/register", server.site))
            // As if a proxy had passed it on.
            .header("x-forwarded-for", "203.0.113.9")
            .json(&account);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(register("").await, 422);
    assert_eq!(register("0000-0000-0000").await, 422);
    assert_eq!(register(code).await, 201);
    assert!(!server.logged().contains(code), "{}", server.logged());
    // With an account, there is nothing left to set up.
    let port = server.port();
    assert!(server.stop().success());
    let server = Server::start_at(&database, port, &[]).await;
    assert_eq!(server.printed(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_warns_of_root_and_of_plain_http_in_a_network() {
    let database = Database::sqlite();
    let is_root = database.file("").metadata().unwrap().uid() == 0;
    for (settings, is_plain) in [
        (vec![], true),
        (vec![("PUBLIC_URL", "https://shop.example")], false),
        (vec![("TRUST_PROXY", "true")], true),
    ] {
        let port = free_port();
        let address = format!("0.0.0.0:{port}");
        let all = [settings, vec![("LEPTOS_SITE_ADDR", address.as_str())]].concat();
        let server = Server::start_at(&database, port, &all).await;
        let log = server.logged();
        let plain = format!("serving plain HTTP on {address}: others in the network can read");
        assert_eq!(log.contains(&plain), is_plain, "{log}");
        assert_eq!(log.contains("running as root"), is_root, "{log}");
        assert!(!log.contains("options of the command line"), "{log}");
        assert!(server.stop().success());
    }
    let server = Server::start(&database).await;
    assert!(!server.logged().contains("serving plain HTTP"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_in_options_are_warned_of_and_not_logged() {
    let database = Database::sqlite();
    let key = "k".repeat(32);
    let said = |arguments: &[&str]| {
        let ran = database.run(arguments);
        String::from_utf8(ran.stderr).unwrap()
    };
    let warned = said(&[
        "migrate",
        "--secret-key",
        &key,
        "--telegram-bot-token",
        "42:right-token",
    ]);
    assert!(
        warned.contains("options of the command line")
            && warned.contains("SECRET_KEY, TELEGRAM_BOT_TOKEN")
            && !warned.contains(&key)
            && !warned.contains("right-token"),
        "{warned}"
    );
    let copied = said(&["copy", "--to", "postgres://anna:secret@127.0.0.1:1/shop"]);
    assert!(
        copied.contains("the password in --to") && !copied.contains("anna:secret"),
        "{copied}"
    );
    let quiet = said(&[
        "migrate",
        "--database-url",
        &database.url,
        "--rate-limit",
        "9",
    ]);
    assert!(!quiet.contains("options of the command line"), "{quiet}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_env_file_of_the_working_directory_is_read() {
    let database = Database::sqlite();
    let below = database.file("below");
    fs::create_dir(&below).unwrap();
    fs::write(database.file(".env"), "SHOP_TIMEZONE=Mars\n").unwrap();
    let refused = database.refuses(&["migrate"]);
    assert!(refused.contains("SHOP_TIMEZONE"), "{refused}");
    let mut command = database.command(&["migrate"]);
    let ran = command.current_dir(&below).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_reached_only_under_its_own_hosts() {
    let database = Database::sqlite();
    let settings = [("ALLOWED_HOSTS", "counter.local")];
    let server = Server::start_at(&database, free_port(), &settings).await;
    for (host, status) in [
        ("127.0.0.1:3000", 200),
        ("localhost", 200),
        ("counter.local:3000", 200),
        ("evil.example", 421),
    ] {
        let request = browser()
            .get(format!("{}/login", server.site))
            .header("host", host);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
    // A proxy on the machine that passes requests on for others reads no metrics.
    for (name, value, status) in [
        ("host", "localhost", 200),
        ("host", "counter.local", 404),
        ("x-forwarded-for", "127.0.0.1", 404),
    ] {
        let request = browser()
            .get(format!("{}/metrics", server.site))
            .header(name, value);
        assert_eq!(
            request.send().await.unwrap().status(),
            status,
            "{name}: {value}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_a_sqlite_file_ends_at_once_and_says_why() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let elsewhere = Database::sqlite();
    symlink(database.file("sirius.db"), elsewhere.file("sirius.db")).unwrap();
    for same in [&database, &elsewhere] {
        let mut second = Server::spawn(same, free_port(), &[]);
        let ended = second.wait_for_exit(Duration::from_secs(10)).await;
        assert!(
            ended.is_some_and(|status| !status.success()),
            "{}",
            second.logged()
        );
        let said = second.logged();
        let lock = database.file("sirius.db.lock");
        assert!(
            said.contains("another server already uses") && said.contains(lock.to_str().unwrap()),
            "{said}"
        );
    }
    // Commands work alongside the server, and the server still works.
    assert!(database.does(&["user", "list"]).contains("anna"));
    database.does(&["backup", database.file("backup").to_str().unwrap()]);
    let order = json!({"phone": "8 916 123-45-67", "product_id": shop.products[0], "qty": 2});
    let reply = post(&shop.admin, &server.site, "/api/orders", "", &order).await;
    assert_eq!(reply.unwrap().status, 201);
    database.assert_agrees();
    // A killed server does not keep its lock.
    server.kill();
    let next = Server::start(&database).await;
    assert!(next.stop().success());
}
