//! Imports products from a file. Rows are matched by name; fields without a column in the file keep their values.

use super::{Product, ProductData, csv::FIELDS, search, service};
use crate::{
    audit::{self, Action, Change},
    error::{Error, FieldError, Problem},
    import::plan::{Outcome, Planned, problems, unreadable},
    sheet::read::{Row, Table},
    text::fold,
    transaction::Tx,
    validation::Input,
};
use std::collections::HashMap;

/// A product to add or to edit.
pub enum Write {
    Add(ProductData),
    /// The id and version of the product, and its new data.
    Edit(i64, i64, ProductData),
}

/// Reads a file of products.
pub fn table(text: &str) -> Result<Table, Error> {
    Table::read(text, &FIELDS, &["name"])
}

/// Returns what each row would do.
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
    let mut input = Input::partial(table.fields(row));
    if let Some(line) = earlier {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        input.add_error("name", Problem::Repeated(line));
    }
    // Fields without a column in the file keep their values.
    let mut new = present.map_or_else(ProductData::default, |product| product.data.clone());
    new.update(&mut input);
    let title = table.cell(row, "name").to_owned();
    let planned = |outcome, changes| Planned {
        line: row.line,
        title,
        changes,
        outcome,
    };
    Ok(match (input.finish(), present) {
        (Err(error), _) => {
            let problems: Vec<FieldError> = problems(error)?;
            planned(Outcome::Wrong(problems), Vec::new())
        }
        (Ok(()), None) => {
            let mut changes = audit::all(new.entries());
            changes.retain(|change| change.field != "name");
            planned(Outcome::New(Write::Add(new)), changes)
        }
        (Ok(()), Some(old)) => {
            let changes = service::compare(old, &new);
            if changes.is_empty() {
                planned(Outcome::Same, changes)
            } else {
                let edit = Write::Edit(old.id, old.version, new);
                planned(Outcome::Changed(edit), changes)
            }
        }
    })
}

/// Writes a planned product and returns the action and the product's id. Adds to `changes` what the operation log
/// records beyond the plan.
pub fn apply(
    tx: &mut Tx<'_>,
    write: Write,
    changes: &mut Vec<Change>,
) -> Result<(Action, i64), Error> {
    match write {
        Write::Add(new) => {
            changes.insert(0, audit::set("name", &new.name));
            Ok((Action::Create, service::write_new(tx, &new)?))
        }
        Write::Edit(id, version, new) => match service::write_edit(tx, id, version, &new)? {
            0 => Err(Error::Unavailable),
            _ => Ok((Action::Edit, id)),
        },
    }
}
