//! The list of orders: filters, sort orders and pages.

use crate::tests::support::{App, Person, apply, on_both_databases};
use crate::{
    clock,
    demo::{self, Method, Year},
    error::{Error, Problem},
    orders::{self, Order, Query, Status},
    page::Page,
    schema::{order_names, orders as orders_table},
};
use diesel::prelude::*;
use std::collections::HashSet;

async fn find(clerk: &Person, query: Query) -> Page<Order> {
    clerk
        .read(move |tx| orders::search::list(tx, &query))
        .await
        .unwrap()
}

async fn create_order(clerk: &Person, phone: &str, product: &str) -> Order {
    create_order_for(clerk, "", phone, product).await
}

async fn create_order_for(clerk: &Person, customer: &str, phone: &str, product: &str) -> Order {
    let draft = fields! { customer_name: customer, phone: phone, product: product, qty: "1" };
    clerk
        .write(move |tx| orders::service::create(tx, "", &draft.read()?))
        .await
        .unwrap()
}

/// Pages through a whole list and back, and returns the ids in list order.
async fn read_all_pages(clerk: &Person, query: &Query) -> Vec<i64> {
    let ids = |page: &Page<Order>| page.items.iter().map(|order| order.id).collect::<Vec<_>>();
    let (mut all, mut pages) = (Vec::new(), Vec::new());
    let mut page = find(clerk, query.clone()).await;
    loop {
        all.extend(ids(&page));
        pages.push(ids(&page));
        let Some(after) = page.after.take() else {
            break;
        };
        page = find(
            clerk,
            Query {
                after,
                ..query.clone()
            },
        )
        .await;
    }
    for earlier in pages.iter().rev().skip(1) {
        let before = page.before.clone().expect("the list has a previous page");
        page = find(
            clerk,
            Query {
                before,
                ..query.clone()
            },
        )
        .await;
        assert_eq!(&ids(&page), earlier);
    }
    assert_eq!(page.before, None);
    all
}

/// Returns the customers of the orders that a search by name finds.
async fn customers_found_by(clerk: &Person, customer: &str) -> Vec<String> {
    let query = Query {
        customer: customer.to_owned(),
        ..Query::default()
    };
    let found = find(clerk, query).await.items.into_iter();
    found.filter_map(|order| order.customer_name).collect()
}

#[apply(on_both_databases)]
async fn orders_are_found_by_number_and_by_customer_name(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 100).await;
    for customer in [
        "Алёна Петрова",
        "",
        "ПЕТРОВ-ВОДКИН Кузьма Сергеевич",
        "Anna O'Neil",
        "50%_скидка",
    ] {
        create_order_for(&clerk, customer, "89161234567", "чай").await;
    }
    for (words, found) in [
        ("алена", vec!["Алёна Петрова"]),
        ("АЛЁ", vec!["Алёна Петрова"]),
        (
            "петров",
            vec!["ПЕТРОВ-ВОДКИН Кузьма Сергеевич", "Алёна Петрова"],
        ),
        ("кузьма водк", vec!["ПЕТРОВ-ВОДКИН Кузьма Сергеевич"]),
        (
            "сергеевич петров-водкин",
            vec!["ПЕТРОВ-ВОДКИН Кузьма Сергеевич"],
        ),
        ("петрова кузьма", vec![]),
        ("o'neil", vec!["Anna O'Neil"]),
        ("%", vec![]),
        ("_скидка", vec!["50%_скидка"]),
        ("етров", vec![]),
    ] {
        assert_eq!(customers_found_by(&clerk, words).await, found, "{words}");
    }
    for (number, ids) in [("2", vec![2]), (" № 3 ", vec![3]), ("99", vec![])] {
        let query = Query {
            id: number.to_owned(),
            ..Query::default()
        };
        let found = find(&clerk, query)
            .await
            .items
            .into_iter()
            .map(|order| order.id)
            .collect::<Vec<_>>();
        assert_eq!(found, ids, "{number}");
    }
    for number in ["abc", "0", "-1", "99999999999999999999"] {
        let query = Query {
            id: number.to_owned(),
            ..Query::default()
        };
        let refused = clerk
            .read(move |tx| orders::search::list(tx, &query))
            .await
            .unwrap_err();
        assert!(refused.problem("id").is_some(), "{number}");
    }
}

#[apply(on_both_databases)]
async fn a_corrected_customer_name_replaces_the_old_one_in_searches(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 100).await;
    let order = create_order_for(&clerk, "Мария", "89161234567", "чай").await;
    let draft =
        fields! { phone: order.phone, customer_name: "Марина", qty: "1", unit_price_rub: "90" };
    clerk
        .write(move |tx| orders::service::edit(tx, 1, &draft.with("version", 1).read()?))
        .await
        .unwrap();
    assert_eq!(
        customers_found_by(&clerk, "мария").await,
        Vec::<String>::new()
    );
    assert_eq!(customers_found_by(&clerk, "марина").await, ["Марина"]);
}

#[apply(on_both_databases)]
async fn names_stored_by_an_earlier_version_are_indexed_at_start(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 100).await;
    for customer in ["Мария", "", "Иван"] {
        create_order_for(&clerk, customer, "89161234567", "чай").await;
    }
    let clear_index = |conn: &mut crate::db::Conn| {
        diesel::delete(order_names::table).execute(conn)?;
        diesel::update(orders_table::table)
            .set(orders_table::customer_key.eq(None::<String>))
            .execute(conn)?;
        Ok(())
    };
    app.state.db.write(clear_index).await.unwrap();
    assert_eq!(
        customers_found_by(&clerk, "мария").await,
        Vec::<String>::new()
    );
    for expected in [2, 0] {
        let indexed = app
            .state
            .db
            .write(orders::names::index_missing)
            .await
            .unwrap();
        assert_eq!(indexed, expected);
    }
    assert_eq!(customers_found_by(&clerk, "мария").await, ["Мария"]);
    assert_eq!(customers_found_by(&clerk, "иван").await, ["Иван"]);
}

#[apply(on_both_databases)]
async fn an_invalid_filter_is_marked_at_its_field_and_the_others_still_apply(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 100).await;
    for customer in ["Мария", "Иван"] {
        create_order_for(&clerk, customer, "89161234567", "чай").await;
    }
    for (path, field, words) in [
        (
            "/orders?phone=12&customer=мария",
            "phone",
            "Введите не меньше 3 цифр",
        ),
        (
            "/orders?id=пять&customer=мария",
            "id",
            "Введите целое число",
        ),
        ("/orders?from=вчера&customer=мария", "from", "Введите дату"),
        ("/orders?sort=цена&customer=мария", "", "Сортировка"),
        (
            "/orders?from=2026-11-02&to=2026-11-01&customer=мария",
            "to",
            "Не раньше начала периода",
        ),
        (
            "/supplies?from=2026-11-02&to=2026-11-01",
            "to",
            "Не раньше начала периода",
        ),
        (
            "/admin/logs?from=2026-11-02&to=2026-11-01",
            "to",
            "Не раньше начала периода",
        ),
        ("/supplies?to=вчера", "to", "Введите дату"),
        ("/products?sort=цена", "", "Сортировка"),
        ("/admin/logs?from=вчера", "from", "Введите дату"),
        (
            "/admin/analytics?from=2026-11-20&to=2026-11-10",
            "to",
            "раньше",
        ),
    ] {
        let address: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let address = address
            .replace("%2F", "/")
            .replace("%3F", "?")
            .replace("%3D", "=")
            .replace("%26", "&");
        let page = browser.get(&address).await;
        assert_eq!(page.status, 422, "{path}");
        let place = if field.is_empty() {
            "alert-error".to_owned()
        } else {
            format!("id=\"filter-{field}-error\"")
        };
        let error = crate::tests::support::text_between(&page.body, &place, "</p>");
        assert!(
            error.contains(words) || page.body.contains(words) && field.is_empty(),
            "{path}: {error}"
        );
        assert_eq!(
            page.body.contains("alert-error"),
            field.is_empty(),
            "{path}: the page shows an alert only for an error without a field"
        );
        if path.starts_with("/orders") {
            assert!(
                page.body.contains("Мария") && !page.body.contains("Иван"),
                "{path}: the list is shown with the valid filters"
            );
        }
    }
}

#[apply(on_both_databases)]
async fn an_invalid_date_is_marked_with_an_example_of_a_valid_one(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    for invalid in ["23.11.26", "2026-02-30", "вчера"] {
        let typed: String = url::form_urlencoded::byte_serialize(invalid.as_bytes()).collect();
        let page = browser.get(&format!("/orders?from={typed}")).await;
        assert_eq!(page.status, 422);
        let field = page
            .body
            .split("<input")
            .find(|field| field.contains("name=\"from\""))
            .unwrap();
        assert!(
            field.contains(invalid)
                && field.contains("type=\"text\"")
                && field.contains("aria-invalid"),
            "{field}"
        );
        assert!(
            field.contains("Введите дату, например 23.11.2026"),
            "{field}"
        );
    }
    let page = browser.get("/orders?from=23.11.2026").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("value=\"2026-11-23\""),
        "the date is shown in the format of a date field"
    );
}

#[apply(on_both_databases)]
async fn digits_that_many_phones_share_find_all_of_them(app: App) {
    let year = Year {
        products: demo::KINDS,
        orders: 9_000,
        end: clock::now(),
    };
    demo::make(&app.state, year, Method::Bulk).await.unwrap();
    let clerk = app.create_account(app.clerk()).await;
    let all = |query: Query| clerk.read(move |tx| orders::search::page(tx, &query, Some(10_000)));
    let everything = all(Query::default()).await.unwrap().items;
    for (digits, is_many) in [("791", true), ("916", false), ("4567", false)] {
        let has = |order: &&Order| {
            let phone = order.phone.trim_start_matches('+');
            phone.starts_with(digits)
                || phone.starts_with(&format!("7{digits}"))
                || phone.ends_with(digits)
        };
        let expected: Vec<_> = everything
            .iter()
            .filter(has)
            .map(|order| order.id)
            .collect();
        assert_eq!(
            expected.len() > 2_000,
            is_many,
            "{digits}: {}",
            expected.len()
        );
        let query = Query {
            phone: digits.to_owned(),
            ..Query::default()
        };
        let found = all(query).await.unwrap().items;
        assert_eq!(
            found.iter().map(|order| order.id).collect::<Vec<_>>(),
            expected,
            "{digits}"
        );
    }
}

#[apply(on_both_databases)]
async fn orders_are_found_by_the_start_or_the_end_of_the_phone(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 9).await;
    let order = create_order(&clerk, "+7 916 123-45-67", "чай").await;
    create_order(&clerk, "+7 903 765-43-21", "чай").await;
    for digits in [
        "4567",
        "567",
        "8916",
        "+7 916",
        "916 123",
        "89161234567",
        "79161234567",
        "9161234567",
    ] {
        let found = find(
            &clerk,
            Query {
                phone: digits.to_owned(),
                ..Query::default()
            },
        )
        .await;
        assert_eq!(
            found.items.iter().map(|order| order.id).collect::<Vec<_>>(),
            [order.id],
            "{digits}"
        );
    }
    for digits in ["9999", "1234"] {
        assert!(
            find(
                &clerk,
                Query {
                    phone: digits.to_owned(),
                    ..Query::default()
                }
            )
            .await
            .items
            .is_empty(),
            "{digits}"
        );
    }
    let too_short = Query {
        phone: "67".to_owned(),
        ..Query::default()
    };
    let refused = clerk
        .read(move |tx| orders::search::list(tx, &too_short))
        .await
        .unwrap_err();
    assert_eq!(refused, Error::field("phone", Problem::TooFewDigits(3)));
}

#[apply(on_both_databases)]
async fn orders_are_filtered_by_status_product_and_day(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    manager.create_product("Чай зелёный", 9).await;
    manager.create_product("Чай чёрный", 9).await;
    let (green, black) = (
        create_order(&clerk, "89161234567", "зелёный").await,
        create_order(&clerk, "89161234567", "чёрный").await,
    );
    clerk.issue_order(green.id).await.unwrap();
    let found = |query: Query| {
        let clerk = clerk.clone();
        async move {
            find(&clerk, query)
                .await
                .items
                .iter()
                .map(|order| order.id)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(
        found(Query {
            status: Status::PaidIssued.to_string(),
            ..Query::default()
        })
        .await,
        [green.id]
    );
    assert_eq!(
        found(Query {
            status: Status::PaidNotIssued.to_string(),
            ..Query::default()
        })
        .await,
        [black.id]
    );
    assert_eq!(
        found(Query {
            product: "ЧЁРНЫЙ".to_owned(),
            ..Query::default()
        })
        .await,
        [black.id]
    );
    assert_eq!(
        found(Query {
            product: "чай".to_owned(),
            ..Query::default()
        })
        .await,
        [black.id, green.id]
    );
    assert_eq!(
        found(Query {
            product: "кофе".to_owned(),
            ..Query::default()
        })
        .await,
        Vec::<i64>::new()
    );
    let today = green.created_at.day();
    let (yesterday, tomorrow) = (
        today.pred_opt().unwrap().to_string(),
        today.succ_opt().unwrap().to_string(),
    );
    assert_eq!(
        found(Query {
            from: today.to_string(),
            to: today.to_string(),
            ..Query::default()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        found(Query {
            to: yesterday,
            ..Query::default()
        })
        .await,
        Vec::<i64>::new()
    );
    assert_eq!(
        found(Query {
            from: tomorrow,
            ..Query::default()
        })
        .await,
        Vec::<i64>::new()
    );
}

#[apply(on_both_databases)]
async fn every_sort_order_pages_through_all_orders_and_back(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 500).await;
    for n in 0..120 {
        let order = create_order(&clerk, &format!("+7916{:07}", n % 7 * 1_000), "чай").await;
        if n % 3 == 0 {
            clerk.issue_order(order.id).await.unwrap();
        }
    }
    for sort in [
        "",
        "created_at",
        "-created_at",
        "phone",
        "-phone",
        "status",
        "-status",
    ] {
        let query = Query {
            sort: sort.to_owned(),
            ..Query::default()
        };
        let all = read_all_pages(&clerk, &query).await;
        assert_eq!(
            (all.len(), all.iter().collect::<HashSet<_>>().len()),
            (120, 120),
            "sorted by {sort:?}"
        );
    }
    let newest = read_all_pages(&clerk, &Query::default()).await;
    assert!(newest.is_sorted_by(|one, next| one > next));
    let waiting = Query {
        status: Status::PaidNotIssued.to_string(),
        sort: "phone".to_owned(),
        ..Query::default()
    };
    assert_eq!(read_all_pages(&clerk, &waiting).await.len(), 80);
}
