//! The rules of products.

use super::{Draft, Product, names};
use crate::{
    act::Tx,
    auth::Permission,
    checks::Checks,
    error::{Error, Problem, Stale},
    log::{self, Action, Change, Entity, service::record},
    money::{Eur, Rub},
    schema::{orders, products, stock_movements, supplies},
    stock::{
        self, MAX_PIECES,
        service::{Cause, Locked},
    },
    text::fold,
};
use diesel::prelude::*;

pub const NAME: usize = 200;
const DESCRIPTION: usize = 2_000;

/// What a draft says, once every field could be taken.
#[derive(Debug)]
pub struct Checked {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) min_stock: i64,
    pub(super) buy_price_eur: Option<Eur>,
    pub(super) sell_price_rub: Option<Rub>,
    pub(super) supplier_name: Option<String>,
}

impl Draft {
    pub(super) fn check(&self, mut checks: Checks) -> Result<Checked, Error> {
        let checked = Checked {
            name: checks.line("name", &self.name, NAME),
            description: checks.optional_text("description", &self.description, DESCRIPTION),
            min_stock: checks
                .optional_number("min_stock", &self.min_stock, 0, MAX_PIECES)
                .unwrap_or(0),
            buy_price_eur: checks.optional_eur("buy_price_eur", &self.buy_price_eur),
            sell_price_rub: checks.optional_rub("sell_price_rub", &self.sell_price_rub),
            supplier_name: checks.optional_line("supplier_name", &self.supplier_name, NAME),
        };
        checks.done().map(|()| checked)
    }
}

/// Adds a product, with `quantity` pieces that are there already when that is not empty.
pub fn create(tx: &mut Tx<'_>, key: &str, draft: &Draft, quantity: &str) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let mut checks = Checks::default();
    let opening = checks
        .optional_number("quantity", quantity, 0, MAX_PIECES)
        .unwrap_or(0);
    let checked = draft.check(checks)?;
    let insert = |tx: &mut Tx<'_>| insert(tx, &checked, opening);
    tx.once(key, Entity::Product, &(draft, quantity), insert, get)
}

fn insert(tx: &mut Tx<'_>, new: &Checked, opening: i64) -> Result<i64, Error> {
    refuse_taken_name(tx, &new.name, None)?;
    let id = write_new(tx, new)?;
    let mut changes = vec![
        log::set("name", &new.name),
        log::set("min_stock", new.min_stock),
    ];
    changes.extend(
        new.buy_price_eur
            .map(|price| log::set("buy_price_eur", price)),
    );
    changes.extend(
        new.sell_price_rub
            .map(|price| log::set("sell_price_rub", price)),
    );
    changes.extend(
        new.supplier_name
            .as_ref()
            .map(|name| log::set("supplier_name", name)),
    );
    if opening > 0 {
        stock::service::receive(tx, id, opening, new.buy_price_eur, Cause::Opening)?;
        changes.push(log::set("quantity", opening));
    }
    record(tx, Action::Create, Entity::Product, id, &changes)?;
    Ok(id)
}

/// Writes the row of a product whose name is free. Its log is the caller's to write.
pub(super) fn write_new(tx: &mut Tx<'_>, new: &Checked) -> Result<i64, Error> {
    let id = diesel::insert_into(products::table)
        .values((
            products::name.eq(&new.name),
            products::name_key.eq(fold(&new.name)),
            products::description.eq(&new.description),
            products::min_stock.eq(new.min_stock),
            products::buy_price_eur.eq(new.buy_price_eur),
            products::sell_price_rub.eq(new.sell_price_rub),
            products::supplier_name.eq(&new.supplier_name),
            products::supplier_key.eq(fold(new.supplier_name.as_deref().unwrap_or_default())),
            products::created_at.eq(tx.now),
        ))
        .returning(products::id)
        .get_result::<i64>(tx.conn)?;
    tx.events.put_on_sale(id, new.min_stock > 0);
    Ok(id)
}

/// Edits a product that was read as `version`. What is so already is left as it is, whatever the version.
pub fn edit(tx: &mut Tx<'_>, id: i64, version: i64, draft: &Draft) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let new = draft.check(Checks::default())?;
    let old = get(tx, id)?;
    let changes = compare(&old, &new);
    if changes.is_empty() {
        return Ok(old);
    }
    refuse_taken_name(tx, &new.name, Some(id))?;
    let edited = write_edit(tx, id, version, &new)?;
    if edited == 0 {
        let present = get(tx, id)?;
        let changes = compare(&present, &new);
        return if changes.is_empty() {
            Ok(present)
        } else {
            Err(Error::Stale(Stale::new(present.version, changes)))
        };
    }
    record(tx, Action::Edit, Entity::Product, id, &changes)?;
    get(tx, id)
}

/// Writes an edit of a product that was read as `version`; 0 when it has another by now. Its log is the caller's to write.
pub(super) fn write_edit(
    tx: &mut Tx<'_>,
    id: i64,
    version: i64,
    new: &Checked,
) -> Result<usize, Error> {
    let locked = stock::service::lock(tx, id)?;
    names::keep(tx, id, &new.name)?;
    let edited = diesel::update(
        products::table
            .find(id)
            .filter(products::version.eq(version)),
    )
    .set((
        products::name.eq(&new.name),
        products::name_key.eq(fold(&new.name)),
        products::description.eq(&new.description),
        products::min_stock.eq(new.min_stock),
        products::buy_price_eur.eq(new.buy_price_eur),
        products::sell_price_rub.eq(new.sell_price_rub),
        products::supplier_name.eq(&new.supplier_name),
        products::supplier_key.eq(fold(new.supplier_name.as_deref().unwrap_or_default())),
        products::version.eq(products::version + 1),
    ))
    .execute(tx.conn)?;
    if edited > 0 {
        let is_low = locked.counters.stock() < new.min_stock;
        tx.events.level(id, locked.is_low(), is_low);
    }
    Ok(edited)
}

/// Notes what a supply cost and who brought it: the last purchase price and the last supplier of a product. Whoever
/// edits the product meanwhile is told of it, as of any other change.
pub(crate) fn follow_supply(
    tx: &mut Tx<'_>,
    id: i64,
    present: &Locked,
    price: Eur,
    supplier_name: &str,
) -> Result<(), Error> {
    let before = (present.buy_price_eur, present.supplier_name.as_deref());
    let changes = supplied(before, price, supplier_name);
    if changes.is_empty() {
        return Ok(());
    }
    diesel::update(products::table.find(id))
        .set((
            products::buy_price_eur.eq(price),
            products::supplier_name.eq(supplier_name),
            products::supplier_key.eq(fold(supplier_name)),
            products::version.eq(products::version + 1),
        ))
        .execute(tx.conn)?;
    record(tx, Action::Edit, Entity::Product, id, &changes)
}

/// What a supply changes of a product with that purchase price and supplier.
pub fn supplied(
    before: (Option<Eur>, Option<&str>),
    price: Eur,
    supplier_name: &str,
) -> Vec<Change> {
    let (price_before, supplier_before) = before;
    log::changes([
        (
            "buy_price_eur",
            price_before.map(|price| price.to_string()),
            Some(price.to_string()),
        ),
        (
            "supplier_name",
            supplier_before.map(str::to_owned),
            Some(supplier_name.to_owned()),
        ),
    ])
}

/// What an edit would change.
pub(super) fn compare(old: &Product, new: &Checked) -> Vec<Change> {
    log::changes([
        ("name", Some(old.name.clone()), Some(new.name.clone())),
        (
            "description",
            old.description.clone(),
            new.description.clone(),
        ),
        (
            "min_stock",
            Some(old.min_stock.to_string()),
            Some(new.min_stock.to_string()),
        ),
        (
            "buy_price_eur",
            old.buy_price_eur.map(|price| price.to_string()),
            new.buy_price_eur.map(|price| price.to_string()),
        ),
        (
            "sell_price_rub",
            old.sell_price_rub.map(|price| price.to_string()),
            new.sell_price_rub.map(|price| price.to_string()),
        ),
        (
            "supplier_name",
            old.supplier_name.clone(),
            new.supplier_name.clone(),
        ),
    ])
}

/// Sets what is on hand to what was counted. `expected` is what the page showed: a count of
/// something that has moved meanwhile is refused.
pub fn correct(
    tx: &mut Tx<'_>,
    id: i64,
    expected: i64,
    on_hand: &str,
    note: &str,
) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let mut checks = Checks::default();
    let counted = checks.number("on_hand", on_hand, 0, MAX_PIECES);
    let note = checks.optional_line("note", note, NAME);
    checks.done()?;
    let locked = stock::service::lock(tx, id)?;
    let present = locked.counters.on_hand();
    if present == counted {
        return get(tx, id);
    }
    if present != expected {
        let difference = log::changes([(
            "on_hand",
            Some(present.to_string()),
            Some(counted.to_string()),
        )]);
        return Err(Error::Stale(Stale::new(present, difference)));
    }
    stock::service::correct(tx, id, counted, locked.buy_price_eur, note.as_deref())?;
    let mut changes = log::changes([(
        "on_hand",
        Some(present.to_string()),
        Some(counted.to_string()),
    )]);
    changes.extend(note.map(|note| log::set("note", note)));
    record(tx, Action::Correct, Entity::Product, id, &changes)?;
    get(tx, id)
}

/// Takes a product out of sale: archives it, or deletes it when it has no history.
/// Tells whether it is still there.
pub fn archive(tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
    tx.actor.may(Permission::EditProducts)?;
    stock::service::lock(tx, id)?;
    let product = get(tx, id)?;
    if !has_history(tx, id)? {
        diesel::delete(products::table.find(id)).execute(tx.conn)?;
        record(
            tx,
            Action::Delete,
            Entity::Product,
            id,
            &[log::set("name", &product.name)],
        )?;
        return Ok(false);
    }
    if product.archived_at.is_none() {
        diesel::update(products::table.find(id))
            .set((
                products::archived_at.eq(tx.now),
                products::version.eq(product.version + 1),
            ))
            .execute(tx.conn)?;
        record(tx, Action::Archive, Entity::Product, id, &[])?;
    }
    Ok(true)
}

/// Brings an archived product back into sale.
pub fn restore(tx: &mut Tx<'_>, id: i64) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let locked = stock::service::lock(tx, id)?;
    let product = get(tx, id)?;
    if product.archived_at.is_some() {
        let back = (
            products::archived_at.eq(None::<chrono::NaiveDateTime>),
            products::version.eq(product.version + 1),
        );
        diesel::update(products::table.find(id))
            .set(back)
            .execute(tx.conn)?;
        record(tx, Action::Restore, Entity::Product, id, &[])?;
        tx.events.put_on_sale(id, locked.is_low());
    }
    get(tx, id)
}

fn has_history(tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
    let moved = diesel::select(diesel::dsl::exists(
        stock_movements::table.filter(stock_movements::product_id.eq(id)),
    ))
    .get_result::<bool>(tx.conn)?;
    let ordered = diesel::select(diesel::dsl::exists(
        orders::table.filter(orders::product_id.eq(id)),
    ))
    .get_result::<bool>(tx.conn)?;
    let supplied = diesel::select(diesel::dsl::exists(
        supplies::table.filter(supplies::product_id.eq(id)),
    ))
    .get_result::<bool>(tx.conn)?;
    Ok(moved || ordered || supplied)
}

/// One product.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Product, Error> {
    tx.actor.may(Permission::ViewStock)?;
    products::table
        .find(id)
        .select(COLUMNS)
        .first(tx.conn)
        .map_err(Error::from)
}

fn refuse_taken_name(tx: &mut Tx<'_>, name: &str, of: Option<i64>) -> Result<(), Error> {
    let key = fold(name);
    crate::db::enter_table(tx.conn, "products")?;
    crate::db::serialize_by(tx.conn, &format!("product {key}"))?;
    let holder = products::table
        .filter(products::name_key.eq(key))
        .select(products::id)
        .first::<i64>(tx.conn)
        .optional()?;
    match holder {
        Some(id) if Some(id) != of => Err(Error::field("name", Problem::Taken)),
        _ => Ok(()),
    }
}

/// The columns of [`Product`].
pub type Columns = (
    products::id,
    products::name,
    products::description,
    products::quantity,
    products::on_hand,
    products::reserved,
    products::stock,
    products::min_stock,
    products::is_low_stock,
    products::buy_price_eur,
    products::sell_price_rub,
    products::supplier_name,
    products::version,
    products::created_at,
    products::archived_at,
);

/// The columns of [`Product`].
pub const COLUMNS: Columns = (
    products::id,
    products::name,
    products::description,
    products::quantity,
    products::on_hand,
    products::reserved,
    products::stock,
    products::min_stock,
    products::is_low_stock,
    products::buy_price_eur,
    products::sell_price_rub,
    products::supplier_name,
    products::version,
    products::created_at,
    products::archived_at,
);
