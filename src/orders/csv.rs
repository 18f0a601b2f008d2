//! Orders as a file.

use super::{Query, search};
use crate::{
    act::{Shop, Tx},
    error::Error,
    log::Entity,
    sheet::{
        Format,
        cells::Sheet,
        download::{Asked, BATCH, File},
    },
};
use axum::{extract::State, http::request::Parts, response::Response};

const FIELDS: [&str; 14] = [
    "id",
    "created_at",
    "status",
    "product_id",
    "product",
    "qty",
    "unit_price_rub",
    "total_rub",
    "phone",
    "customer_name",
    "issued_at",
    "denied_at",
    "user",
    "version",
];

/// `GET /orders.csv`: the orders that the page would show, by the time of their creation, which never changes.
pub async fn download(State(shop): State<Shop>, parts: Parts) -> Response {
    let mut asked = Asked::new(shop, parts);
    let query = asked.query::<Query>();
    let file = query.clone().map(|query| File {
        entity: Entity::Order,
        name: "orders",
        period: [query.from, query.to],
    });
    let mut query = query.unwrap_or_default();
    if query.sort != "created_at" {
        query.sort = "-created_at".to_owned();
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
    for order in page.items {
        sheet.plain(order.id)?;
        sheet.moment(order.created_at)?;
        match sheet.format {
            Format::Excel => {
                sheet.plain(order.status.words(|status| status.label(sheet.locale)))?
            }
            Format::Plain => sheet.plain(&order.status)?,
        }
        sheet.plain(order.product_id)?;
        sheet.text(&order.product_name)?;
        sheet.plain(order.qty)?;
        sheet.decimal(order.unit_price_rub)?;
        sheet.decimal(order.total_rub())?;
        // In national form a spreadsheet keeps every digit; a number with a plus would become a sum.
        match sheet.format {
            Format::Excel => sheet.plain(&order.phone_shown)?,
            Format::Plain => sheet.plain(&order.phone)?,
        }
        sheet.text(order.customer_name.as_deref().unwrap_or_default())?;
        sheet.optional_moment(order.issued_at)?;
        sheet.optional_moment(order.denied_at)?;
        sheet.text(order.user_id.as_deref().unwrap_or_default())?;
        sheet.plain(order.version)?;
        sheet.end_row()?;
    }
    query.after = page.after.unwrap_or_default();
    Ok(!query.after.is_empty())
}
