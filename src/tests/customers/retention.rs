//! The retention period, with runs at instants that the test chooses.

use super::shop::OTHER;
use crate::{
    clock,
    customers::{self, overview::Counts, retention, service},
    moment::Moment,
    orders,
    tests::support::{App, PASSWORD, PHONE, apply, on_both_databases},
    transaction::Tx,
};
use chrono::TimeDelta;

/// The retention period of the tests, in days.
const DAYS: u32 = 30;

fn hours_ahead(hours: i64) -> Moment {
    clock::at((clock::now().utc() + TimeDelta::hours(hours)).and_utc())
}

/// Books an order so many hours before the customer is due, and issues it unless it waits.
async fn past_order(app: &App, hours_ago: i64, phone: &'static str, is_issued: bool) -> i64 {
    let sell = move |tx: &mut Tx<'_>| {
        let draft = fields! { phone: phone, customer_name: "Мария", product: "чай", qty: 1 };
        let order = orders::service::create(tx, "", &draft.read()?)?;
        if is_issued {
            orders::service::issue(tx, order.id)?;
        }
        Ok(order.id)
    };
    app.state
        .write_at(hours_ahead(-hours_ago), sell)
        .await
        .unwrap()
}

async fn run(app: &App, hours: i64) {
    retention::run(&app.state, hours_ahead(hours))
        .await
        .unwrap();
}

/// Returns the counts of the last run.
async fn counts(app: &App) -> Option<Counts> {
    let days = app.state.config.customer_retention_days.unwrap();
    let last = app
        .admin()
        .read(move |tx| retention::last_run(tx, days))
        .await
        .unwrap();
    last.and_then(|run| run.counts)
}

/// Returns the number of each order.
async fn phones(app: &App) -> Vec<String> {
    app.admin()
        .read(|tx| {
            let query = orders::Query {
                sort: "created_at".to_owned(),
                ..orders::Query::default()
            };
            orders::search::list(tx, &query)
        })
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|order| order.phone)
        .collect()
}

async fn with_retention(app: App) -> App {
    app.create_account(app.admin()).await;
    app.create_product("чай", 99).await;
    app.restarted(|config| config.customer_retention_days = Some(DAYS))
}

#[apply(on_both_databases)]
async fn the_first_run_counts_and_the_next_one_erases(app: App) {
    let app = with_retention(app).await;
    let month = 24 * i64::from(DAYS);
    // Due, with several orders; due, but an order waits; due tomorrow; not due because of a later order.
    for hours in [48, 24, 12] {
        past_order(&app, month + hours, PHONE, true).await;
    }
    past_order(&app, month + 10, OTHER, true).await;
    past_order(&app, month + 9, OTHER, false).await;
    past_order(&app, month - 12, "+79035550011", true).await;
    past_order(&app, month + 8, "+79035550012", true).await;
    past_order(&app, 1, "+79035550012", true).await;
    let before = phones(&app).await;
    let found = Counts {
        erased: 0,
        waiting: 1,
        due: 2,
    };
    assert_eq!(counts(&app).await, None);
    for hours in [0, 23] {
        run(&app, hours).await;
        assert_eq!(counts(&app).await, Some(found), "{hours}");
        assert_eq!(phones(&app).await, before, "{hours}");
    }
    let mut browser = app.browser();
    browser.sign_in("админ", PASSWORD).await;
    let page = browser.get("/admin/customers").await.body;
    assert!(
        page.contains("Через 30 дн. после последнего заказа"),
        "{page}"
    );
    assert!(page.contains("Будет стёрто покупателей: 2"), "{page}");

    run(&app, 24).await;
    assert_eq!(
        counts(&app).await,
        Some(Counts {
            erased: 2,
            waiting: 1,
            due: 0
        })
    );
    let numbered: Vec<_> = phones(&app)
        .await
        .into_iter()
        .filter(|phone| phone.starts_with('+'))
        .collect();
    assert_eq!(
        numbered,
        [OTHER, OTHER, "+79035550012", "+79035550012"],
        "a waiting and a later order keep their customers"
    );
    let erasures = app
        .admin()
        .read(|tx| service::erasures(tx, &customers::Query::default()))
        .await
        .unwrap()
        .items;
    assert_eq!(
        erasures.len(),
        2,
        "each customer is an erasure of their own"
    );
    for erasure in erasures {
        assert_eq!(erasure.user_id, None);
        assert_eq!(erasure.reason, "Срок хранения истёк");
    }
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_issue_counts_like_an_order(app: App) {
    let app = with_retention(app).await;
    let month = 24 * i64::from(DAYS);
    let order = past_order(&app, month + 48, PHONE, false).await;
    app.state
        .write_at(hours_ahead(-1), move |tx| orders::service::issue(tx, order))
        .await
        .unwrap();
    run(&app, 0).await;
    assert_eq!(counts(&app).await, Some(Counts::default()));
}

#[apply(on_both_databases)]
async fn a_changed_setting_is_counted_first(app: App) {
    let app = with_retention(app).await;
    past_order(&app, 24 * 45, PHONE, true).await;
    run(&app, 0).await;
    assert_eq!(counts(&app).await.unwrap().due, 1);

    let app = app.restarted(|config| config.customer_retention_days = Some(40));
    assert_eq!(counts(&app).await, None);
    run(&app, 24).await;
    assert_eq!(counts(&app).await.unwrap().due, 1);
    assert_eq!(phones(&app).await, [PHONE]);

    // Switched off and on again, it has to be counted again.
    let app = app.restarted(|config| config.customer_retention_days = None);
    run(&app, 48).await;
    let app = app.restarted(|config| config.customer_retention_days = Some(40));
    run(&app, 72).await;
    assert_eq!(phones(&app).await, [PHONE]);
    run(&app, 96).await;
    assert_eq!(phones(&app).await, ["Покупатель удалён № 1"]);
    // Erased customers are not due again.
    run(&app, 120).await;
    assert_eq!(counts(&app).await, Some(Counts::default()));
}

#[apply(on_both_databases)]
async fn two_servers_make_one_run_a_day(app: App) {
    let app = with_retention(app).await;
    past_order(&app, 24 * 45, PHONE, true).await;
    let other = app.another_server();
    for hours in [0, 24] {
        let now = hours_ahead(hours);
        let (one, two) = tokio::join!(retention::run(&app.state, now), retention::run(&other, now));
        one.unwrap();
        two.unwrap();
    }
    assert_eq!(counts(&app).await.unwrap().erased, 1);
    assert_eq!(phones(&app).await, ["Покупатель удалён № 1"]);
}
