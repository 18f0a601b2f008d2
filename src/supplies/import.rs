//! Supplies from a file: rows without a number are received; rows with one must be on record as they stand.

use super::{Supply, csv::FIELDS, service};
use crate::{
    act::Tx,
    checks::Checks,
    error::{Error, Problem},
    import::plan::{Outcome, Planned, problems, unreadable},
    log::{self, Action, Change},
    money::Eur,
    products::{self, Product},
    sheet::read::{Row, Table},
    stock::{self, MAX_PIECES, counters::Counters},
    text::{fold, tidy},
};
use std::collections::HashMap;

const NEEDED: [&str; 4] = ["product", "qty", "buy_price_eur", "supplier_name"];

/// A supply to receive.
pub struct Receive {
    product_id: i64,
    qty: i64,
    supplier_name: String,
    price: Eur,
}

/// Reads a file of supplies.
pub fn table(text: &str) -> Result<Table, Error> {
    Table::read(text, &FIELDS, &NEEDED)
}

/// What each row would do.
pub fn plan(tx: &mut Tx<'_>, table: &Table) -> Result<Vec<Planned<Receive>>, Error> {
    let names = table
        .rows
        .iter()
        .map(|row| fold(table.cell(row, "product")));
    let products = products::search::by_keys(tx, names.collect())?;
    let ids = table
        .rows
        .iter()
        .filter_map(|row| table.cell(row, "id").trim().parse().ok());
    let recorded = service::by_ids(tx, ids.collect())?;
    let ids: Vec<i64> = products.values().map(|product| product.id).collect();
    let mut held = stock::service::counters_of(tx, &ids)?;
    table
        .rows
        .iter()
        .map(|row| planned(table, row, &products, &recorded, &mut held))
        .collect()
}

fn planned(
    table: &Table,
    row: &Row,
    products: &HashMap<String, Product>,
    recorded: &HashMap<i64, Supply>,
    // What the rows before this one make of the stock.
    held: &mut HashMap<i64, Counters>,
) -> Result<Planned<Receive>, Error> {
    let cell = |field| table.cell(row, field);
    if let Some(unreadable) = unreadable(row, cell("product")) {
        return Ok(unreadable);
    }
    let mut checks = Checks::default();
    let qty = checks.number("qty", cell("qty"), 1, MAX_PIECES);
    let supplier_name = checks.line("supplier_name", cell("supplier_name"), service::NAME);
    let price = checks.eur("buy_price_eur", cell("buy_price_eur"));
    service::check_total(&mut checks, qty, price);
    let name = checks.line("product", cell("product"), service::NAME);
    let id = checks.optional_number("id", cell("id"), 1, i64::MAX);
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
            None => checks.wrong("id", Problem::NotOnRecord),
            Some(supply) => {
                let is_same = fold(&supply.product_name) == fold(&name)
                    && supply.qty == qty
                    && supply.buy_price_eur == price
                    // An earlier version kept the name as it was typed.
                    && tidy(&supply.supplier_name) == supplier_name;
                if is_same {
                    return Ok(planned(Outcome::Same, Vec::new()));
                }
                checks.wrong("id", Problem::OnRecord);
            }
        }
    }
    let product = products.get(&fold(&name));
    match product {
        _ if name.is_empty() => {}
        None => checks.wrong("product", Problem::UnknownProduct),
        Some(product) if product.archived_at.is_some() => {
            checks.wrong("product", Problem::Archived)
        }
        Some(_) => {}
    }
    let act = checks
        .done()
        .and_then(|()| product.ok_or_else(|| Error::field("product", Problem::UnknownProduct)))
        .and_then(|product| {
            let counters = held.entry(product.id).or_default();
            counters.receive(qty, Some(price)).map(|()| product)
        });
    Ok(match act {
        Err(error) => planned(Outcome::Wrong(problems(error)?), Vec::new()),
        Ok(product) => {
            let changes = vec![
                log::set("qty", qty),
                log::set("buy_price_eur", price),
                log::set("supplier_name", &supplier_name),
            ];
            let act = Receive {
                product_id: product.id,
                qty,
                supplier_name,
                price,
            };
            planned(Outcome::New(act), changes)
        }
    })
}

/// Receives a supply of the plan, and tells its number; `changes` get what the log says beside the plan.
pub fn apply(
    tx: &mut Tx<'_>,
    new: Receive,
    changes: &mut Vec<Change>,
) -> Result<(Action, i64), Error> {
    let (id, product) = service::write(tx, new.product_id, new.qty, &new.supplier_name, new.price)?;
    changes.insert(0, log::set("product", product));
    Ok((Action::Supply, id))
}
