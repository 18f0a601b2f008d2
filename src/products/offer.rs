//! What a picker offers: products, as far as forms need them.

use super::Product;
use crate::{
    error::Problem,
    money::{Eur, Rub},
};
use serde::{Deserialize, Serialize};

/// What a picker knows of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub id: i64,
    pub name: String,
    /// Pieces that may be sold.
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

/// The answer to a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub offers: Vec<Offer>,
    /// Why the text does not mean one product; `None` where it means the first offer and no other.
    pub problem: Option<Problem>,
}
