//! The log as a file.

use super::{Entity, Query, history::change_words, search};
use crate::{
    act::{Shop, Tx},
    error::Error,
    sheet::{
        Format,
        cells::Sheet,
        download::{Asked, BATCH, File},
    },
};
use axum::{extract::State, http::request::Parts, response::Response};

const FIELDS: [&str; 7] = [
    "id",
    "created_at",
    "user",
    "action",
    "entity_type",
    "entity_id",
    "details",
];

/// `GET /admin/logs.csv`: all that the page would find, newest first.
pub async fn download(State(shop): State<Shop>, parts: Parts) -> Response {
    let mut asked = Asked::new(shop, parts);
    let query = asked.query::<Query>();
    let file = query.clone().map(|query| File {
        entity: Entity::Log,
        name: "log",
        period: [query.from, query.to],
    });
    let mut query = query.unwrap_or_default();
    query.before.clear();
    query.after.clear();
    asked.answer(file, query, batch).await
}

fn batch(tx: &mut Tx<'_>, query: &mut Query, sheet: &mut Sheet) -> Result<bool, Error> {
    if query.after.is_empty() {
        sheet.head(&FIELDS)?;
    }
    let page = search::page(tx, query, Some(BATCH))?.page;
    for operation in page.items {
        sheet.plain(operation.id)?;
        sheet.moment(operation.timestamp)?;
        sheet.text(operation.user_id.as_deref().unwrap_or_default())?;
        match sheet.format {
            Format::Excel => {
                let l = sheet.locale;
                sheet.plain(operation.action.words(|action| action.label(l)))?;
                sheet.plain(operation.entity_type.words(|kind| kind.label(l)))?;
            }
            Format::Plain => {
                sheet.plain(operation.action)?;
                sheet.plain(operation.entity_type)?;
            }
        }
        sheet.text(&operation.entity_id)?;
        let changes: Vec<_> = operation
            .changes
            .iter()
            .map(|change| change_words(sheet.locale, change))
            .collect();
        sheet.text(&changes.join("; "))?;
        sheet.end_row()?;
    }
    query.after = page.after.unwrap_or_default();
    Ok(!query.after.is_empty())
}
