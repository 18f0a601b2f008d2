//! The page of customers and the document of an erasure, in a browser without JavaScript.

use super::shop::{OTHER, admin_browser, book, edit};
use crate::{
    auth::Role,
    tests::support::{App, Browser, PHONE, apply, on_both_databases},
};

/// Types a number into the form that finds customers, and returns where that leads.
async fn find(browser: &mut Browser, phone: &str) -> String {
    let answer = browser
        .submit("/admin/customers", "find_customer", &[("phone", phone)])
        .await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    answer.location.unwrap()
}

#[apply(on_both_databases)]
async fn a_number_leads_to_a_page_whose_address_does_not_have_it(app: App) {
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    book(&clerk, PHONE, "Мария").await;
    let last = book(&clerk, PHONE, "Маша").await;
    book(&clerk, OTHER, "Пётр").await;
    clerk.issue_order(last.id).await.unwrap();
    let mut browser = admin_browser(&app).await;

    let address = find(&mut browser, "8 916 123-45-67").await;
    assert_eq!(address, format!("/admin/customers?order={}", last.id));
    let page = browser.get(&address).await.body;
    for words in [
        "Что хранится: 8 (916) 123-45-67",
        "Мария, Маша",
        "<dt>Заказов</dt><dd>2</dd>",
        // Two entries of the creation, one of the issue.
        "<dt>Записей в журнале</dt><dd>3</dd>",
    ] {
        let page = page.replace("<!>", "");
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Пётр"), "{page}");

    let refused = browser
        .call("find_customer", &[("phone", "8 916 123-45-68")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("UnknownCustomer"), "{}", refused.body);
}

#[apply(on_both_databases)]
async fn a_number_that_was_corrected_is_found_through_the_log(app: App) {
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    let order = book(&clerk, OTHER, "Пётр").await;
    edit(&clerk, &order, PHONE, "Мария").await;
    let mut browser = admin_browser(&app).await;
    let address = find(&mut browser, OTHER).await;
    assert!(address.starts_with("/admin/customers?former="), "{address}");
    let page = browser.get(&address).await.body.replace("<!>", "");
    for words in [
        "Что хранится: 8 (903) 555-77-88",
        "<dt>Заказов</dt><dd>0</dd>",
        "<dt>Записей в журнале</dt><dd>2</dd>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[apply(on_both_databases)]
async fn waiting_orders_are_named_instead_of_a_form(app: App) {
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    let order = book(&clerk, PHONE, "Мария").await;
    let mut browser = admin_browser(&app).await;
    let path = format!("/admin/customers?order={}", order.id);
    let page = browser.get(&path).await.body;
    assert!(page.contains(&format!("href=\"/orders/{}\"", order.id)));
    assert!(page.contains("Сначала выдайте или отмените их"), "{page}");
    assert!(!page.contains("/fn/erase_customer"), "{page}");
    clerk.issue_order(order.id).await.unwrap();
    let page = browser.get(&path).await.body;
    assert!(page.contains("/fn/erase_customer"), "{page}");
    assert!(page.contains("Вернуть данные нельзя"), "{page}");
}

#[apply(on_both_databases)]
async fn an_erasure_leads_to_its_document(app: App) {
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    let order = book(&clerk, PHONE, "Мария Соколова").await;
    clerk.issue_order(order.id).await.unwrap();
    let mut browser = admin_browser(&app).await;
    let page = format!("/admin/customers?order={}", order.id);
    let id = order.id.to_string();
    let typed = |digits: &'static str| {
        [
            ("order", id.clone()),
            ("former", String::new()),
            ("last_digits", digits.to_owned()),
            ("reason", "Заявление от 27.11.2026".to_owned()),
        ]
    };
    let mut erase = async |digits| {
        let typed = typed(digits);
        let typed = typed.each_ref().map(|(name, text)| (*name, text.as_str()));
        browser.submit(&page, "erase_customer", &typed).await
    };
    let refused = erase("4568").await.location.unwrap();
    assert!(refused.starts_with(&page), "{refused}");
    let done = erase("4567").await;
    assert_eq!(
        done.location.as_deref(),
        Some("/admin/customers/erasures/1?success=customer_erased")
    );

    let document = browser.get("/admin/customers/erasures/1").await;
    assert_eq!(document.status, 200);
    // What points 3 and 5 of order No. 179 ask for.
    for words in [
        "Акт об уничтожении персональных данных № 1",
        "Оператор: наименование и адрес",
        "Обработчик по поручению оператора",
        "Покупатель удалён № 1",
        "номер телефона, имя",
        "«Сириус», версия",
        "стирание в базе данных",
        "Заявление от 27.11.2026",
        "Дата уничтожения",
        "админ",
        "Фамилия, имя, отчество и должность",
        "Подпись",
        "Выгрузка из журнала регистрации событий",
        "Удаление покупателя",
    ] {
        assert!(document.body.contains(words), "{words}: {}", document.body);
    }
    let list = browser.get("/admin/customers").await;
    assert!(list.body.contains("/admin/customers/erasures/1"));
    let order_page = browser.get(&format!("/orders/{}", order.id)).await;
    assert!(!order_page.body.contains("Данные покупателя"));
    for answer in [document, list, order_page] {
        for word in ["123-45-67", "9161234567", "Мария", "Соколова"] {
            assert!(!answer.body.contains(word), "{word}: {}", answer.body);
        }
    }
    // Nothing is left to find, to export or to erase again.
    let gone = browser.get(&page).await;
    assert_eq!(gone.status, 404);
    assert!(
        gone.body.contains("больше ничего не хранится"),
        "{}",
        gone.body
    );
    assert!(find(&mut browser, PHONE).await.contains("draft="));
    for format in ["json", "csv"] {
        let path = format!("/admin/customers.{format}?order={}", order.id);
        assert_eq!(browser.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(browser.get("/admin/customers/erasures/2").await.status, 404);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn only_admins_see_the_link_and_get_the_data(app: App) {
    app.create_product("чай", 9).await;
    let clerk = app.create_account(app.clerk()).await;
    let order = book(&clerk, PHONE, "Мария").await;
    let app = app.restarted(|config| config.manager_in_admin = true);
    for (name, role, sees) in [
        ("админ", Role::Admin, true),
        ("второй-менеджер", Role::Manager, false),
        ("второй-продавец", Role::User, false),
    ] {
        let mut browser = app.signed_in_browser(app.person(name, role)).await;
        let page = browser.get(&format!("/orders/{}", order.id)).await;
        assert_eq!(page.body.contains("Данные покупателя"), sees, "{name}");
        let menu = browser.get("/admin/logs").await;
        assert_eq!(menu.body.contains("href=\"/admin/customers\""), sees);
        for path in [
            "/admin/customers",
            "/admin/customers.json",
            "/admin/customers.csv",
        ] {
            let path = format!("{path}?order={}", order.id);
            let expected = if sees { 200 } else { 403 };
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, expected, "{name} at {path}");
            assert_eq!(answer.body.contains("Мария"), sees, "{name} at {path}");
        }
    }
}
