//! The story told to the services, an act after the other: what a small demo is made by.

use super::{
    goods::GOODS,
    story::{Booking, Hands},
};
use crate::{
    act::Tx,
    error::Error,
    moment::Moment,
    money::{Eur, Rub},
    orders, products, supplies,
};

/// Adds the goods and gives their numbers.
pub fn add_goods(tx: &mut Tx<'_>) -> Result<Vec<i64>, Error> {
    let mut ids = Vec::with_capacity(GOODS.len());
    for (name, sell, buy, min_stock, supplier) in GOODS {
        let draft = products::Draft {
            name: (*name).to_owned(),
            min_stock: min_stock.to_string(),
            sell_price_rub: Rub(*sell).to_string(),
            buy_price_eur: Eur(*buy).to_string(),
            supplier_name: (*supplier).to_owned(),
            ..products::Draft::default()
        };
        ids.push(products::service::create(tx, "", &draft, "")?.id);
    }
    Ok(ids)
}

impl Hands for Tx<'_> {
    fn at(&mut self, now: Moment) {
        self.now = now;
    }

    fn receive(&mut self, good: usize, qty: i64, price: Eur) -> Result<(), Error> {
        let (name, .., supplier) = GOODS[good];
        let draft = supplies::Draft {
            product_id: String::new(),
            product: name.to_owned(),
            qty: qty.to_string(),
            supplier_name: supplier.to_owned(),
            buy_price_eur: price.to_string(),
        };
        supplies::service::receive(self, "", &draft)?;
        Ok(())
    }

    fn book(&mut self, order: Booking) -> Result<i64, Error> {
        let (name, ..) = GOODS[order.good];
        let draft = orders::Draft {
            phone: order.phone,
            customer_name: order.customer_name.unwrap_or_default().to_owned(),
            product_id: String::new(),
            product: name.to_owned(),
            qty: order.qty.to_string(),
            unit_price_rub: order.unit_price_rub.to_string(),
        };
        Ok(orders::service::create(self, "", &draft)?.id)
    }

    fn issue(&mut self, order: i64) -> Result<(), Error> {
        orders::service::issue(self, order)?;
        Ok(())
    }

    fn deny(&mut self, order: i64) -> Result<(), Error> {
        orders::service::deny(self, order)?;
        Ok(())
    }
}
