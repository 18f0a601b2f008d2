//! Imports products from a file. Rows are matched by name; fields without a column in the file keep their values.

use super::{Product, ProductData, csv::FIELDS, search, service};
use crate::{
    audit::{self, Action, Change, service::Entry},
    auth::Permission,
    error::{Error, FieldError, Problem},
    import::plan::{Basis, Outcome, Plan, Planned, problems, unreadable},
    number::Qty,
    schema::products,
    sheet::read::{Row, Table},
    stock::counters::Counters,
    text::fold,
    transaction::Tx,
    validation::{Input, number, optional},
};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// The column with the opening stock of new products. The stock of others is changed by supplies and counts.
const QUANTITY: &str = "quantity";

/// A product to add or to edit.
pub enum Write {
    /// A new product with its opening stock.
    Add(ProductData, i64),
    /// The id and version of the product, and its new data.
    Edit(i64, i64, ProductData),
}

/// Reads a file of products.
pub fn table(text: &str) -> Result<Table, Error> {
    Table::read(text, &[&FIELDS[..], &[QUANTITY]].concat(), &["name"])
}

/// Returns what each row would do.
pub fn plan(tx: &mut Tx<'_>, table: &Table) -> Result<Plan<Write>, Error> {
    let names = table.rows.iter().map(|row| fold(table.cell(row, "name")));
    let names: HashSet<String> = names.collect();
    let present = search::by_keys(tx, &names)?;
    let mut lines: HashMap<String, u64> = HashMap::new();
    let row = |row| {
        if let Some(unreadable) = unreadable(row, table.cell(row, "name")) {
            return Ok(unreadable);
        }
        let key = fold(table.cell(row, "name"));
        let earlier = lines
            .insert(key.clone(), row.line)
            .filter(|_| !key.is_empty());
        planned(table, row, present.get(&key), earlier)
    };
    Ok(Plan {
        rows: table.rows.iter().map(row).collect::<Result<_, Error>>()?,
        basis: basis(names, &present),
    })
}

/// Notes the products on which the plan of an import is based.
pub fn basis(names: HashSet<String>, present: &HashMap<String, Product>) -> Basis {
    Basis::new(names, |name| {
        present
            .get(name)
            .map(|product| (product.id, product.version))
    })
}

/// Returns whether the products on which the plan of an import is based are still the same.
pub fn is_current(tx: &mut Tx<'_>, basis: &Basis) -> Result<bool, Error> {
    tx.actor.may(Permission::ViewStock)?;
    let mut present = HashMap::new();
    for names in basis.names().chunks(1_000) {
        let rows = products::table
            .filter(products::name_key.eq_any(names.to_vec()))
            .select((products::name_key, (products::id, products::version)))
            .load::<(String, (i64, i64))>(tx.conn)?;
        present.extend(rows);
    }
    Ok(basis.holds(&present))
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
    let quantity = input
        .read(QUANTITY, optional(number(0..=Qty::MAX.0)))
        .unwrap_or_default();
    if present.is_some() && quantity > 0 {
        input.add_error(QUANTITY, Problem::OnlyOpening);
    }
    if let Err(error) = Counters::default().receive_opening(quantity, new.buy_price_eur) {
        for wrong in problems(error)? {
            input.add_error(QUANTITY, wrong.problem);
        }
    }
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
            changes.extend((quantity > 0).then(|| audit::set(QUANTITY, quantity)));
            planned(Outcome::New(Write::Add(new, quantity)), changes)
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

/// Writes planned products, and returns what the operation log records of each.
pub fn apply(tx: &mut Tx<'_>, rows: Vec<(Write, Vec<Change>)>) -> Result<Vec<Entry>, Error> {
    let (mut added, mut entries) = (Vec::new(), Vec::new());
    for (write, changes) in rows {
        match write {
            Write::Add(new, quantity) => added.push((new, (quantity, changes))),
            Write::Edit(id, version, new) => {
                if service::write_edit(tx, id, version, &new)? == 0 {
                    return Err(Error::Unavailable);
                }
                let action = Action::Edit;
                entries.push(Entry {
                    action,
                    id,
                    changes,
                });
            }
        }
    }
    let (new, rest): (Vec<_>, Vec<_>) = added.into_iter().unzip();
    let ids = service::write_all_new(tx, &new)?;
    for ((id, new), (quantity, mut changes)) in ids.into_iter().zip(new).zip(rest) {
        if quantity > 0 {
            service::open_stock(tx, id, Qty(quantity))?;
        }
        changes.insert(0, audit::set("name", &new.name));
        entries.push(Entry {
            action: Action::Create,
            id,
            changes,
        });
    }
    Ok(entries)
}
