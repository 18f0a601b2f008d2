//! Supplies as a CSV file, which [`super::import`] reads back.

use super::{Query, Supply, service};
use crate::{
    audit::Entity,
    error::Error,
    page::Page,
    sheet::{cells::Sheet, download::Export},
    transaction::Tx,
};

/// The columns of the file.
pub const FIELDS: [&str; 10] = [
    "id",
    "created_at",
    "product",
    "qty",
    "buy_price_eur",
    "total_eur",
    "supplier_name",
    "user",
    "returned_qty",
    "undone_at",
];

/// `GET /supplies.csv`: the supplies that the page lists, newest first.
impl Export for Query {
    type Row = Supply;
    const ENTITY: Entity = Entity::Supply;
    const NAME: &'static str = "supplies";
    const FIELDS: &'static [&'static str] = &FIELDS;

    fn period(&self) -> [String; 2] {
        [self.from.clone(), self.to.clone()]
    }

    fn sort(&mut self) {
        self.sort.clear();
    }

    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Supply>, Error> {
        service::page(tx, self, Some(rows))
    }

    fn write(supply: Supply, sheet: &mut Sheet) -> Result<(), Error> {
        sheet.plain(supply.id)?;
        sheet.moment(supply.created_at)?;
        sheet.text(&supply.product_name)?;
        sheet.plain(supply.qty)?;
        sheet.decimal(supply.buy_price_eur)?;
        sheet.decimal(supply.total_eur())?;
        sheet.text(&supply.supplier_name)?;
        sheet.text(supply.user_id.as_deref().unwrap_or_default())?;
        sheet.plain(supply.returned_qty)?;
        sheet.optional_moment(supply.undone_at)?;
        Ok(())
    }
}
