//! Copying a database to another one.

use crate::{
    database::Database,
    on_both_databases,
    server::Server,
    shop::{Shop, post},
    storm::Storm,
};
use rstest_reuse::apply;
use serde_json::json;

#[apply(on_both_databases)]
async fn a_copy_to_the_other_database_and_back_is_identical(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 900_000).await;
    fill_every_table(&database, &server, &shop).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    storm.wait_for_orders(150).await;
    storm.settle(&database).await;
    server.kill();
    for table in database.tables() {
        let any = format!("SELECT 'row' AS line FROM \"{table}\" LIMIT 1");
        assert_eq!(
            database.lines(&any).len(),
            1,
            "{table} is empty, so copying it proves nothing"
        );
    }

    let (there, back) = (database.opposite(), database.another());
    let said = database.does(&["copy", "--to", &there.url]);
    for table in database.tables() {
        assert!(
            said.contains(&format!("copied and compared: {table} (")),
            "{table} is not in: {said}"
        );
    }
    there.does(&["copy", "--to", &back.url]);
    assert_same(&database, &back);
    // Among others, the counts of orders, which triggers keep.
    for copy in [&there, &back] {
        copy.assert_agrees();
    }

    // Sessions are there, and new ids follow the old ones.
    let server = Server::start(&there).await;
    let known = database.orders().pop().unwrap().id;
    let next = shop
        .create_order(&server.site, "after the move", 1)
        .await
        .unwrap()
        .id();
    assert!(next > known);
    let issued = post(
        &shop.program,
        &server.site,
        &format!("/api/orders/{next}/issue"),
        "",
        &json!(null),
    )
    .await
    .unwrap();
    assert_eq!(issued.status, 200, "{issued:?}");
    there.assert_agrees();
}

#[apply(on_both_databases)]
async fn a_copy_of_a_busy_database_is_consistent(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 900_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    storm.wait_for_orders(100).await;
    let before = storm.journal();
    let there = database.opposite();
    assert!(
        database
            .does(&["copy", "--to", &there.url])
            .contains("everything agrees")
    );
    assert_eq!(before.compare(&there), before.operations());
    storm.settle(&database).await;
}

#[apply(on_both_databases)]
async fn a_copy_never_overwrites_data(database: Database) {
    let server = Server::start(&database).await;
    Shop::open(&server, 1).await;
    let there = database.opposite();
    database.does(&["copy", "--to", &there.url]);
    let refused = database.refuses(&["copy", "--to", &there.url]);
    assert!(refused.contains("not empty"), "{refused}");
    let refused = database.refuses(&["copy", "--to", &database.url]);
    assert!(refused.contains("same database"), "{refused}");
}

#[apply(on_both_databases)]
async fn a_copy_onto_the_same_database_is_refused_however_its_url_is_spelled(database: Database) {
    database.does(&["migrate"]);
    let folder = database
        .folder
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    let spelled = match database.kind() {
        "SQLite" => database
            .url
            .replace(folder, &format!("{folder}/../{folder}")),
        _ => format!("{}?connect_timeout=7", database.url),
    };
    let refused = database.refuses(&["copy", "--to", &spelled]);
    assert!(refused.contains("same database"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_does_not_wait_forever_for_a_locked_target() {
    let (database, there) = (Database::sqlite(), Database::postgres());
    database.does(&["migrate"]);
    there.does(&["migrate"]);
    let mut user = there.open();
    diesel::connection::SimpleConnection::batch_execute(
        &mut user,
        "BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE",
    )
    .unwrap();
    let refused = database.refuses(&["copy", "--to", &there.url]);
    assert!(refused.contains("lock timeout"), "{refused}");
}

/// Adds rows to the tables that a storm leaves empty.
async fn fill_every_table(database: &Database, server: &Server, shop: &Shop) {
    let does = async |path: &str, body| {
        let reply = post(&shop.admin, &server.site, path, "", &body)
            .await
            .unwrap();
        assert!(reply.status < 300, "{path}: {reply:?}");
    };
    let supply = json!({
        "product_id": shop.products[0],
        "qty": 5,
        "supplier_name": "Ёлка \"и\" сын\\\n",
        "buy_price_eur": "2.50",
    });
    does("/api/supplies", supply).await;
    // The instants have every precision that the program writes.
    database.sql(
        "INSERT INTO exchange_rates (day, rub_per_eur, user_id, created_at)
             VALUES ('2026-01-02', 985000, 'anna', '2026-01-02 03:04:05.678');
         INSERT INTO invitations (token_hash, role, user_id, created_at, expires_at)
             VALUES ('abc', 'user', 'anna', '2026-01-02 03:04:05', '2026-01-05 03:04:05.000001');
         INSERT INTO uploads (id, kind, user_id, file_name, content, created_at)
             VALUES ('u', 'products', 'anna', 'чай.csv', 'name;\"x\"', '2026-01-02 03:04:05.600');
         INSERT INTO imports
             (upload_id, kind, user_id, content_hash, new_rows, changed_rows, same_rows, created_at)
             VALUES ('i', 'supplies', 'anna', 'abc', 1, 2, 3, '2026-01-02 03:04:05.600');
         INSERT INTO notifications (kind, channel, recipient, lane, notice, state, created_at, due_at)
             VALUES ('test', 'telegram', '-1001', 'telegram/-1001/test', '\"test\"', 'waiting',
                     '2026-01-02 03:04:05.600', '2026-01-02 03:04:05.600');
         INSERT INTO notification_channels (channel, name) VALUES ('telegram', 'bot');
         INSERT INTO chats (user_id, chat_id, name, created_at)
             VALUES ('anna', -1001, 'Анна', '2026-01-02 03:04:05.600');
         INSERT INTO chat_codes (user_id, hash, expires_at) VALUES ('anna', 'abc', '2026-01-02 03:04:05.600');
         INSERT INTO totp (user_id, secret, created_at, confirmed_at, last_step)
             VALUES ('anna', 'abc', '2026-01-02 03:04:05.600', NULL, 59000000);
         INSERT INTO recovery_codes (user_id, hash, used_at)
             VALUES ('anna', 'abc', '2026-01-02 03:04:05.600'), ('anna', 'def', NULL);
         INSERT INTO bot_updates (bot_id, update_id, received_at) VALUES (1, 2, '2026-01-02 03:04:05.600');
         INSERT INTO bot_pollers (bot_id, server, until) VALUES (1, 'server', '2026-01-02 03:04:05.600');
         INSERT INTO customer_retention (id, days, run_at, erased) VALUES (1, 365, '2026-01-02 03:04:05.600', 2);
         INSERT INTO form_drafts (id, owner, content, created_at)
             VALUES ('abc', 'user/anna', '{\"function\":\"f\",\"error\":null,\"fields\":{\"name\":\"Ёж\"}}',
                     '2026-01-02 03:04:05.600');
         INSERT INTO throttles (key, tries, tried_at) VALUES ('address/127.0.0.9', 3, '2026-01-02 03:04:05.600');
         INSERT INTO erasures
                 (reason, user_id, created_at, orders, log_entries, notifications, uploads, notes, purged_at)
             VALUES ('просьба', 'anna', '2026-01-02 03:04:05.600', 1, 2, 3, 4, 5, '2026-01-02 03:04:06');
         INSERT INTO product_names (product_id, name, name_key, used_until)
             SELECT MIN(id), 'Ёлка', 'елка', '2026-01-02 03:04:05.600' FROM products;
         UPDATE products SET codes = 'x-1' WHERE id = (SELECT MIN(id) FROM products);
         INSERT INTO product_codes (code, product_id) SELECT 'X-1', MIN(id) FROM products",
    );
    // After the rate, so that their costs are counted at it.
    let back = json!({ "qty": 1, "reason": "брак" });
    does("/api/supplies/1/returns", back).await;
    let write_off = json!({ "qty": 1, "reason": "damage" });
    let product = shop.products[0];
    does(&format!("/api/products/{product}/write-offs"), write_off).await;
    let line = json!({ "product_id": product, "qty": 1, "unit_price_rub": "100" });
    let basket = json!({ "phone": "+79161112233", "lines": [line, line], "status": "paid_issued" });
    does("/api/baskets", basket).await;
    let issued = database.orders().pop().unwrap().id;
    let returned = json!({ "qty": 1, "reason": "other", "restock": false });
    does(&format!("/api/orders/{issued}/returns"), returned).await;
}

/// Compares two databases of the same kind with their own SQL.
fn assert_same(one: &Database, other: &Database) {
    for table in one.tables() {
        match one.kind() {
            "SQLite" => {
                let file = other.url.trim_start_matches("sqlite://");
                let mut conn = one.open();
                diesel::connection::SimpleConnection::batch_execute(
                    &mut conn,
                    &format!("ATTACH '{file}' AS other"),
                )
                .unwrap();
                for (from, without) in [("main", "other"), ("other", "main")] {
                    let query = format!(
                        "SELECT COUNT(*) AS count
                         FROM (SELECT * FROM {from}.\"{table}\" EXCEPT SELECT * FROM {without}.\"{table}\")"
                    );
                    assert_eq!(count(&mut conn, &query), 0, "{table}");
                }
                let sizes = ["main", "other"].map(|side| {
                    count(
                        &mut conn,
                        &format!("SELECT COUNT(*) AS count FROM {side}.\"{table}\""),
                    )
                });
                assert_eq!(sizes[0], sizes[1], "{table}");
            }
            _ => {
                let rows = format!("SELECT t::text AS line FROM \"{table}\" t ORDER BY 1");
                assert_eq!(one.lines(&rows), other.lines(&rows), "{table}");
            }
        }
    }
}

fn count(conn: &mut sirius::db::Conn, query: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let count: Count = diesel::RunQueryDsl::get_result(diesel::sql_query(query), conn).unwrap();
    count.count
}
