//! The export of everything that is stored about a number.

use super::shop::{OTHER, admin_browser, book, edit, log};
use crate::{
    audit::{Action, Entity},
    auth::Role,
    config::notifications::{Secret, Telegram},
    products,
    tests::support::{App, Browser, PHONE, apply, on_both_databases},
};
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

/// Makes a shop with notifications about orders, and two customers: Мария has an issued order, and one that first had
/// the number of Пётр.
async fn set_up(app: App) -> (App, [i64; 2]) {
    let app = app.restarted(|config| {
        config.notifications.orders = true;
        config.notifications.telegram = Some(Telegram {
            token: Secret::new("1:secret".to_owned()),
            chats: vec!["-1001".to_owned()],
            api_url: "http://127.0.0.1:1".to_owned(),
        });
    });
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    let first = book(&clerk, PHONE, "Мария Соколова").await;
    clerk.issue_order(first.id).await.unwrap();
    let second = book(&clerk, OTHER, "Пётр").await;
    edit(&clerk, &second, PHONE, "Маша").await;
    (app, [first.id, second.id])
}

/// Downloads the data of a customer.
async fn download(browser: &mut Browser, format: &str, query: &str) -> String {
    let answer = browser
        .get(&format!("/admin/customers.{format}?{query}"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let named = answer.headers[header::CONTENT_DISPOSITION]
        .to_str()
        .unwrap();
    assert_eq!(named, format!("attachment; filename=\"customer.{format}\""));
    answer.body
}

#[apply(on_both_databases)]
async fn the_json_file_has_every_field_of_the_customer(app: App) {
    let (app, [first, second]) = set_up(app).await;
    let mut browser = admin_browser(&app).await;
    let file = download(&mut browser, "json", &format!("order={first}")).await;
    let data: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(data["phone"], PHONE);

    // The orders are as the API lists them.
    let listed = browser
        .get("/api/orders?phone=9161234567&sort=created_at")
        .await;
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(data["orders"], listed["items"]);
    assert_eq!(data["orders"][0]["customer_name"], "Мария Соколова");

    let entries = data["log"].as_array().unwrap();
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["create", "issue", "create", "edit"]);
    let changes = |entry: usize, field: &str| {
        let changes = entries[entry]["details"].as_array().unwrap();
        let found = changes.iter().find(|change| change["field"] == field);
        found.cloned().unwrap_or_default()
    };
    assert_eq!(
        changes(0, "customer_name"),
        json!({"field": "customer_name", "after": "Мария Соколова"})
    );
    assert_eq!(
        changes(3, "phone"),
        json!({"field": "phone", "after": PHONE})
    );

    let notifications = data["notifications"].as_array().unwrap();
    assert_eq!(notifications.len(), 2, "{notifications:#?}");
    assert_eq!(notifications[0]["kind"], "order_created");
    assert_eq!(notifications[0]["customer_name"], "Мария Соколова");
    assert_eq!(notifications[0]["phone"], "8 (916) 123-45-67");
    assert_eq!(notifications[0]["recipient"], "-1001");
    assert_eq!(notifications[1]["order_id"], first);

    for other in ["9035557788", "555-77-88", "Пётр"] {
        assert!(!file.contains(other), "{other}: {file}");
    }
    let theirs = download(&mut browser, "json", &format!("order={second}")).await;
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    assert_eq!(theirs["orders"], data["orders"]);
}

#[apply(on_both_databases)]
async fn the_csv_file_has_a_row_for_each_field(app: App) {
    let (app, [first, _]) = set_up(app).await;
    let mut browser = admin_browser(&app).await;
    let query = format!("order={first}&format=plain");
    let plain = download(&mut browser, "csv", &query).await;
    let lines: Vec<_> = plain.lines().collect();
    assert_eq!(lines[0], "record,id,created_at,field,before,value");
    let has = |record: &str, id: i64, field: &str, value: &str| {
        let (start, end) = (format!("{record},{id},"), format!(",{field},,{value}"));
        let found = lines
            .iter()
            .any(|line| line.starts_with(&start) && line.ends_with(&end));
        assert!(found, "{start}…{end}: {plain}");
    };
    for (field, value) in [
        ("phone", PHONE),
        ("customer_name", "Мария Соколова"),
        ("product_id", "1"),
        ("product", "чай"),
        ("qty", "1"),
        ("unit_price_rub", "100.00"),
        ("total_rub", "100.00"),
        ("status", "paid_issued"),
        ("user", "продавец"),
        ("version", "2"),
    ] {
        has("order", first, field, value);
    }
    assert!(plain.contains(",issued_at,,2"), "{plain}");
    assert!(plain.contains(",action,,issue"), "{plain}");
    assert!(plain.contains(",kind,,order_issued"), "{plain}");
    assert!(plain.contains(",recipient,,'-1001"), "{plain}");
    for other in ["9035557788", "555-77-88", "Пётр"] {
        assert!(!plain.contains(other), "{other}: {plain}");
    }

    let excel = download(&mut browser, "csv", &format!("order={first}")).await;
    for words in [
        "Что это;№;Дата;Поле;Было;Значение",
        ";Телефон;;8 (916) 123-45-67",
        ";Имя покупателя;;Мария Соколова",
        ";Статус;;выдан",
        ";Действие;;Выдача",
        "Уведомление;",
    ] {
        assert!(excel.contains(words), "{words}: {excel}");
    }
}

#[apply(on_both_databases)]
async fn an_export_is_recorded_without_the_number(app: App) {
    let (app, [first, _]) = set_up(app).await;
    let mut browser = admin_browser(&app).await;
    for format in ["json", "csv"] {
        download(&mut browser, format, &format!("order={first}")).await;
        let entry = log(&app).await.swap_remove(0);
        assert_eq!(entry.action, Action::Export);
        assert_eq!(entry.entity_type, Entity::Customer);
        assert_eq!(entry.user_id.as_deref(), Some("админ"));
        let recorded = serde_json::to_string(&entry).unwrap();
        assert!(recorded.contains(&format!("order={first}")), "{recorded}");
        assert!(!recorded.contains("4567"), "{recorded}");
    }
    let recorded = log(&app).await.len();
    let head = Request::head(format!("/admin/customers.json?order={first}"));
    let answer = browser.send(head.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(log(&app).await.len(), recorded);
}

#[apply(on_both_databases)]
async fn the_api_exports_by_number(app: App) {
    let (app, [first, _]) = set_up(app).await;
    let mut browser = admin_browser(&app).await;
    let mut export = async |phone: &str| {
        let request = Request::post("/api/customers/export")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(json!({"phone": phone}).to_string()));
        browser.send(request.unwrap()).await
    };
    let answer = export("8 (916) 123-45-67").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(data["orders"][0]["id"], first);
    assert_eq!(log(&app).await[0].action, Action::Export);
    // Only the log has the number of Пётр.
    let former: Value = serde_json::from_str(&export(OTHER).await.body).unwrap();
    assert_eq!(former["orders"], json!([]));
    let entries = former["log"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[1]["details"].to_string().contains("Пётр"));
    assert!(!former.to_string().contains("9161234567"), "{former}");
    assert_eq!(export("8 916 000-00-00").await.status, 422);
    assert_eq!(export("8 916 123-45-68").await.status, 422);
}

#[apply(on_both_databases)]
async fn a_note_that_mentions_the_customer_is_exported(app: App) {
    let (app, [first, _]) = set_up(app).await;
    let manager = app
        .create_account(app.person("завсклад", Role::Manager))
        .await;
    for note in ["вернула Мария Соколова", "вернули: 8 (916) 123-45-68"]
    {
        manager
            .write(move |tx| {
                let on_hand = products::service::get(tx, 1)?.on_hand;
                let count = fields! { expected: on_hand, on_hand: on_hand + 1, note: note };
                products::service::correct(tx, 1, &count.read()?)
            })
            .await
            .unwrap();
    }
    let mut browser = admin_browser(&app).await;
    let file = download(&mut browser, "json", &format!("order={first}")).await;
    assert!(file.contains("вернула Мария Соколова"), "{file}");
    assert!(!file.contains("123-45-68"), "{file}");
}

#[apply(on_both_databases)]
async fn the_password_of_an_admin_is_not_asked_but_a_session_is(app: App) {
    let (app, [first, _]) = set_up(app).await;
    let answer = app
        .browser()
        .get(&format!("/admin/customers.json?order={first}"))
        .await;
    assert_eq!(answer.status, 302);
    assert!(answer.location.unwrap().starts_with("/login?next="));
}
