//! Analytics as a CSV file: one table with the totals, the periods and the products, distinguished by its first column.

use super::{
    ProductFigures, Query, Summary,
    figures::{Figures, Share},
    periods::period_name,
    service,
};
use crate::{
    audit::Entity,
    error::Error,
    sheet::{
        Format,
        cells::Sheet,
        download::{DownloadRequest, File, WriteRows},
    },
    transaction::{AppState, Tx},
};
use axum::{extract::State, http::request::Parts, response::Response};
use leptos_i18n::td_string;

const FIELDS: [&str; 23] = [
    "section",
    "start",
    "product_id",
    "title",
    "orders",
    "denied",
    "pieces",
    "revenue_rub",
    "share_percent",
    "cost_eur",
    "cost_rub",
    "profit_rub",
    "margin_percent",
    "average_price_rub",
    "discount_rub",
    "discount_percent",
    "uncosted_qty",
    "uncosted_rub",
    "returned_qty",
    "returned_rub",
    "written_off_qty",
    "written_off_eur",
    "written_off_rub",
];

/// `GET /admin/analytics.csv`: the tables of the page, with all products.
pub async fn download(State(app): State<AppState>, parts: Parts) -> Response {
    let mut asked = DownloadRequest::new(app, parts);
    let query = asked.query::<Query>();
    let file = query.clone().and_then(|query| {
        let (from, to) = service::range(&query, crate::clock::now().day())?;
        Ok(File {
            entity: Entity::Report,
            name: "analytics",
            period: [from.to_string(), to.to_string()],
        })
    });
    asked.answer(file, query.unwrap_or_default(), whole).await
}

fn whole(tx: &mut Tx<'_>, query: &mut Query) -> Result<(WriteRows, bool), Error> {
    let (summary, products) = service::for_file(tx, query)?;
    let write = move |sheet: &mut Sheet| write(&summary, &products, sheet);
    Ok((Box::new(write), false))
}

fn write(summary: &Summary, products: &[ProductFigures], sheet: &mut Sheet) -> Result<(), Error> {
    let locale = sheet.locale;
    let section = |code: &'static str, words: &'static str, sheet: &mut Sheet| match sheet.format {
        Format::Excel => sheet.plain(words),
        Format::Plain => sheet.plain(code),
    };
    sheet.head(&FIELDS)?;
    section("total", td_string!(locale, csv.total), sheet)?;
    sheet.day(summary.from)?;
    sheet.plain("")?;
    sheet.plain("")?;
    figures(sheet, &summary.totals, None)?;
    for period in &summary.periods {
        section("period", td_string!(locale, analytics.period), sheet)?;
        sheet.day(period.start)?;
        sheet.plain("")?;
        sheet.plain(period_name(period.start, summary.by, locale))?;
        figures(sheet, &period.figures, None)?;
    }
    for product in products {
        section("product", td_string!(locale, fields.product), sheet)?;
        sheet.plain("")?;
        sheet.plain(product.product_id)?;
        sheet.text(&product.product_name)?;
        figures(sheet, &product.figures, product.share)?;
    }
    Ok(())
}

fn figures(sheet: &mut Sheet, figures: &Figures, share: Option<Share>) -> Result<(), Error> {
    sheet.plain(figures.orders)?;
    sheet.plain(figures.denied)?;
    sheet.plain(figures.qty)?;
    sheet.decimal(figures.revenue_rub)?;
    sheet.optional(share)?;
    sheet.decimal(figures.cost_eur)?;
    sheet.optional(figures.cost_rub)?;
    sheet.optional(figures.profit_rub())?;
    sheet.optional(figures.margin())?;
    sheet.optional(figures.average_rub())?;
    sheet.decimal(figures.discount_rub())?;
    sheet.optional(figures.discount())?;
    sheet.plain(figures.uncosted_qty)?;
    sheet.decimal(figures.uncosted_rub)?;
    sheet.plain(figures.returned_qty)?;
    sheet.decimal(figures.returned_rub)?;
    sheet.plain(figures.written_off_qty)?;
    sheet.decimal(figures.written_off_eur)?;
    sheet.optional(figures.written_off_rub)?;
    sheet.end_row()
}
