//! Imports supplies from a file. A row without a number is received; a row with a number must match the recorded
//! supply.

use super::{
    Supply,
    csv::FIELDS,
    service::{self, NewSupply},
};
use crate::{
    audit::{self, Action, Change, service::Entry},
    error::{Error, Problem},
    import::plan::{Outcome, Plan, Planned, problems, unreadable},
    products::{self, Product},
    sheet::read::{Row, Table},
    stock::{self, counters::Counters},
    text::{fold, tidy},
    transaction::Tx,
    validation::{Input, Request, number, optional},
};
use std::collections::{HashMap, HashSet};

const REQUIRED: [&str; 4] = ["product", "qty", "buy_price_eur", "supplier_name"];

/// A supply to receive.
pub struct Receive {
    product_id: i64,
    new: NewSupply,
}

/// Reads a file of supplies.
pub fn table(text: &str) -> Result<Table, Error> {
    Table::read(text, &FIELDS, &REQUIRED)
}

/// Returns what each row would do.
pub fn plan(tx: &mut Tx<'_>, table: &Table) -> Result<Plan<Receive>, Error> {
    let names = table
        .rows
        .iter()
        .map(|row| fold(table.cell(row, "product")));
    let names: HashSet<String> = names.collect();
    let products = products::search::by_keys(tx, &names)?;
    let ids = table
        .rows
        .iter()
        .filter_map(|row| table.cell(row, "id").trim().parse().ok());
    let recorded = service::by_ids(tx, ids.collect())?;
    let ids: Vec<i64> = products.values().map(|product| product.id).collect();
    let mut held = stock::service::counters_of(tx, &ids)?;
    let row = |row| planned(table, row, &products, &recorded, &mut held);
    Ok(Plan {
        rows: table.rows.iter().map(row).collect::<Result<_, Error>>()?,
        basis: products::import::basis(names, &products),
    })
}

fn planned(
    table: &Table,
    row: &Row,
    products: &HashMap<String, Product>,
    recorded: &HashMap<i64, Supply>,
    // The counters as they would be after the preceding rows.
    held: &mut HashMap<i64, Counters>,
) -> Result<Planned<Receive>, Error> {
    let cell = |field| table.cell(row, field);
    if let Some(unreadable) = unreadable(row, cell("product")) {
        return Ok(unreadable);
    }
    let mut input = Input::new(table.fields(row));
    let new = NewSupply::read(&mut input);
    let name = tidy(&new.product);
    let id: Option<i64> = input.read("id", optional(number(1..=i64::MAX)));
    let title = if name.is_empty() {
        cell("product").to_owned()
    } else {
        name.clone()
    };
    let planned = |outcome, changes| Planned {
        line: row.line,
        title,
        changes,
        outcome,
    };
    if let Some(id) = id {
        match recorded.get(&id) {
            None => input.add_error("id", Problem::NotOnRecord),
            Some(supply) => {
                let is_same = fold(&supply.product_name) == fold(&name)
                    && supply.qty == new.qty
                    && supply.buy_price_eur == new.buy_price_eur
                    // Earlier versions stored the name as typed.
                    && tidy(&supply.supplier_name) == new.supplier_name;
                if is_same {
                    return Ok(planned(Outcome::Same, Vec::new()));
                }
                input.add_error("id", Problem::OnRecord);
            }
        }
    }
    let product = products.get(&fold(&name));
    match product {
        _ if name.is_empty() => {}
        None => input.add_error("product", Problem::UnknownProduct),
        Some(product) if product.archived_at.is_some() => {
            input.add_error("product", Problem::Archived)
        }
        Some(_) => {}
    }
    let act = input
        .finish()
        .and_then(|()| product.ok_or_else(|| Error::field("product", Problem::UnknownProduct)))
        .and_then(|product| {
            let counters = held.entry(product.id).or_default();
            let price = Some(new.buy_price_eur);
            counters.receive(new.qty, price).map(|()| product.id)
        });
    Ok(match act {
        Err(error) => planned(Outcome::Wrong(problems(error)?), Vec::new()),
        Ok(product_id) => {
            let changes = new.changes().to_vec();
            planned(Outcome::New(Receive { product_id, new }), changes)
        }
    })
}

/// Receives planned supplies, and returns what the operation log records of each.
pub fn apply(tx: &mut Tx<'_>, rows: Vec<(Receive, Vec<Change>)>) -> Result<Vec<Entry>, Error> {
    let receive = |(Receive { product_id, new }, mut changes): (Receive, Vec<Change>)| {
        let (id, product) = service::write(tx, product_id, &new)?;
        changes.insert(0, audit::set("product", product));
        Ok(Entry {
            action: Action::Supply,
            id,
            changes,
        })
    };
    rows.into_iter().map(receive).collect()
}
