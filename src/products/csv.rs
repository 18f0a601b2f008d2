//! Products with their stock as a CSV file, which [`super::import`] reads back.

use super::{Product, Query, codes::Codes, search};
use crate::{
    audit::Entity,
    clock,
    error::Error,
    page::Page,
    sheet::{Format, cells::Sheet, download::Export},
    transaction::Tx,
};

/// The columns of the file.
pub const FIELDS: [&str; 11] = [
    "id",
    "name",
    "stock",
    "on_hand",
    "reserved",
    "min_stock",
    "sell_price_rub",
    "buy_price_eur",
    "supplier_name",
    "codes",
    "description",
];

/// `GET /products.csv`: the products that the page lists, sorted by name.
impl Export for Query {
    type Row = Product;
    const ENTITY: Entity = Entity::Product;
    const NAME: &'static str = "products";
    const FIELDS: &'static [&'static str] = &FIELDS;

    fn period(&self) -> [String; 2] {
        [clock::now().day().to_string(), String::new()]
    }

    fn sort(&mut self) {
        if self.sort != "-name" {
            self.sort = "name".to_owned();
        }
    }

    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Product>, Error> {
        search::page(tx, self, Some(rows))
    }

    fn write(product: Product, sheet: &mut Sheet) -> Result<(), Error> {
        sheet.plain(product.id)?;
        sheet.text(&product.name)?;
        sheet.plain(product.stock)?;
        sheet.plain(product.on_hand)?;
        sheet.plain(product.reserved)?;
        sheet.plain(product.min_stock)?;
        sheet.optional(product.sell_price_rub)?;
        sheet.optional(product.buy_price_eur)?;
        sheet.text(product.supplier_name.as_deref().unwrap_or_default())?;
        sheet.text(&codes_cell(&product.codes, sheet.format))?;
        sheet.text(product.description.as_deref().unwrap_or_default())?;
        Ok(())
    }
}

/// Returns the cell with the codes, which [`super::import`] reads back. An apostrophe keeps a spreadsheet from taking a
/// single barcode for a number, which it would round.
fn codes_cell(codes: &Codes, format: Format) -> String {
    let codes = codes.to_string();
    if codes.starts_with('\'') || format == Format::Excel && !codes.is_empty() {
        format!("'{codes}")
    } else {
        codes
    }
}
