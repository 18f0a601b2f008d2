//! The stock ledger of a product as a CSV file.

use crate::{
    audit::Entity,
    error::Error,
    products,
    sheet::{
        Format,
        cells::Sheet,
        download::{BATCH, DownloadRequest, File, WriteRows},
    },
    stock::{Movement, service},
    transaction::{AppState, Tx},
};
use axum::{
    extract::{Path, State},
    http::request::Parts,
    response::Response,
};

const FIELDS: [&str; 12] = [
    "id",
    "created_at",
    "movement",
    "on_hand_change",
    "on_hand",
    "stock_change",
    "stock",
    "order_id",
    "supply_id",
    "note",
    "user",
    "product_id",
];

/// The state of a download: the product, and the cursor after the last row written.
struct DownloadPosition {
    product: i64,
    after: String,
}

/// `GET /products/{id}/movements.csv`: the whole ledger, newest first.
pub async fn download(
    State(app): State<AppState>,
    Path(product): Path<String>,
    parts: Parts,
) -> Response {
    let asked = DownloadRequest::new(app, parts);
    let product = product.parse::<i64>().map_err(|_| Error::NotFound);
    let file = product.clone().map(|_| File {
        entity: Entity::Product,
        name: "movements",
        period: [crate::clock::now().day().to_string(), String::new()],
    });
    let place = DownloadPosition {
        product: product.unwrap_or_default(),
        after: String::new(),
    };
    asked.answer(file, place, batch).await
}

fn batch(tx: &mut Tx<'_>, place: &mut DownloadPosition) -> Result<(WriteRows, bool), Error> {
    let product = products::service::get(tx, place.product)?.id;
    let is_first = place.after.is_empty();
    let page = service::ledger(tx, product, &place.after, "", BATCH)?;
    place.after = page.after.unwrap_or_default();
    let write = move |sheet: &mut Sheet| {
        if is_first {
            sheet.head(&FIELDS)?;
        }
        page.items
            .iter()
            .try_for_each(|movement| write(movement, product, sheet))
    };
    Ok((Box::new(write), !place.after.is_empty()))
}

fn write(movement: &Movement, product: i64, sheet: &mut Sheet) -> Result<(), Error> {
    sheet.plain(movement.id)?;
    sheet.moment(movement.created_at)?;
    match sheet.format {
        Format::Excel => sheet.plain(movement.kind.display(|kind| kind.label(sheet.locale)))?,
        Format::Plain => sheet.plain(&movement.kind)?,
    }
    sheet.plain(movement.on_hand())?;
    sheet.plain(movement.on_hand_after)?;
    sheet.plain(movement.stock())?;
    sheet.plain(movement.stock_after)?;
    sheet.optional(movement.order_id)?;
    sheet.optional(movement.supply_id)?;
    sheet.text(movement.note.as_deref().unwrap_or_default())?;
    sheet.text(movement.user_id.as_deref().unwrap_or_default())?;
    sheet.plain(product)?;
    sheet.end_row()
}
