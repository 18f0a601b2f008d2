//! Finds what a scanned code stands for.

use super::reading::{Reading, read};
use crate::{
    auth::Permission,
    error::Error,
    orders,
    products::{self, Product, lookup},
    schema,
    transaction::Tx,
};
use diesel::prelude::*;

/// What a scanned code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// The number of an order that is alone in its basket.
    Order(i64),
    /// The number of a basket of several orders.
    Basket(i64),
    /// A product, archived or not.
    Product(Box<Product>),
}

impl Scanned {
    /// Returns the number of the order, the basket or the product.
    pub fn id(&self) -> i64 {
        match self {
            Self::Order(id) | Self::Basket(id) => *id,
            Self::Product(product) => product.id,
        }
    }

    /// Returns the path of its page.
    pub fn path(&self) -> String {
        let list = match self {
            Self::Order(_) => "orders",
            Self::Basket(_) => "baskets",
            Self::Product(_) => "products",
        };
        format!("/{list}/{}", self.id())
    }
}

/// Returns what a code stands for: a slip of ours, or a product by our code or by one of its own. A plain number is not
/// the number of an order here.
pub fn resolve(tx: &mut Tx<'_>, code: &str) -> Result<Scanned, Error> {
    tx.actor.may(Permission::Orders)?;
    match read(code).ok_or(Error::NotFound)? {
        Reading::Slip(number) => slip(tx, number),
        Reading::Product(id) => {
            products::service::get(tx, id).map(|product| Scanned::Product(product.into()))
        }
        Reading::Code(code) => lookup::by_normal_form(tx, &code)?
            .map(|product| Scanned::Product(product.into()))
            .ok_or(Error::NotFound),
    }
}

/// Returns the order or the basket with a number. The number of any order in a basket of several stands for the basket.
pub fn slip(tx: &mut Tx<'_>, number: i64) -> Result<Scanned, Error> {
    tx.actor.may(Permission::Orders)?;
    let order = orders::service::get(tx, number)?;
    let basket = order.basket_id;
    let is_shared: bool = diesel::select(diesel::dsl::exists(
        schema::orders::table.filter(
            schema::orders::basket_id
                .eq(basket)
                .and(schema::orders::id.ne(number)),
        ),
    ))
    .get_result(tx.conn)?;
    Ok(if is_shared {
        Scanned::Basket(basket)
    } else {
        Scanned::Order(number)
    })
}
