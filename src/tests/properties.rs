//! Random operations of several clients leave the shop consistent: the ledger, the counters, the orders and the sums
//! agree after every step, nothing is negative, and no cent of cost is lost.

use crate::{
    analytics::rates,
    audit::Action,
    baskets,
    db::Conn,
    error::Error,
    orders::{self, service::Part},
    products,
    schema::{
        operation_log, orders as order_rows, products as product_rows, supplies as supply_rows,
    },
    supplies::{self, correction},
    tests::support::{App, PHONE, block_on},
    transaction::Tx,
    undo, write_offs,
};
use chrono::{Days, TimeDelta};
use diesel::{prelude::*, sql_types::BigInt};
use futures::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRng, TestRunner},
};
use std::{collections::BTreeMap, sync::Mutex};

/// How many clients act at the same time.
const CLIENTS: usize = 3;
const PRODUCTS: usize = 3;
/// The number of kinds of steps.
const KINDS: usize = 17;

/// What a client does. A number picks one of the existing orders, supplies or operations.
#[derive(Clone, Debug)]
enum Step {
    Receive(usize, i64, i64),
    Book(Vec<(usize, i64)>, bool),
    Add(usize, usize, i64),
    Issue(usize, Option<i64>),
    IssueBasket(usize),
    Deny(usize),
    DenyBasket(usize),
    Reopen(usize),
    Undo(usize),
    TakeBack(usize, i64, bool, Option<i64>),
    Edit(usize, usize, i64),
    CorrectSupply(usize, i64, i64),
    SendBack(usize, i64),
    WriteOff(usize, i64),
    Count(usize, i64),
    SetRate(u64, i64),
    DeleteRate(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || 0..64_usize;
    let product = || 0..PRODUCTS;
    let qty = || 1..8_i64;
    let cents = || 0..2_000_i64;
    prop_oneof![
        3 => (product(), 1..40_i64, cents()).prop_map(|(p, q, c)| Step::Receive(p, q, c)),
        5 => (proptest::collection::vec((product(), qty()), 1..4), any::<bool>())
            .prop_map(|(lines, is_issued)| Step::Book(lines, is_issued)),
        4 => (pick(), product(), qty()).prop_map(|(o, p, q)| Step::Add(o, p, q)),
        4 => (pick(), proptest::option::of(qty())).prop_map(|(o, q)| Step::Issue(o, q)),
        2 => pick().prop_map(Step::IssueBasket),
        2 => pick().prop_map(Step::Deny),
        2 => pick().prop_map(Step::DenyBasket),
        3 => pick().prop_map(Step::Reopen),
        5 => pick().prop_map(Step::Undo),
        4 => (pick(), qty(), any::<bool>(), proptest::option::of(0..5_000_i64))
            .prop_map(|(o, q, restock, refund)| Step::TakeBack(o, q, restock, refund)),
        2 => (pick(), product(), qty()).prop_map(|(o, p, q)| Step::Edit(o, p, q)),
        3 => (pick(), 1..40_i64, cents()).prop_map(|(s, q, c)| Step::CorrectSupply(s, q, c)),
        2 => (pick(), qty()).prop_map(|(s, q)| Step::SendBack(s, q)),
        2 => (product(), qty()).prop_map(|(p, q)| Step::WriteOff(p, q)),
        2 => (product(), 0..40_i64).prop_map(|(p, q)| Step::Count(p, q)),
        2 => (0..4_u64, 500_000..1_500_000_i64).prop_map(|(day, rate)| Step::SetRate(day, rate)),
        2 => (0..4_u64).prop_map(Step::DeleteRate),
    ]
}

/// Writes money in minor units as people type it.
fn amount(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// Returns one of these ids.
fn pick(ids: &[i64], number: usize) -> Result<i64, Error> {
    ids.get(number % ids.len().max(1))
        .copied()
        .ok_or(Error::NotFound)
}

fn order_ids(tx: &mut Tx<'_>) -> Result<Vec<i64>, Error> {
    let ids = order_rows::table.select(order_rows::id);
    Ok(ids.order(order_rows::id).load(tx.conn)?)
}

fn supply_ids(tx: &mut Tx<'_>) -> Result<Vec<i64>, Error> {
    let ids = supply_rows::table.select(supply_rows::id);
    Ok(ids.order(supply_rows::id).load(tx.conn)?)
}

fn act(tx: &mut Tx<'_>, step: Step) -> Result<(), Error> {
    let order = |tx: &mut Tx<'_>, number| {
        let id = pick(&order_ids(tx)?, number)?;
        orders::service::get(tx, id)
    };
    let name = |product: usize| format!("товар {product}");
    match step {
        Step::Receive(product, qty, price) => {
            let supply = fields! {
                product: name(product), qty: qty, buy_price_eur: amount(price), supplier_name: "Tee"
            };
            supplies::service::receive(tx, "", &supply.read()?).map(drop)
        }
        Step::Book(lines, is_issued) => {
            let status = if is_issued { "paid_issued" } else { "" };
            let mut basket = fields! { phone: PHONE, customer_name: "Мария", status: status };
            for (number, (product, qty)) in lines.into_iter().enumerate() {
                basket = basket
                    .with(&format!("lines.{number}.product"), name(product))
                    .with(&format!("lines.{number}.qty"), qty);
            }
            baskets::service::create(tx, "", &basket.read()?).map(drop)
        }
        Step::Add(number, product, qty) => {
            let basket = order(tx, number)?.basket_id;
            let line = fields! { product: name(product), qty: qty, unit_price_rub: "70" };
            baskets::service::add(tx, "", basket, &line.read()?).map(drop)
        }
        Step::Issue(number, qty) => {
            let qty = qty.map_or_else(String::new, |qty| qty.to_string());
            let part: Part = fields! { qty: qty }.read()?;
            let id = order(tx, number)?.id;
            orders::service::issue_part(tx, id, part.qty).map(drop)
        }
        Step::IssueBasket(number) => {
            let basket = order(tx, number)?.basket_id;
            baskets::service::issue(tx, basket).map(drop)
        }
        Step::Deny(number) => {
            let id = order(tx, number)?.id;
            orders::service::deny(tx, id).map(drop)
        }
        Step::DenyBasket(number) => {
            let basket = order(tx, number)?.basket_id;
            baskets::service::deny(tx, basket).map(drop)
        }
        Step::Reopen(number) => {
            let id = order(tx, number)?.id;
            orders::service::reopen(tx, id).map(drop)
        }
        Step::Undo(number) => {
            let undoable = [
                Action::Issue,
                Action::Deny,
                Action::Supply,
                Action::Correct,
                Action::WriteOff,
            ];
            let operations: Vec<i64> = operation_log::table
                .filter(operation_log::action.eq_any(undoable))
                .order(operation_log::id.desc())
                .select(operation_log::id)
                .load(tx.conn)?;
            undo::service::undo(tx, pick(&operations, number)?).map(drop)
        }
        Step::TakeBack(number, qty, restock, refund) => {
            let id = order(tx, number)?.id;
            let refund = refund.map_or_else(String::new, amount);
            let returned = fields! {
                qty: qty, reason: "unsuitable", restock: restock, refund_rub: refund
            };
            orders::returns::create(tx, "", id, &returned.read()?).map(drop)
        }
        Step::Edit(number, product, qty) => {
            let order = order(tx, number)?;
            let edited = fields! {
                phone: PHONE, customer_name: "Мария", product: name(product), qty: qty,
                unit_price_rub: "90", version: order.version
            };
            orders::service::edit(tx, order.id, &edited.read()?).map(drop)
        }
        Step::CorrectSupply(number, qty, price) => {
            let id = pick(&supply_ids(tx)?, number)?;
            let version = supplies::service::get(tx, id)?.version;
            let right = fields! {
                version: version, qty: qty, buy_price_eur: amount(price), supplier_name: "Tee",
                reason: "опечатка"
            };
            correction::correct(tx, id, &right.read()?).map(drop)
        }
        Step::SendBack(number, qty) => {
            let id = pick(&supply_ids(tx)?, number)?;
            let returned = fields! { qty: qty, reason: "брак" };
            correction::return_to_supplier(tx, "", id, &returned.read()?).map(drop)
        }
        Step::WriteOff(product, qty) => {
            let id = product_id(tx, product)?;
            let write_off = fields! { qty: qty, reason: "damage" };
            write_offs::service::create(tx, "", id, &write_off.read()?).map(drop)
        }
        Step::Count(product, on_hand) => {
            let id = product_id(tx, product)?;
            let expected = products::service::get(tx, id)?.on_hand;
            let count = fields! { expected: expected, on_hand: on_hand };
            products::service::correct(tx, id, &count.read()?).map(drop)
        }
        Step::SetRate(days_ago, rate) => {
            let day = tx.now.day() - Days::new(days_ago);
            let rate = format!("{}.{:04}", rate / 10_000, rate % 10_000);
            rates::set(tx, &fields! { day: day, rub_per_eur: rate }.read()?).map(drop)
        }
        Step::DeleteRate(days_ago) => {
            let day = tx.now.day() - Days::new(days_ago);
            rates::delete(tx, day)
        }
    }
}

fn product_id(tx: &mut Tx<'_>, product: usize) -> Result<i64, Error> {
    let name = format!("товар {product}");
    let named = product_rows::table.filter(product_rows::name.eq(name));
    Ok(named.select(product_rows::id).first(tx.conn)?)
}

/// Fails if the value of all stock is not what came in, less what left.
fn assert_cost_is_conserved(conn: &mut Conn) -> Result<(), Error> {
    #[derive(QueryableByName)]
    struct Sums {
        #[diesel(sql_type = BigInt)]
        value: i64,
        #[diesel(sql_type = BigInt)]
        moved: i64,
    }
    let Sums { value, moved } = diesel::sql_query(
        "SELECT (SELECT CAST(COALESCE(SUM(value_eur), 0) AS BIGINT) FROM products) AS value,
            (SELECT CAST(COALESCE(SUM(value_eur), 0) AS BIGINT) FROM stock_movements
                WHERE supply_id IS NOT NULL OR kind IN ('opening', 'correction')
                    OR (kind = 'undo' AND write_off_id IS NULL))
            - (SELECT CAST(COALESCE(SUM(cost_eur), 0) AS BIGINT) FROM orders)
            + (SELECT CAST(COALESCE(SUM(cost_eur), 0) AS BIGINT) FROM order_returns)
            - (SELECT CAST(COALESCE(SUM(cost_eur), 0) AS BIGINT) FROM write_offs WHERE undone_on IS NULL)
            AS moved",
    )
    .get_result(conn)?;
    assert_eq!(value, moved, "cost was lost or made up");
    Ok(())
}

async fn play(app: App, steps: Vec<Step>, succeeded: &Mutex<BTreeMap<String, usize>>) {
    let begin = crate::clock::now();
    for product in 0..PRODUCTS {
        let price = if product == 0 { "" } else { "3.33" };
        let new = fields! {
            name: format!("товар {product}"), sell_price_rub: "100", quantity: "10",
            buy_price_eur: price
        };
        let create = move |tx: &mut Tx<'_>| products::service::create(tx, "", &new.read()?);
        app.state.write_at(begin, create).await.unwrap();
    }
    // Several groups happen on the same day of the shop, and the next ones on another.
    for (number, group) in steps.chunks(CLIENTS).enumerate() {
        let days = TimeDelta::days(i64::try_from(number / 3).unwrap());
        let now = crate::clock::at((begin.utc() + days).and_utc());
        let acts = group.iter().cloned().map(|step| {
            let said = format!("{step:?}");
            let done = app.state.write_at(now, move |tx| act(tx, step));
            async move { (said, done.await) }
        });
        for (said, done) in join_all(acts).await {
            let is_fault = matches!(
                done,
                Err(Error::Internal | Error::Locked | Error::Unavailable | Error::Busy)
            );
            assert!(!is_fault, "{said}: {done:?}");
            if done.is_ok() {
                let kind = said.split('(').next().unwrap().to_owned();
                *succeeded.lock().unwrap().entry(kind).or_default() += 1;
            }
        }
        let report = app.state.db.read(crate::integrity::check).await.unwrap();
        assert!(report.wrong.is_empty(), "{group:?}: {:#?}", report.wrong);
        app.state.db.read(assert_cost_is_conserved).await.unwrap();
    }
}

fn run(open: fn() -> App) {
    // The same steps each time, unless more are wanted to look for something new.
    let wanted = std::env::var("PROPTEST_CASES");
    let config = Config {
        cases: wanted.as_ref().map_or(10, |cases| cases.parse().unwrap()),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = match wanted {
        Ok(_) => TestRunner::new(config),
        Err(_) => {
            let random = TestRng::deterministic_rng(config.rng_algorithm);
            TestRunner::new_with_rng(config, random)
        }
    };
    let steps = proptest::collection::vec(step(), 60);
    let succeeded = Mutex::default();
    runner
        .run(&steps, |steps| {
            let app = open();
            block_on(play(app, steps, &succeeded));
            Ok(())
        })
        .unwrap();
    let succeeded = succeeded.into_inner().unwrap();
    assert_eq!(
        succeeded.len(),
        KINDS,
        "some steps never succeed: {succeeded:?}"
    );
}

#[test]
fn random_operations_leave_a_sqlite_shop_consistent() {
    run(App::sqlite);
}

#[test]
fn random_operations_leave_a_postgres_shop_consistent() {
    run(App::postgres);
}
