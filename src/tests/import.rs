//! Imports: a file is previewed first and written completely or not at all.

use crate::tests::support::{Answer, App, Browser, Person, apply, on_both_databases};
use crate::{
    audit::{self, Action, Change, Entity},
    auth::{Actor, Role},
    db::Conn,
    error::{Error, Problem},
    import::{
        Kind, Preview, UploadState,
        service::{self, Confirmation, Decision, PlannedImport},
        waiting::{self, Bounds},
    },
    money::{Eur, Rub},
    products,
    schema::{imports, operation_log, uploads},
    ui::banner::Counts,
};
use axum::{
    body::Body,
    http::{Request, header},
};
use diesel::{
    connection::{Connection, InstrumentationEvent},
    prelude::*,
};
use futures::future::{Either, join_all, select};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A supply of five pieces of tea.
const SUPPLIES: &str = "product,qty,buy_price_eur,supplier_name\nЧай,5,1.20,Teekanne\n";

/// Uploads a file.
async fn upload_file(browser: &mut Browser, kind: &str, bytes: &[u8], site: &str) -> Answer {
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"my.csv\"\r\nContent-Type: \
        text/csv\r\n\r\n".to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = Request::post(format!("/uploads/{kind}"))
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header("sec-fetch-site", site)
        .body(Body::from(body))
        .unwrap();
    browser.send(request).await
}

/// Uploads a file, opens its preview, and confirms it if there is something to confirm. Returns both answers.
async fn import_file(browser: &mut Browser, kind: &str, bytes: &[u8]) -> (Answer, Option<Answer>) {
    let sent = upload_file(browser, kind, bytes, "same-origin").await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let page = browser.follow(&sent).await;
    assert_eq!(page.status, 200, "{}", page.body);
    if !page.body.contains("name=\"digest\"") {
        return (page, None);
    }
    let (upload, digest) = (page.hidden_field("upload"), page.hidden_field("digest"));
    let fields = [("kind", kind), ("upload", &upload), ("digest", &digest)];
    let confirmed = browser
        .submit(sent.location.as_deref().unwrap(), "confirm_import", &fields)
        .await;
    (page, Some(confirmed))
}

/// Returns the number of imports in the operation log.
async fn count_logged_imports(app: &App) -> i64 {
    let count = |conn: &mut Conn| {
        operation_log::table
            .filter(operation_log::action.eq(Action::Import))
            .count()
            .get_result(conn)
            .map_err(Error::from)
    };
    app.state.db.read(count).await.unwrap()
}

#[apply(on_both_databases)]
async fn a_product_import_is_previewed_and_then_applied_in_one_operation(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 4).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    // The encoding in which spreadsheets on Windows save files.
    let (bytes, ..) =
        encoding_rs::WINDOWS_1251.encode("Название;Минимум\r\nЧай;3\r\nКофе;2\r\n;\r\n");
    let sent = upload_file(&mut browser, "products", &bytes, "same-origin").await;
    let page = browser.follow(&sent).await;
    assert!(
        page.body.contains("Кофе")
            && page.body.contains("0 → 3")
            && page.body.contains("Добавится"),
        "{}",
        page.body
    );
    assert_eq!(
        manager.product(tea.id).await.min_stock,
        0,
        "the file was written before it was confirmed"
    );
    let (_, confirmed) = import_file(&mut browser, "products", &bytes).await;
    let confirmed = confirmed.unwrap();
    assert_eq!(
        confirmed.location.as_deref(),
        Some("/products?counts=1.1.0&success=imported")
    );
    let list = browser.follow(&confirmed).await.body;
    assert!(
        list.contains("Файл загружен. Добавлено: 1, изменено: 1, без изменений: 0."),
        "{list}"
    );
    let tea = manager.product(tea.id).await;
    assert_eq!(
        (tea.min_stock, tea.sell_price_rub, tea.on_hand, tea.version),
        (3, Some(Rub(10_000)), 4, 2)
    );
    assert!(
        manager.create_order("Кофе", 1).await.is_err(),
        "the new product has no stock"
    );
    let logged = count_logged_imports(&app).await;
    assert_eq!(logged, 1);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn importing_an_exported_file_changes_nothing(app: App) {
    let manager = app.create_account(app.manager()).await;
    for name in ["Чай; чёрный", "=формула", "'кавычка", "много\"кавычек\""]
    {
        manager.create_product(name, 5).await;
        manager.receive_supply(name, 3, "1.05").await.unwrap();
    }
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    for kind in ["products", "supplies"] {
        for format in ["", "?format=plain"] {
            let file = browser.get(&format!("/{kind}.csv{format}")).await.body;
            let (page, confirmed) = import_file(&mut browser, kind, file.as_bytes()).await;
            assert!(
                confirmed.is_none() && page.body.contains("Всё уже так, как в файле"),
                "{kind} {format}: {}",
                page.body
            );
        }
    }
}

#[apply(on_both_databases)]
async fn one_wrong_row_rejects_the_whole_file_with_a_reason(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("Чай", 4).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let file = "name,sell_price_rub\nКофе,100\nКофе,200\n,5\nКакао,сто\n";
    let (page, confirmed) = import_file(&mut browser, "products", file.as_bytes()).await;
    assert!(confirmed.is_none());
    for words in ["Повторяет строку 2", "Заполните это поле", "Введите сумму"]
    {
        assert!(page.body.contains(words), "{words}");
    }
    let file = "product,qty,buy_price_eur,supplier_name,id\nЧай,5,1.20,Teekanne,\nЧай,5,1.20,Teekanne,999\nНет \
        такого,0,1,x,\n";
    let (page, confirmed) = import_file(&mut browser, "supplies", file.as_bytes()).await;
    assert!(
        confirmed.is_none()
            && page.body.contains("Такого № нет")
            && page.body.contains("Такого товара нет"),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn imported_supplies_are_received(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let file = "Товар;Кол-во;Закупка, €;Поставщик\nЧай;5;1,20;Teekanne\nчай;3;1,30;Teekanne\n";
    let (page, confirmed) = import_file(&mut browser, "supplies", file.as_bytes()).await;
    assert_eq!(
        confirmed.unwrap().location.as_deref(),
        Some("/supplies?counts=2.0.0&success=imported")
    );
    assert!(
        page.body.contains("Закупка, €: 1,20"),
        "the number is not in the Russian format: {}",
        page.body
    );
    let tea = manager.product(tea.id).await;
    assert_eq!(
        (tea.stock, tea.buy_price_eur, tea.version),
        (8, Some(Eur(130)), 3)
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn each_imported_row_is_logged_beside_the_summary(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let change = |field: &str, before: Option<&str>, after: &str| Change {
        field: field.to_owned(),
        before: before.map(str::to_owned),
        after: Some(after.to_owned()),
    };
    import_file(
        &mut browser,
        "products",
        "name,min_stock,description\nЧай,3,\nКофе,2,\"в зёрнах\n\"\"А\"\"\\\"\n".as_bytes(),
    )
    .await
    .1
    .unwrap();
    let products = app
        .state
        .read(Actor::System, |tx| {
            products::search::by_keys(tx, &["кофе".to_owned()].into())
        })
        .await
        .unwrap();
    let coffee = products["кофе"].id;
    let history = |entity: Entity, id: i64| {
        app.state.read(Actor::System, move |tx| {
            audit::service::history(tx, entity, id)
        })
    };
    let edited: Vec<_> = history(Entity::Product, tea.id)
        .await
        .unwrap()
        .into_iter()
        .filter(|row| row.action == Action::Edit)
        .collect();
    assert_eq!(
        (edited.len(), edited[0].user_id.as_deref()),
        (1, Some("завсклад"))
    );
    assert_eq!(
        edited[0].changes,
        [
            change("min_stock", Some("0"), "3"),
            change("file", None, "my.csv")
        ]
    );
    let created: Vec<_> = history(Entity::Product, coffee)
        .await
        .unwrap()
        .into_iter()
        .filter(|row| row.action == Action::Create)
        .collect();
    assert_eq!(created.len(), 1);
    assert_eq!(
        created[0].changes,
        [
            change("name", None, "Кофе"),
            change("min_stock", None, "2"),
            change("description", None, "в зёрнах\n\"А\"\\"),
            change("file", None, "my.csv"),
        ]
    );
    let page = browser.get(&format!("/products/{}", tea.id)).await.body;
    assert!(
        page.contains("0 → 3") && page.contains("Файл: my.csv"),
        "{page}"
    );

    import_file(
        &mut browser,
        "supplies",
        "product,qty,buy_price_eur,supplier_name\nЧай,5,1.20,Teekanne\nКофе,3,2,Lavazza\n"
            .as_bytes(),
    )
    .await
    .1
    .unwrap();
    let received = history(Entity::Supply, 2).await.unwrap();
    assert_eq!(
        (received.len(), received[0].action.known()),
        (1, Some(Action::Supply))
    );
    assert_eq!(
        received[0].changes,
        [
            change("product", None, "Кофе"),
            change("qty", None, "3"),
            change("buy_price_eur", None, "2.00"),
            change("supplier_name", None, "Lavazza"),
            change("file", None, "my.csv"),
        ]
    );
    let summaries = count_logged_imports(&app).await;
    assert_eq!(summaries, 2);
}

#[apply(on_both_databases)]
async fn a_repeated_confirmation_gets_the_first_answer(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let sent = upload_file(&mut browser, "supplies", SUPPLIES.as_bytes(), "same-origin").await;
    let page = browser.follow(&sent).await;
    let (upload, digest) = (page.hidden_field("upload"), page.hidden_field("digest"));
    let fields = [
        ("kind", "supplies"),
        ("upload", &upload),
        ("digest", &digest),
    ];
    let path = sent.location.clone().unwrap();
    let answers = join_all((0..4).map(|_| {
        let (mut browser, path) = (browser.clone(), path.clone());
        async move { browser.submit(&path, "confirm_import", &fields).await }
    }))
    .await;
    for answer in answers {
        assert_eq!(
            answer.location.as_deref(),
            Some("/supplies?counts=1.0.0&success=imported"),
            "{}",
            answer.body
        );
    }
    assert_eq!(
        manager.product(tea.id).await.stock,
        5,
        "the supply was not received exactly once"
    );
    // Going back to the page shows the result instead of a 404.
    let page = browser.get(&path).await;
    assert!(
        page.status == 200
            && page
                .body
                .contains("Файл загружен. Добавлено: 1, изменено: 0, без изменений: 0."),
        "{}",
        page.body
    );
    let mut other = app
        .signed_in_browser(app.person("второй", Role::Manager))
        .await;
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(other.call("confirm_import", &fields).await.status, 404);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn importing_the_same_content_within_a_day_needs_confirmation(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    // Another user has uploaded the same file when it is confirmed.
    let mut other = app
        .signed_in_browser(app.person("второй", Role::Manager))
        .await;
    let sent = upload_file(&mut other, "supplies", SUPPLIES.as_bytes(), "same-origin").await;
    let preview = other.follow(&sent).await;
    assert!(
        !preview.body.contains("Такой же файл уже загружен"),
        "{}",
        preview.body
    );
    import_file(&mut browser, "supplies", SUPPLIES.as_bytes())
        .await
        .1
        .unwrap();
    let (upload, digest) = (
        preview.hidden_field("upload"),
        preview.hidden_field("digest"),
    );
    let fields = [
        ("kind", "supplies"),
        ("upload", &upload),
        ("digest", &digest),
    ];
    let refused = other.call("confirm_import", &fields).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(manager.product(tea.id).await.stock, 5);
    let page = other.follow(&sent).await;
    for words in [
        "Такой же файл уже загружен",
        "завсклад",
        "Всё равно загрузить",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let again = page.hidden_field("again");
    let confirmed = other
        .submit(
            sent.location.as_deref().unwrap(),
            "confirm_import",
            &[fields.as_slice(), &[("again", again.as_str())]].concat(),
        )
        .await;
    assert_eq!(
        confirmed.location.as_deref(),
        Some("/supplies?counts=1.0.0&success=imported")
    );
    assert_eq!(manager.product(tea.id).await.stock, 10);
    // Other content needs no confirmation, nor does the same content a day later.
    let sent = upload_file(
        &mut browser,
        "supplies",
        SUPPLIES.replace("5", "6").as_bytes(),
        "same-origin",
    )
    .await;
    assert!(
        !browser
            .follow(&sent)
            .await
            .body
            .contains("Такой же файл уже загружен")
    );
    app.sql("UPDATE imports SET created_at = '2020-01-01 00:00:00'")
        .await;
    let sent = upload_file(&mut browser, "supplies", SUPPLIES.as_bytes(), "same-origin").await;
    assert!(
        !browser
            .follow(&sent)
            .await
            .body
            .contains("Такой же файл уже загружен")
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_unclosed_quote_is_an_error_of_its_row(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("Чай", 0).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let (page, confirmed) = import_file(
        &mut browser,
        "products",
        "name;min_stock\n\"Чай;1\nКофе;2\n\"Ка\nкао\";3\n".as_bytes(),
    )
    .await;
    assert!(confirmed.is_none());
    for words in [
        "Кавычка открыта, но не закрыта",
        "Кофе",
        "Уберите перенос строки",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let (page, confirmed) = import_file(
        &mut browser,
        "supplies",
        "product;qty;buy_price_eur;supplier_name\nЧай;1;2;x\nЧай;1;2;\"x\nЧай;1;2;x\n".as_bytes(),
    )
    .await;
    assert!(
        confirmed.is_none() && page.body.contains("Кавычка открыта, но не закрыта"),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn an_import_is_refused_if_the_data_changed_after_the_preview(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    let preview = |tx: &mut crate::transaction::Tx<'_>| {
        let id = waiting::keep(
            tx,
            Kind::Products,
            "my.csv",
            "name,min_stock\nЧай,5\n".as_bytes(),
        )?;
        service::preview(tx, Kind::Products, &id)
    };
    let preview: Preview = manager.write(preview).await.unwrap();
    let draft = fields! { name: "Чай", min_stock: "4" };
    manager
        .write(move |tx| {
            crate::products::service::edit(tx, tea.id, &draft.with("version", 1).read()?)
        })
        .await
        .unwrap();
    let refused = manager.confirm_products(&preview).await.unwrap_err();
    assert!(matches!(refused, Error::Stale(_)), "{refused}");
    assert_eq!(manager.product(tea.id).await.min_stock, 4);
}

#[apply(on_both_databases)]
async fn an_upload_needs_permission_and_the_same_origin(app: App) {
    let file = "name\nЧай\n".as_bytes();
    assert_eq!(
        upload_file(&mut app.browser(), "products", file, "same-origin")
            .await
            .status,
        302
    );
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    assert_eq!(
        upload_file(&mut clerk, "products", file, "same-origin")
            .await
            .status,
        403
    );
    let mut manager = app.signed_in_browser(app.manager()).await;
    assert_eq!(
        upload_file(&mut manager, "products", file, "cross-site")
            .await
            .status,
        403
    );
    assert_eq!(
        upload_file(&mut manager, "nothing", file, "same-origin")
            .await
            .status,
        404
    );
    let large = format!("name\n{}", "Чай\n".repeat(100_000));
    assert_eq!(
        upload_file(&mut manager, "products", large.as_bytes(), "same-origin")
            .await
            .status,
        303,
        "a file may be larger than other forms"
    );
}

/// Returns the confirmation of a preview of products.
fn confirmation_of(preview: &Preview) -> Confirmation {
    Confirmation {
        kind: Kind::Products,
        upload: preview.upload.clone(),
        digest: preview.digest.clone(),
        again: false,
    }
}

/// Plans a confirmed import.
async fn planned(person: &Person, preview: &Preview) -> Box<PlannedImport> {
    let asked = confirmation_of(preview);
    match person.read(move |tx| service::plan(tx, asked)).await {
        Ok(Decision::Write(plan)) => plan,
        Ok(Decision::Done(_)) | Err(_) => panic!("the import was refused"),
    }
}

/// Writes a planned import. Returns its result, and the number of statements in its transaction.
async fn write_counted(person: &Person, plan: Box<PlannedImport>) -> (Option<Counts>, usize) {
    person
        .write(move |tx| {
            let count = Arc::new(AtomicUsize::new(0));
            let counter = count.clone();
            tx.conn
                .set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            let done = service::write(tx, *plan);
            tx.conn
                .set_instrumentation(|_: InstrumentationEvent<'_>| {});
            Ok((done?, count.load(Ordering::Relaxed)))
        })
        .await
        .unwrap()
}

/// Returns a file of numbered products with this many further columns. The first ten products have the minimum
/// `minimum`, all others have none.
fn products_file(count: usize, columns: usize, minimum: usize) -> String {
    let (heads, cells) = ("x;".repeat(columns), "y;".repeat(columns));
    let row = |number: usize| {
        let minimum = if number < 10 { minimum } else { 0 };
        format!("{cells}товар {number};{minimum}\n")
    };
    let rows: String = (0..count).map(row).collect();
    format!("{heads}name;min_stock\n{rows}")
}

#[apply(on_both_databases)]
async fn the_transaction_of_an_import_does_not_grow_with_columns_and_unchanged_rows(app: App) {
    let manager = app.create_account(app.manager()).await;
    let all = products_file(900, 0, 0);
    manager.import_products(all).await.unwrap();
    let mut statements = Vec::new();
    for (minimum, (rows, columns)) in [(100, 0), (100, 62), (900, 0), (900, 62)]
        .into_iter()
        .enumerate()
    {
        let file = products_file(rows, columns, minimum + 1);
        let preview = manager.upload_products(file).await.unwrap();
        let plan = planned(&manager, &preview).await;
        let (done, count) = write_counted(&manager, plan).await;
        assert_eq!(done.map(|done| done.changed), Some(10));
        statements.push(count);
    }
    assert_eq!(statements, [statements[0]; 4]);
    let too_wide = manager.upload_products(products_file(1, 63, 0)).await;
    assert_eq!(
        too_wide,
        Err(Error::field("file", Problem::TooManyColumns(64)))
    );
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let file = products_file(1, 63, 0);
    let sent = upload_file(&mut browser, "products", file.as_bytes(), "same-origin").await;
    let page = browser.follow(&sent).await;
    assert!(
        page.status == 422 && page.body.contains("В файле больше 64 столбцов"),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn clerks_book_while_a_large_file_is_confirmed(app: App) {
    const ROWS: usize = 5_200;
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager
        .import_products(products_file(ROWS, 0, 0))
        .await
        .unwrap();
    manager.create_product("чай", 1_000).await;
    let file = products_file(ROWS, 62, 1);
    assert!(file.len() > 720_000, "{}", file.len());
    let preview = manager.upload_products(file).await.unwrap();

    let begun = Instant::now();
    let mut confirmation = pin!(service::confirm(
        &app.state,
        manager.actor(),
        confirmation_of(&preview)
    ));
    let (mut booked, mut longest) = (0, Duration::ZERO);
    let confirmed = loop {
        let booking_begun = Instant::now();
        let booking = pin!(clerk.create_order("чай", 1));
        match select(confirmation, booking).await {
            Either::Left((confirmed, booking)) => {
                booking.await.unwrap();
                break confirmed;
            }
            Either::Right((order, rest)) => {
                order.unwrap();
                booked += 1;
                longest = longest.max(booking_begun.elapsed());
                confirmation = rest;
            }
        }
    };
    let confirming = begun.elapsed();
    assert_eq!(confirmed.unwrap().changed, 10);
    assert!(
        booked >= 5 && longest * 2 < confirming,
        "{booked} orders in {confirming:?}, the slowest in {longest:?}"
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_plan_is_written_only_as_long_as_its_products_stay_the_same(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("Чай", 5).await;
    let file = |minimum: i64| format!("name;min_stock\nЧай;{minimum}\nКофе;{minimum}\n");
    let edit = |version: i64, description: &'static str| {
        let edited = fields! { name: "Чай", sell_price_rub: "100", description: description };
        manager.write(move |tx| {
            products::service::edit(tx, tea.id, &edited.with("version", version).read()?)
        })
    };

    // A booking changes the stock, but nothing that the file is about.
    let preview = manager.upload_products(file(1)).await.unwrap();
    let plan = planned(&manager, &preview).await;
    clerk.create_order("Чай", 1).await.unwrap();
    // The product that the file would add is added by somebody else.
    let late = planned(&manager, &preview).await;
    let (done, _) = write_counted(&manager, plan).await;
    let first = Counts {
        new: 1,
        changed: 1,
        same: 0,
    };
    assert_eq!(done, Some(first));
    // The same plan again finds the first result.
    assert_eq!(write_counted(&manager, late).await.0, Some(first));
    assert_eq!(count_logged_imports(&app).await, 1);

    // A change of a field that the file does not have makes the plan outdated, but not its effect.
    let version = manager.product(tea.id).await.version;
    let preview = manager.upload_products(file(2)).await.unwrap();
    let plan = planned(&manager, &preview).await;
    let edited = edit(version, "чёрный").await.unwrap();
    assert_eq!(edited.min_stock, 0);
    assert_eq!(write_counted(&manager, plan).await.0, None);
    assert_eq!(manager.product(tea.id).await.min_stock, 0);
    let preview = manager.upload_products(file(3)).await.unwrap();
    edit(version + 1, "зелёный").await.unwrap();
    let done = manager.confirm_products(&preview).await;
    assert_eq!(done.map(|done| done.changed), Ok(2));
    let tea = manager.product(tea.id).await;
    assert_eq!(
        (tea.min_stock, tea.description.as_deref()),
        (3, Some("зелёный"))
    );

    // A name that was free is taken.
    let preview = manager
        .upload_products("name\nКакао\n".to_owned())
        .await
        .unwrap();
    let plan = planned(&manager, &preview).await;
    manager.create_product("какао", 0).await;
    assert_eq!(write_counted(&manager, plan).await.0, None);
    let done = manager.confirm_products(&preview).await;
    assert!(matches!(done, Err(Error::Stale(_))), "{done:?}");
    assert_eq!(count_logged_imports(&app).await, 2);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_code_that_another_product_got_after_the_plan_is_refused(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("Чай", 0).await;
    for (file, late) in [
        ("name,codes\nЧай,box-7\n", "box-7"),
        ("name,codes\nКакао,box-8\nЧай,\n", "BOX-8"),
    ] {
        let preview = manager.upload_products(file.to_owned()).await;
        let plan = planned(&manager, &preview.unwrap()).await;
        let name = format!("Кофе {late}");
        let other = fields! { name: &name, codes: late };
        manager
            .write(move |tx| products::service::create(tx, "", &other.read()?))
            .await
            .unwrap();
        let done = manager.write(move |tx| service::write(tx, *plan)).await;
        let expected = Problem::CodeTaken {
            code: late.to_lowercase(),
            product: name,
        };
        assert_eq!(done.unwrap_err().problem("codes"), Some(&expected));
    }
    assert!(manager.product(tea.id).await.codes.is_empty());
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_oldest_of_too_many_uploads_is_deleted(app: App) {
    let mut manager = app.signed_in_browser(app.manager()).await;
    let mut other = app
        .signed_in_browser(app.person("второй", Role::Manager))
        .await;
    let file = |number: usize| format!("name\nтовар {number}\n");
    let others = upload_file(&mut other, "products", file(0).as_bytes(), "same-origin").await;
    let mut mine = Vec::new();
    for number in 0..22 {
        let sent = upload_file(
            &mut manager,
            "products",
            file(number).as_bytes(),
            "same-origin",
        )
        .await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        mine.push(sent);
    }
    for (number, sent) in mine.iter().enumerate() {
        let status = manager.follow(sent).await.status;
        assert_eq!(status, if number < 2 { 404 } else { 200 }, "{number}");
    }
    assert_eq!(other.follow(&others).await.status, 200);
}

#[apply(on_both_databases)]
async fn uploads_are_bounded_in_bytes(app: App) {
    const BOUNDS: Bounds = Bounds {
        files: 20,
        bytes: 2_000,
        total_bytes: 3_500,
    };
    let manager = app.create_account(app.manager()).await;
    let other = app
        .create_account(app.person("второй", Role::Manager))
        .await;
    let upload = async |person: &Person, bytes: usize| {
        let file = format!("name\n{}", "x".repeat(bytes - 5));
        person
            .write(move |tx| {
                waiting::keep_within(tx, &BOUNDS, Kind::Products, "my.csv", file.as_bytes())
            })
            .await
    };
    let is_kept = async |person: &Person, id: &str| {
        let id = id.to_owned();
        let found = person.read(move |tx| waiting::find(tx, Kind::Products, &id).map(drop));
        found.await.is_ok()
    };
    let first = upload(&manager, 1_000).await.unwrap();
    let second = upload(&manager, 1_000).await.unwrap();
    assert!(is_kept(&manager, &first).await && is_kept(&manager, &second).await);
    let third = upload(&manager, 1_000).await.unwrap();
    assert!(!is_kept(&manager, &first).await && is_kept(&manager, &second).await);
    let others = upload(&other, 1_500).await.unwrap();
    // There is no room for more of the other user, even without their own file.
    upload(&other, 1_000).await.unwrap();
    assert!(!is_kept(&other, &others).await);
    assert_eq!(
        upload(&other, 1_600).await,
        Err(Error::field("file", Problem::NoRoomForFile))
    );
    assert!(is_kept(&manager, &second).await && is_kept(&manager, &third).await);
}

#[apply(on_both_databases)]
async fn only_its_owner_sees_an_upload_and_only_for_a_day(app: App) {
    let manager = app.create_account(app.manager()).await;
    let preview = manager
        .upload_products("name\nЧай\n".to_owned())
        .await
        .unwrap();
    for other in [
        app.person("второй", Role::Manager),
        app.person("хозяин", Role::Admin),
    ] {
        let other = app.create_account(other).await;
        let id = preview.upload.clone();
        let seen = other
            .read(move |tx| service::sent(tx, Kind::Products, &id))
            .await;
        assert_eq!(seen, Err(Error::NotFound));
        let done = other.confirm_products(&preview).await;
        assert_eq!(done, Err(Error::NotFound));
    }
    let id = preview.upload.clone();
    let seen = manager
        .read(move |tx| service::sent(tx, Kind::Products, &id))
        .await;
    assert!(matches!(seen, Ok(UploadState::Waits(_))), "{seen:?}");

    manager
        .import_products("name\nКофе\n".to_owned())
        .await
        .unwrap();
    let rows = || async {
        let count = |conn: &mut Conn| {
            let uploads: i64 = uploads::table.count().get_result(conn)?;
            let imports: i64 = imports::table.count().get_result(conn)?;
            Ok::<_, Error>((uploads, imports))
        };
        app.state.db.read(count).await.unwrap()
    };
    app.state
        .write(Actor::System, waiting::delete_expired)
        .await
        .unwrap();
    assert_eq!(rows().await, (1, 1));
    app.sql(
        "UPDATE uploads SET created_at = '2020-01-01 00:00:00'; \
         UPDATE imports SET created_at = '2020-01-01 00:00:00'",
    )
    .await;
    let done = manager.confirm_products(&preview).await;
    assert_eq!(done, Err(Error::NotFound));
    app.state
        .write(Actor::System, waiting::delete_expired)
        .await
        .unwrap();
    assert_eq!(rows().await, (0, 0));
}
