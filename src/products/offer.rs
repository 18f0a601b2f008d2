//! The products that a picker offers, reduced to what forms need.

use super::Product;
use crate::{
    error::Problem,
    money::{Eur, Rub},
};
use serde::{Deserialize, Serialize};

/// The data of a product that the picker uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub id: i64,
    pub name: String,
    /// Pieces available for sale.
    pub stock: i64,
    pub sell_price_rub: Option<Rub>,
    pub buy_price_eur: Option<Eur>,
    pub supplier_name: Option<String>,
}

impl From<Product> for Offer {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            stock: product.stock,
            sell_price_rub: product.sell_price_rub,
            buy_price_eur: product.buy_price_eur,
            name: product.data.name,
            supplier_name: product.data.supplier_name,
        }
    }
}

/// The result of a picker search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResult {
    pub offers: Vec<Offer>,
    /// Why the text does not identify one product; `None` if it identifies the first offer.
    pub problem: Option<Problem>,
}
