//! Orders as a CSV file.

use super::{Order, Query, search};
use crate::{
    audit::Entity,
    error::Error,
    page::Page,
    sheet::{Format, cells::Sheet, download::Export},
    transaction::Tx,
};

const FIELDS: [&str; 16] = [
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
    "returned_qty",
    "basket_id",
];

/// `GET /orders.csv`: the orders that the page lists, sorted by creation time, which never changes.
impl Export for Query {
    type Row = Order;
    const ENTITY: Entity = Entity::Order;
    const NAME: &'static str = "orders";
    const FIELDS: &'static [&'static str] = &FIELDS;

    fn period(&self) -> [String; 2] {
        [self.from.clone(), self.to.clone()]
    }

    fn sort(&mut self) {
        if self.sort != "created_at" {
            self.sort = "-created_at".to_owned();
        }
    }

    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Order>, Error> {
        search::page(tx, self, Some(rows))
    }

    fn write(order: Order, sheet: &mut Sheet) -> Result<(), Error> {
        sheet.plain(order.id)?;
        sheet.moment(order.created_at)?;
        match sheet.format {
            Format::Excel => {
                sheet.plain(order.status.display(|status| status.label(sheet.locale)))?
            }
            Format::Plain => sheet.plain(&order.status)?,
        }
        sheet.plain(order.product_id)?;
        sheet.text(&order.product_name)?;
        sheet.plain(order.qty)?;
        sheet.decimal(order.unit_price_rub)?;
        sheet.decimal(order.total_rub())?;
        // In national format a spreadsheet keeps every digit; it would evaluate a number with a plus sign as a formula.
        match sheet.format {
            Format::Excel => sheet.plain(&order.phone_shown)?,
            Format::Plain => sheet.plain(&order.phone)?,
        }
        sheet.text(order.customer_name.as_deref().unwrap_or_default())?;
        sheet.optional_moment(order.issued_at)?;
        sheet.optional_moment(order.denied_at)?;
        sheet.text(order.user_id.as_deref().unwrap_or_default())?;
        sheet.plain(order.version)?;
        sheet.plain(order.returned_qty)?;
        sheet.plain(order.basket_id)?;
        Ok(())
    }
}
