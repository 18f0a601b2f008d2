//! Imports products from a file. Rows are matched by name; fields without a column in the file keep their values.

use super::{Product, ProductData, codes::Codes, csv::FIELDS, lookup, search, service};
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
    let codes = table.rows.iter().flat_map(|row| codes_of(table, row));
    let mut holders = lookup::holders(tx, &codes.collect())?;
    // The file may give a code to another product if it takes the code from the one that has it.
    for row in &table.rows {
        for code in codes_taken_by(table, row, &present) {
            holders.remove(&code);
        }
    }
    let mut lines: HashMap<String, u64> = HashMap::new();
    let mut lines_of_codes: HashMap<String, u64> = HashMap::new();
    let row = |row| {
        if let Some(unreadable) = unreadable(row, table.cell(row, "name")) {
            return Ok(unreadable);
        }
        let key = fold(table.cell(row, "name"));
        let earlier = lines
            .insert(key.clone(), row.line)
            .filter(|_| !key.is_empty());
        let present = present.get(&key);
        let mut wrong_code = None;
        for code in codes_of(table, row) {
            if let Some(earlier) = lines_of_codes.insert(code, row.line) {
                wrong_code = Some(Problem::Repeated(line_number(earlier)));
            }
        }
        if wrong_code.is_none()
            && let Ok(codes) = read_codes(table, row)
        {
            wrong_code = lookup::taken(&codes, present.map(|product| product.id), &holders);
        }
        planned(table, row, present, earlier, wrong_code)
    };
    Ok(Plan {
        rows: table.rows.iter().map(row).collect::<Result<_, Error>>()?,
        basis: basis(names, &present),
    })
}

/// Returns the codes in a row, in their normal form; none if one of them is wrong.
fn codes_of(table: &Table, row: &Row) -> Vec<String> {
    read_codes(table, row).map_or_else(|_| Vec::new(), |codes| codes.normal_forms())
}

/// Returns the codes that a row takes from its product, in their normal form.
fn codes_taken_by(table: &Table, row: &Row, present: &HashMap<String, Product>) -> Vec<String> {
    let product = present.get(&fold(table.cell(row, "name")));
    let (Some(product), Ok(new)) = (product, read_codes(table, row)) else {
        return Vec::new();
    };
    let kept = new.normal_forms();
    let mut taken = product.codes.normal_forms();
    taken.retain(|code| !kept.contains(code));
    taken
}

/// Reads the codes of a cell, separated by spaces. A leading apostrophe marks them as text for a spreadsheet.
fn read_codes(table: &Table, row: &Row) -> Result<Codes, Problem> {
    Codes::read(&code_lines(table.cell(row, "codes")))
}

/// Returns the codes of a cell one a line, as a form has them.
fn code_lines(cell: &str) -> String {
    let cell = cell.trim();
    let codes = cell.strip_prefix('\'').unwrap_or(cell);
    codes.split_whitespace().collect::<Vec<_>>().join("\n")
}

fn line_number(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
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
    wrong_code: Option<Problem>,
) -> Result<Planned<Write>, Error> {
    let mut fields = table.fields(row);
    if let Some(cell) = fields.0.get_mut("codes") {
        *cell = code_lines(cell);
    }
    let mut input = Input::partial(fields);
    if let Some(line) = earlier {
        input.add_error("name", Problem::Repeated(line_number(line)));
    }
    if let Some(problem) = wrong_code {
        input.add_error("codes", problem);
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
    free_codes(tx, &rows)?;
    let (mut added, mut entries) = (Vec::new(), Vec::new());
    for (write, changes) in rows {
        match write {
            Write::Add(new, quantity) => added.push((new, (quantity, changes))),
            Write::Edit(id, version, new) => {
                if service::write_edit(tx, id, version, &new, &changes)? == 0 {
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
    let (new, rest): (Vec<ProductData>, Vec<_>) = added.into_iter().unzip();
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

/// Removes the old codes of all products that get new ones from the index, so that a code can move between two rows in
/// any order. Returns an error if somebody gave one of the codes to another product after the plan was made. The lock
/// on the table of the products keeps others from doing so now.
fn free_codes(tx: &mut Tx<'_>, rows: &[(Write, Vec<Change>)]) -> Result<(), Error> {
    let (mut edited, mut given) = (Vec::new(), Vec::new());
    for (write, changes) in rows {
        match write {
            Write::Add(new, _) => given.push(&new.codes),
            Write::Edit(id, _, new) if changes.iter().any(|change| change.field == "codes") => {
                edited.push(*id);
                given.push(&new.codes);
            }
            Write::Edit(..) => {}
        }
    }
    lookup::remove(tx, &edited)?;
    let codes = given.iter().flat_map(|codes| codes.normal_forms());
    let holders = lookup::holders(tx, &codes.collect())?;
    let taken = |codes: &&Codes| lookup::taken(codes, None, &holders);
    match given.iter().find_map(taken) {
        Some(problem) => Err(Error::field("codes", problem)),
        None => Ok(()),
    }
}
