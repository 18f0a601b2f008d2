//! Unknown codes that a newer version wrote are shown as they are and have no effect.

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    bot::answers,
    codes::Code,
    config::notifications::{self as settings, Secret},
    db::Conn,
    error::Error,
    i18n::Locale,
    notifications::{
        message::{Markup, MessageWriter},
        worker::{Channels, deliver_due},
    },
    orders,
    testing::telegram::{TOKEN, Telegram},
    tests::support::PASSWORD,
};
use diesel::connection::SimpleConnection;

/// SQL that writes what a newer version might write.
const NEWER_ROWS: &str = "
    UPDATE orders SET status = 'paid_returned' WHERE id = 2;
    UPDATE stock_movements SET kind = 'levitate' WHERE id = 1;
    UPDATE users SET role = 'owner' WHERE username = 'хозяин';
    UPDATE users SET state = 'on_leave' WHERE username = 'отпускник';
    INSERT INTO invitations (token_hash, role, created_at, expires_at)
        VALUES ('x', 'auditor', '2026-11-25 10:00:00', '2099-01-01 00:00:00');
    INSERT INTO operation_log (timestamp, action, entity_type, entity_id, details)
        VALUES ('2026-11-25 10:00:00', 'teleport', 'order', '2', '[]'),
            ('2026-11-25 10:00:00', 'create', 'warehouse', '7', '[]');
    INSERT INTO notifications (kind, channel, recipient, lane, notice, state, created_at, due_at, ended_at)
        VALUES ('parcel', 'pigeon', 'roof', 'pigeon/x/roof', '{\"parcel\": 1}', 'flying',
                '2026-11-25 10:00:00', '2026-11-25 10:00:00', '2026-11-25 10:00:00');
    INSERT INTO notifications (kind, channel, recipient, lane, notice, state, created_at, due_at)
        VALUES ('parcel', 'pigeon', 'roof', 'pigeon/x/roof', '{\"parcel\": 1}', 'waiting',
                '2099-11-25 10:00:00', '2026-11-25 10:00:00'),
            ('parcel', 'telegram', '-1001', 'telegram/test/-1001', '{\"parcel\": 1}', 'waiting',
                '2099-11-25 10:00:00', '2026-11-25 10:00:00');
    INSERT INTO notification_channels (channel, refused_at, error) VALUES ('pigeon', '2026-11-25 10:00:00', 'rain');
";

/// Writes the rows of a newer version, which the schema of this version refuses.
async fn write_newer_rows(app: &App) {
    let write = |conn: &mut Conn| {
        let (before, after) = match conn {
            Conn::Sqlite(_) => (
                "PRAGMA ignore_check_constraints = ON",
                "PRAGMA ignore_check_constraints = OFF",
            ),
            Conn::Postgres(_) => (
                "DO $$ DECLARE c record; BEGIN
                    FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
                        WHERE contype = 'c' AND connamespace = current_schema()::regnamespace
                    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;
                END $$",
                "SELECT 1",
            ),
        };
        for statement in [before, NEWER_ROWS, after] {
            conn.batch_execute(statement)?;
        }
        Ok::<_, Error>(())
    };
    app.state.db.write(write).await.unwrap();
}

/// Sets up products, orders and users, and the rows of a newer version.
async fn set_up_newer_shop(app: &App) {
    let manager = app.create_account(app.manager()).await;
    app.create_account(app.person("хозяин", crate::auth::Role::User))
        .await;
    app.create_account(app.person("отпускник", crate::auth::Role::User))
        .await;
    manager.create_product("чай", 9).await;
    manager.create_order("чай", 1).await.unwrap();
    manager.create_order("чай", 1).await.unwrap();
    write_newer_rows(app).await;
}

#[apply(on_both_databases)]
async fn pages_show_an_unknown_code_as_it_is(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    set_up_newer_shop(&app).await;
    for (path, codes) in [
        ("/", vec![]),
        ("/orders", vec!["paid_returned"]),
        ("/orders?sort=status", vec!["paid_returned"]),
        ("/orders/2", vec!["paid_returned", "teleport"]),
        ("/products/1", vec!["levitate"]),
        ("/admin/logs", vec!["teleport", "warehouse № 7"]),
        (
            "/admin/notifications",
            vec!["parcel", "pigeon: roof", "flying"],
        ),
        ("/admin/users", vec!["owner", "on_leave", "auditor"]),
        (
            "/admin/users/%D1%85%D0%BE%D0%B7%D1%8F%D0%B8%D0%BD",
            vec!["owner"],
        ),
        ("/orders.csv", vec!["paid_returned"]),
        ("/orders.csv?format=plain", vec!["paid_returned"]),
        ("/products/1/movements.csv", vec!["levitate"]),
        ("/admin/logs.csv", vec!["teleport", "warehouse"]),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        for code in codes {
            assert!(page.body.contains(code), "{code} on {path}: {}", page.body);
        }
    }
    // The page offers no operation on an order with an unknown status.
    let page = browser.get("/orders/2").await.body;
    assert!(
        !page.contains("/fn/issue_order")
            && !page.contains("/fn/deny_order")
            && !page.contains("/fn/edit_order")
    );
    let refused = browser
        .submit("/orders", "issue_order", &[("id", "2")])
        .await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("неизвестен статус «paid_returned»")
    );
}

#[apply(on_both_databases)]
async fn the_api_and_the_bot_show_an_unknown_code_as_it_is(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.browser();
    browser.sign_in("админ", PASSWORD).await;
    set_up_newer_shop(&app).await;
    for (path, code) in [
        ("/api/orders", "paid_returned"),
        ("/api/orders/2", "paid_returned"),
        ("/api/orders/2/history", "teleport"),
        ("/api/products/1/movements", "levitate"),
        ("/api/log", "warehouse"),
        ("/api/notifications", "pigeon"),
        ("/api/users", "owner"),
        ("/api/users", "on_leave"),
        ("/api/invitations", "auditor"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(
            answer.body.contains(&format!("\"{code}\"")),
            "{path}: {}",
            answer.body
        );
    }
    let order = admin.read(|tx| orders::service::get(tx, 2)).await.unwrap();
    let unknown = Code::Unknown("paid_returned".to_owned());
    let writer = MessageWriter {
        locale: Locale::ru,
        site: "",
        markup: Markup::Plain,
    };
    let answer = answers::order_message(writer, &order);
    assert!(
        answer.text.contains("paid_returned") && answer.buttons.is_none(),
        "{answer:?}"
    );
    for refused in [admin.issue_order(2).await, admin.deny_order(2).await] {
        assert_eq!(refused.unwrap_err(), Error::OrderIs(unknown.clone()));
    }
    let draft = fields! { phone: "89161234567", qty: "1", unit_price_rub: "1" };
    let refused = admin
        .write(move |tx| orders::service::edit(tx, 2, &draft.with("version", 1).read()?))
        .await;
    assert_eq!(refused.unwrap_err(), Error::OrderIs(unknown));
}

#[apply(on_both_databases)]
async fn an_unknown_role_has_no_permissions(app: App) {
    let mut owner = app
        .signed_in_browser(app.person("хозяин", crate::auth::Role::User))
        .await;
    let mut absent = app
        .signed_in_browser(app.person("отпускник", crate::auth::Role::User))
        .await;
    app.create_product("чай", 9).await;
    write_newer_rows(&app).await;
    for path in [
        "/orders",
        "/products",
        "/account",
        "/admin/logs",
        "/api/orders",
        "/api/products/1/stock",
    ] {
        assert_eq!(owner.get(path).await.status, 403, "{path}");
    }
    assert_ne!(absent.get("/orders").await.status, 200);
    assert_eq!(absent.get("/api/orders").await.status, 401);
    let refused = app.browser().sign_in("отпускник", PASSWORD).await;
    assert!(refused.location.unwrap().contains("draft="));
    // An admin can assign a known role.
    let admin = app.create_account(app.admin()).await;
    admin
        .write(|tx| {
            crate::auth::users::service::change_role(tx, "хозяин", crate::auth::Role::Manager)
        })
        .await
        .unwrap();
    let mut manager = app.browser();
    manager.sign_in("хозяин", PASSWORD).await;
    assert_eq!(manager.get("/supplies").await.status, 200);
}

#[apply(on_both_databases)]
async fn a_notification_of_an_unknown_kind_waits_and_blocks_no_other(app: App) {
    let telegram = Telegram::start().await;
    let settings = settings::Telegram {
        token: Secret::new(TOKEN.to_owned()),
        chats: vec!["-1001".to_owned()],
        api_url: telegram.url.clone(),
    };
    let app = app.restarted(|config| config.notifications.telegram = Some(settings));
    let channels = Channels::of(&app.state).unwrap();
    let admin = app.create_account(app.admin()).await;
    set_up_newer_shop(&app).await;
    let config = app.state.config.notifications.clone();
    admin
        .write(move |tx| crate::notifications::service::send_test(tx, &config))
        .await
        .unwrap();
    assert_eq!(
        deliver_due(&app.state, &channels, crate::clock::now)
            .await
            .unwrap(),
        1
    );
    assert_eq!(telegram.messages("-1001").len(), 1);
    let mut browser = app.browser();
    browser.sign_in("админ", PASSWORD).await;
    assert!(
        browser
            .get("/admin/notifications")
            .await
            .body
            .contains("Ждут отправки: 2.")
    );
}
