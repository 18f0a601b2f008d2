//! Products: editing, archiving, their names and the product picker.

pub mod names;
mod picker;

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    audit::Entity,
    auth::Role,
    error::{Error, Problem},
    money::{Eur, Rub},
    products,
};

#[apply(on_both_databases)]
async fn an_outdated_form_does_not_overwrite_values_set_by_a_supply(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 0).await;
    manager.receive_supply("чай", 1, "2.50").await.unwrap();
    let draft = fields! { name: "чай зелёный", sell_price_rub: "100" };
    let refused = manager
        .write(move |tx| {
            products::service::edit(tx, tea.id, &draft.with("version", tea.version).read()?)
        })
        .await
        .unwrap_err();
    let Error::Stale(stale) = refused else {
        panic!("{refused}")
    };
    let differences: Vec<_> = stale
        .differences
        .iter()
        .map(|difference| (difference.field.as_str(), difference.now.as_str()))
        .collect();
    assert_eq!(
        (stale.version, differences),
        (
            2,
            vec![
                ("name", "чай"),
                ("buy_price_eur", "2.50"),
                ("supplier_name", "Teekanne")
            ]
        )
    );
    assert_eq!(manager.product(tea.id).await.buy_price_eur, Some(Eur(250)));
}

#[apply(on_both_databases)]
async fn a_stale_edit_of_a_product_reports_what_changed(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 0).await;
    let edit = |price: &str| {
        let draft = fields! { name: "чай", sell_price_rub: price };
        manager
            .write(move |tx| products::service::edit(tx, tea.id, &draft.with("version", 1).read()?))
    };
    edit("120").await.unwrap();
    let Error::Stale(stale) = edit("130").await.unwrap_err() else {
        panic!("not a conflict")
    };
    assert_eq!(
        (
            stale.version,
            stale.differences[0].field.as_str(),
            stale.differences[0].now.as_str()
        ),
        (2, "sell_price_rub", "120.00")
    );
    assert_eq!(
        manager.product(tea.id).await.sell_price_rub,
        Some(Rub(12_000))
    );
}

#[apply(on_both_databases)]
async fn a_stale_edit_names_who_made_the_current_version_of_the_product(app: App) {
    let anna = app.create_account(app.person("анна", Role::Manager)).await;
    let boris = app.create_account(app.person("борис", Role::Manager)).await;
    let tea = anna.create_product("чай", 3).await;
    // The product falls below its new minimum, which the program records itself. A count makes no new version.
    let draft = fields! { name: "чай", sell_price_rub: "100", min_stock: "5", version: "1" };
    boris
        .write(move |tx| products::service::edit(tx, tea.id, &draft.read()?))
        .await
        .unwrap();
    let count = fields! { expected: "3", on_hand: "4" };
    anna.write(move |tx| products::service::correct(tx, tea.id, &count.read()?))
        .await
        .unwrap();
    let draft = fields! { name: "чай", sell_price_rub: "120", version: "1" };
    let refused = anna
        .write(move |tx| products::service::edit(tx, tea.id, &draft.read()?))
        .await
        .unwrap_err();
    let Error::Stale(stale) = refused else {
        panic!("{refused}")
    };
    let last = stale.last_change.unwrap();
    assert_eq!(
        (last.entity, last.user.as_deref()),
        (Entity::Product, Some("борис"))
    );
}

#[apply(on_both_databases)]
async fn a_product_with_history_is_archived_and_one_without_is_deleted(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let (tea, typo) = (
        manager.create_product("чай", 5).await,
        manager.create_product("чяй", 0).await,
    );
    let order = clerk.create_order("чай", 1).await.unwrap();
    assert!(
        !manager
            .write(move |tx| products::service::archive(tx, typo.id))
            .await
            .unwrap()
    );
    assert!(
        manager
            .write(move |tx| products::service::archive(tx, tea.id))
            .await
            .unwrap()
    );
    assert_eq!(
        clerk
            .read(move |tx| products::service::get(tx, typo.id))
            .await
            .unwrap_err(),
        Error::NotFound
    );
    assert_eq!(
        clerk.create_order("чай", 1).await.unwrap_err(),
        Error::Archived
    );
    assert_eq!(
        manager.receive_supply("чай", 1, "1").await.unwrap_err(),
        Error::Archived
    );
    clerk.issue_order(order.id).await.unwrap();
    manager
        .write(move |tx| products::service::restore(tx, tea.id))
        .await
        .unwrap();
    clerk.create_order("чай", 1).await.unwrap();
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn names_that_differ_only_in_case_and_spacing_are_taken(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("Зелёный чай", 1).await;
    let draft = fields! { name: " зеленый  ЧАЙ " };
    let again = manager
        .write(move |tx| products::service::create(tx, "", &draft.read()?))
        .await;
    assert_eq!(again.unwrap_err(), Error::field("name", Problem::Taken));
}

#[apply(on_both_databases)]
async fn an_order_accepts_words_that_match_exactly_one_product(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("Чай чёрный", 1).await;
    manager.create_product("Чай зелёный", 1).await;
    assert_eq!(
        clerk.create_order("ЗЕЛЁНЫЙ", 1).await.unwrap().product_name,
        "Чай зелёный"
    );
    assert!(matches!(
        clerk.create_order("чай", 1).await.unwrap_err().problem("product"),
        Some(Problem::Ambiguous(names)) if names.len() == 2
    ));
    assert_eq!(
        clerk.create_order("кофе", 1).await.unwrap_err(),
        Error::field("product", Problem::UnknownProduct)
    );
    assert_eq!(
        clerk.create_order("%", 1).await.unwrap_err(),
        Error::field("product", Problem::UnknownProduct)
    );
}

#[apply(on_both_databases)]
async fn products_can_be_searched_sorted_and_filtered(app: App) {
    let manager = app.create_account(app.manager()).await;
    for (name, min, buy, pieces) in [
        ("Яблоки", "5", "", 3),
        ("ёлка", "0", "7", 2),
        ("Апельсины", "1", "0.5", 9),
        ("Чай 100%_", "0", "1", 0),
    ] {
        let draft = fields! { name: name, min_stock: min, buy_price_eur: buy };
        manager
            .write(move |tx| {
                products::service::create(tx, "", &draft.with("quantity", pieces).read()?)
            })
            .await
            .unwrap();
    }
    let names = |query: products::Query| {
        let manager = manager.clone();
        async move {
            let page = manager
                .read(move |tx| products::search::list(tx, &query))
                .await
                .unwrap();
            page.items
                .into_iter()
                .map(|product| product.data.name)
                .collect::<Vec<_>>()
        }
    };
    let sorted = |sort: &str| {
        names(products::Query {
            sort: sort.to_owned(),
            ..products::Query::default()
        })
    };
    assert_eq!(
        sorted("").await,
        ["Апельсины", "ёлка", "Чай 100%_", "Яблоки"]
    );
    assert_eq!(
        sorted("-stock").await,
        ["Апельсины", "Яблоки", "ёлка", "Чай 100%_"]
    );
    assert_eq!(
        sorted("buy_price_eur").await,
        ["Яблоки", "Апельсины", "Чай 100%_", "ёлка"]
    );
    for sort in [
        "on_hand",
        "-reserved",
        "min_stock",
        "sell_price_rub",
        "-supplier_name",
    ] {
        assert_eq!(sorted(sort).await.len(), 4, "{sort}");
    }
    let searched = |words: &str| {
        names(products::Query {
            search: words.to_owned(),
            ..products::Query::default()
        })
    };
    assert_eq!(searched("ЕЛК").await, ["ёлка"]);
    assert_eq!(searched("100 чАй").await, ["Чай 100%_"]);
    assert_eq!(searched("%").await, ["Чай 100%_"]);
    assert_eq!(searched("_").await, ["Чай 100%_"]);
    assert_eq!(
        names(products::Query {
            low: "1".to_owned(),
            ..products::Query::default()
        })
        .await,
        ["Яблоки"]
    );
}
