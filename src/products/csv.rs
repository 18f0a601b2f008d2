//! Products with their stock as a file; the same file comes back in through [`super::import`].

use super::{Query, search};
use crate::{
    act::{Shop, Tx},
    error::Error,
    log::Entity,
    sheet::{
        cells::Sheet,
        download::{Asked, BATCH, File},
    },
};
use axum::{extract::State, http::request::Parts, response::Response};

/// The columns of the file.
pub const FIELDS: [&str; 10] = [
    "id",
    "name",
    "stock",
    "on_hand",
    "reserved",
    "min_stock",
    "sell_price_rub",
    "buy_price_eur",
    "supplier_name",
    "description",
];

/// `GET /products.csv`: the products that the page would show, by name.
pub async fn download(State(shop): State<Shop>, parts: Parts) -> Response {
    let mut asked = Asked::new(shop, parts);
    let query = asked.query::<Query>();
    let file = query.clone().map(|_| File {
        entity: Entity::Product,
        name: "products",
        period: [crate::clock::now().day().to_string(), String::new()],
    });
    let mut query = query.unwrap_or_default();
    if query.sort != "-name" {
        query.sort = "name".to_owned();
    }
    query.before.clear();
    query.after.clear();
    asked.answer(file, query, batch).await
}

fn batch(tx: &mut Tx<'_>, query: &mut Query, sheet: &mut Sheet) -> Result<bool, Error> {
    if query.after.is_empty() {
        sheet.head(&FIELDS)?;
    }
    let page = search::page(tx, query, Some(BATCH))?;
    for product in page.items {
        sheet.plain(product.id)?;
        sheet.text(&product.name)?;
        sheet.plain(product.stock)?;
        sheet.plain(product.on_hand)?;
        sheet.plain(product.reserved)?;
        sheet.plain(product.min_stock)?;
        sheet.optional(product.sell_price_rub)?;
        sheet.optional(product.buy_price_eur)?;
        sheet.text(product.supplier_name.as_deref().unwrap_or_default())?;
        sheet.text(product.description.as_deref().unwrap_or_default())?;
        sheet.end_row()?;
    }
    query.after = page.after.unwrap_or_default();
    Ok(!query.after.is_empty())
}
