//! After an erasure, no byte of the number or the name is in any table, index, file, backup or dump.

use super::{ERASED, OTHER, book, edit, erase};
use crate::{
    backup,
    config::notifications::Config,
    db::{Conn, DatabaseUrl},
    error::Error,
    i18n::Locale,
    import::{Kind, waiting as imports},
    orders, products,
    tests::support::{App, PASSWORD, apply, on_both_databases},
};
use diesel::{prelude::*, sql_types::Text};
use std::{fs, process::Command};

/// Columns with text that may have something of a customer. An erasure replaces or deletes it.
const ERASED_COLUMNS: &[&str] = &[
    "form_drafts.content",
    "idempotency_keys.answer",
    "idempotency_keys.fingerprint",
    "idempotency_keys.key",
    "notifications.last_error",
    "notifications.notice",
    "operation_log_personal.value_after",
    "operation_log_personal.value_before",
    "order_names.word",
    "orders.customer_key",
    "orders.customer_name",
    "orders.phone",
    "orders.phone_digits",
    "orders.phone_reversed",
    "orders.phone_shown",
    "stock_movements.note",
    "uploads.content",
    "uploads.file_name",
];

/// Columns with text about goods, accounts and the program, which never have anything of a customer.
const OTHER_COLUMNS: &[&str] = &[
    "api_tokens.hash",
    "api_tokens.name",
    "api_tokens.user_id",
    "bot_pollers.server",
    "chat_codes.hash",
    "chat_codes.user_id",
    "chats.name",
    "chats.user_id",
    "erasures.reason",
    "erasures.user_id",
    "exchange_rates.user_id",
    "form_drafts.id",
    "form_drafts.owner",
    "idempotency_keys.entity_type",
    "idempotency_keys.user_id",
    "imports.content_hash",
    "imports.kind",
    "imports.upload_id",
    "imports.user_id",
    "invitations.role",
    "invitations.token_hash",
    "invitations.used_by",
    "invitations.user_id",
    "notification_channels.channel",
    "notification_channels.error",
    "notification_channels.name",
    "notifications.channel",
    "notifications.claimed_by",
    "notifications.kind",
    "notifications.lane",
    "notifications.recipient",
    "notifications.state",
    "operation_log.action",
    // The values that describe a customer are in operation_log_personal.
    "operation_log.details",
    "operation_log.entity_id",
    "operation_log.entity_type",
    "operation_log.user_id",
    "operation_log_personal.field",
    "order_returns.reason",
    "order_returns.user_id",
    "orders.product_name",
    "orders.status",
    "orders.user_id",
    "product_codes.code",
    "product_names.name",
    "product_names.name_key",
    "products.codes",
    "products.description",
    "products.name",
    "products.name_key",
    "products.supplier_key",
    "products.supplier_name",
    "recovery_codes.hash",
    "recovery_codes.user_id",
    "sessions.data",
    "sessions.id",
    "sessions.user_id",
    "stock_movements.kind",
    "stock_movements.user_id",
    "supplies.product_name",
    "supplies.supplier_key",
    "supplies.supplier_name",
    "supplies.user_id",
    "throttles.key",
    "totp.secret",
    "totp.user_id",
    "uploads.id",
    "uploads.kind",
    "uploads.user_id",
    "users.auth_hash",
    "users.hashed_password",
    "users.role",
    "users.state",
    "users.username",
    "users.username_key",
    "supply_returns.user_id",
    "write_offs.reason",
    "write_offs.user_id",
];

/// The parts of the number and of the name that must not be left: the number in each form and backwards, a former
/// number, the name as it was typed and folded.
const FORMS: [&str; 7] = [
    "9167654321",
    "9167654322",
    "1234567619",
    "765-43-21",
    "7654321",
    "Ахметшина",
    "ахметшина",
];

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut Conn, query: &str) -> Result<Vec<String>, Error> {
    let lines: Vec<Line> = diesel::sql_query(query).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// Returns every column with text of every table, as `table.column`.
fn text_columns(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let query = match conn {
        Conn::Sqlite(_) => {
            "SELECT t.name || '.' || c.name AS line FROM sqlite_master t, pragma_table_xinfo(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'
                AND c.type NOT IN ('INTEGER', 'BIGINT', 'BOOLEAN', 'DATE', 'TIMESTAMP') ORDER BY 1"
        }
        Conn::Postgres(_) => {
            "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%'
                AND data_type NOT IN ('bigint', 'boolean', 'date', 'timestamp without time zone') ORDER BY 1"
        }
    };
    lines(conn, query)
}

/// Returns which forms are in which columns.
fn found_in_tables(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for column in text_columns(conn)? {
        let (table, name) = column.split_once('.').unwrap();
        let rows = lines(
            conn,
            &format!("SELECT \"{name}\" AS line FROM \"{table}\" WHERE \"{name}\" IS NOT NULL"),
        )?;
        let all = rows.join("\n");
        found.extend(
            FORMS
                .iter()
                .filter(|form| all.contains(**form))
                .map(|form| format!("{form} in {column}")),
        );
    }
    Ok(found)
}

/// Returns the bytes of every file in which the database could have left something, each with its name.
fn files(url: &DatabaseUrl) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    match url {
        DatabaseUrl::Sqlite(path) => {
            backup::backup(url, &copy, false).unwrap();
            let wal = path.with_extension("db-wal");
            vec![
                ("the file".to_owned(), fs::read(path).unwrap()),
                ("the log".to_owned(), fs::read(wal).unwrap()),
                ("the backup".to_owned(), fs::read(copy).unwrap()),
            ]
        }
        DatabaseUrl::Postgres(url) => {
            // The tests share a database; each has a schema of its own.
            let (place, schema) = url.split_once("options=-csearch_path%3D").unwrap();
            let dump = Command::new("pg_dump")
                .args(["--schema", schema, "--format=plain", "--dbname"])
                .arg(place.trim_end_matches(['?', '&']))
                .output()
                .unwrap();
            assert!(dump.status.success(), "{dump:?}");
            vec![("the dump".to_owned(), dump.stdout)]
        }
    }
}

fn settings() -> Config {
    let mail = crate::config::notifications::Mail {
        url: crate::config::notifications::Secret::new("smtp://127.0.0.1:1".to_owned()),
        server: "127.0.0.1:1".to_owned(),
        from: "shop@example.org".parse().unwrap(),
        to: vec!["anna@example.org".parse().unwrap()],
    };
    Config {
        language: Locale::ru,
        site: "http://shop.example".to_owned(),
        orders: true,
        telegram: None,
        mail: Some(mail),
    }
}

#[apply(on_both_databases)]
async fn nothing_of_an_erased_customer_is_left(app: App) {
    let app = app.restarted(|config| config.notifications = settings());
    let (admin, clerk) = (
        app.create_account(app.admin()).await,
        app.create_account(app.clerk()).await,
    );
    let tea = app.create_product("чай", 1_000).await;
    let name = "Гульнара Ахметшина";
    // Enough orders of many customers that rows move from page to page.
    let mut theirs = Vec::new();
    for number in 0..400 {
        if number % 20 == 0 {
            let order = book(&clerk, ERASED, name).await;
            theirs.push(order.id);
        }
        book(
            &clerk,
            &format!("+7903{:07}", 1_000_003 + number * 7_919),
            "Пётр",
        )
        .await;
    }
    let shared = book(&clerk, ERASED, "Мария Сидорова").await;
    let same_name = book(&clerk, OTHER, "Мария Сидорова").await;
    theirs.push(shared.id);
    let typo = book(&clerk, "+79167654322", "Ахметшина").await;
    let typo = edit(&clerk, &typo, ERASED, name).await;
    theirs.push(typo.id);
    let given = book(&clerk, ERASED, name).await;
    edit(&clerk, &given, OTHER, "Пётр").await;
    let with_key = clerk
        .write(move |tx| {
            let asked = fields! { phone: ERASED, customer_name: name, product: "чай", qty: 1 };
            orders::service::create(tx, "call-9167654321", &asked.read()?)
        })
        .await
        .unwrap();
    theirs.push(with_key.id);
    for (place, order) in theirs.iter().enumerate() {
        match place % 2 {
            0 => clerk.issue_order(*order).await.unwrap(),
            _ => clerk.deny_order(*order).await.unwrap(),
        };
    }
    let counted = clerk.product(tea.id).await.on_hand;
    admin
        .write(move |tx| {
            let note = "вернула Гульнара Ахметшина, 8 916 765-43-21";
            let count = fields! { expected: counted, on_hand: counted + 1, note: note };
            products::service::correct(tx, 1, &count.read()?)
        })
        .await
        .unwrap();
    admin
        .write(|tx| {
            let file = "name,description\nчай,для +7 (916) 765-43-21\n";
            imports::keep(tx, Kind::Products, "чай.csv", file.as_bytes())
        })
        .await
        .unwrap();
    let mut browser = app.browser();
    let signed_in = browser.sign_in("админ", PASSWORD).await;
    assert_eq!(
        signed_in.location.as_deref(),
        Some("/"),
        "{}",
        signed_in.body
    );
    for path in [
        "/orders.csv?phone=8+916+765-43-21",
        "/orders.csv?customer=%D0%90%D1%85%D0%BC%D0%B5%D1%82%D1%88%D0%B8%D0%BD%D0%B0",
        "/admin/logs.csv?text=%2B79167654321",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200, "{path} {:?}", answer.location);
    }
    app.sql(
        "INSERT INTO form_drafts (id, owner, content, created_at)
         VALUES ('abc', 'user/админ', '{\"fields\":{\"phone\":\"8 916 765-43-21\"}}', '2026-11-27 10:00:00')",
    )
    .await;
    app.sql(
        "UPDATE notifications SET last_error = 'refused: 8 (916) 765-43-21' WHERE notice LIKE '%765-43-21%'",
    )
    .await;
    let url = app.state.config.database_url.clone();
    let before = app.state.db.read(found_in_tables).await.unwrap();
    assert!(before.len() > 15, "{before:#?}");
    let orders = count(&app, "orders").await;

    let erasure = erase(&admin, ERASED, "4321").await.unwrap();
    assert_eq!((erasure.orders, erasure.uploads, erasure.notes), (23, 1, 1));
    assert!(erasure.notifications > 40, "{erasure:?}");
    let left = app.state.db.read(found_in_tables).await.unwrap();
    assert_eq!(left, Vec::<String>::new());
    for (file, bytes) in files(&url) {
        for form in FORMS {
            assert!(!contains(&bytes, form), "{form} is left in {file}");
        }
    }
    assert_eq!(count(&app, "orders").await, orders);
    app.assert_consistent().await;
    // The other customer has the same name, and keeps it everywhere.
    let other = clerk
        .read(move |tx| orders::service::get(tx, same_name.id))
        .await
        .unwrap();
    assert_eq!(other.customer_name.as_deref(), Some("Мария Сидорова"));
    let dump = files(&url);
    assert!(
        dump.iter()
            .any(|(_, bytes)| contains(bytes, "Мария Сидорова"))
    );
    // Pages show the name of the erasure, and no number to call.
    let page = browser.get(&format!("/orders/{}", shared.id)).await.body;
    assert!(page.contains("Покупатель удалён № 1"), "{page}");
    assert!(!page.contains("tel:"), "{page}");
}

async fn count(app: &App, table: &'static str) -> usize {
    let rows = move |conn: &mut Conn| {
        lines(
            conn,
            &format!("SELECT CAST(id AS TEXT) AS line FROM {table}"),
        )
    };
    app.state.db.read(rows).await.unwrap().len()
}

#[apply(on_both_databases)]
async fn every_column_with_text_is_known(app: App) {
    let mut known = [ERASED_COLUMNS, OTHER_COLUMNS].concat();
    known.sort_unstable();
    let found = app.state.db.read(text_columns).await.unwrap();
    let mut found: Vec<_> = found.iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(
        found, known,
        "decide whether an erasure must reach the new column"
    );
}
