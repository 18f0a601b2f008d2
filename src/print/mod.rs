//! Pages to print: the slip of an order, the picking list, the day's end, and labels. Each is a plain document that
//! needs no script; `server/print.rs` serves them.

pub mod day;
pub mod labels;
pub mod picking;
pub mod slip;
pub mod symbols;

use maud::Markup;

/// A document to print.
pub struct Printout {
    pub title: String,
    /// Width and height of a page, in millimetres.
    pub page: (u32, u32),
    /// Margins of a page, in millimetres.
    pub margin: u32,
    /// The class of the contents, for the stylesheet.
    pub class: &'static str,
    pub contents: Markup,
    /// Other formats of the same document, or other days.
    pub choices: Vec<Choice>,
    /// A form that asks how many labels of each product to print.
    pub copies: Option<CopiesForm>,
    /// What stands beside the choices: on the screen, not on paper.
    pub note: Option<String>,
    /// The page that leads here.
    pub back: String,
}

impl Printout {
    /// Returns a document on A4 pages with margins.
    fn on_a4(title: String, contents: Markup, choices: Vec<Choice>, back: &str) -> Self {
        Self {
            title,
            page: A4,
            margin: 12,
            class: "sheet",
            contents,
            choices,
            copies: None,
            note: None,
            back: back.to_owned(),
        }
    }
}

/// A link to another format of a document.
pub struct Choice {
    pub label: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// The form for the number of labels of each product.
#[derive(Clone)]
pub struct CopiesForm {
    pub items: Vec<Copies>,
    pub most: i64,
    /// The code of the size.
    pub size: &'static str,
}

/// A product, and the number of its labels.
#[derive(Clone)]
pub struct Copies {
    pub product: i64,
    pub name: String,
    pub count: i64,
}

/// An A4 page, in millimetres.
const A4: (u32, u32) = (210, 297);
