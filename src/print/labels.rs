//! Labels for products and shelves: name, price and bar code.

use super::{
    A4, Choice, Copies, CopiesForm, Printout,
    symbols::{Microns, Symbol},
};
use crate::{
    auth::Permission,
    codes::codes,
    error::{Error, Problem},
    i18n::Locale,
    products::{self, Product},
    scan::{
        gtin::{has_right_check_digit, is_gtin},
        own::own_code_of_product,
    },
    schema::products as table,
    supplies,
    transaction::Tx,
    validation::{Validator, number, optional},
};
use diesel::prelude::*;
use leptos_i18n::td_string;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;

/// The most labels of one document.
pub const MOST: i64 = 500;
/// The most products whose numbers of labels can be chosen at once.
const MOST_CHOSEN: usize = 100;
/// The labels on an A4 sheet: three columns of eight.
const ON_SHEET: usize = 24;
/// The modules of the bar codes: whole dots of a printer with 203 dpi.
const MODULES: [Microns; 2] = [Microns::TWO_DOTS, Microns::THREE_DOTS];

codes! {
    /// The size of a label.
    pub enum Size {
        Mm58x40 = "58x40",
        Mm62x29 = "62x29",
        A4 = "a4",
    }
}

/// The query parameters of the labels, as text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    size: String,
    /// The id of a product.
    product: String,
    /// The ids of products, also separated by commas.
    products: Vec<String>,
    /// The number of labels of each product, in the same order; by default one.
    copies: Vec<String>,
    /// The id of a supply, with a label for each piece.
    supply: String,
}

/// What labels are for.
enum Subject {
    Product(i64, i64),
    Supply(i64),
    /// Products, each with the number of its labels.
    Products(Vec<(i64, i64)>),
    /// The products that the filters of their list find.
    Found,
}

/// Labels to print.
pub struct Labels {
    size: Size,
    /// Products, each with the number of its labels.
    items: Vec<(Product, i64)>,
    has_more: bool,
    /// The parameters of the address without the size.
    address: String,
    back: String,
}

impl Query {
    fn check(&self) -> Result<(Size, Subject), Error> {
        let mut validator = Validator::default();
        let size = validator.code("size", &self.size).unwrap_or(Size::Mm58x40);
        let id = |text: &str| optional(number(1..=i64::MAX))(text);
        let product = validator.take("product", id(&self.product));
        let supply = validator.take("supply", id(&self.supply));
        let ids = validator.take("products", read_ids(&self.products.join(",")));
        let least = i64::from(self.products.is_empty());
        let copies = validator.take("copies", read_copies(&self.copies, least));
        validator.done()?;
        let mut copies = copies.into_iter().chain(std::iter::repeat(1));
        let subject = match (product, supply, ids.is_empty()) {
            (Some(product), ..) => Subject::Product(product, copies.next().unwrap_or(1)),
            (None, Some(supply), _) => Subject::Supply(supply),
            (None, None, false) => {
                let chosen: Vec<_> = ids.into_iter().zip(copies).collect();
                if chosen.iter().map(|(_, copies)| copies).sum::<i64>() > MOST {
                    return Err(Error::field("copies", Problem::TooLarge(MOST)));
                }
                Subject::Products(chosen)
            }
            (None, None, true) => Subject::Found,
        };
        Ok((size, subject))
    }
}

/// Reads ids that are separated by commas.
fn read_ids(text: &str) -> Result<Vec<i64>, Problem> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let ids: Vec<i64> = parts.map(number(1..=i64::MAX)).collect::<Result<_, _>>()?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    match ids.len() <= most {
        true => Ok(ids),
        false => Err(Problem::TooLarge(MOST)),
    }
}

fn read_copies(texts: &[String], least: i64) -> Result<Vec<i64>, Problem> {
    texts
        .iter()
        .map(|text| number(least..=MOST)(text))
        .collect()
}

impl Labels {
    /// Reads the products that a query asks for. `found` has the filters of the list of products, for a query that
    /// names none.
    pub fn read(tx: &mut Tx<'_>, query: &Query, found: products::Query) -> Result<Self, Error> {
        tx.actor.may(Permission::ViewStock)?;
        let (size, subject) = query.check()?;
        let mut has_more = false;
        let (items, address, back) = match subject {
            Subject::Product(id, copies) => {
                let product = products::service::get(tx, id)?;
                let address = format!("product={id}&copies={copies}");
                (vec![(product, copies)], address, format!("/products/{id}"))
            }
            Subject::Supply(id) => {
                let supply = supplies::service::get(tx, id)?;
                let product = products::service::get(tx, supply.product_id)?;
                let pieces = match supply.undone_at {
                    Some(_) => 0,
                    None => supply.qty.0 - supply.returned_qty,
                };
                has_more = pieces > MOST;
                let items = vec![(product, pieces.min(MOST))];
                (items, format!("supply={id}"), format!("/supplies/{id}"))
            }
            Subject::Products(chosen) => {
                let address: Vec<String> = chosen
                    .iter()
                    .map(|(id, copies)| format!("products={id}&copies={copies}"))
                    .collect();
                let back = "/products".to_owned();
                (by_ids(tx, &chosen)?, address.join("&"), back)
            }
            Subject::Found => {
                let filters = products::Query {
                    limit: String::new(),
                    after: String::new(),
                    before: String::new(),
                    ..found
                };
                let page = products::search::page(tx, &filters, Some(MOST))?;
                has_more = page.after.is_some();
                let items = page.items.into_iter().map(|product| (product, 1));
                let address = list_address(&filters);
                let back = format!("/products?{address}");
                (items.collect(), address, back)
            }
        };
        Ok(Self {
            size,
            items,
            has_more,
            address,
            back,
        })
    }

    /// Draws the labels.
    pub fn draw(&self, locale: Locale) -> Result<Printout, Error> {
        let mut labels = Vec::new();
        for (product, count) in &self.items {
            let label = draw_label(product, self.size, locale)?;
            labels.extend((0..*count).map(|_| label.clone()));
        }
        let count = labels.len();
        let contents = html! {
            @if labels.is_empty() {
                p { (td_string!(locale, print.labels_none)) }
            } @else if self.size == Size::A4 {
                @for sheet in labels.chunks(ON_SHEET) {
                    div class="label-sheet" { @for label in sheet { (label) } }
                }
            } @else {
                @for label in &labels { (label) }
            }
        };
        let choice = |size: Size, label| Choice {
            label,
            href: format!("/print/labels?{}&size={size}", self.address),
            is_current: size == self.size,
        };
        let mut note = td_string!(locale, print.labels_count, count = count).to_string();
        if self.has_more {
            let more = td_string!(locale, print.labels_more, count = MOST);
            note = format!("{note}. {more}");
        }
        let (page, class) = match self.size {
            Size::Mm58x40 => ((58, 40), "labels labels-58x40"),
            Size::Mm62x29 => ((62, 29), "labels labels-62x29"),
            Size::A4 => (A4, "labels labels-a4"),
        };
        Ok(Printout {
            title: td_string!(locale, print.labels).to_owned(),
            page,
            margin: 0,
            class,
            contents,
            choices: vec![
                choice(Size::Mm58x40, td_string!(locale, print.label_58x40)),
                choice(Size::Mm62x29, td_string!(locale, print.label_62x29)),
                choice(Size::A4, td_string!(locale, print.label_a4)),
            ],
            copies: self.copies(),
            note: Some(note),
            back: self.back.clone(),
        })
    }

    /// Returns the form for the numbers of labels, unless they are those of a supply.
    fn copies(&self) -> Option<CopiesForm> {
        let can_choose = (1..=MOST_CHOSEN).contains(&self.items.len());
        let items = self.items.iter().map(|(product, count)| Copies {
            product: product.id,
            name: product.name.clone(),
            count: *count,
        });
        (can_choose && !self.address.starts_with("supply=")).then(|| CopiesForm {
            items: items.collect(),
            most: MOST,
            size: self.size.code(),
        })
    }
}

/// Returns the products with these ids and the numbers of their labels, in the same order. Those that do not exist are
/// left out.
fn by_ids(tx: &mut Tx<'_>, chosen: &[(i64, i64)]) -> Result<Vec<(Product, i64)>, Error> {
    let ids = chosen.iter().map(|(id, _)| *id);
    let rows: Vec<Product> = table::table
        .filter(table::id.eq_any(ids.collect::<Vec<_>>()))
        .select(Product::as_select())
        .load(tx.conn)?;
    let mut rows: HashMap<i64, Product> = rows.into_iter().map(|row| (row.id, row)).collect();
    let found = chosen.iter();
    let found = found.filter_map(|(id, copies)| Some((rows.remove(id)?, *copies)));
    Ok(found.collect())
}

/// Returns the filters of the list of products as they stand in its URL.
fn list_address(filters: &products::Query) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("search", &filters.search)
        .append_pair("low", &filters.low)
        .append_pair("archived", &filters.archived)
        .append_pair("sort", &filters.sort)
        .finish()
}

fn draw_label(product: &Product, size: Size, locale: Locale) -> Result<Markup, Error> {
    let (width, height) = match size {
        Size::Mm58x40 => (Microns(56_000), Microns(12_000)),
        Size::Mm62x29 => (Microns(60_000), Microns(8_000)),
        Size::A4 => (Microns(64_000), Microns(10_000)),
    };
    let (symbol, module, number) = symbol_of(product, width)?;
    Ok(html! {
        div class="label" {
            p class="label-name" { (product.name) }
            @if let Some(price) = product.sell_price_rub {
                p class="label-price" { (price.display(locale)) }
            }
            figure {
                (symbol.svg(module, Some(height), &number))
                figcaption { (number) }
            }
        }
    })
}

/// Returns the bar code of a product with its module and its text: the first EAN or UPC on the goods, else another code
/// that fits as Code 128, else our own number.
fn symbol_of(product: &Product, width: Microns) -> Result<(Symbol, Microns, String), Error> {
    let drawn = |symbol: Symbol, text: &str| {
        let module = symbol.fitting(&MODULES, width)?;
        Some((symbol, module, text.to_owned()))
    };
    let is_ean = |code: &&str| is_gtin(code) && code.len() < 14 && has_right_check_digit(code);
    if let Some(code) = product.codes.iter().find(is_ean)
        && let Some(symbol) = drawn(Symbol::ean(code)?, code)
    {
        return Ok(symbol);
    }
    let own = own_code_of_product(product.id);
    let other = |code| drawn(Symbol::code128(code).ok()?, code);
    match product.codes.iter().find_map(other) {
        Some(symbol) => Ok(symbol),
        None => Ok((Symbol::ean(&own)?, Microns::THREE_DOTS, own)),
    }
}
