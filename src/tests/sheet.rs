//! Downloads: their contents, permissions and failures.

use crate::tests::support::{Answer, App, Browser, Person, apply, logs, on_both_databases};
use crate::{
    audit::{Action, Entity},
    auth::{Role, credential::Credential, tokens, users::service as accounts},
    error::Error,
    products,
    schema::operation_log,
    sheet::{
        cells::Sheet,
        download::{DownloadRequest, File},
    },
    supplies,
};
use axum::{
    body::{Body, BodyDataStream, to_bytes},
    http::{Request, request::Parts},
    response::Response,
};
use diesel::prelude::*;
use futures::StreamExt;
use std::future::ready;
use tower::ServiceExt;

fn rows(answer: &Answer, delimiter: u8) -> Vec<Vec<String>> {
    let text = answer.body.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

async fn get(browser: &mut Browser, path: &str) -> Answer {
    let path: String = path.replace("чай", "%D1%87%D0%B0%D0%B9");
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer
}

#[apply(on_both_databases)]
async fn orders_are_exported_as_filtered_in_words_or_in_codes(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 9).await;
    manager.create_product("=кофе", 9).await;
    let first = clerk.create_order("чай", 2).await.unwrap();
    clerk.create_order("=кофе", 1).await.unwrap();
    clerk.issue_order(first.id).await.unwrap();
    let mut browser = app
        .signed_in_browser(app.person("касса", crate::auth::Role::User))
        .await;
    let excel = get(&mut browser, "/orders.csv").await;
    assert!(
        excel.body.starts_with("\u{feff}№;Дата;Статус;"),
        "{}",
        excel.body
    );
    let table = rows(&excel, b';');
    assert_eq!(table.len(), 3);
    assert_eq!(
        table[1][2..10],
        [
            "ждёт выдачи",
            "2",
            "'=кофе",
            "1",
            "100,00",
            "100,00",
            "8 (916) 123-45-67",
            ""
        ]
    );
    let plain = rows(
        &get(&mut browser, "/orders.csv?status=paid_issued&format=plain").await,
        b',',
    );
    assert_eq!(plain.len(), 2);
    assert_eq!(plain[0][..4], ["id", "created_at", "status", "product_id"]);
    assert_eq!(
        plain[1][2..9],
        [
            "paid_issued",
            "1",
            "чай",
            "2",
            "100.00",
            "200.00",
            "+79161234567"
        ]
    );
    assert_eq!(
        (plain[1][1].find('.'), plain[1][1].find('Z')),
        (Some(19), Some(26)),
        "expected six decimals of the second: {}",
        plain[1][1]
    );
    assert_eq!(
        rows(&get(&mut browser, "/orders.csv?product=чай").await, b';').len(),
        2
    );
    assert_eq!(browser.get("/orders.csv?phone=1").await.status, 422);
}

#[apply(on_both_databases)]
async fn ledger_stock_supply_and_analytics_exports_are_logged(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 5).await;
    let supply = manager.receive_supply("чай", 3, "1.50").await.unwrap();
    let mut browser = app
        .signed_in_browser(app.person("хозяин", crate::auth::Role::Admin))
        .await;
    let ledger = rows(
        &get(
            &mut browser,
            &format!("/products/{}/movements.csv?format=plain", tea.id),
        )
        .await,
        b',',
    );
    assert_eq!(
        ledger
            .iter()
            .skip(1)
            .map(|row| row[2].as_str())
            .collect::<Vec<_>>(),
        ["supply", "opening"]
    );
    let products = rows(&get(&mut browser, "/products.csv").await, b';');
    assert_eq!(products[1][1..7], ["чай", "8", "8", "0", "0", "100,00"]);
    let fields = fields! { qty: 2, reason: "брак" };
    manager
        .write(move |tx| {
            supplies::correction::return_to_supplier(tx, "", supply.id, &fields.read()?)
        })
        .await
        .unwrap();
    let supplies = rows(&get(&mut browser, "/supplies.csv?format=plain").await, b',');
    assert_eq!(supplies[1][2..7], ["чай", "3", "1.50", "4.50", "Teekanne"]);
    assert_eq!(supplies[1][8..], ["2", ""]);
    let analytics = rows(
        &get(
            &mut browser,
            "/admin/analytics.csv?format=plain&preset=last_month",
        )
        .await,
        b',',
    );
    assert_eq!(analytics[1][0], "total");
    assert!(
        analytics.len() > 28,
        "expected every day of the month and the total"
    );
    assert_eq!(browser.get("/products/999/movements.csv").await.status, 404);
    let exports: i64 = app
        .state
        .db
        .read(|conn| {
            operation_log::table
                .filter(operation_log::action.eq(Action::Export))
                .count()
                .get_result(conn)
                .map_err(Error::from)
        })
        .await
        .unwrap();
    assert_eq!(exports, 4);
}

#[apply(on_both_databases)]
async fn a_download_needs_the_permission_of_its_page(app: App) {
    let mut anonymous = app.browser();
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let mut manager = app.signed_in_browser(app.manager()).await;
    for (path, for_clerk, for_manager) in [
        ("/orders.csv", 200, 200),
        ("/products.csv", 200, 200),
        ("/supplies.csv", 403, 200),
        ("/admin/analytics.csv", 403, 403),
    ] {
        let answer = anonymous.get(path).await;
        assert_eq!(
            (answer.status, answer.location),
            (
                302,
                Some(format!("/login?next={}", path.replace('/', "%2F")))
            ),
            "{path}"
        );
        assert_eq!(
            (clerk.get(path).await.status, manager.get(path).await.status),
            (for_clerk, for_manager),
            "{path}"
        );
    }
}

/// Creates more products than one batch of a download contains.
async fn create_two_batches(app: &App) {
    let manager = app.create_account(app.manager()).await;
    let rows: String = (0..5_010)
        .map(|number| format!("товар {number:05}\n"))
        .collect();
    manager
        .import_products(format!("name\n{rows}"))
        .await
        .unwrap();
}

#[apply(on_both_databases)]
async fn a_long_download_contains_each_row_once(app: App) {
    create_two_batches(&app).await;
    let mut browser = app
        .signed_in_browser(app.person("касса", crate::auth::Role::User))
        .await;
    let table = rows(&get(&mut browser, "/products.csv").await, b';');
    let names: Vec<_> = table.iter().skip(1).map(|row| row[1].clone()).collect();
    assert_eq!(
        names,
        (0..5_010)
            .map(|number| format!("товар {number:05}"))
            .collect::<Vec<_>>()
    );
}

/// Requests a download and reads its first batch.
async fn begin_download(app: &App, browser: &Browser) -> BodyDataStream {
    let request = Request::get("/products.csv")
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty())
        .unwrap();
    let request = browser.with_cookies(request);
    let response = app.router.clone().oneshot(request).await.unwrap();
    first_batch(response).await
}

async fn first_batch(response: Response) -> BodyDataStream {
    assert_eq!(response.status(), 200);
    let mut body = response.into_body().into_data_stream();
    let mark = body.next().await.unwrap().unwrap();
    assert_eq!(&mark[..], b"\xef\xbb\xbf");
    assert!(!body.next().await.unwrap().unwrap().is_empty());
    body
}

/// Asserts that a download is broken off before its second batch.
async fn assert_broken_off(mut download: BodyDataStream, after: &str) {
    let next = download.next().await;
    assert!(matches!(next, Some(Err(_))), "{after}: {next:?}");
}

#[apply(on_both_databases)]
async fn a_running_download_ends_with_the_access_of_its_user(app: App) {
    create_two_batches(&app).await;
    let admin = app.create_account(app.admin()).await;
    let name = |what: &str| format!("{what}{}", crate::crypto::new_key());

    let kept = app.signed_in_browser(app.person("касса", Role::User)).await;
    let mut kept = begin_download(&app, &kept).await;
    assert!(!kept.next().await.unwrap().unwrap().is_empty());
    assert!(kept.next().await.is_none());

    let who = name("blocked");
    let browser = app.signed_in_browser(app.person(&who, Role::User)).await;
    let download = begin_download(&app, &browser).await;
    let blocked = who.clone();
    admin
        .write(move |tx| accounts::block(tx, &blocked))
        .await
        .unwrap();
    assert_broken_off(download, "blocked").await;
    assert_eq!(
        logs::lines_with(&["broke off a download", &who]).len(),
        1,
        "the log does not say so"
    );

    let who = name("demoted");
    let browser = app.signed_in_browser(app.person(&who, Role::Manager)).await;
    let download = begin_download(&app, &browser).await;
    admin
        .write(move |tx| accounts::change_role(tx, &who, Role::User))
        .await
        .unwrap();
    assert_broken_off(download, "demoted").await;

    let who = name("deleted");
    let browser = app.signed_in_browser(app.person(&who, Role::User)).await;
    let download = begin_download(&app, &browser).await;
    admin
        .write(move |tx| accounts::delete(tx, &who))
        .await
        .unwrap();
    assert_broken_off(download, "deleted").await;

    let who = name("reset");
    let browser = app.signed_in_browser(app.person(&who, Role::User)).await;
    let download = begin_download(&app, &browser).await;
    admin
        .write(move |tx| accounts::reset_password(tx, &who, "", true))
        .await
        .unwrap();
    assert_broken_off(download, "password reset").await;

    let mut browser = app
        .signed_in_browser(app.person(&name("left"), Role::User))
        .await;
    let download = begin_download(&app, &browser).await;
    browser.submit("/", "sign_out", &[]).await;
    assert_broken_off(download, "signed out").await;
}

/// Returns the head of a request by a person, as it looks behind the middleware.
fn request_of(person: &Person, path: &str, credential: Credential) -> Parts {
    let (mut parts, ()) = Request::get(path).body(()).unwrap().into_parts();
    parts.extensions.insert(Ok::<_, Error>(person.actor()));
    parts.extensions.insert(credential);
    parts
}

#[apply(on_both_databases)]
async fn a_running_download_ends_with_the_token_that_began_it(app: App) {
    create_two_batches(&app).await;
    let person = app.create_account(app.clerk()).await;
    let (token, secret) = person
        .write(move |tx| tokens::service::add(tx, "касса"))
        .await
        .unwrap();
    let state = app.state.clone();
    let credential = Credential::new(move || {
        let (state, secret) = (state.clone(), secret.clone());
        async move { tokens::service::actor(&state, &secret).await }
    });
    let parts = request_of(&person, "/products.csv", credential);
    let state = axum::extract::State(app.state.clone());
    let response = crate::sheet::download::download::<products::Query>(state, parts).await;
    let download = first_batch(response).await;
    person
        .write(move |tx| tokens::service::revoke(tx, token.id))
        .await
        .unwrap();
    assert_broken_off(download, "revoked").await;
}

#[apply(on_both_databases)]
async fn a_download_that_fails_midway_is_aborted(app: App) {
    let person = app.create_account(app.clerk()).await;
    let actor = person.actor();
    let credential = Credential::new(move || ready(Ok(actor.clone())));
    let parts = request_of(&person, "/orders.csv", credential);
    let file = Ok(File {
        entity: Entity::Order,
        name: "orders",
        period: Default::default(),
    });
    let response = DownloadRequest::new(app.state.clone(), parts)
        .answer(file, 0, |_, read| {
            *read += 1;
            if *read > 3 {
                return Err(Error::Unavailable);
            }
            let number = *read;
            let write = move |sheet: &mut Sheet| {
                sheet.plain(number)?;
                sheet.end_row()
            };
            Ok((Box::new(write), true))
        })
        .await;
    assert_eq!(response.status(), 200);
    assert!(to_bytes(response.into_body(), 1 << 20).await.is_err());
}
