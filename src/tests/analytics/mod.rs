//! Analytics: an example checked against figures computed by hand, and random data checked against sums over the
//! orders.

use crate::tests::support::{App, PHONE, apply, on_both_databases};
use crate::{
    analytics::{
        ProductFigures, ProductQuery, Query, Summary,
        figures::{Figures, Share},
        rates, service,
        sums::Rates,
    },
    audit::{Action, Operation},
    auth::Actor,
    clock,
    db::Conn,
    error::{Error, Problem},
    integrity,
    moment::Moment,
    money::{Eur, Rub},
    orders,
    schema::{operation_log, orders as orders_table},
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use diesel::{connection::SimpleConnection, prelude::*};
use futures::{StreamExt, future::join_all, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn at(text: &str) -> Moment {
    clock::at(text.parse::<DateTime<chrono::Utc>>().unwrap())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Creates an order at that instant, and issues or denies it.
async fn settle_order(app: &App, when: Moment, product: &str, qty: i64, price: &str, denied: bool) {
    let draft = fields! { phone: PHONE, product: product, qty: qty, unit_price_rub: price };
    app.state
        .write_at(when, move |tx| {
            let order = orders::service::create(tx, "", &draft.read()?)?;
            if denied {
                orders::service::deny(tx, order.id)
            } else {
                orders::service::issue(tx, order.id)
            }
        })
        .await
        .unwrap();
}

async fn set_rate(app: &App, day: &str, rate: &str) {
    let (day, rate) = (day.to_owned(), rate.to_owned());
    let admin = app.admin();
    admin
        .write(move |tx| rates::set(tx, &fields! { day: day, rub_per_eur: rate }.read()?))
        .await
        .unwrap();
}

async fn summary(app: &App, from: &str, to: &str, by: &str, product: Option<i64>) -> Summary {
    let query = Query {
        from: from.to_owned(),
        to: to.to_owned(),
        by: by.to_owned(),
        product_id: product.map(|id| id.to_string()).unwrap_or_default(),
        ..Query::default()
    };
    app.admin()
        .read(move |tx| service::summary(tx, &query))
        .await
        .unwrap()
}

/// Creates tea at 2.00 €, coffee at 1.50 € on average and cocoa without a purchase price, and sells them just before
/// and after a midnight in Moscow, so that two rates may apply. Returns the ids of the products.
async fn create_example(app: &App) -> [i64; 3] {
    let manager = app.create_account(app.manager()).await;
    app.create_account(app.admin()).await;
    let tea = manager.create_product("чай", 0).await.id;
    let coffee = manager.create_product("кофе", 0).await.id;
    let cocoa = manager.create_product("какао", 5).await.id;
    manager.receive_supply("чай", 10, "2").await.unwrap();
    manager.receive_supply("кофе", 3, "1").await.unwrap();
    manager.receive_supply("кофе", 3, "2").await.unwrap();
    settle_order(app, at("2026-11-22T20:59:59Z"), "чай", 2, "", false).await;
    settle_order(app, at("2026-11-22T21:00:00Z"), "чай", 1, "90", false).await;
    settle_order(app, at("2026-11-23T10:00:00Z"), "кофе", 3, "200", false).await;
    settle_order(app, at("2026-11-23T11:00:00Z"), "какао", 2, "50", false).await;
    settle_order(app, at("2026-11-23T12:00:00Z"), "чай", 1, "", true).await;
    [tea, coffee, cocoa]
}

/// Returns the sales by product, highest revenue first.
async fn sold(app: &App, from: &str, to: &str) -> Vec<ProductFigures> {
    let query = ProductQuery {
        from: from.to_owned(),
        to: to.to_owned(),
        ..ProductQuery::default()
    };
    let admin = app.admin();
    let read = admin.read(move |tx| service::products(tx, &query));
    read.await.unwrap().page.items
}

fn figures_of(sold: &[ProductFigures], product: i64) -> Figures {
    sold.iter()
        .find(|row| row.product_id == product)
        .unwrap()
        .figures
}

#[apply(on_both_databases)]
async fn the_example_matches_figures_computed_by_hand(app: App) {
    let [tea, coffee, cocoa] = create_example(&app).await;
    set_rate(&app, "2026-11-01", "98.5").await;
    set_rate(&app, "2026-11-23", "100.1234").await;
    let two_days = summary(&app, "2026-11-22", "2026-11-23", "day", None).await;
    let totals = Figures {
        orders: 4,
        denied: 1,
        qty: 8,
        revenue_rub: Rub(99_000),
        list_rub: Rub(80_000),
        // 4.00 € at 98.5 is 394.00 ₽; 6.50 € at 100.1234 is 650.8021 ₽.
        cost_eur: Eur(1_050),
        cost_rub: Some(Rub(104_480)),
        uncosted_qty: 2,
        // Two cocoas at 50 ₽: their cost is unknown, so their revenue counts towards no profit.
        uncosted_rub: Rub(10_000),
        written_off_rub: Some(Rub(0)),
        ..Figures::default()
    };
    // Compared with the list price of 100 ₽, coffee brought 300 ₽ more, cocoa 100 ₽ less and tea 10 ₽ less.
    assert_eq!(two_days.totals, totals);
    assert_eq!(
        (totals.profit_rub(), totals.margin()),
        (Some(Rub(-15_480)), Some(Share(-1_739)))
    );
    assert_eq!(
        (totals.discount_rub(), totals.average_rub()),
        (Rub(-19_000), Some(Rub(12_375)))
    );
    let days: Vec<_> = two_days
        .periods
        .iter()
        .map(|period| {
            (
                period.start,
                period.figures.revenue_rub,
                period.figures.cost_rub,
            )
        })
        .collect();
    assert_eq!(
        days,
        [
            (day("2026-11-22"), Rub(20_000), Some(Rub(39_400))),
            (day("2026-11-23"), Rub(79_000), Some(Rub(65_080)))
        ]
    );
    let sold = sold(&app, "2026-11-22", "2026-11-23").await;
    let tea_figures = figures_of(&sold, tea);
    assert_eq!(
        (
            tea_figures.qty,
            tea_figures.revenue_rub,
            tea_figures.list_rub,
            tea_figures.cost_rub,
            tea_figures.denied
        ),
        (3, Rub(29_000), Rub(30_000), Some(Rub(59_425)), 1)
    );
    assert_eq!(figures_of(&sold, coffee).cost_rub, Some(Rub(45_056)));
    let cocoa_figures = figures_of(&sold, cocoa);
    assert_eq!(
        (
            cocoa_figures.uncosted_rub,
            cocoa_figures.profit_rub(),
            cocoa_figures.margin()
        ),
        (Rub(10_000), None, None)
    );
    assert_eq!(two_days.periods[1].figures.uncosted_rub, Rub(10_000));
    assert_eq!(
        (
            cocoa_figures.uncosted_qty,
            cocoa_figures.cost_eur,
            cocoa_figures.discount_rub()
        ),
        (2, Eur(0), Rub(10_000))
    );
    assert_eq!(
        sold[0].product_name, "кофе",
        "products are sorted by revenue, highest first"
    );
    assert_eq!(sold[0].share, Share::of(60_000, 99_000));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn totals_do_not_depend_on_the_tables_a_range_is_read_from(app: App) {
    let [tea, ..] = create_example(&app).await;
    set_rate(&app, "2026-11-01", "98.5").await;
    set_rate(&app, "2026-11-23", "100.1234").await;
    let expected = summary(&app, "2026-11-22", "2026-11-23", "day", None).await;
    let expected_products = sold(&app, "2026-11-22", "2026-11-23").await;
    for (from, to) in [
        ("2026-11-01", "2026-11-30"),
        ("2026-01-01", "2026-12-31"),
        ("2026-11-22", "2027-01-05"),
        ("2026-10-17", "2026-11-23"),
    ] {
        assert_eq!(sold(&app, from, to).await, expected_products, "{from} {to}");
        for by in ["day", "week", "month"] {
            let found = summary(&app, from, to, by, None).await;
            assert_eq!(found.totals, expected.totals, "{from} {to} {by}");
            assert_eq!(
                found
                    .periods
                    .iter()
                    .map(|period| period.figures.orders)
                    .sum::<i64>(),
                4
            );
            let found = summary(&app, from, to, by, Some(tea)).await;
            assert_eq!(
                found.totals,
                figures_of(&expected_products, tea),
                "{from} {to} {by}"
            );
        }
    }
}

#[apply(on_both_databases)]
async fn sales_by_product_are_sorted_by_any_figure_and_paginated_by_key(app: App) {
    create_example(&app).await;
    let names = async |sort: &str, limit: &str, after: &str, before: &str| {
        let query = ProductQuery {
            from: "2026-11-22".to_owned(),
            to: "2026-11-23".to_owned(),
            sort: sort.to_owned(),
            limit: limit.to_owned(),
            after: after.to_owned(),
            before: before.to_owned(),
            ..ProductQuery::default()
        };
        let admin = app.admin();
        let read = admin.read(move |tx| service::products(tx, &query));
        let page = read.await.unwrap().page;
        let names: Vec<_> = page.items.into_iter().map(|row| row.product_name).collect();
        (names.join(" "), page.before, page.after)
    };
    for (sort, expected) in [
        ("", "кофе чай какао"),
        ("-revenue", "кофе чай какао"),
        ("revenue", "какао чай кофе"),
        ("-share", "кофе чай какао"),
        ("name", "какао кофе чай"),
        ("-name", "чай кофе какао"),
        // Equal figures are in the order of the products both ways.
        ("qty", "какао чай кофе"),
        ("-qty", "чай кофе какао"),
        ("-denied", "чай кофе какао"),
        // Without a rate, no profit is known.
        ("profit", "чай кофе какао"),
        ("-uncosted", "какао чай кофе"),
    ] {
        assert_eq!(names(sort, "", "", "").await.0, expected, "{sort}");
        let (first, before, after) = names(sort, "2", "", "").await;
        let (last, back, end) = names(sort, "2", &after.unwrap(), "").await;
        assert_eq!(format!("{first} {last}"), expected, "{sort}");
        assert_eq!((before, end), (None, None), "{sort}");
        assert_eq!(
            names(sort, "2", "", &back.unwrap()).await.0,
            first,
            "{sort}"
        );
    }
}

#[apply(on_both_databases)]
async fn the_page_with_sales_by_product_is_drawn_in_the_language_of_the_reader(app: App) {
    create_example(&app).await;
    let mut browser = app
        .signed_in_browser(app.person("хозяин", crate::auth::Role::Admin))
        .await;
    let page = browser
        .get("/admin/analytics/products?from=2026-11-22&to=2026-11-23")
        .await;
    assert_eq!(page.status, 200);
    for text in ["кофе", "600,00\u{a0}₽", "60,6\u{a0}%", "100,00\u{a0}₽"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let wrong = browser.get("/admin/analytics/products?sort=colour").await;
    assert_eq!(wrong.status, 422);
    let empty = browser
        .get("/admin/analytics/products?from=2020-01-01&to=2020-01-02")
        .await;
    assert!(
        empty.body.contains("За этот период ничего не выдали."),
        "{}",
        empty.body
    );
}

#[apply(on_both_databases)]
async fn a_file_about_one_product_has_its_row_and_its_share(app: App) {
    let [tea, ..] = create_example(&app).await;
    settle_order(&app, at("2026-11-24T10:00:00Z"), "чай", 1, "", true).await;
    for (from, to, expected) in [
        ("2026-11-22", "2026-11-23", Some("100.00")),
        // Only cancelled: there is no revenue to have a share of.
        ("2026-11-24", "2026-11-24", Some("")),
        ("2026-10-01", "2026-10-02", None),
    ] {
        let query = Query {
            from: from.to_owned(),
            to: to.to_owned(),
            product_id: tea.to_string(),
            ..Query::default()
        };
        let admin = app.admin();
        let read = admin.read(move |tx| service::for_file(tx, &query));
        let (_, products) = read.await.unwrap();
        let shares: Vec<_> = products
            .iter()
            .map(|row| row.share.map(|share| share.to_string()).unwrap_or_default())
            .collect();
        assert_eq!(shares.first().map(String::as_str), expected, "{from}");
    }
}

#[apply(on_both_databases)]
async fn periods_without_sales_are_listed_with_zeros(app: App) {
    create_example(&app).await;
    let starts = |summary: &Summary| {
        summary
            .periods
            .iter()
            .map(|period| (period.start.to_string(), period.figures.orders))
            .collect::<Vec<_>>()
    };
    let expected = |pairs: &[(&str, i64)]| {
        pairs
            .iter()
            .map(|(start, orders)| ((*start).to_owned(), *orders))
            .collect::<Vec<_>>()
    };
    let days = summary(&app, "2026-11-21", "2026-11-24", "day", None).await;
    assert_eq!(
        starts(&days),
        expected(&[
            ("2026-11-21", 0),
            ("2026-11-22", 1),
            ("2026-11-23", 3),
            ("2026-11-24", 0)
        ])
    );
    let weeks = summary(&app, "2026-11-10", "2026-11-24", "week", None).await;
    assert_eq!(
        starts(&weeks),
        expected(&[("2026-11-09", 0), ("2026-11-16", 1), ("2026-11-23", 3)])
    );
    let months = summary(&app, "2026-09-15", "2026-12-02", "month", None).await;
    assert_eq!(
        starts(&months),
        expected(&[
            ("2026-09-01", 0),
            ("2026-10-01", 0),
            ("2026-11-01", 4),
            ("2026-12-01", 0)
        ])
    );
}

#[apply(on_both_databases)]
async fn without_a_rate_cost_is_in_euro_and_the_first_applies_to_earlier_days(app: App) {
    create_example(&app).await;
    let found = summary(&app, "2026-11-22", "2026-11-23", "day", None)
        .await
        .totals;
    assert_eq!(
        (
            found.cost_eur,
            found.cost_rub,
            found.profit_rub(),
            found.margin()
        ),
        (Eur(1_050), None, None, None)
    );
    let (today, tomorrow) = (clock::now().day(), clock::now().day() + Days::new(1));
    set_rate(&app, &today.to_string(), "100").await;
    app.assert_consistent().await;
    assert_eq!(
        summary(&app, "2026-11-22", "2026-11-23", "day", None)
            .await
            .totals
            .cost_rub,
        Some(Rub(105_000))
    );
    let refused = app
        .admin()
        .write(move |tx| rates::set(tx, &fields! { day: tomorrow, rub_per_eur: "100" }.read()?))
        .await
        .unwrap_err();
    assert_eq!(refused, Error::field("day", Problem::InFuture));
}

#[apply(on_both_databases)]
async fn a_corrected_rate_changes_the_cost_and_is_logged(app: App) {
    let [tea, ..] = create_example(&app).await;
    for (day, rate, cost, tea_cost) in [
        ("2026-11-20", "98.5", 103_425, 59_100),
        ("2026-11-23", "100.1234", 104_480, 59_425),
        ("2026-11-23", "100", 104_400, 59_400),
        ("2026-11-22", "99", 104_600, 59_600),
        ("2026-10-01", "50", 104_600, 59_600),
    ] {
        set_rate(&app, day, rate).await;
        app.assert_consistent().await;
        for (from, to) in [
            ("2026-11-22", "2026-11-23"),
            ("2026-01-01", "2026-12-31"),
            ("2026-11-01", "2026-11-30"),
        ] {
            let found = summary(&app, from, to, "day", None).await;
            assert_eq!(found.totals.cost_rub, Some(Rub(cost)), "{day} {rate}");
            assert_eq!(
                figures_of(&sold(&app, from, to).await, tea).cost_rub,
                Some(Rub(tea_cost)),
                "{day} {rate}"
            );
        }
    }
    let logged = app
        .state
        .db
        .read(|conn| {
            let rows = operation_log::table
                .filter(operation_log::entity_type.eq("rate"))
                .order(operation_log::id);
            rows.select((
                operation_log::action,
                operation_log::entity_id,
                operation_log::user_id,
            ))
            .load::<(Action, String, Option<String>)>(conn)
            .map_err(Error::from)
        })
        .await
        .unwrap();
    assert_eq!(
        logged[2],
        (
            Action::Edit,
            "2026-11-23".to_owned(),
            Some("админ".to_owned())
        )
    );
    assert_eq!(logged.len(), 5);
}

#[apply(on_both_databases)]
async fn random_ranges_match_sums_over_the_orders(app: App) {
    let manager = app.create_account(app.manager()).await;
    app.create_account(app.admin()).await;
    let mut products = Vec::new();
    for name in ["чай", "кофе", "какао"] {
        products.push(manager.create_product(name, 40).await.id);
        manager.receive_supply(name, 300, "3.33").await.unwrap();
        manager.receive_supply(name, 100, "4.44").await.unwrap();
    }
    let mut random = StdRng::seed_from_u64(4);
    let begin: DateTime<chrono::Utc> = "2026-01-20T00:00:00Z".parse().unwrap();
    for round in 0..90 {
        if round % 6 == 0 {
            let day = (begin + TimeDelta::days(random.random_range(-10..100))).date_naive();
            set_rate(
                &app,
                &day.to_string(),
                &format!(
                    "{}.{:04}",
                    random.random_range(80..120),
                    random.random_range(0..10_000)
                ),
            )
            .await;
        }
        let when = clock::at(begin + TimeDelta::minutes(random.random_range(0..90 * 24 * 60)));
        let product = ["чай", "кофе", "какао"][random.random_range(0..3)];
        settle_order(
            &app,
            when,
            product,
            random.random_range(1..4),
            &random.random_range(1..200).to_string(),
            random.random_bool(0.15),
        )
        .await;
    }
    app.assert_consistent().await;
    for _ in 0..25 {
        let from = day("2026-01-10") + Days::new(random.random_range(0..110));
        let to = from + Days::new(random.random_range(0..90));
        let product = random
            .random_bool(0.5)
            .then(|| products[random.random_range(0..3)]);
        let by = ["day", "week", "month"][random.random_range(0..3)];
        let found = summary(&app, &from.to_string(), &to.to_string(), by, product).await;
        let (orders, denied, qty, revenue, cost) = sum_orders(&app, from, to, product).await;
        let totals = found.totals;
        assert_eq!(
            (
                totals.orders,
                totals.denied,
                totals.qty,
                totals.revenue_rub.0
            ),
            (orders, denied, qty, revenue),
            "{from} {to} {by} {product:?}"
        );
        assert_eq!(totals.cost_rub, Some(cost), "{from} {to} {by} {product:?}");
        assert_eq!(
            found
                .periods
                .iter()
                .map(|period| period.figures.revenue_rub.0)
                .sum::<i64>(),
            revenue
        );
        let sold = sold(&app, &from.to_string(), &to.to_string()).await;
        let of = |row: &&ProductFigures| product.is_none_or(|only| row.product_id == only);
        assert_eq!(
            sold.iter()
                .filter(of)
                .map(|row| row.figures.qty)
                .sum::<i64>(),
            qty
        );
    }
}

#[apply(on_both_databases)]
async fn concurrent_issues_and_rate_changes_keep_the_sums_correct(app: App) {
    let manager = app.create_account(app.manager()).await;
    let clerk = app.create_account(app.clerk()).await;
    let admin = app.create_account(app.admin()).await;
    for name in ["чай", "кофе", "какао"] {
        manager.create_product(name, 0).await;
        manager.receive_supply(name, 100, "1.23").await.unwrap();
    }
    let today = clock::now().day();
    join_all((0..40).map(|client: i64| {
        let (clerk, admin) = (clerk.clone(), admin.clone());
        async move {
            if client % 8 == 0 {
                let day = (today - Days::new(client.unsigned_abs() / 8)).to_string();
                admin
                    .write(move |tx| {
                        rates::set(
                            tx,
                            &fields! { day: day, rub_per_eur: format!("9{client}.5") }.read()?,
                        )
                    })
                    .await
                    .unwrap();
            }
            for round in 0..3_usize {
                let product =
                    ["чай", "кофе", "какао"][(usize::try_from(client).unwrap() + round) % 3];
                let order = clerk.create_order(product, 1).await.unwrap();
                if round == 2 {
                    clerk.deny_order(order.id).await.unwrap();
                } else {
                    clerk.issue_order(order.id).await.unwrap();
                }
            }
        }
    }))
    .await;
    app.assert_consistent().await;
    let today = summary(&app, &today.to_string(), &today.to_string(), "day", None)
        .await
        .totals;
    assert_eq!(
        (today.orders, today.denied, today.cost_eur),
        (80, 40, Eur(80 * 123))
    );
}

#[apply(on_both_databases)]
async fn pieces_without_a_purchase_price_count_towards_neither_profit_nor_margin(app: App) {
    let manager = app.create_account(app.manager()).await;
    app.create_account(app.admin()).await;
    set_rate(&app, "2026-11-01", "100").await;
    let honey = manager.create_product("мёд", 10).await.id;
    settle_order(&app, at("2026-11-05T10:00:00Z"), "мёд", 6, "1000", false).await;
    // Of the next six pieces, two have no purchase price.
    manager.receive_supply("мёд", 4, "5").await.unwrap();
    settle_order(&app, at("2026-11-06T10:00:00Z"), "мёд", 6, "1000", false).await;
    let expected = Figures {
        orders: 2,
        denied: 0,
        qty: 12,
        revenue_rub: Rub(1_200_000),
        list_rub: Rub(120_000),
        cost_eur: Eur(2_000),
        cost_rub: Some(Rub(200_000)),
        uncosted_qty: 8,
        uncosted_rub: Rub(800_000),
        written_off_rub: Some(Rub(0)),
        ..Figures::default()
    };
    // Read from the sums by product, from the sums of whole months, and from the orders of partly covered months.
    for (from, to) in [
        ("2026-01-01", "2026-12-31"),
        ("2026-11-01", "2026-11-30"),
        ("2026-11-05", "2026-11-06"),
    ] {
        assert_eq!(
            sold(&app, from, to).await[0].figures,
            expected,
            "{from} {to}"
        );
        for product in [None, Some(honey)] {
            for by in ["day", "month"] {
                let found = summary(&app, from, to, by, product).await;
                assert_eq!(found.totals, expected, "{from} {to} {by} {product:?}");
                assert_eq!(
                    found
                        .periods
                        .iter()
                        .map(|period| period.figures.uncosted_rub.0)
                        .sum::<i64>(),
                    800_000
                );
            }
        }
    }
    assert_eq!(
        (expected.profit_rub(), expected.margin()),
        (Some(Rub(200_000)), Some(Share(5_000)))
    );
    app.assert_consistent().await;
    for table in ["sales_by_day", "sales_by_month", "sales_by_product"] {
        let wrong = format!("UPDATE {table} SET uncosted_rub = uncosted_rub + 1");
        app.state
            .db
            .write(move |conn| diesel::sql_query(wrong).execute(conn).map_err(Error::from))
            .await
            .unwrap();
        assert!(
            !app.state
                .db
                .read(integrity::check)
                .await
                .unwrap()
                .wrong
                .is_empty(),
            "{table}"
        );
        integrity::repair(&app.state).await.unwrap();
        app.assert_consistent().await;
    }
    let mut browser = app
        .signed_in_browser(app.person("хозяин", crate::auth::Role::Admin))
        .await;
    let page = browser
        .get("/admin/analytics?from=2026-11-05&to=2026-11-06")
        .await
        .body;
    for text in [
        "Выручка без закупочной цены",
        "8\u{a0}000,00\u{a0}₽",
        "50,0\u{a0}%",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let file = browser
        .get("/admin/analytics.csv?from=2026-11-05&to=2026-11-06&format=plain")
        .await
        .body;
    assert!(
        file.lines().all(|line| line.contains(",uncosted_rub,")
            || line.contains(",8,8000.00")
            || line.contains(",6,6000.00")
            || line.contains(",2,2000.00")),
        "{file}"
    );
}

#[apply(on_both_databases)]
async fn the_migration_fills_in_revenue_without_a_purchase_price(app: App) {
    create_example(&app).await;
    app.state
        .db
        .write(|conn| {
            let (down, up) = match conn {
                Conn::Sqlite(_) => (
                    include_str!(
                        "../../../migrations/sqlite/2026-11-26-000090_uncosted_revenue/down.sql"
                    ),
                    include_str!(
                        "../../../migrations/sqlite/2026-11-26-000090_uncosted_revenue/up.sql"
                    ),
                ),
                Conn::Postgres(_) => (
                    include_str!(
                        "../../../migrations/postgres/2026-11-26-000090_uncosted_revenue/down.sql"
                    ),
                    include_str!(
                        "../../../migrations/postgres/2026-11-26-000090_uncosted_revenue/up.sql"
                    ),
                ),
            };
            conn.batch_execute(down)?;
            conn.batch_execute(up).map_err(Error::from)
        })
        .await
        .unwrap();
    assert_eq!(
        summary(&app, "2026-11-23", "2026-11-23", "day", None)
            .await
            .totals
            .uncosted_rub,
        Rub(10_000)
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn concurrent_denials_issues_and_rate_changes_do_not_deadlock(app: App) {
    let (manager, clerk, admin) = (
        app.create_account(app.manager()).await,
        app.create_account(app.clerk()).await,
        app.create_account(app.admin()).await,
    );
    let goods = ["чай", "кофе", "какао", "сахар"];
    for name in goods {
        manager.create_product(name, 0).await;
        manager.receive_supply(name, 200, "1.23").await.unwrap();
        // A rate change updates the sums of products that have been issued.
        let order = clerk.create_order(name, 1).await.unwrap();
        clerk.issue_order(order.id).await.unwrap();
    }
    let today = clock::now().day();
    let mut orders = Vec::new();
    for n in 0..160 {
        orders.push(
            clerk
                .create_order(goods[n % goods.len()], 1)
                .await
                .unwrap()
                .id,
        );
    }
    let rate = |n: usize| {
        let (admin, day) = (admin.clone(), today - Days::new(n as u64 % 3));
        async move {
            admin
                .write(move |tx| {
                    rates::set(
                        tx,
                        &fields! { day: day, rub_per_eur: format!("{}.5", 80 + n) }.read()?,
                    )
                })
                .await
                .map(drop)
        }
    };
    // In a deadlock, the database would fail one of the transactions.
    let operations = orders.into_iter().enumerate().map(|(n, order)| {
        let (clerk, rate) = (clerk.clone(), rate(n));
        async move {
            let settled = if n % 4 == 0 {
                clerk.issue_order(order).await
            } else {
                clerk.deny_order(order).await
            };
            (settled.map(drop), rate.await)
        }
    });
    let results: Vec<_> = stream::iter(operations)
        .buffer_unordered(12)
        .collect()
        .await;
    let failed: Vec<_> = results
        .into_iter()
        .filter(|(settled, rated)| settled.is_err() || rated.is_err())
        .collect();
    assert_eq!(failed, []);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn concurrent_first_issues_of_a_day_are_all_counted(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    // Products with these ids share one of the eight slots that a day's sums are kept in.
    let mut goods = Vec::new();
    for n in 0..32 {
        let product = manager.create_product(&format!("чай {n}"), 40).await;
        if product.id % 8 == 0 {
            goods.push(product.data.name);
        }
    }
    for _ in 0..10 {
        app.sql("DELETE FROM sales_by_day").await;
        let mut orders = Vec::new();
        for name in &goods {
            orders.push(clerk.create_order(name, 1).await.unwrap().id);
        }
        let issued = join_all(orders.into_iter().map(|order| clerk.issue_order(order))).await;
        assert!(issued.iter().all(Result::is_ok), "{issued:?}");
    }
    integrity::repair(&app.state).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn wrong_sums_are_found_and_repaired(app: App) {
    create_example(&app).await;
    app.sql("UPDATE sales_by_day SET revenue_rub = revenue_rub + 1")
        .await;
    app.sql("DELETE FROM sales_by_product").await;
    app.sql("UPDATE orders SET denied_on = NULL").await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.starts_with("sales of 2026-11-22, slot")),
        "{:?}",
        report.wrong
    );
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.starts_with("sales of product 1")),
        "{:?}",
        report.wrong
    );
    let wrong = i64::try_from(report.wrong.len()).unwrap();
    let rows = integrity::repair(&app.state).await.unwrap();
    assert!(rows > 5);
    let repairs = logged(&app, Action::Repair).await;
    assert_eq!((repairs.len(), repairs[0].user_id.as_deref()), (1, None));
    assert_eq!(
        repairs[0].changes,
        [
            crate::audit::set("rows", rows),
            crate::audit::set("wrong", wrong)
        ]
    );
    app.assert_consistent().await;
    assert_eq!(
        summary(&app, "2026-11-23", "2026-11-23", "day", None)
            .await
            .totals
            .denied,
        1
    );
}

#[apply(on_both_databases)]
async fn migrate_sums_orders_settled_before_the_sums_existed(app: App) {
    create_example(&app).await;
    app.sql("DELETE FROM sales_by_day; DELETE FROM sales_by_month; DELETE FROM sales_by_product; UPDATE orders SET \
        denied_on = NULL").await;
    let url = app.state.config.database_url.clone();
    tokio::task::spawn_blocking(move || crate::migrate::migrate(&url))
        .await
        .unwrap()
        .unwrap();
    app.assert_consistent().await;
    assert_eq!(
        summary(&app, "2026-11-22", "2026-11-23", "day", None)
            .await
            .totals
            .orders,
        4
    );
}

#[apply(on_both_databases)]
async fn invalid_queries_are_rejected(app: App) {
    create_example(&app).await;
    for (query, field, problem) in [
        (
            Query {
                from: "2026-11-02".to_owned(),
                to: "2026-11-01".to_owned(),
                ..Query::default()
            },
            "to",
            Problem::BeforeStart,
        ),
        (
            Query {
                from: "вчера".to_owned(),
                ..Query::default()
            },
            "from",
            Problem::NotDate,
        ),
        (
            Query {
                by: "year".to_owned(),
                ..Query::default()
            },
            "by",
            Problem::NotOffered,
        ),
        (
            Query {
                from: "2001-01-01".to_owned(),
                to: "2026-01-01".to_owned(),
                ..Query::default()
            },
            "by",
            Problem::RangeTooLong,
        ),
        (
            Query {
                product_id: "чай".to_owned(),
                ..Query::default()
            },
            "product_id",
            Problem::NotNumber,
        ),
    ] {
        let error = app
            .admin()
            .read(move |tx| service::summary(tx, &query))
            .await
            .unwrap_err();
        assert_eq!(error, Error::field(field, problem));
    }
    let unknown = Query {
        product_id: "999".to_owned(),
        ..Query::default()
    };
    assert_eq!(
        app.admin()
            .read(move |tx| service::summary(tx, &unknown))
            .await
            .unwrap_err(),
        Error::NotFound
    );
    assert_eq!(
        app.clerk()
            .read(|tx| service::summary(tx, &Query::default()))
            .await
            .unwrap_err(),
        Error::Forbidden
    );
}

#[apply(on_both_databases)]
async fn low_products_are_listed_with_recent_sales_and_days_left(app: App) {
    let manager = app.create_account(app.manager()).await;
    for (name, pieces) in [("чай", "20"), ("кофе", "20")] {
        let draft = fields! { name: name, min_stock: "15", sell_price_rub: "100" };
        manager
            .write(move |tx| {
                crate::products::service::create(tx, "", &draft.with("quantity", pieces).read()?)
            })
            .await
            .unwrap();
    }
    let days_ago = |days| clock::at(chrono::Utc::now() - TimeDelta::days(days));
    settle_order(&app, days_ago(40), "чай", 3, "", false).await;
    settle_order(&app, days_ago(10), "чай", 5, "", false).await;
    settle_order(&app, days_ago(0), "чай", 4, "", false).await;
    let board = app
        .state
        .read(Actor::System, |tx| service::board(tx, &Query::default()))
        .await
        .unwrap();
    let rows: Vec<_> = board
        .reorder
        .iter()
        .map(|row| {
            (
                row.product_name.as_str(),
                row.stock,
                row.sold,
                row.days_left,
            )
        })
        .collect();
    assert_eq!(rows, [("чай", 8, 9, Some(26))]);
}

#[apply(on_both_databases)]
async fn managers_see_analytics_only_when_the_setting_allows_it(app: App) {
    assert_eq!(
        app.manager()
            .read(|tx| service::summary(tx, &Query::default()))
            .await
            .unwrap_err(),
        Error::Forbidden
    );
    let app = app.restarted(|config| config.manager_in_admin = true);
    assert!(
        app.manager()
            .read(|tx| service::summary(tx, &Query::default()))
            .await
            .is_ok()
    );
}

#[apply(on_both_databases)]
async fn the_page_formats_figures_in_the_language_of_the_reader(app: App) {
    create_example(&app).await;
    set_rate(&app, "2026-11-01", "98.5").await;
    let mut browser = app
        .signed_in_browser(app.person("хозяин", crate::auth::Role::Admin))
        .await;
    let page = browser
        .get("/admin/analytics?from=2026-11-22&to=2026-11-23&sort=-profit")
        .await;
    assert_eq!(page.status, 200);
    for text in [
        "Выручка",
        "990,00\u{a0}₽",
        "22.11.2026 — 23.11.2026",
        "<svg",
        "Без закупочной цены выдано 2",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    let refused = browser
        .get("/admin/analytics?from=2026-11-23&to=2026-11-22")
        .await;
    assert_eq!(refused.status, 422);
}

/// Returns the log rows with that action, newest first.
async fn logged(app: &App, action: Action) -> Vec<Operation> {
    let query = crate::audit::Query {
        action: action.code().to_owned(),
        ..Default::default()
    };
    let found = app
        .state
        .read(Actor::System, move |tx| {
            crate::audit::search::list(tx, &query)
        })
        .await
        .unwrap();
    found.page.items
}

/// Sums the orders of a range one by one: orders, denied orders, pieces, revenue in kopecks, and the cost in roubles,
/// rounded once.
async fn sum_orders(
    app: &App,
    from: NaiveDate,
    to: NaiveDate,
    product: Option<i64>,
) -> (i64, i64, i64, i64, Rub) {
    app.state
        .db
        .read(move |conn| {
            let rates = Rates::load(conn)?;
            let all = orders_table::table
                .select((
                    orders_table::product_id,
                    orders_table::qty,
                    orders_table::unit_price_rub,
                    orders_table::issued_at,
                    orders_table::denied_at,
                    orders_table::cost_eur,
                ))
                .load::<(i64, i64, Rub, Option<Moment>, Option<Moment>, Option<Eur>)>(conn)?;
            let (mut sums, mut cost) = ((0, 0, 0, 0), 0_i128);
            for (id, qty, price, issued, denied, euro) in all {
                let is_wanted = product.is_none_or(|product| product == id);
                if let Some(issued) = issued
                    && is_wanted
                    && (from..=to).contains(&issued.day())
                {
                    sums.0 += 1;
                    sums.2 += qty;
                    sums.3 += price.0 * qty;
                    cost += i128::from(euro.unwrap().0) * i128::from(rates.on(issued.day()));
                }
                if let Some(denied) = denied
                    && is_wanted
                    && (from..=to).contains(&denied.day())
                {
                    sums.1 += 1;
                }
            }
            let cost = Rub(i64::try_from((cost + 5_000) / 10_000).unwrap());
            Ok((sums.0, sums.1, sums.2, sums.3, cost))
        })
        .await
        .unwrap()
}
