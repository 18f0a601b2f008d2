//! The goods and the customers of the demo.

use crate::{
    money::Eur, number::Qty, products::codes::Codes, scan::gtin::check_digit,
    supplies::service::NewSupply,
};
use serde::Deserialize;
use std::sync::LazyLock;

/// A product of the demo.
#[derive(Clone, Debug, Deserialize)]
pub struct Good {
    pub name: String,
    /// In kopecks.
    pub sell_price_rub: i64,
    /// In cents.
    pub buy_price_eur: i64,
    pub min_stock: i64,
    pub supplier_name: String,
    /// One EAN-13, or none for goods that have no barcode.
    #[serde(skip)]
    pub codes: Codes,
}

impl Good {
    /// Returns a supply of so many pieces.
    pub fn supply(&self, qty: Qty, price: Eur) -> NewSupply {
        NewSupply {
            product_id: None,
            product: self.name.clone(),
            qty,
            supplier_name: self.supplier_name.clone(),
            buy_price_eur: price,
        }
    }
}

/// The number of different goods.
pub const KINDS: u16 = 40;
/// The maximum number of goods.
pub const MOST: u16 = 10_000;

/// The goods that the shop of the demo may sell. After the different ones come others of the same kinds.
pub static GOODS: LazyLock<Vec<Good>> = LazyLock::new(|| {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_reader(include_str!("goods.csv").as_bytes());
    let kinds: Vec<Good> = reader.deserialize().filter_map(Result::ok).collect();
    let numbers = 1..=MOST.div_ceil(KINDS);
    let goods = numbers.flat_map(|number| {
        kinds.iter().map(move |kind| match number {
            1 => kind.clone(),
            _ => Good {
                name: format!("{}, сорт {number}", kind.name),
                ..kind.clone()
            },
        })
    });
    let coded = |(number, good): (usize, Good)| Good {
        codes: codes(number),
        ..good
    };
    goods.take(MOST.into()).enumerate().map(coded).collect()
});

/// Returns the codes of the good with this index: a Russian EAN-13, except for every seventh good.
fn codes(number: usize) -> Codes {
    if number % 7 == 6 {
        return Codes::default();
    }
    let digits = format!("4607{number:08}");
    let check = check_digit(&digits);
    Codes::read(&format!("{digits}{check}")).unwrap_or_default()
}

/// The names of the customers.
pub static CUSTOMERS: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("customers.txt").lines().collect());

/// The first digits of mobile numbers.
pub const OPERATORS: &[&str] = &[
    "903", "905", "910", "915", "916", "917", "921", "925", "926", "929", "962", "965", "977",
    "985", "999",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_of_the_goods_file_is_parsed() {
        let lines = include_str!("goods.csv").lines().count();
        assert_eq!(usize::from(KINDS), lines - 1);
        assert_eq!(GOODS.len(), usize::from(MOST));
        let names: BTreeSet<_> = GOODS.iter().map(|good| &good.name).collect();
        assert_eq!(names.len(), GOODS.len());
        let codes: BTreeSet<_> = GOODS
            .iter()
            .flat_map(|good| good.codes.normal_forms())
            .collect();
        assert_eq!(codes.len(), GOODS.len() - GOODS.len() / 7);
        assert!(
            GOODS
                .iter()
                .all(|good| good.codes.wrong_check_digits().is_none())
        );
        assert!(CUSTOMERS.iter().all(|name| !name.is_empty()));
    }
}
