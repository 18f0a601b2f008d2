//! Writes the demo by calling the services for each event, as a small demo does.

use super::{
    goods::GOODS,
    scenario::{OrderRequest, Recorder},
};
use crate::{
    baskets::{self, service::NewLine},
    error::Error,
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    orders::{self, service::NewOrder},
    phone::Phone,
    products::{self, ProductData, service::NewProduct},
    supplies,
    transaction::Tx,
};

/// Adds the first goods and returns their ids.
pub fn add_goods(tx: &mut Tx<'_>, count: u16) -> Result<Vec<i64>, Error> {
    let mut ids = Vec::with_capacity(count.into());
    for good in &GOODS[..count.into()] {
        let data = ProductData {
            name: good.name.clone(),
            min_stock: good.min_stock,
            sell_price_rub: Some(Rub(good.sell_price_rub)),
            buy_price_eur: Some(Eur(good.buy_price_eur)),
            supplier_name: Some(good.supplier_name.clone()),
            codes: good.codes.clone(),
            ..ProductData::default()
        };
        let new = NewProduct { quantity: 0, data };
        ids.push(products::service::create(tx, "", &new)?.id);
    }
    Ok(ids)
}

impl Recorder for Tx<'_> {
    fn at(&mut self, now: Moment) {
        self.now = now;
    }

    fn receive(&mut self, good: usize, qty: Qty, price: Eur) -> Result<(), Error> {
        let new = GOODS[good].supply(qty, price);
        supplies::service::receive(self, "", &new)?;
        Ok(())
    }

    fn book(&mut self, order: OrderRequest) -> Result<i64, Error> {
        if let Some(first) = order.first_order {
            let line = NewLine {
                product: GOODS[order.good].name.clone(),
                qty: order.qty,
                unit_price_rub: Some(order.unit_price_rub),
                ..NewLine::default()
            };
            return Ok(baskets::service::add(self, "", first, &line)?.id);
        }
        let new = NewOrder {
            phone: Phone::entered(&order.customer.phone)
                .map_err(|problem| Error::field("phone", problem))?,
            customer_name: order.customer.name.map(str::to_owned),
            product_id: None,
            product: GOODS[order.good].name.clone(),
            qty: order.qty,
            unit_price_rub: Some(order.unit_price_rub),
        };
        Ok(orders::service::create(self, "", &new)?.id)
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
