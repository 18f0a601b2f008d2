//! Correcting supplies, returning pieces to the supplier, and taking a supply back.

use super::{
    Supply,
    service::{MAX_NAME_LENGTH, get},
};
use crate::{
    api::values::Amount,
    audit::{self, Action, Change, Entity, service::last_change, service::record},
    auth::Permission,
    codes::Code,
    error::{Error, Problem, Stale},
    money::Eur,
    number::Qty,
    products,
    schema::{stock_movements, supplies, supply_returns},
    stock::{
        self, MovementKind,
        counters::Cost,
        service::{Locked, MovementSource},
    },
    text::fold,
    transaction::Tx,
    validation::{Input, Request, eur, line, number, qty},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

const MAX_REASON_LENGTH: usize = 200;

/// The right data of a supply
#[derive(Clone, Debug, Default, ToSchema)]
pub struct CorrectedSupply {
    /// The version that the correction is based on
    #[schema(example = 1)]
    pub version: i64,
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 20)]
    pub qty: Qty,
    #[schema(min_length = 1, max_length = 200, example = "Teekanne")]
    pub supplier_name: String,
    /// Price of one piece
    #[schema(value_type = Amount)]
    pub buy_price_eur: Eur,
    /// Why the supply is corrected
    #[schema(min_length = 1, max_length = 200, example = "Лишний ноль в количестве")]
    pub reason: String,
}

impl Request for CorrectedSupply {
    const PERMISSION: Permission = Permission::CorrectSupplies;

    fn read(input: &mut Input) -> Self {
        let qty = input.read("qty", qty);
        let buy_price_eur = input.read("buy_price_eur", eur);
        if let Err(error) = buy_price_eur.total_within(Eur::MAX_TOTAL, qty) {
            input.add_error("buy_price_eur", error.into());
        }
        Self {
            version: input.read("version", number(i64::MIN..=i64::MAX)),
            qty,
            supplier_name: input.read("supplier_name", line(MAX_NAME_LENGTH)),
            buy_price_eur,
            reason: input.read("reason", line(MAX_REASON_LENGTH)),
        }
    }
}

/// Corrects a supply. The pieces that are still on hand are revalued, and those that were sold keep their cost. Refused
/// if reserved pieces would be missing.
pub fn correct(tx: &mut Tx<'_>, id: i64, new: &CorrectedSupply) -> Result<Supply, Error> {
    tx.actor.may(Permission::CorrectSupplies)?;
    let (mut product, before) = lock(tx, id)?;
    let mut changes = compare(&before, new);
    if changes.is_empty() {
        return Ok(before);
    }
    if before.version != new.version {
        let last_change = last_change(tx, Entity::Supply, id)?;
        return Err(Error::Stale(Stale::new(
            before.version,
            changes,
            last_change,
        )));
    }
    if new.qty.0 < before.returned_qty {
        return Err(Error::field("qty", Problem::TooSmall(before.returned_qty)));
    }
    let left = share_left(tx, &product, &before)?;
    let source = MovementSource {
        note: Some(&new.reason),
        ..MovementSource::supply(id)
    };
    let kind = MovementKind::SupplyEdit;
    stock::service::change(tx, &mut product, kind, source, |counters| {
        let more = new.qty.0 - before.qty.0;
        // Pieces that never came leave at the price that was recorded for them.
        if more < 0 {
            let never_came = Qty(-more);
            let eur = before.buy_price_eur.times(never_came);
            let eur = eur.ok_or(Error::SumTooLarge)?;
            counters.remove(never_came, Cost { eur, uncosted: 0 })?;
        } else if more > 0 {
            counters.receive(Qty(more), Some(new.buy_price_eur))?;
        }
        let kept = before.qty.0.min(new.qty.0) - before.returned_qty;
        let change = i128::from(new.buy_price_eur.0 - before.buy_price_eur.0);
        counters.revalue(left.of(i128::from(kept) * change))
    })?;
    diesel::update(supplies::table.find(id))
        .set((
            supplies::qty.eq(new.qty),
            supplies::buy_price_eur.eq(new.buy_price_eur),
            supplies::supplier_name.eq(&new.supplier_name),
            supplies::supplier_key.eq(fold(&new.supplier_name)),
            supplies::version.eq(supplies::version + 1),
        ))
        .execute(tx.conn)?;
    let is_latest = (product.buy_price_eur, product.supplier_name.as_deref())
        == (
            Some(before.buy_price_eur),
            Some(before.supplier_name.as_str()),
        );
    if is_latest {
        products::service::apply_supply(tx, &product, new.buy_price_eur, &new.supplier_name)?;
    }
    changes.push(audit::set("note", &new.reason));
    record(tx, Action::Edit, Entity::Supply, id, &changes)?;
    get(tx, id)
}

fn compare(old: &Supply, new: &CorrectedSupply) -> Vec<Change> {
    audit::changes([
        ("qty", Some(old.qty.to_string()), Some(new.qty.to_string())),
        (
            "buy_price_eur",
            Some(old.buy_price_eur.to_string()),
            Some(new.buy_price_eur.to_string()),
        ),
        (
            "supplier_name",
            Some(old.supplier_name.clone()),
            Some(new.supplier_name.clone()),
        ),
    ])
}

/// Locks the product of a supply, and returns both. Whoever changes a supply has locked its product.
fn lock(tx: &mut Tx<'_>, id: i64) -> Result<(Locked, Supply), Error> {
    let product = get(tx, id)?.product_id;
    let product = stock::service::lock(tx, product)?;
    let supply = get(tx, id)?;
    if supply.undone_at.is_some() {
        return Err(Error::SupplyUndone);
    }
    Ok((product, supply))
}

/// The share of a supply's pieces that are still on hand, as a fraction.
///
/// Pieces of one product are not told apart: whatever leaves the stock takes the same share of every supply, as it does
/// in the weighted average of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareLeft(i128);

impl ShareLeft {
    const WHOLE: i128 = 1_000_000_000_000;

    /// Returns this share of an amount, rounded.
    pub fn of(self, amount: i128) -> i64 {
        let half = if amount < 0 {
            -Self::WHOLE
        } else {
            Self::WHOLE
        };
        let share = (amount * self.0 * 2 + half) / (Self::WHOLE * 2);
        i64::try_from(share).unwrap_or_default()
    }

    /// Removes `taken` of `held` pieces. Returns the share that left.
    fn take(&mut self, taken: i64, held: i64) -> Self {
        if held <= 0 {
            return Self(0);
        }
        let left = self.0 * i128::from((held - taken).max(0)) / i128::from(held);
        let gone = Self(self.0 - left);
        self.0 = left;
        gone
    }
}

/// A movement as the share of a supply sees it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = stock_movements)]
struct Since {
    id: i64,
    kind: Code<MovementKind>,
    quantity: i64,
    issued: i64,
    uncosted: i64,
    on_hand_after: i64,
    order_id: Option<i64>,
    reverses_id: Option<i64>,
}

/// Returns the movement by which a supply came in.
fn arrival(tx: &mut Tx<'_>, supply: i64) -> Result<i64, Error> {
    stock_movements::table
        .filter(stock_movements::supply_id.eq(supply))
        .filter(stock_movements::kind.eq(MovementKind::Supply))
        .select(stock_movements::id)
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns which share of a supply is still on hand, from the movements since then. The caller has locked the product.
fn share_left(tx: &mut Tx<'_>, product: &Locked, supply: &Supply) -> Result<ShareLeft, Error> {
    let arrival = arrival(tx, supply.id)?;
    let since: Vec<Since> = stock_movements::table
        .filter(stock_movements::product_id.eq(product.id))
        .filter(stock_movements::id.gt(arrival))
        .order(stock_movements::id)
        .select(Since::as_select())
        .load(tx.conn)?;
    let later: i64 = since.iter().map(|movement| movement.uncosted).sum();
    let mut uncosted = product.counters.uncosted - later;
    let mut left = ShareLeft(ShareLeft::WHOLE);
    // What left, by the movement and by the order, for when it comes back: the share, and the number of pieces.
    let mut gone: HashMap<i64, (i128, i64)> = HashMap::new();
    let mut sold: HashMap<i64, (i128, i64)> = HashMap::new();
    for movement in since {
        let change = movement.quantity - movement.issued;
        let costed_before = movement.on_hand_after - change - uncosted;
        let costed_change = change - movement.uncosted;
        uncosted += movement.uncosted;
        let returned = match movement.kind.known() {
            Some(MovementKind::Issue | MovementKind::WriteOff | MovementKind::Correction)
                if change < 0 =>
            {
                let share = left.take(-costed_change, costed_before).0;
                gone.insert(movement.id, (share, -change));
                movement
                    .order_id
                    .map(|order| sold.insert(order, (share, -change)));
                None
            }
            Some(MovementKind::Return | MovementKind::Reopen) if change > 0 => {
                movement.order_id.and_then(|order| sold.get(&order))
            }
            Some(MovementKind::Undo) if change > 0 => {
                movement.reverses_id.and_then(|undone| gone.get(&undone))
            }
            // What is corrected about a supply, or goes back to its supplier, concerns its own pieces.
            _ => None,
        };
        if let Some((share, pieces)) = returned {
            left.0 += share * i128::from(change) / i128::from(*pieces);
        }
    }
    Ok(left)
}

/// Returns how many pieces of a supply were sold or otherwise left, and so keep their cost when it is corrected.
pub fn gone(tx: &mut Tx<'_>, supply: &Supply) -> Result<i64, Error> {
    tx.actor.may(Permission::Supplies)?;
    if supply.undone_at.is_some() {
        return Ok(0);
    }
    let product = stock::service::read(tx, supply.product_id)?;
    let left = share_left(tx, &product, supply)?;
    let kept = supply.qty.0 - supply.returned_qty;
    Ok(kept - left.of(kept.into()))
}

/// Pieces that go back to the supplier
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct NewSupplyReturn {
    /// At most the pieces of the supply that were not returned yet
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 5)]
    pub qty: Qty,
    /// Why they go back
    #[schema(min_length = 1, max_length = 200, example = "Брак")]
    pub reason: String,
}

impl Request for NewSupplyReturn {
    const PERMISSION: Permission = Permission::CorrectSupplies;

    fn read(input: &mut Input) -> Self {
        Self {
            qty: input.read("qty", qty),
            reason: input.read("reason", line(MAX_REASON_LENGTH)),
        }
    }
}

/// A return to the supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = supply_returns)]
pub struct SupplyReturn {
    pub id: i64,
    pub supply_id: i64,
    pub qty: Qty,
    /// The value that left the stock.
    pub value_eur: Eur,
    pub user_id: Option<String>,
    pub created_at: crate::moment::Moment,
}

/// Returns pieces to the supplier, at the price of the supply. Refused if reserved pieces would be missing.
pub fn return_to_supplier(
    tx: &mut Tx<'_>,
    key: &str,
    supply: i64,
    new: &NewSupplyReturn,
) -> Result<SupplyReturn, Error> {
    tx.actor.may(Permission::CorrectSupplies)?;
    let insert = |tx: &mut Tx<'_>| insert_return(tx, supply, new);
    let asked = (supply, new);
    tx.once(key, Entity::SupplyReturn, &asked, insert, get_return)
}

fn insert_return(tx: &mut Tx<'_>, id: i64, new: &NewSupplyReturn) -> Result<i64, Error> {
    let (mut product, supply) = lock(tx, id)?;
    let left = supply.qty.0 - supply.returned_qty;
    if new.qty.0 > left {
        return Err(Error::field("qty", Problem::TooLarge(left)));
    }
    let eur = supply.buy_price_eur.times(new.qty);
    let cost = Cost {
        eur: eur.ok_or(Error::SumTooLarge)?,
        uncosted: 0,
    };
    let source = MovementSource {
        note: Some(&new.reason),
        ..MovementSource::supply(id)
    };
    let kind = MovementKind::SupplyReturn;
    let removed = stock::service::change(tx, &mut product, kind, source, |counters| {
        counters.remove(new.qty, cost)
    })?;
    diesel::update(supplies::table.find(id))
        .set((
            supplies::returned_qty.eq(supplies::returned_qty + new.qty.0),
            supplies::version.eq(supplies::version + 1),
        ))
        .execute(tx.conn)?;
    let changes = [audit::set("qty", new.qty), audit::set("note", &new.reason)];
    record(tx, Action::Return, Entity::Supply, id, &changes)?;
    diesel::insert_into(supply_returns::table)
        .values((
            supply_returns::supply_id.eq(id),
            supply_returns::qty.eq(new.qty),
            supply_returns::value_eur.eq(removed.eur),
            supply_returns::user_id.eq(tx.actor.username()),
            supply_returns::created_at.eq(tx.now),
        ))
        .returning(supply_returns::id)
        .get_result::<i64>(tx.conn)
        .map_err(Error::from)
}

/// Returns one return to a supplier.
pub fn get_return(tx: &mut Tx<'_>, id: i64) -> Result<SupplyReturn, Error> {
    tx.actor.may(Permission::Supplies)?;
    supply_returns::table
        .find(id)
        .select(SupplyReturn::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Takes a supply back as a whole: all its pieces that did not go back to the supplier leave the stock. If the product
/// still has its price and supplier, it gets those of the supply before. The caller checks the permission and writes
/// the operation log.
pub fn undo(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    let (mut product, supply) = lock(tx, id)?;
    let kept = Qty(supply.qty.0 - supply.returned_qty);
    if kept.0 > 0 {
        let eur = supply.buy_price_eur.times(kept);
        let cost = Cost {
            eur: eur.ok_or(Error::SumTooLarge)?,
            uncosted: 0,
        };
        let source = MovementSource {
            reverses_id: Some(arrival(tx, id)?),
            ..MovementSource::supply(id)
        };
        stock::service::change(tx, &mut product, MovementKind::Undo, source, |counters| {
            counters.remove(kept, cost)
        })?;
    }
    diesel::update(supplies::table.find(id))
        .set((
            supplies::undone_at.eq(tx.now),
            supplies::version.eq(supplies::version + 1),
        ))
        .execute(tx.conn)?;
    let of_supply = (
        Some(supply.buy_price_eur),
        Some(supply.supplier_name.as_str()),
    );
    if (product.buy_price_eur, product.supplier_name.as_deref()) != of_supply {
        return Ok(());
    }
    let earlier = supplies::table
        .filter(supplies::product_id.eq(product.id))
        .filter(supplies::undone_at.is_null())
        .order((supplies::created_at.desc(), supplies::id.desc()))
        .select(Supply::as_select())
        .first(tx.conn)
        .optional()?;
    match earlier {
        Some(earlier) => {
            let price = earlier.buy_price_eur;
            products::service::apply_supply(tx, &product, price, &earlier.supplier_name)
        }
        None => Ok(()),
    }
}
