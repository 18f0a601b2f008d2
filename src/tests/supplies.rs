//! Supplies: their effect on stock and products, and the list of supplies.

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    audit::{Action, Change, Entity, service::history},
    db::DatabaseUrl,
    money::Eur,
    products, supplies,
};

#[apply(on_both_databases)]
async fn a_supply_updates_the_purchase_price_and_supplier_of_the_product(app: App) {
    let manager = app.create_account(app.manager()).await;
    let id = manager.create_product("чай", 0).await.id;
    manager.receive_supply("чай", 1, "1.50").await.unwrap();
    manager.receive_supply("чай", 1, "1.50").await.unwrap();
    let tea = manager.product(id).await;
    assert_eq!(
        (tea.buy_price_eur, tea.supplier_name.as_deref(), tea.version),
        (Some(Eur(150)), Some("Teekanne"), 2)
    );
    let draft = fields! { product: "чай", qty: "1", supplier_name: "Lipton", buy_price_eur: "9" };
    manager
        .write(move |tx| supplies::service::receive(tx, "", &draft.read()?))
        .await
        .unwrap();
    let tea = manager.product(id).await;
    assert_eq!(
        (tea.buy_price_eur, tea.supplier_name.as_deref(), tea.version),
        (Some(Eur(900)), Some("Lipton"), 3)
    );
    // Each change is logged, and the form for the next supply proposes the latest values.
    let (history, start) = manager
        .read(move |tx| {
            Ok((
                history(tx, Entity::Product, id)?,
                products::picker::start(tx, &id.to_string())?,
            ))
        })
        .await
        .unwrap();
    let edits: Vec<_> = history
        .iter()
        .filter(|row| row.action == Action::Edit)
        .map(|row| row.changes.clone())
        .collect();
    let change = |field: &str, before: Option<&str>, after: &str| Change {
        field: field.into(),
        before: before.map(Into::into),
        after: Some(after.into()),
    };
    assert_eq!(
        edits,
        [
            vec![
                change("buy_price_eur", Some("1.50"), "9.00"),
                change("supplier_name", Some("Teekanne"), "Lipton")
            ],
            vec![
                change("buy_price_eur", None, "1.50"),
                change("supplier_name", None, "Teekanne")
            ],
        ]
    );
    let proposed = start.chosen.unwrap();
    assert_eq!(
        (proposed.buy_price_eur, proposed.supplier_name.as_deref()),
        (Some(Eur(900)), Some("Lipton"))
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_migration_fills_in_last_purchase_prices_unless_edited_by_hand(app: App) {
    let manager = app.create_account(app.manager()).await;
    for name in ["чай", "кофе", "какао"] {
        manager.create_product(name, 0).await;
    }
    for name in ["чай", "кофе"] {
        manager.receive_supply(name, 1, "1.50").await.unwrap();
        manager.receive_supply(name, 1, "9").await.unwrap();
    }
    // As earlier versions left them: «кофе» was edited by hand afterwards.
    app.sql(
        "UPDATE products
         SET buy_price_eur = 150, supplier_name = 'Lipton', supplier_key = 'lipton', version = 1
         WHERE id = 1",
    )
    .await;
    app.sql("UPDATE products SET buy_price_eur = 777, version = 2 WHERE id = 2")
        .await;
    app.sql(match app.state.config.database_url {
        DatabaseUrl::Sqlite(_) => {
            include_str!("../../migrations/sqlite/2026-11-26-000085_last_purchase/up.sql")
        }
        DatabaseUrl::Postgres(_) => {
            include_str!("../../migrations/postgres/2026-11-26-000085_last_purchase/up.sql")
        }
    })
    .await;
    let mut now = Vec::new();
    for id in 1..=3 {
        let product = manager.product(id).await;
        now.push((
            product.buy_price_eur,
            product.supplier_name.clone(),
            product.version,
        ));
    }
    let teekanne = || Some("Teekanne".to_owned());
    assert_eq!(
        now,
        [
            (Some(Eur(900)), teekanne(), 2),
            (Some(Eur(777)), teekanne(), 2),
            (None, None, 1)
        ]
    );
}

#[apply(on_both_databases)]
async fn supplies_are_filtered_by_product_supplier_and_day(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 0).await;
    manager.create_product("кофе", 0).await;
    manager.receive_supply("чай", 1, "1").await.unwrap();
    manager.receive_supply("кофе", 2, "2").await.unwrap();
    let found = |query: supplies::Query| {
        let manager = manager.clone();
        async move {
            manager
                .read(move |tx| supplies::service::list(tx, &query))
                .await
                .unwrap()
                .items
                .len()
        }
    };
    assert_eq!(found(supplies::Query::default()).await, 2);
    assert_eq!(
        found(supplies::Query {
            product: "кофе".to_owned(),
            ..supplies::Query::default()
        })
        .await,
        1
    );
    assert_eq!(
        found(supplies::Query {
            supplier: "ТЕЕ".to_owned(),
            ..supplies::Query::default()
        })
        .await,
        0
    );
    assert_eq!(
        found(supplies::Query {
            supplier: "teek".to_owned(),
            ..supplies::Query::default()
        })
        .await,
        2
    );
    assert_eq!(
        found(supplies::Query {
            to: "2020-01-01".to_owned(),
            ..supplies::Query::default()
        })
        .await,
        0
    );
}
