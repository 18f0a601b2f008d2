//! The operation log as a CSV file.

use super::{Entity, Operation, Query, history::change_words, search};
use crate::{
    error::Error,
    page::Page,
    sheet::{Format, cells::Sheet, download::Export},
    transaction::Tx,
};

const FIELDS: [&str; 7] = [
    "id",
    "created_at",
    "user",
    "action",
    "entity_type",
    "entity_id",
    "details",
];

/// `GET /admin/logs.csv`: all rows that the page would list, newest first.
impl Export for Query {
    type Row = Operation;
    const ENTITY: Entity = Entity::Log;
    const NAME: &'static str = "log";
    const FIELDS: &'static [&'static str] = &FIELDS;

    fn period(&self) -> [String; 2] {
        [self.from.clone(), self.to.clone()]
    }

    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Operation>, Error> {
        Ok(search::page(tx, self, Some(rows))?.page)
    }

    fn write(operation: Operation, sheet: &mut Sheet) -> Result<(), Error> {
        sheet.plain(operation.id)?;
        sheet.moment(operation.timestamp)?;
        sheet.text(operation.user_id.as_deref().unwrap_or_default())?;
        match sheet.format {
            Format::Excel => {
                let locale = sheet.locale;
                sheet.plain(operation.action.display(|action| action.label(locale)))?;
                sheet.plain(operation.entity_type.display(|kind| kind.label(locale)))?;
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
        Ok(())
    }
}
