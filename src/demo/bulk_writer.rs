//! Computes the demo in memory, with the arithmetic of the services, and writes it to the database in bulk.

use super::{
    Year, enter_rates,
    goods::{GOODS, Good},
    rows::{MovementRow, OperationRow, OrderRow, SupplyRow},
    scenario::{OrderRequest, Recorder, Scenario},
    services,
};
use crate::{
    analytics::rollup,
    audit::{
        self, Action, Change, Entity,
        personal::{self, PersonalRow},
    },
    db::{
        Conn,
        bulk::{self, insert_all},
    },
    error::{Error, Problem},
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    orders::{self, Status},
    phone::Phone,
    products as products_feature,
    schema::{
        operation_log, operation_log_personal, order_names, orders as orders_table, products,
        stock_movements, supplies,
    },
    stock::{MovementKind, counters::Counters},
    text::fold,
    transaction::Tx,
};
use diesel::prelude::*;
use std::collections::VecDeque;

/// Number of orders whose rows are held in memory at a time.
const BATCH: u32 = 10_000;

/// Writes the whole year or nothing, and returns how many products are below their minimum.
pub fn write(tx: &mut Tx<'_>, year: Year) -> Result<usize, Error> {
    bulk::begin(tx.conn)?;
    let products = services::add_goods(tx, year.products)?;
    enter_rates(tx, year)?;
    let mut books = BulkWriter::open(tx.conn, products, tx.now)?;
    let mut story = Scenario::new(year.products);
    for batch in year.batches(BATCH) {
        let done = batch.end;
        story.trade(&mut books, batch.map(|order| year.time(order)))?;
        books.write(tx.conn, Written::Settled)?;
        if done.is_multiple_of(10 * BATCH) {
            tracing::info!("wrote {done} of {} orders", year.orders);
        }
    }
    let low = story.close(&mut books, year.end)?;
    books.write(tx.conn, Written::Everything)?;
    books.write_counters(tx.conn)?;
    rollup::check::rebuild(tx.conn)?;
    bulk::end(tx.conn)?;
    Ok(low)
}

/// Which orders are written to the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// The orders that will not change any more.
    Settled,
    Everything,
}

/// The ids of the next rows.
struct NextIds {
    supply: i64,
    order: i64,
    movement: i64,
    operation: i64,
}

/// The shop in memory: the counters of its products, and the rows that are not in the database yet.
struct BulkWriter {
    now: Moment,
    next: NextIds,
    /// By the index of the good.
    products: Vec<ProductState>,
    supplies: Vec<SupplyRow>,
    /// Oldest first, with consecutive ids. They are settled in this order.
    orders: VecDeque<OrderRow>,
    movements: Vec<MovementRow>,
    operations: Vec<OperationRow>,
    personal: Vec<PersonalRow>,
}

/// The current state of a product.
struct ProductState {
    id: i64,
    counters: Counters,
    /// The last purchase price.
    buy_price_eur: Eur,
    version: i64,
}

/// The reason for a stock movement.
enum MovementSource {
    Supply(i64),
    Order(i64),
}

impl BulkWriter {
    fn open(conn: &mut Conn, products: Vec<i64>, now: Moment) -> Result<Self, Error> {
        let next = NextIds {
            supply: bulk::next_id(conn, "supplies")?,
            order: bulk::next_id(conn, "orders")?,
            movement: bulk::next_id(conn, "stock_movements")?,
            operation: bulk::next_id(conn, "operation_log")?,
        };
        let opening = |(id, good): (i64, &Good)| ProductState {
            id,
            counters: Counters::default(),
            buy_price_eur: Eur(good.buy_price_eur),
            version: 1,
        };
        Ok(Self {
            now,
            next,
            products: products
                .into_iter()
                .zip(GOODS.iter())
                .map(opening)
                .collect(),
            supplies: Vec::new(),
            orders: VecDeque::new(),
            movements: Vec::new(),
            operations: Vec::new(),
            personal: Vec::new(),
        })
    }

    /// Changes the counters of a good and adds the change to the ledger.
    fn record_movement<T>(
        &mut self,
        good: usize,
        kind: MovementKind,
        cause: MovementSource,
        change: impl FnOnce(&mut Counters) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let ProductState { id, counters, .. } = &mut self.products[good];
        let before = *counters;
        let outcome = change(counters)?;
        let (supply_id, order_id) = match cause {
            MovementSource::Supply(id) => (Some(id), None),
            MovementSource::Order(id) => (None, Some(id)),
        };
        self.movements.push(MovementRow {
            id: take(&mut self.next.movement),
            product_id: *id,
            kind,
            quantity: counters.quantity - before.quantity,
            issued: counters.issued - before.issued,
            reserved: counters.reserved - before.reserved,
            value_eur: counters.value_eur.0 - before.value_eur.0,
            uncosted: counters.uncosted - before.uncosted,
            on_hand_after: counters.on_hand(),
            stock_after: counters.stock(),
            supply_id,
            order_id,
            created_at: self.now,
        });
        Ok(outcome)
    }

    fn record(&mut self, action: Action, entity_type: Entity, id: i64, changes: &[Change]) {
        let operation = take(&mut self.next.operation);
        self.personal.extend(personal::rows(operation, changes));
        self.operations.push(OperationRow {
            id: operation,
            timestamp: self.now,
            action,
            entity_type,
            entity_id: id.to_string(),
            details: personal::details(changes),
        });
    }

    /// Returns a waiting order and the index of its good.
    fn waiting(&mut self, id: i64) -> Result<(usize, &mut OrderRow), Error> {
        let order = self
            .orders
            .front()
            .and_then(|oldest| usize::try_from(id - oldest.id).ok())
            .and_then(|place| self.orders.get_mut(place))
            .ok_or(Error::NotFound)?;
        let product = order.product_id;
        let good = self.products.iter().position(|held| held.id == product);
        Ok((good.ok_or(Error::NotFound)?, order))
    }

    /// Writes the rows that are ready, and drops them from memory. A movement is written after the order that caused
    /// it.
    fn write(&mut self, conn: &mut Conn, what: Written) -> Result<(), Error> {
        let settled = self
            .orders
            .iter()
            .take_while(|order| order.status != Status::PaidNotIssued)
            .count();
        let booked: Vec<OrderRow> = match what {
            Written::Settled => self.orders.drain(..settled).collect(),
            Written::Everything => self.orders.drain(..).collect(),
        };
        let unwritten = self
            .orders
            .front()
            .map_or(self.next.order, |order| order.id);
        let ready = self
            .movements
            .iter()
            .position(|movement| movement.order_id.is_some_and(|id| id >= unwritten))
            .unwrap_or(self.movements.len());
        insert_all!(conn, supplies, &self.supplies);
        insert_all!(conn, orders_table, &booked);
        let names = booked
            .iter()
            .flat_map(|order| orders::names::rows(order.id, order.customer_name))
            .collect::<Vec<_>>();
        insert_all!(conn, order_names, &names);
        insert_all!(conn, stock_movements, &self.movements[..ready]);
        insert_all!(conn, operation_log, &self.operations);
        insert_all!(conn, operation_log_personal, &self.personal);
        self.supplies.clear();
        self.movements.drain(..ready);
        self.operations.clear();
        self.personal.clear();
        Ok(())
    }

    fn write_counters(&self, conn: &mut Conn) -> Result<(), Error> {
        for held in &self.products {
            let price = products::buy_price_eur.eq(held.buy_price_eur);
            let version = products::version.eq(held.version);
            diesel::update(products::table.find(held.id))
                .set((held.counters, price, version))
                .execute(conn)?;
        }
        Ok(())
    }
}

impl Recorder for BulkWriter {
    fn at(&mut self, now: Moment) {
        self.now = now;
    }

    fn receive(&mut self, good: usize, qty: Qty, price: Eur) -> Result<(), Error> {
        let new = GOODS[good].supply(qty, price);
        let (name, supplier) = (
            GOODS[good].name.as_str(),
            GOODS[good].supplier_name.as_str(),
        );
        let id = take(&mut self.next.supply);
        self.record_movement(
            good,
            MovementKind::Supply,
            MovementSource::Supply(id),
            |counters| counters.receive(qty, Some(price)),
        )?;
        self.supplies.push(SupplyRow {
            id,
            product_id: self.products[good].id,
            product_name: name,
            qty,
            supplier_name: supplier,
            supplier_key: fold(supplier),
            buy_price_eur: price,
            created_at: self.now,
        });
        let held = &mut self.products[good];
        let before = (Some(held.buy_price_eur), Some(supplier));
        let changes = products_feature::service::supply_changes(before, price, supplier);
        if !changes.is_empty() {
            held.buy_price_eur = price;
            held.version += 1;
            let product = held.id;
            self.record(Action::Edit, Entity::Product, product, &changes);
        }
        let mut changes = vec![audit::set("product", name)];
        changes.extend(new.changes());
        self.record(Action::Supply, Entity::Supply, id, &changes);
        Ok(())
    }

    fn book(&mut self, order: OrderRequest) -> Result<i64, Error> {
        let Good {
            name,
            sell_price_rub,
            ..
        } = &GOODS[order.good];
        let phone = Phone::parse(&order.customer.phone)
            .ok_or_else(|| Error::field("phone", Problem::NotPhone))?;
        let created_at = match order.first_order {
            Some(first) => self.waiting(first)?.1.created_at,
            None => self.now,
        };
        let id = take(&mut self.next.order);
        self.record_movement(
            order.good,
            MovementKind::Reserve,
            MovementSource::Order(id),
            |counters| counters.reserve(order.qty),
        )?;
        let price = order.unit_price_rub;
        let changes = orders::service::creation_changes(
            &phone.e164,
            order.customer.name,
            name,
            order.qty,
            price,
            order.first_order,
        );
        self.record(Action::Create, Entity::Order, id, &changes);
        self.orders.push_back(OrderRow {
            id,
            phone_digits: phone.digits().to_owned(),
            phone_reversed: phone.reversed(),
            phone: phone.e164,
            phone_shown: phone.shown,
            customer_name: order.customer.name,
            customer_key: order.customer.name.map(fold),
            product_id: self.products[order.good].id,
            product_name: name,
            qty: order.qty,
            unit_price_rub: price,
            list_price_rub: Rub(*sell_price_rub),
            status: Status::PaidNotIssued,
            created_at,
            issued_at: None,
            issued_on: None,
            denied_at: None,
            denied_on: None,
            cost_eur: None,
            uncosted_qty: None,
            version: 1,
            first_order_id: order.first_order,
        });
        Ok(id)
    }

    fn issue(&mut self, id: i64) -> Result<(), Error> {
        let now = self.now;
        let (good, order) = self.waiting(id)?;
        order.status = Status::PaidIssued;
        order.issued_at = Some(now);
        order.issued_on = Some(now.day());
        order.version += 1;
        let qty = order.qty;
        let cost = self.record_movement(
            good,
            MovementKind::Issue,
            MovementSource::Order(id),
            |counters| Ok(counters.issue(qty)),
        )?;
        let (_, order) = self.waiting(id)?;
        order.cost_eur = Some(cost.eur);
        order.uncosted_qty = Some(cost.uncosted);
        self.record(Action::Issue, Entity::Order, id, &[]);
        Ok(())
    }

    fn deny(&mut self, id: i64) -> Result<(), Error> {
        let now = self.now;
        let (good, order) = self.waiting(id)?;
        order.status = Status::PaidDenied;
        order.denied_at = Some(now);
        order.denied_on = Some(now.day());
        order.version += 1;
        let qty = order.qty;
        self.record_movement(
            good,
            MovementKind::Release,
            MovementSource::Order(id),
            |counters| {
                counters.release(qty);
                Ok(())
            },
        )?;
        self.record(Action::Deny, Entity::Order, id, &[]);
        Ok(())
    }
}

fn take(next: &mut i64) -> i64 {
    let number = *next;
    *next += 1;
    number
}
