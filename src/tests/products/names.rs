//! Product names: normalization, search by any part of a name, and search by former names.

use crate::tests::support::{App, PASSWORD, PHONE, Person, apply, on_both_databases};
use crate::{
    audit::{Action, Entity, service::history},
    auth::Role,
    error::{Error, Problem},
    orders, products,
    products::Product,
    supplies,
};
use url::form_urlencoded::byte_serialize;

async fn orders_of(person: &Person, product: &str) -> Vec<i64> {
    let query = orders::Query {
        product: product.to_owned(),
        limit: "500".to_owned(),
        ..orders::Query::default()
    };
    let page = person.read(move |tx| orders::search::list(tx, &query));
    let page = page.await.unwrap();
    page.items.into_iter().map(|order| order.id).collect()
}

async fn supplies_of(person: &Person, product: &str, supplier: &str) -> Vec<i64> {
    let query = supplies::Query {
        product: product.to_owned(),
        supplier: supplier.to_owned(),
        limit: "500".to_owned(),
        ..supplies::Query::default()
    };
    let page = person.read(move |tx| supplies::service::list(tx, &query));
    let page = page.await.unwrap();
    page.items.into_iter().map(|supply| supply.id).collect()
}

async fn rename(person: &Person, product: i64, name: &str) -> Result<Product, Error> {
    let name = name.to_owned();
    person
        .write(move |tx| {
            let product = products::service::get(tx, product)?;
            let draft = fields! { name: name, sell_price_rub: "100" };
            products::service::edit(
                tx,
                product.id,
                &draft.with("version", product.version).read()?,
            )
        })
        .await
}

async fn migrate(app: &App) {
    let url = app.state.config.database_url.clone();
    let migrated = tokio::task::spawn_blocking(move || crate::migrate::migrate(&url));
    migrated.await.unwrap().unwrap();
}

/// Inserts so many orders and supplies of each product that a page reads them in list order instead of sorting them.
pub const INSERT_MANY_ROWS: &str = "
    INSERT INTO orders (phone, phone_shown, phone_digits, phone_reversed, product_id, product_name, qty,
        unit_price_rub, status, created_at, denied_at)
    SELECT '+79161234567', '8 (916) 123-45-67', '79161234567', '76543219197', id, name, 1, 100, 'paid_denied',
        '2026-01-02 03:04:05', '2026-01-02 03:04:05'
    FROM products, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100) SELECT i
        FROM n) AS numbers;
    INSERT INTO supplies (product_id, product_name, qty, supplier_name, supplier_key, buy_price_eur, created_at)
    SELECT id, name, 1, 'Teekanne', 'teekanne', 100, '2026-01-02 03:04:05'
    FROM products, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100) SELECT i
        FROM n) AS numbers;";

#[apply(on_both_databases)]
async fn names_that_differ_only_in_unicode_form_are_equal(app: App) {
    let manager = app.create_account(app.manager()).await;
    let kettle = manager
        .create_product("Чаи\u{306}\u{200b}ник\u{202e}", 5)
        .await;
    assert_eq!(kettle.name, "Чайник");
    for variant in [
        "Чайник",
        "чаи\u{306}ник",
        "Чай\u{200d}ник",
        "\u{feff}ЧАЙ\u{ad}НИК\u{200f}",
    ] {
        let draft = fields! { name: variant };
        let refused = manager
            .write(move |tx| products::service::create(tx, "", &draft.read()?))
            .await;
        assert_eq!(
            refused.unwrap_err(),
            Error::field("name", Problem::Taken),
            "{variant:?}"
        );
        let order = manager.create_order(variant, 1).await.unwrap();
        assert_eq!(order.product_id, kettle.id, "{variant:?}");
    }
    assert_eq!(orders_of(&manager, "чаи\u{306}\u{200b}").await.len(), 4);
    let supply = manager
        .receive_supply("чаи\u{306}ник", 1, "1")
        .await
        .unwrap();
    assert_eq!(
        supplies_of(&manager, "Чай\u{200b}", "teek\u{2060}anne").await,
        [supply.id]
    );
    let draft = fields! {
        name: "Кружка\u{200b}",
        description: "Синии\u{306}\u{200b}\r\n２ шт.",
        min_stock: "\u{200b}１２"
    };
    let cup = manager
        .write(move |tx| products::service::create(tx, "", &draft.read()?))
        .await
        .unwrap();
    assert_eq!(
        (cup.name.as_str(), cup.description.as_deref(), cup.min_stock),
        ("Кружка", Some("Синий\n２ шт."), 12)
    );
}

#[apply(on_both_databases)]
async fn keys_stored_by_earlier_versions_are_recomputed_once(app: App) {
    let manager = app.create_account(app.manager()).await;
    let mut ids = Vec::new();
    for name in ["Раз", "Чайник", "Три", "Чайник (2)"] {
        ids.push(manager.create_product(name, 5).await.id);
    }
    let sold = manager.create_order("Три", 1).await.unwrap();
    let supply = manager.receive_supply("Раз", 1, "1").await.unwrap();
    for name in ["abc", "later"] {
        app.create_account(app.person(name, Role::User)).await;
    }
    app.sql(
        "DELETE FROM __backfills;
         UPDATE products SET name = 'Чай\u{200b}ник', name_key = 'чай\u{200b}ник' WHERE name = 'Раз';
         UPDATE products SET name = 'Чаи\u{306}ник', name_key = 'чаи\u{306}ник', supplier_name = 'Ёлка\u{200b}',
             supplier_key = 'елка\u{200b}' WHERE name = 'Три';
         UPDATE orders SET customer_name = 'Ан\u{200b}на', customer_key = 'ан\u{200b}на';
         UPDATE supplies SET supplier_name = 'Ёлка\u{200b}', supplier_key = 'елка\u{200b}';
         UPDATE users SET username = 'ＡＢＣ', username_key = 'ａｂｃ' WHERE username = 'later'",
    ).await;
    for _ in 0..2 {
        migrate(&app).await;
        let mut names = Vec::new();
        for id in &ids {
            let product = manager.product(*id).await;
            names.push((product.data.name, product.version));
        }
        let expected = [
            ("Чай\u{200b}ник", 2),
            ("Чайник (3)", 2),
            ("Чаи\u{306}ник (4)", 2),
            ("Чайник (2)", 1),
        ];
        assert_eq!(
            names,
            expected.map(|(name, version)| (name.to_owned(), version))
        );
    }
    let (second, third) = (ids[1], ids[2]);
    let log = manager
        .read(move |tx| history(tx, Entity::Product, second))
        .await
        .unwrap();
    let edits: Vec<_> = log
        .iter()
        .filter(|entry| entry.action == Action::Edit)
        .collect();
    assert_eq!(edits.len(), 1);
    assert_eq!(edits[0].user_id, None);
    assert_eq!(
        (
            edits[0].changes[0].before.as_deref(),
            edits[0].changes[0].after.as_deref()
        ),
        (Some("Чайник"), Some("Чайник (3)"))
    );

    // The new keys find products by whole name, supplies by supplier, and orders by former name.
    assert_eq!(
        manager
            .create_order("чаи\u{306}ник", 1)
            .await
            .unwrap()
            .product_id,
        ids[0]
    );
    assert_eq!(
        manager
            .create_order("Чайник (4)", 1)
            .await
            .unwrap()
            .product_id,
        third
    );
    assert_eq!(supplies_of(&manager, "", "елка").await, [supply.id]);
    assert_eq!(orders_of(&manager, "три").await, [sold.id]);
    let of_customer = orders::Query {
        customer: "АННА".to_owned(),
        ..orders::Query::default()
    };
    let found = manager
        .read(move |tx| orders::search::list(tx, &of_customer))
        .await
        .unwrap();
    assert_eq!(found.items.len(), 1);
    let mut sorted = manager
        .read(|tx| {
            products::search::list(
                tx,
                &products::Query {
                    sort: "supplier_name".to_owned(),
                    ..products::Query::default()
                },
            )
        })
        .await
        .unwrap();
    assert_eq!(sorted.items.pop().unwrap().id, third);
    for name in ["abc", "abc (2)"] {
        assert_eq!(
            app.browser()
                .sign_in(name, PASSWORD)
                .await
                .location
                .as_deref(),
            Some("/"),
            "{name}"
        );
    }
}

#[apply(on_both_databases)]
async fn a_filter_by_product_matches_every_product_with_the_word(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.write(|tx| {
        for number in 1..=130 {
            let draft = fields! { name: format!("Чехол {number}"), sell_price_rub: "100" };
            let product = products::service::create(tx, "", &draft.with("quantity", "1").read()?)?;
            let draft = fields! { phone: PHONE, product_id: product.id, qty: "1" };
            orders::service::create(tx, "", &draft.read()?)?;
            let draft = fields! { product_id: product.id, qty: "1", supplier_name: "Teekanne", buy_price_eur: "1" };
            supplies::service::receive(tx, "", &draft.read()?)?;
        }
        Ok(())
    }).await.unwrap();
    assert_eq!(orders_of(&manager, "чехол").await.len(), 130);
    assert_eq!(supplies_of(&manager, "чехол", "").await.len(), 130);
    let mut browser = app.browser();
    assert_eq!(
        browser
            .sign_in(&manager.me.username, PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/")
    );
    let case: String = byte_serialize("чехол".as_bytes()).collect();
    for list in ["orders", "supplies"] {
        let json = browser
            .get(&format!("/api/{list}?limit=500&product={case}"))
            .await
            .body;
        assert_eq!(
            json.matches("\"product_name\":\"Чехол").count()
                + json.matches("\"product\":\"Чехол").count(),
            130,
            "{json}"
        );
        let csv = browser
            .get(&format!("/{list}.csv?product={case}"))
            .await
            .body;
        assert_eq!(csv.matches("Чехол").count(), 130, "{csv}");
    }
}

#[apply(on_both_databases)]
async fn an_exact_match_does_not_hide_longer_names(app: App) {
    let manager = app.create_account(app.manager()).await;
    for name in ["Мёд", "Мёд липовый", "Чай"] {
        manager.create_product(name, 5).await;
    }
    let mut sold = Vec::new();
    let mut received = Vec::new();
    for name in ["Чай", "Мёд", "Мёд липовый"] {
        sold.insert(0, manager.create_order(name, 1).await.unwrap().id);
        received.insert(0, manager.receive_supply(name, 1, "1").await.unwrap().id);
    }
    assert_eq!(orders_of(&manager, "мед").await, sold[..2]);
    assert_eq!(orders_of(&manager, "липовый мёд").await, sold[..1]);
    assert_eq!(supplies_of(&manager, "МЁД", "").await, received[..2]);
}

#[apply(on_both_databases)]
async fn orders_and_supplies_are_found_by_the_product_name_of_their_time(app: App) {
    let manager = app.create_account(app.manager()).await;
    let product = manager.create_product("Варенье", 50).await;
    manager.create_product("Чай", 50).await;
    let tea = manager.create_order("Чай", 1).await.unwrap().id;
    let first = (
        manager.create_order("Варенье", 1).await.unwrap().id,
        manager.receive_supply("Варенье", 1, "1").await.unwrap().id,
    );
    rename(&manager, product.id, "Джем").await.unwrap();
    let second = (
        manager.create_order("Джем", 1).await.unwrap().id,
        manager.receive_supply("Джем", 1, "1").await.unwrap().id,
    );
    rename(&manager, product.id, "Варенье из инжира")
        .await
        .unwrap();
    let third = (
        manager.create_order("инжир", 1).await.unwrap().id,
        manager.receive_supply("инжир", 1, "1").await.unwrap().id,
    );
    let found = async |name: &str| {
        (
            orders_of(&manager, name).await,
            supplies_of(&manager, name, "").await,
        )
    };
    for _ in 0..2 {
        // The current name finds everything of the product. A former name finds what was sold under it.
        assert_eq!(
            found("инжир").await,
            (
                vec![third.0, second.0, first.0],
                vec![third.1, second.1, first.1]
            )
        );
        assert_eq!(
            found("варенье").await,
            (
                vec![third.0, second.0, first.0],
                vec![third.1, second.1, first.1]
            )
        );
        assert_eq!(found("джем").await, (vec![second.0], vec![second.1]));
        // The same applies to a shop where former names were not stored yet.
        app.sql("DELETE FROM product_names; DELETE FROM __backfills")
            .await;
        migrate(&app).await;
    }
    rename(&manager, product.id, "Повидло").await.unwrap();
    assert_eq!(
        found("варенье").await,
        (vec![third.0, first.0], vec![third.1, first.1])
    );

    // The same applies when there are too many rows to sort.
    app.sql(INSERT_MANY_ROWS).await;
    assert_eq!(
        orders_of(&manager, "повидло").await[..3],
        [third.0, second.0, first.0]
    );
    rename(&manager, product.id, "Конфитюр").await.unwrap();
    app.sql("UPDATE products SET name = 'Мармелад', name_key = 'мармелад' WHERE name = 'Чай'")
        .await;
    let (sold, received) = found("повидло").await;
    assert_eq!((sold.len(), received.len()), (500, 500));
    assert!(
        ![first.0, second.0, third.0, tea]
            .iter()
            .any(|id| sold.contains(id))
    );
    assert_eq!(
        orders_of(&manager, "конфитюр").await[..3],
        [third.0, second.0, first.0]
    );
}
