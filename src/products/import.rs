//! Products from a file: matched by name; columns that the file does not have stay as they are.

use super::{
    Draft, Product,
    csv::FIELDS,
    search,
    service::{self, Checked},
};
use crate::{
    act::Tx,
    checks::Checks,
    error::{Error, FieldError, Problem},
    import::plan::{Outcome, Planned, problems, unreadable},
    log::{self, Action, Change},
    sheet::read::{Row, Table},
    text::fold,
};
use std::collections::HashMap;

/// A product to add or to edit.
pub enum Write {
    Add(Checked),
    /// Its id and version.
    Edit(i64, i64, Checked),
}

/// Reads a file of products.
pub fn table(text: &str) -> Result<Table, Error> {
    Table::read(text, &FIELDS, &["name"])
}

/// What each row would do.
pub fn plan(tx: &mut Tx<'_>, table: &Table) -> Result<Vec<Planned<Write>>, Error> {
    let names = table.rows.iter().map(|row| fold(table.cell(row, "name")));
    let present = search::by_keys(tx, names.collect())?;
    let mut lines: HashMap<String, u64> = HashMap::new();
    table
        .rows
        .iter()
        .map(|row| {
            if let Some(unreadable) = unreadable(row, table.cell(row, "name")) {
                return Ok(unreadable);
            }
            let key = fold(table.cell(row, "name"));
            let earlier = lines
                .insert(key.clone(), row.line)
                .filter(|_| !key.is_empty());
            planned(table, row, present.get(&key), earlier)
        })
        .collect()
}

fn planned(
    table: &Table,
    row: &Row,
    present: Option<&Product>,
    earlier: Option<u64>,
) -> Result<Planned<Write>, Error> {
    let mut checks = Checks::default();
    if let Some(line) = earlier {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        checks.wrong("name", Problem::Repeated(line));
    }
    let checked = draft(table, row, present).check(checks);
    let title = table.cell(row, "name").to_owned();
    let planned = |outcome, changes| Planned {
        line: row.line,
        title,
        changes,
        outcome,
    };
    Ok(match (checked, present) {
        (Err(error), _) => {
            let problems: Vec<FieldError> = problems(error)?;
            planned(Outcome::Wrong(problems), Vec::new())
        }
        (Ok(new), None) => {
            let changes = [
                (
                    "sell_price_rub",
                    new.sell_price_rub.map(|price| price.to_string()),
                ),
                (
                    "buy_price_eur",
                    new.buy_price_eur.map(|price| price.to_string()),
                ),
                ("min_stock", Some(new.min_stock.to_string())),
                ("supplier_name", new.supplier_name.clone()),
                ("description", new.description.clone()),
            ];
            let changes = changes
                .into_iter()
                .filter_map(|(field, value)| value.map(|value| log::set(field, value)))
                .collect();
            planned(Outcome::New(Write::Add(new)), changes)
        }
        (Ok(new), Some(old)) => {
            let changes = service::compare(old, &new);
            if changes.is_empty() {
                planned(Outcome::Same, changes)
            } else {
                planned(
                    Outcome::Changed(Write::Edit(old.id, old.version, new)),
                    changes,
                )
            }
        }
    })
}

/// What the product would be: the cells of the row, and for columns that are not there what is on record.
fn draft(table: &Table, row: &Row, present: Option<&Product>) -> Draft {
    let of = |field: &str, on_record: fn(&Product) -> String| {
        if table.has(field) {
            table.cell(row, field).to_owned()
        } else {
            present.map(on_record).unwrap_or_default()
        }
    };
    Draft {
        name: table.cell(row, "name").to_owned(),
        description: of("description", |product| {
            product.description.clone().unwrap_or_default()
        }),
        min_stock: of("min_stock", |product| product.min_stock.to_string()),
        buy_price_eur: of("buy_price_eur", |product| {
            product
                .buy_price_eur
                .map(|price| price.to_string())
                .unwrap_or_default()
        }),
        sell_price_rub: of("sell_price_rub", |product| {
            product
                .sell_price_rub
                .map(|price| price.to_string())
                .unwrap_or_default()
        }),
        supplier_name: of("supplier_name", |product| {
            product.supplier_name.clone().unwrap_or_default()
        }),
    }
}

/// Writes a product of the plan, and tells what was done to which; `changes` get what the log says beside the plan.
pub fn apply(
    tx: &mut Tx<'_>,
    write: Write,
    changes: &mut Vec<Change>,
) -> Result<(Action, i64), Error> {
    match write {
        Write::Add(new) => {
            changes.insert(0, log::set("name", &new.name));
            Ok((Action::Create, service::write_new(tx, &new)?))
        }
        Write::Edit(id, version, new) => match service::write_edit(tx, id, version, &new)? {
            0 => Err(Error::Unavailable),
            _ => Ok((Action::Edit, id)),
        },
    }
}
