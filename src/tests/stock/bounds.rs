//! Numeric limits: a value that is too large is rejected at its field, and no sum overflows its column.

use crate::tests::support::{App, PHONE, Person, apply, on_both_databases};
use crate::{
    analytics::{Query, rates, service},
    db::DatabaseUrl,
    error::{Error, Problem},
    import::{self, Kind},
    integrity,
    money::{Eur, Rub},
    orders, products,
    schema::{products as products_table, sales_by_product},
    transaction::Tx,
};
use diesel::prelude::*;

/// The highest accepted price.
const HIGHEST_PRICE: &str = "9999999.99";

/// The error for a million pieces: the highest accepted price is 10 000 euro cents.
const TOTAL_EUR_TOO_LARGE: Problem = Problem::TotalTooLarge(10_000);
/// The same in roubles: the highest accepted price is 100 000 kopecks.
const TOTAL_RUB_TOO_LARGE: Problem = Problem::TotalTooLarge(100_000);

async fn create_product(
    manager: &Person,
    name: &str,
    quantity: &str,
    buy_price_eur: &str,
) -> Result<i64, Error> {
    let draft = fields! { name: name, buy_price_eur: buy_price_eur };
    let quantity = quantity.to_owned();
    let add = move |tx: &mut Tx<'_>| {
        products::service::create(tx, "", &draft.with("quantity", quantity).read()?)
    };
    manager.write(add).await.map(|product| product.id)
}

async fn create_order(clerk: &Person, product: &str, qty: &str, price: &str) -> Result<i64, Error> {
    let draft = fields! { phone: PHONE, product: product, qty: qty, unit_price_rub: price };
    let book = move |tx: &mut Tx<'_>| orders::service::create(tx, "", &draft.read()?);
    clerk.write(book).await.map(|order| order.id)
}

async fn set_rate(admin: &Person, day: &'static str, rate: &'static str) -> Result<(), Error> {
    admin
        .write(move |tx| rates::set(tx, &fields! { day: day, rub_per_eur: rate }.read()?).map(drop))
        .await
}

/// Sells a million pieces, the largest stock allowed, at the highest total cost allowed. Returns the id of the order.
async fn sell_the_most(person: &Person, product: &str) -> Result<i64, Error> {
    person.receive_supply(product, 1_000_000, "100").await?;
    let order = create_order(person, product, "1000000", "1000").await?;
    person.issue_order(order).await.map(|order| order.id)
}

/// Returns the stored cost of the first product, in ten-thousandths of a kopeck.
async fn cost_rub_exact(app: &App) -> i64 {
    app.state
        .db
        .read(|conn| {
            let cost = sales_by_product::table.select(sales_by_product::cost_rub_exact);
            Ok(cost.first::<i64>(conn)?)
        })
        .await
        .unwrap()
}

#[apply(on_both_databases)]
async fn totals_above_the_limit_are_rejected(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    // The initial quantity of a product.
    assert_eq!(
        create_product(&manager, "чай", "1000000", HIGHEST_PRICE).await,
        Err(Error::field("buy_price_eur", TOTAL_EUR_TOO_LARGE))
    );
    let tea = create_product(&manager, "чай", "", HIGHEST_PRICE)
        .await
        .unwrap();
    // Supplies, alone and together with the stock on hand.
    assert_eq!(
        manager
            .receive_supply("чай", 1_000_000, HIGHEST_PRICE)
            .await,
        Err(Error::field("buy_price_eur", TOTAL_EUR_TOO_LARGE))
    );
    manager
        .receive_supply("чай", 10, HIGHEST_PRICE)
        .await
        .unwrap();
    assert_eq!(
        manager.receive_supply("чай", 1, "0.11").await,
        Err(Error::field("buy_price_eur", Problem::TotalTooLarge(10)))
    );
    manager.receive_supply("чай", 1, "0.10").await.unwrap();
    // A stock count.
    let count = |expected: i64, counted: &'static str| {
        manager.write(move |tx| {
            products::service::correct(
                tx,
                tea,
                &fields! { expected: expected, on_hand: counted }.read()?,
            )
        })
    };
    assert_eq!(
        count(11, "12").await,
        Err(Error::field("on_hand", Problem::WorthTooMuch(11)))
    );
    assert_eq!(count(11, "0").await.unwrap().on_hand, 0);
    let value = manager
        .read(move |tx| {
            Ok(products_table::table
                .find(tea)
                .select(products_table::value_eur)
                .first::<Eur>(tx.conn)?)
        })
        .await;
    assert_eq!(value, Ok(Eur(0)));
    // Orders and their edits.
    create_product(&manager, "кофе", "1000000", "")
        .await
        .unwrap();
    assert_eq!(
        create_order(&clerk, "кофе", "1000000", HIGHEST_PRICE).await,
        Err(Error::field("unit_price_rub", TOTAL_RUB_TOO_LARGE))
    );
    let order = create_order(&clerk, "кофе", "1000000", "1000")
        .await
        .unwrap();
    let draft = fields! { phone: PHONE, qty: "1000000", unit_price_rub: "1000.01" };
    let edited = clerk
        .write(move |tx| orders::service::edit(tx, order, &draft.with("version", 1).read()?))
        .await;
    assert_eq!(
        edited,
        Err(Error::field("unit_price_rub", TOTAL_RUB_TOO_LARGE))
    );
    assert_eq!(
        clerk.issue_order(order).await.unwrap().total_rub(),
        Rub::MAX_TOTAL
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn totals_at_the_list_price_are_limited_too(app: App) {
    let manager = app.create_account(app.manager()).await;
    let draft = fields! { name: "чай", sell_price_rub: HIGHEST_PRICE };
    manager
        .write(move |tx| {
            products::service::create(tx, "", &draft.with("quantity", "1000000").read()?)
        })
        .await
        .unwrap();
    assert_eq!(
        create_order(&manager, "чай", "1000000", "").await,
        Err(Error::field("unit_price_rub", TOTAL_RUB_TOO_LARGE))
    );
    let order = create_order(&manager, "чай", "1000000", "0").await.unwrap();
    manager.issue_order(order).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn imported_supplies_have_the_same_limits(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 0).await;
    let plan = async |rows: &str| {
        let file = format!("product;qty;buy_price_eur;supplier_name\n{rows}");
        let (upload, preview) = manager
            .write(move |tx| {
                let id = import::waiting::keep(tx, Kind::Supplies, "my.csv", file.as_bytes())?;
                let preview = import::service::preview(tx, Kind::Supplies, &id)?;
                Ok((id, preview))
            })
            .await
            .unwrap();
        let confirmation = import::service::Confirmation {
            kind: Kind::Supplies,
            upload,
            digest: preview.digest.clone(),
            again: false,
        };
        let done = import::service::confirm(&app.state, manager.actor(), confirmation).await;
        (preview, done.map(drop))
    };
    let too_much = |highest: i64| {
        Err(Error::field(
            "buy_price_eur",
            Problem::TotalTooLarge(highest),
        ))
    };
    let (preview, done) = plan(&format!("чай;1000000;{HIGHEST_PRICE};x\n")).await;
    assert_eq!((preview.wrong, done), (1, too_much(10_000)));
    // Rows that only together exceed the limit: the second is wrong.
    let (preview, done) = plan(&format!(
        "чай;6;{HIGHEST_PRICE};x\nчай;6;{HIGHEST_PRICE};x\n"
    ))
    .await;
    assert_eq!(
        (preview.new, preview.wrong, done),
        (1, 1, too_much(666_666_667))
    );
    let (preview, done) = plan("чай;600000;1;x\nчай;600000;1;x\n").await;
    assert_eq!(
        (preview.wrong, done),
        (1, Err(Error::field("qty", Problem::TooLarge(400_000))))
    );
    let (_, done) = plan(&format!(
        "чай;5;{HIGHEST_PRICE};x\nчай;5;{HIGHEST_PRICE};x\n"
    ))
    .await;
    assert_eq!(done, Ok(()));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_issue_that_would_overflow_a_sum_is_rejected(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 0).await;
    set_rate(&admin, "2026-11-01", "10000").await.unwrap();
    for _ in 0..9 {
        sell_the_most(&admin, "чай").await.unwrap();
    }
    assert_eq!(sell_the_most(&admin, "чай").await, Err(Error::SumTooLarge));
    assert_eq!(cost_rub_exact(&app).await, 9_000_000_000_000_000_000);
    let year = Query {
        from: "2026-01-01".into(),
        to: "2099-12-31".into(),
        by: "month".into(),
        ..Query::default()
    };
    let summary = admin
        .read(move |tx| service::summary(tx, &year))
        .await
        .unwrap();
    assert_eq!(
        (summary.totals.cost_eur, summary.totals.cost_rub),
        (Eur(90_000_000_000), Some(Rub(900_000_000_000_000)))
    );
    app.assert_consistent().await;
    // The order that could not be issued is still open and can be cancelled.
    let waiting = admin
        .read(|tx| Ok(orders::search::waiting(tx, 5)?.remove(0).id))
        .await
        .unwrap();
    admin.deny_order(waiting).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_rate_that_would_overflow_a_sum_is_rejected(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 0).await;
    set_rate(&admin, "2026-11-01", "1000").await.unwrap();
    for _ in 0..10 {
        sell_the_most(&admin, "чай").await.unwrap();
    }
    assert_eq!(
        set_rate(&admin, "2026-11-01", "10000").await,
        Err(Error::field("rub_per_eur", Problem::RateTooHigh))
    );
    assert_eq!(cost_rub_exact(&app).await, 1_000_000_000_000_000_000);
    app.assert_consistent().await;
    set_rate(&admin, "2026-11-01", "9000").await.unwrap();
    assert_eq!(cost_rub_exact(&app).await, 9_000_000_000_000_000_000);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_report_whose_totals_overflow_is_rejected(app: App) {
    let admin = app.create_account(app.admin()).await;
    for (name, day) in [("чай", "2026-10-01"), ("кофе", "2026-11-01")] {
        admin.create_product(name, 9).await;
        let order = admin.create_order(name, 1).await.unwrap();
        let at = format!("{day}T10:00:00Z")
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap();
        app.state
            .write_at(crate::clock::at(at), move |tx| {
                orders::service::issue(tx, order.id)
            })
            .await
            .unwrap();
    }
    app.sql("UPDATE sales_by_day SET revenue_rub = 5000000000000000000")
        .await;
    let report = |from: &str| {
        let query = Query {
            from: from.into(),
            to: "2026-11-30".into(),
            ..Query::default()
        };
        admin.read(move |tx| service::summary(tx, &query))
    };
    assert_eq!(
        report("2026-10-01").await.unwrap_err(),
        Error::field("to", Problem::SumTooLarge)
    );
    assert_eq!(
        report("2026-11-01").await.unwrap().totals.revenue_rub,
        Rub(5_000_000_000_000_000_000)
    );
}

#[apply(on_both_databases)]
async fn an_overflowed_sum_is_reported_and_repaired(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 0).await;
    admin.receive_supply("чай", 9, "2").await.unwrap();
    set_rate(&admin, "2026-11-01", "100").await.unwrap();
    let order = admin.create_order("чай", 1).await.unwrap();
    admin.issue_order(order.id).await.unwrap();
    // As an earlier version left it: SQLite had turned the overflowed sum into a floating-point number.
    app.sql(match app.state.config.database_url {
        DatabaseUrl::Sqlite(_) => "UPDATE sales_by_product SET cost_rub_exact = 9e18 + 9e18",
        DatabaseUrl::Postgres(_) => {
            "UPDATE sales_by_product SET cost_rub_exact = 9223372036854775807"
        }
    })
    .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert!(
        report
            .wrong
            .iter()
            .any(|line| line.starts_with("sales of product 1: ")),
        "{:?}",
        report.wrong
    );
    let fractions = report.wrong.iter().any(|line| {
        line.starts_with("sales_by_product: 1 rows with sums that are not whole numbers")
    });
    assert_eq!(
        fractions,
        matches!(app.state.config.database_url, DatabaseUrl::Sqlite(_))
    );
    let (second, third) = (
        admin.create_order("чай", 1).await.unwrap(),
        admin.create_order("чай", 1).await.unwrap(),
    );
    assert_eq!(admin.issue_order(second.id).await, Err(Error::SumTooLarge));
    assert_eq!(
        set_rate(&admin, "2026-11-01", "101").await,
        Err(Error::field("rub_per_eur", Problem::RateTooHigh))
    );
    admin.deny_order(third.id).await.unwrap();
    integrity::repair(&app.state).await.unwrap();
    app.assert_consistent().await;
    admin.issue_order(second.id).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn orders_that_overflow_a_sum_are_reported_and_their_sums_not_repaired(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 0).await;
    admin.receive_supply("чай", 9, "2").await.unwrap();
    set_rate(&admin, "2026-11-01", "100").await.unwrap();
    let order = admin.create_order("чай", 1).await.unwrap();
    admin.issue_order(order.id).await.unwrap();
    app.sql("UPDATE orders SET cost_eur = 9000000000000000000")
        .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    let named = report
        .wrong
        .iter()
        .filter(|line| line.contains("expected a sum too large to store"));
    assert_eq!(
        named.count(),
        3,
        "expected one for each of day, month and product: {:?}",
        report.wrong
    );
    let before = cost_rub_exact(&app).await;
    assert_eq!(integrity::repair(&app.state).await, Err(Error::SumTooLarge));
    assert_eq!(cost_rub_exact(&app).await, before);
}
