//! Supplies as a file; the same file comes back in through [`super::import`].

use super::{Query, service};
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
pub const FIELDS: [&str; 8] = [
    "id",
    "created_at",
    "product",
    "qty",
    "buy_price_eur",
    "total_eur",
    "supplier_name",
    "user",
];

/// `GET /supplies.csv`: the supplies that the page would show, newest first.
pub async fn download(State(shop): State<Shop>, parts: Parts) -> Response {
    let mut asked = Asked::new(shop, parts);
    let query = asked.query::<Query>();
    let file = query.clone().map(|query| File {
        entity: Entity::Supply,
        name: "supplies",
        period: [query.from, query.to],
    });
    let mut query = query.unwrap_or_default();
    query.sort.clear();
    query.before.clear();
    query.after.clear();
    asked.answer(file, query, batch).await
}

fn batch(tx: &mut Tx<'_>, query: &mut Query, sheet: &mut Sheet) -> Result<bool, Error> {
    if query.after.is_empty() {
        sheet.head(&FIELDS)?;
    }
    let page = service::page(tx, query, Some(BATCH))?;
    for supply in page.items {
        sheet.plain(supply.id)?;
        sheet.moment(supply.created_at)?;
        sheet.text(&supply.product_name)?;
        sheet.plain(supply.qty)?;
        sheet.decimal(supply.buy_price_eur)?;
        sheet.decimal(supply.total_eur())?;
        sheet.text(&supply.supplier_name)?;
        sheet.text(supply.user_id.as_deref().unwrap_or_default())?;
        sheet.end_row()?;
    }
    query.after = page.after.unwrap_or_default();
    Ok(!query.after.is_empty())
}
