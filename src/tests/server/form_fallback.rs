//! Forms as a browser without JavaScript submits them.

use crate::tests::support::{App, Browser, PASSWORD, PHONE, apply, on_both_databases};
use crate::{
    auth::{Actor, Role},
    schema::form_drafts,
};
use diesel::prelude::*;

#[apply(on_both_databases)]
async fn products_supplies_and_orders_work_without_javascript(app: App) {
    let (mut manager, mut clerk) = (
        app.signed_in_browser(app.manager()).await,
        app.signed_in_browser(app.clerk()).await,
    );
    let created = manager
        .submit(
            "/products/new",
            "create_product",
            &[
                ("name", "Чай зелёный"),
                ("sell_price_rub", "1 299,90"),
                ("min_stock", "3"),
            ],
        )
        .await;
    assert_eq!(
        created.location.as_deref(),
        Some("/products/1?success=product_created")
    );
    let page = manager.follow(&created).await;
    assert!(page.body.contains("Товар добавлен.") && page.body.contains("1\u{a0}299,90\u{a0}₽"));
    let supply = [
        ("product", "чай зеленый"),
        ("qty", "10"),
        ("supplier_name", "Teekanne"),
        ("buy_price_eur", "2.5"),
    ];
    let received = manager.submit("/supplies", "receive_supply", &supply).await;
    assert_eq!(
        received.location.as_deref(),
        Some("/supplies?undo=8&success=supply_received")
    );
    let ordered = clerk
        .submit(
            "/orders/new",
            "create_order",
            &[
                ("phone", "8 916 123-45-67"),
                ("product", "Чай зелёный"),
                ("qty", "8"),
            ],
        )
        .await;
    assert_eq!(
        ordered.location.as_deref(),
        Some("/orders/1?success=order_created")
    );
    let page = clerk.follow(&ordered).await;
    assert!(
        page.body.contains("Заказ № 1 оформлен, товар в резерве."),
        "{}",
        page.body
    );
    let list = clerk.get("/orders?phone=4567").await;
    assert!(
        list.body.contains("8 (916) 123-<b>45-67</b>") && list.body.contains(">10\u{a0}399,20<")
    );
    let issued = clerk
        .submit(
            "/orders?phone=4567&error=no_right",
            "issue_order",
            &[("id", "1")],
        )
        .await;
    assert_eq!(
        issued.location.as_deref(),
        Some("/orders?phone=4567&undo=11&success=order_issued")
    );
    let stock = clerk.get("/products?low=1").await;
    assert!(stock.body.contains("Чай зелёный") && stock.body.contains("мало"));
    let at_once = clerk
        .submit(
            "/orders/new",
            "create_order",
            &[
                ("phone", "8 916 123-45-67"),
                ("product", "Чай зелёный"),
                ("qty", "1"),
                ("status", "paid_issued"),
            ],
        )
        .await;
    assert_eq!(
        at_once.location.as_deref(),
        Some("/orders/2?undo=13&success=order_issued")
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_refused_form_keeps_what_was_typed_and_shows_why(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 2).await;
    let typed = [
        ("phone", "12"),
        ("customer_name", "Анна «\"<b>"),
        ("product", "чай"),
        ("qty", "много"),
        ("unit_price_rub", ""),
    ];
    let refused = clerk
        .submit("/orders/new?product=1", "create_order", &typed)
        .await;
    let page = clerk.follow(&refused).await;
    assert!(
        page.body.contains("Такого номера нет") && page.body.contains("Введите целое число"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("value=\"много\"")
            && page.body.contains("value=\"Анна «&quot;&lt;b&gt;\""),
        "{}",
        page.body
    );
    let again = [("phone", "89161234567"), ("product", "чай"), ("qty", "3")];
    let refused = clerk.submit("/orders/new", "create_order", &again).await;
    let page = clerk.follow(&refused).await;
    let at_qty = crate::tests::support::text_between(&page.body, "id=\"qty-error\"", "</p>");
    assert!(
        at_qty.contains("На складе осталось 2, нужно 3. Уменьшите количество до 2"),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("alert-error"),
        "the error is not shown only at its field"
    );
}

#[apply(on_both_databases)]
async fn a_form_sent_twice_creates_one_order(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 5).await;
    let key = clerk
        .get("/orders/new")
        .await
        .hidden_field("idempotency_key");
    let fields = [
        ("idempotency_key", key.as_str()),
        ("phone", "89161234567"),
        ("product", "чай"),
        ("qty", "1"),
    ];
    let first = clerk.submit("/orders/new", "create_order", &fields).await;
    let second = clerk.submit("/orders/new", "create_order", &fields).await;
    assert_eq!(first.location, second.location);
    assert_eq!(manager.counters(tea.id).await, (5, 1, 4));
}

#[apply(on_both_databases)]
async fn a_form_keeps_its_key_until_other_data_was_recorded_under_it(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 9).await;
    fn order<'a>(key: &'a str, qty: &'a str) -> [(&'static str, &'a str); 4] {
        [
            ("idempotency_key", key),
            ("phone", "89161234567"),
            ("product", "чай"),
            ("qty", qty),
        ]
    }
    let key = clerk
        .get("/orders/new")
        .await
        .hidden_field("idempotency_key");
    // After a refusal or a lost answer, the repeat has the same key.
    let refused = clerk
        .submit("/orders/new", "create_order", &order(&key, "много"))
        .await;
    assert_eq!(
        clerk.follow(&refused).await.hidden_field("idempotency_key"),
        key
    );
    let ordered = clerk
        .submit("/orders/new", "create_order", &order(&key, "1"))
        .await;
    assert_eq!(
        ordered.location.as_deref(),
        Some("/orders/1?success=order_created")
    );
    // Going back and submitting something else loses nothing and silently creates no second order.
    let refused = clerk
        .submit("/orders/new", "create_order", &order(&key, "2"))
        .await;
    let page = clerk.follow(&refused).await;
    assert!(
        page.body.contains("они сохранены")
            && page.body.contains("href=\"/baskets/1\"")
            && page.body.contains("Корзина № 1"),
        "{}",
        page.body
    );
    assert!(page.body.contains("value=\"2\""), "{}", page.body);
    let next = page.hidden_field("idempotency_key");
    assert_ne!(next, key);
    let refused = clerk
        .submit("/orders/new", "create_order", &order(&next, "100"))
        .await;
    assert_eq!(
        clerk.follow(&refused).await.hidden_field("idempotency_key"),
        next
    );
    let ordered = clerk
        .submit("/orders/new", "create_order", &order(&next, "2"))
        .await;
    assert_eq!(
        ordered.location.as_deref(),
        Some("/orders/2?success=order_created")
    );
    assert_eq!(manager.counters(tea.id).await, (9, 3, 6));
}

#[apply(on_both_databases)]
async fn a_form_that_times_out_keeps_its_key_and_is_recorded_once(app: App) {
    let app = app.restarted(|config| config.request_timeout = std::time::Duration::from_secs(1));
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 9).await;
    let key = clerk
        .get("/orders/new")
        .await
        .hidden_field("idempotency_key");
    let fields = [
        ("idempotency_key", key.as_str()),
        ("phone", "89161234567"),
        ("product", "чай"),
        ("qty", "2"),
    ];
    // Another transaction holds the lock of the product.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (signal_locked, locked) = tokio::sync::oneshot::channel();
    let state = app.state.clone();
    let holding = tokio::spawn(async move {
        state
            .db
            .write(move |conn| {
                diesel::sql_query("UPDATE products SET version = version").execute(conn)?;
                signal_locked.send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            })
            .await
    });
    locked.await.unwrap();
    let slow = clerk.submit("/orders/new", "create_order", &fields).await;
    let page = clerk.follow(&slow).await;
    assert!(
        page.body.contains("value=\"89161234567\"") && page.body.contains("role=\"alert\""),
        "{}",
        page.body
    );
    assert_eq!(page.hidden_field("idempotency_key"), key);
    release.send(()).unwrap();
    holding.await.unwrap().unwrap();
    let ordered = clerk.submit("/orders/new", "create_order", &fields).await;
    assert_eq!(
        ordered.location.as_deref(),
        Some("/orders/1?success=order_created")
    );
    assert_eq!(manager.counters(tea.id).await, (9, 2, 7));
}

#[apply(on_both_databases)]
async fn a_reused_key_shows_the_recorded_product_or_supply_and_a_new_key(app: App) {
    let mut manager = app.signed_in_browser(app.manager()).await;
    for (page, function, fields, change, recorded) in [
        (
            "/products/new",
            "create_product",
            vec![("name", "чай")],
            ("name", "кофе"),
            "href=\"/products/1\"",
        ),
        (
            "/supplies",
            "receive_supply",
            vec![
                ("product", "чай"),
                ("qty", "2"),
                ("supplier_name", "x"),
                ("buy_price_eur", "1"),
            ],
            ("qty", "3"),
            "Поставка № 1",
        ),
    ] {
        let key = manager.get(page).await.hidden_field("idempotency_key");
        let with_key = |key: String, changed: Option<(&'static str, &'static str)>| {
            let fields = fields.iter().map(move |(name, value)| match changed {
                Some((field, value)) if field == *name => (*name, value.to_owned()),
                _ => (*name, (*value).to_owned()),
            });
            let mut fields: Vec<_> = fields.collect();
            fields.push(("idempotency_key", key));
            fields
        };
        for (fields, is_accepted) in [
            (with_key(key.clone(), None), true),
            (with_key(key.clone(), Some(change)), false),
        ] {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let answer = manager.submit(page, function, &fields).await;
            assert_eq!(
                answer.location.as_deref().unwrap().contains("success="),
                is_accepted,
                "{answer:?}"
            );
            if is_accepted {
                continue;
            }
            let shown = manager.follow(&answer).await;
            assert!(
                shown.body.contains(recorded) && shown.body.contains("они сохранены"),
                "{}",
                shown.body
            );
            let fields = with_key(shown.hidden_field("idempotency_key"), Some(change));
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let answer = manager.submit(page, function, &fields).await;
            assert!(
                answer.location.as_deref().unwrap().contains("success="),
                "{answer:?}"
            );
        }
    }
    assert_eq!(app.manager().counters(1).await, (5, 0, 5));
}

#[apply(on_both_databases)]
async fn an_edit_conflict_shows_the_changes_and_a_resubmission_wins(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let tea = app
        .person("менеджер", crate::auth::Role::Manager)
        .create_product("чай", 0)
        .await;
    let edit = |version: &'static str, price: &'static str| {
        [
            ("id", "1"),
            ("version", version),
            ("name", "чай"),
            ("sell_price_rub", price),
        ]
    };
    browser
        .submit("/products/1", "edit_product", &edit("1", "120"))
        .await;
    let refused = browser
        .submit("/products/1", "edit_product", &edit("1", "130"))
        .await;
    let page = browser.follow(&refused).await;
    assert!(
        page.body.contains("товар изменил менеджер в ")
            && page.body.contains("Текущие значения")
            && page.body.contains("120,00")
            && page.body.contains("value=\"130\""),
        "{}",
        page.body
    );
    assert_eq!(page.hidden_field("version"), "2");
    browser
        .submit("/products/1", "edit_product", &edit("2", "130"))
        .await;
    assert_eq!(
        app.manager()
            .product(tea.id)
            .await
            .sell_price_rub
            .unwrap()
            .to_string(),
        "130.00"
    );
}

#[apply(on_both_databases)]
async fn sign_in_returns_to_the_page_that_required_it(app: App) {
    app.create_account(app.clerk()).await;
    let mut browser = app.browser();
    let refused = browser.get("/orders?status=paid_not_issued").await;
    assert_eq!(
        refused.location.as_deref(),
        Some("/login?next=%2Forders%3Fstatus%3Dpaid_not_issued")
    );
    let login = browser.follow(&refused).await;
    let next = login.hidden_field("next");
    let fields = [
        ("username", "продавец"),
        ("password", crate::tests::support::PASSWORD),
        ("next", next.as_str()),
    ];
    assert_eq!(
        browser
            .submit("/login", "sign_in", &fields)
            .await
            .location
            .as_deref(),
        Some("/orders?status=paid_not_issued")
    );
    let fields = [
        ("username", "продавец"),
        ("password", crate::tests::support::PASSWORD),
        ("next", "//evil.example"),
    ];
    assert_eq!(
        browser
            .submit("/login", "sign_in", &fields)
            .await
            .location
            .as_deref(),
        Some("/")
    );
}

#[apply(on_both_databases)]
async fn a_form_sent_after_the_session_ended_keeps_what_was_typed(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 5).await;
    browser.submit("/orders", "sign_out", &[]).await;
    let typed = [
        ("idempotency_key", "k"),
        ("phone", "8 916 123-45-67"),
        ("customer_name", "Анна & Ко"),
        ("product", "чай"),
        ("qty", "3"),
        ("unit_price_rub", "85,50"),
    ];
    let refused = browser
        .submit(
            "/orders/new?product=1&success=order_created",
            "create_order",
            &typed,
        )
        .await;
    let login = browser.follow(&refused).await;
    let next = login.hidden_field("next").replace("&amp;", "&");
    let wrong = browser
        .submit(
            refused.location.as_deref().unwrap(),
            "sign_in",
            &[
                ("username", "продавец"),
                ("password", "не тот"),
                ("next", &next),
            ],
        )
        .await;
    assert_eq!(
        browser
            .follow(&wrong)
            .await
            .hidden_field("next")
            .replace("&amp;", "&"),
        next,
        "a wrong password lost the typed fields"
    );
    let back = browser
        .submit(
            "/login",
            "sign_in",
            &[
                ("username", "продавец"),
                ("password", crate::tests::support::PASSWORD),
                ("next", &next),
            ],
        )
        .await;
    assert!(
        back.location
            .as_deref()
            .unwrap()
            .starts_with("/orders/new?product=1&success=signed_in_again"),
        "{back:?}"
    );
    let page = browser.follow(&back).await;
    for value in ["8 916 123-45-67", "Анна &amp; Ко", "чай", "3", "85,50"] {
        assert!(
            page.body.contains(&format!("value=\"{value}\"")),
            "{value}: {}",
            page.body
        );
    }
    assert!(page.body.contains("Введённое сохранилось"));
    assert_eq!(
        app.person("продавец", crate::auth::Role::User)
            .read(crate::orders::search::any)
            .await,
        Ok(false)
    );
}

#[apply(on_both_databases)]
async fn a_typed_password_is_not_kept_across_the_sign_in(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    browser.submit("/orders", "sign_out", &[]).await;
    let typed = [
        ("current_password", "секрет-один"),
        ("password", "секрет-два"),
        ("password_repeated", "секрет-два"),
    ];
    let refused = browser.submit("/account", "change_password", &typed).await;
    let next = browser
        .follow(&refused)
        .await
        .hidden_field("next")
        .replace("&amp;", "&");
    assert!(
        next.starts_with("/account?success=signed_in_again&draft="),
        "{next}"
    );
    let drafts = drafts(&app).await;
    assert!(
        drafts.len() == 1 && drafts[0].1.ends_with("\"fields\":{}}"),
        "a field was kept: {drafts:?}"
    );
}

/// Returns the owners and the contents of all kept forms.
async fn drafts(app: &App) -> Vec<(String, String)> {
    app.state
        .db
        .read(|conn| {
            Ok(form_drafts::table
                .select((form_drafts::owner, form_drafts::content))
                .order(form_drafts::created_at)
                .load(conn)?)
        })
        .await
        .unwrap()
}

const TYPED: [(&str, &str); 4] = [
    ("phone", "8 916 123-45"),
    ("customer_name", "Анна Каренина"),
    ("product", "чай"),
    ("qty", "много"),
];

/// Refuses an order that a browser sends, and returns the address to which it is led back.
async fn refused_order(browser: &mut Browser) -> String {
    let refused = browser
        .submit("/orders/new?product=1", "create_order", &TYPED)
        .await;
    refused.location.unwrap()
}

#[apply(on_both_databases)]
async fn no_address_contains_what_was_typed_or_what_is_stored(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 5).await;
    let order = app
        .person("продавец", Role::User)
        .create_order("чай", 1)
        .await
        .unwrap();
    let page = format!("/orders/{}", order.id);
    let edit = |version: &'static str, name: &'static str| {
        [
            ("id", "1"),
            ("version", version),
            ("phone", PHONE),
            ("customer_name", name),
            ("qty", "1"),
            ("unit_price_rub", "100"),
        ]
    };
    clerk
        .submit(&page, "edit_order", &edit("1", "Вронский"))
        .await;
    // The conflict shows the name that another user has stored in the meantime.
    let stale = clerk.submit(&page, "edit_order", &edit("1", "Левин")).await;
    let shown = clerk.follow(&stale).await;
    assert!(
        shown.body.contains("Вронский") && shown.body.contains("Левин"),
        "{}",
        shown.body
    );
    assert_eq!(shown.headers["cache-control"], "no-store");
    let mut addresses = vec![(stale.location.unwrap(), "/orders/1?draft=")];
    addresses.push((
        refused_order(&mut clerk).await,
        "/orders/new?product=1&draft=",
    ));
    let mut stranger = app.browser();
    let login = stranger.sign_in("Анна Каренина", PASSWORD).await;
    addresses.push((login.location.unwrap(), "/login?draft="));
    clerk.submit("/", "sign_out", &[]).await;
    addresses.push((
        refused_order(&mut clerk).await,
        "/login?next=%2Forders%2Fnew%3Fproduct%3D1%26success%3Dsigned_in_again%26draft%3D",
    ));
    for (address, start) in addresses {
        let key = address.strip_prefix(start);
        let is_key = |key: &str| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(key.is_some_and(is_key), "{address}");
    }
}

#[apply(on_both_databases)]
async fn only_the_same_user_in_the_same_browser_sees_a_kept_form(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 5).await;
    let address = refused_order(&mut clerk).await;
    // A reload and another server show it, too.
    let other_server = app.with_secret([7; 64]);
    let mut there = clerk.clone().connected_to(&other_server);
    for _ in 0..2 {
        assert!(clerk.get(&address).await.body.contains("Анна Каренина"));
        assert!(there.get(&address).await.body.contains("Анна Каренина"));
    }
    let app = other_server;
    let mut elsewhere = app.browser();
    elsewhere.sign_in("продавец", PASSWORD).await;
    assert!(!elsewhere.get(&address).await.body.contains("Анна Каренина"));
    // The next user at the same counter presses Back.
    clerk.submit("/", "sign_out", &[]).await;
    clerk.sign_in("менеджер", PASSWORD).await;
    let page = clerk.get(&address).await;
    assert!(page.status == 200 && !page.body.contains("Анна Каренина"));
    clerk.submit("/", "sign_out", &[]).await;
    clerk.sign_in("продавец", PASSWORD).await;
    assert!(clerk.get(&address).await.body.contains("Анна Каренина"));
}

#[apply(on_both_databases)]
async fn a_kept_form_expires_and_is_deleted(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 5).await;
    let address = refused_order(&mut clerk).await;
    let age = async |minutes: i64| {
        let at = crate::clock::now().utc() - chrono::TimeDelta::minutes(minutes);
        let change = move |tx: &mut crate::transaction::Tx<'_>| {
            diesel::update(form_drafts::table)
                .set(form_drafts::created_at.eq(at))
                .execute(tx.conn)?;
            Ok(())
        };
        app.state.write(Actor::System, change).await.unwrap();
        clerk
            .clone()
            .get(&address)
            .await
            .body
            .contains("Анна Каренина")
    };
    assert!(age(19).await);
    assert!(!age(21).await);
    assert_eq!(drafts(&app).await.len(), 1);
    app.state
        .write(Actor::System, crate::server::form_drafts::delete_expired)
        .await
        .unwrap();
    assert_eq!(drafts(&app).await, []);
}

#[apply(on_both_databases)]
async fn kept_forms_are_bounded_by_user_address_and_in_total(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 5).await;
    let first = refused_order(&mut clerk).await;
    for _ in 0..20 {
        refused_order(&mut clerk).await;
    }
    let last = refused_order(&mut clerk).await;
    assert_eq!(drafts(&app).await.len(), 20);
    assert!(!clerk.get(&first).await.body.contains("Анна Каренина"));
    assert!(clerk.get(&last).await.body.contains("Анна Каренина"));
    // Those who are not signed in are counted by address, and lose theirs first when there are too many.
    let earlier = (chrono::Utc::now() - chrono::TimeDelta::minutes(10)).format("%F %T");
    let fill = format!(
        "INSERT INTO form_drafts (id, owner, content, created_at)
         WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1980)
         SELECT 'id-' || i, 'address/' || i, '', '{earlier}' FROM numbers"
    );
    app.sql(fill).await;
    assert_eq!(drafts(&app).await.len(), 2_000);
    let app = app.behind_proxy(|_| {});
    for n in 0..30 {
        let mut stranger = app.browser().with_header("x-forwarded-for", "203.0.113.1");
        stranger.sign_in(&format!("имя-{n}"), "wrong horse").await;
    }
    let kept = drafts(&app).await;
    let count = |owner: &str| kept.iter().filter(|(of, _)| of == owner).count();
    assert_eq!(
        (
            kept.len(),
            count("address/203.0.113.1"),
            count("user/продавец")
        ),
        (2_000, 20, 20)
    );
    // The fields of a form that is too large are not kept, only the reason.
    let long = "я".repeat(20_000);
    let mut clerk = clerk.connected_to(&app);
    let refused = clerk
        .submit(
            "/orders/new",
            "create_order",
            &[("customer_name", long.as_str())],
        )
        .await;
    let page = clerk.follow(&refused).await;
    assert!(
        page.body.contains("Заполните это поле") && !page.body.contains("яяя"),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn a_banner_shows_only_known_codes(app: App) {
    let mut browser = app.browser();
    assert!(
        browser
            .get("/login?success=signed_out")
            .await
            .body
            .contains("Вы вышли.")
    );
    let page = browser
        .get("/login?success=%3Cscript%3E&error=hacked")
        .await;
    assert!(!page.body.contains("alert-success") && !page.body.contains("hacked"));
}

#[apply(on_both_databases)]
async fn switching_the_language_stays_on_the_page(app: App) {
    let mut browser = app.browser();
    let switched = browser
        .submit("/login?next=%2Forders", "set_language", &[("lang", "en")])
        .await;
    assert_eq!(switched.location.as_deref(), Some("/login?next=%2Forders"));
    assert!(switched.set_cookie.unwrap().starts_with("lang=en;"));
    for (mut browser, language, name) in
        [(browser, "en", "Sirius"), (app.browser(), "ru", "Сириус")]
    {
        let page = browser.get("/login").await.body;
        for expected in [
            format!("<html lang=\"{language}\""),
            format!(" · {name}</title>"),
        ] {
            assert!(page.contains(&expected), "{expected}: {page}");
        }
    }
}

#[apply(on_both_databases)]
async fn invalid_input_is_refused_without_a_fault(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    app.person("админ", crate::auth::Role::Admin)
        .create_product("чай", 5)
        .await;
    let long = "я".repeat(5_000);
    for path in [
        "/orders?after=nonsense",
        "/orders?after=W3siSW50IjoxfSx7IkludCI6MX1d",
        "/orders?status=x&phone=1&from=2026-99-99",
        "/orders?sort=-nothing",
        "/products?sort=x",
        "/supplies?from=x",
    ] {
        let status = browser.get(path).await.status;
        assert!(status == 400 || status == 422, "{path}: {status}");
    }
    for (function, fields) in [
        ("create_product", vec![("name", long.as_str())]),
        ("create_product", vec![("name", "\u{0}\u{7}")]),
        ("create_product", vec![]),
        (
            "create_order",
            vec![
                ("phone", "89161234567"),
                ("product", "чай"),
                ("qty", "99999999999999999999"),
            ],
        ),
        (
            "create_order",
            vec![("phone", "89161234567"), ("product", "\u{0}"), ("qty", "1")],
        ),
        (
            "correct_stock",
            vec![("id", "1"), ("expected", "x"), ("on_hand", "1")],
        ),
        ("issue_order", vec![("id", "-1")]),
        ("issue_order", vec![("id", "99999999999999999999999")]),
        (
            "sign_in",
            vec![("username", "\u{0}"), ("password", long.as_str())],
        ),
    ] {
        let answer = browser.call(function, &fields).await;
        assert!(
            (400..500).contains(&answer.status),
            "{function} {fields:?}: {} {}",
            answer.status,
            answer.body
        );
    }
    app.assert_consistent().await;
}
