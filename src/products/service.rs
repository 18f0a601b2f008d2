//! The business rules for products.

use super::{Product, ProductData, lookup, names};
use crate::{
    api::values::with_property,
    audit::{
        self, Action, Change, Entity,
        service::{last_change, record},
    },
    auth::Permission,
    db::Conn,
    error::{Error, Problem, Stale},
    money::Eur,
    number::Qty,
    schema::{orders, products, stock_movements, supplies},
    stock::{self, service::Locked},
    text::fold,
    transaction::Tx,
    validation::{Input, Request, line, number, optional},
};
use diesel::prelude::*;
use serde::Serialize;
use std::{borrow::Cow, collections::HashMap};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType},
    },
};

/// The longest note on a count, in characters.
const MAX_NOTE_LENGTH: usize = 200;
/// How many rows one statement inserts.
const INSERTED_AT_ONCE: usize = 1_000;

/// A product to add.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewProduct {
    /// Pieces already on hand.
    pub quantity: i64,
    pub data: ProductData,
}

impl Request for NewProduct {
    const PERMISSION: Permission = Permission::EditProducts;

    fn read(input: &mut Input) -> Self {
        let quantity = input.read("quantity", optional(number(0..=Qty::MAX.0)));
        Self {
            quantity: quantity.unwrap_or(0),
            data: ProductData::read(input),
        }
    }
}

impl PartialSchema for NewProduct {
    fn schema() -> RefOr<Schema> {
        let quantity = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Pieces already on hand"))
            .minimum(Some(0))
            .maximum(Some(Qty::MAX.0))
            .default(Some(0.into()))
            .examples([serde_json::json!(0)]);
        with_property(
            ProductData::schema(),
            "A product to add",
            "quantity",
            quantity,
            false,
        )
    }
}

impl ToSchema for NewProduct {
    fn name() -> Cow<'static, str> {
        "NewProduct".into()
    }
}

/// The new data for an existing product.
#[derive(Clone, Debug, Default)]
pub struct EditedProduct {
    /// The version that the edit is based on.
    pub version: i64,
    pub data: ProductData,
}

impl Request for EditedProduct {
    const PERMISSION: Permission = Permission::EditProducts;

    fn read(input: &mut Input) -> Self {
        Self {
            version: input.read("version", number(i64::MIN..=i64::MAX)),
            data: ProductData::read(input),
        }
    }
}

impl PartialSchema for EditedProduct {
    fn schema() -> RefOr<Schema> {
        let version = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("The version that the edit is based on"))
            .examples([serde_json::json!(1)]);
        let description = "The new data for an existing product; omitted fields become empty";
        with_property(ProductData::schema(), description, "version", version, true)
    }
}

impl ToSchema for EditedProduct {
    fn name() -> Cow<'static, str> {
        "EditedProduct".into()
    }
}

/// A count of the pieces on hand
#[derive(Clone, Debug, Default, ToSchema)]
pub struct Count {
    /// Pieces on hand when the count began
    #[schema(example = 12)]
    pub expected: i64,
    /// Pieces counted
    #[schema(minimum = 0, maximum = 1000000, example = 11)]
    pub on_hand: i64,
    /// Why the two numbers differ
    #[schema(max_length = 200, example = "разбита одна")]
    pub note: Option<String>,
}

impl Request for Count {
    const PERMISSION: Permission = Permission::EditProducts;

    fn read(input: &mut Input) -> Self {
        Self {
            expected: input.read("expected", number(i64::MIN..=i64::MAX)),
            on_hand: input.read("on_hand", number(0..=Qty::MAX.0)),
            note: input.read("note", optional(line(MAX_NOTE_LENGTH))),
        }
    }
}

/// Adds a product, together with the pieces already on hand.
pub fn create(tx: &mut Tx<'_>, key: &str, new: &NewProduct) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    tx.once(key, Entity::Product, new, |tx| insert(tx, new), get)
}

fn insert(tx: &mut Tx<'_>, new: &NewProduct) -> Result<i64, Error> {
    refuse_taken_name(tx, &new.data.name, None)?;
    lookup::refuse_taken(tx, &new.data.codes, None)?;
    let id = write_new(tx, &new.data)?;
    let mut changes = audit::all(new.data.entries());
    if new.quantity > 0 {
        open_stock(tx, id, Qty(new.quantity))?;
        changes.push(audit::set("quantity", new.quantity));
    }
    record(tx, Action::Create, Entity::Product, id, &changes)?;
    Ok(id)
}

/// Adds the opening stock of a new product, at its purchase price.
pub(super) fn open_stock(tx: &mut Tx<'_>, id: i64, qty: Qty) -> Result<(), Error> {
    let mut product = stock::service::lock(tx, id)?;
    let price = product.buy_price_eur;
    stock::service::open(tx, &mut product, qty, price)
}

/// Inserts the row of a product whose name and codes are free. The caller writes the operation log.
pub(super) fn write_new(tx: &mut Tx<'_>, new: &ProductData) -> Result<i64, Error> {
    let id = diesel::insert_into(products::table)
        .values((
            new,
            products::name_key.eq(fold(&new.name)),
            products::supplier_key.eq(fold(new.supplier_name.as_deref().unwrap_or_default())),
            products::created_at.eq(tx.now),
        ))
        .returning(products::id)
        .get_result::<i64>(tx.conn)?;
    lookup::add(tx, &[(id, &new.codes)])?;
    tx.events.record_on_sale(id, new.min_stock > 0);
    Ok(id)
}

/// Inserts the rows of products whose names and codes are free, and returns their ids in the same order. PostgreSQL
/// gets many rows in one statement, because each statement is a round trip. The caller writes the operation log.
pub(super) fn write_all_new(tx: &mut Tx<'_>, new: &[ProductData]) -> Result<Vec<i64>, Error> {
    let mut ids = Vec::with_capacity(new.len());
    for chunk in new.chunks(INSERTED_AT_ONCE) {
        match tx.conn {
            Conn::Sqlite(_) => {
                for product in chunk {
                    ids.push(write_new(tx, product)?);
                }
            }
            Conn::Postgres(conn) => {
                let keys: Vec<String> = chunk.iter().map(|product| fold(&product.name)).collect();
                let row = |(product, key)| {
                    let supplier: &ProductData = product;
                    let supplier_key = fold(supplier.supplier_name.as_deref().unwrap_or_default());
                    (
                        product,
                        products::name_key.eq(key),
                        products::supplier_key.eq(supplier_key),
                        products::created_at.eq(tx.now),
                    )
                };
                let rows: Vec<_> = chunk.iter().zip(&keys).map(row).collect();
                let inserted: HashMap<String, i64> = diesel::insert_into(products::table)
                    .values(rows)
                    .returning((products::name_key, products::id))
                    .get_results::<(String, i64)>(conn)?
                    .into_iter()
                    .collect();
                let mut codes = Vec::with_capacity(chunk.len());
                for (product, key) in chunk.iter().zip(&keys) {
                    let id = *inserted.get(key).ok_or(Error::Internal)?;
                    tx.events.record_on_sale(id, product.min_stock > 0);
                    codes.push((id, &product.codes));
                    ids.push(id);
                }
                lookup::add(tx, &codes)?;
            }
        }
    }
    Ok(ids)
}

/// Edits a product. If nothing would change, returns the product as it is and does not check the version.
pub fn edit(tx: &mut Tx<'_>, id: i64, edited: &EditedProduct) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let new = &edited.data;
    let old = get(tx, id)?;
    let changes = compare(&old, new);
    if changes.is_empty() {
        return Ok(old);
    }
    refuse_taken_name(tx, &new.name, Some(id))?;
    if old.codes != new.codes {
        lookup::refuse_taken(tx, &new.codes, Some(id))?;
    }
    if write_edit(tx, id, edited.version, new, &changes)? == 0 {
        let present = get(tx, id)?;
        let changes = compare(&present, new);
        if changes.is_empty() {
            return Ok(present);
        }
        let last_change = last_change(tx, Entity::Product, id)?;
        return Err(Error::Stale(Stale::new(
            present.version,
            changes,
            last_change,
        )));
    }
    record(tx, Action::Edit, Entity::Product, id, &changes)?;
    get(tx, id)
}

/// Writes an edit that is based on `version` and makes these changes; returns 0 if the product's version has changed
/// since. The caller writes the operation log.
pub(super) fn write_edit(
    tx: &mut Tx<'_>,
    id: i64,
    version: i64,
    new: &ProductData,
    changes: &[Change],
) -> Result<usize, Error> {
    let locked = stock::service::lock(tx, id)?;
    names::keep_former_name(tx, &locked, &new.name)?;
    let edited = diesel::update(
        products::table
            .find(id)
            .filter(products::version.eq(version)),
    )
    .set((
        new,
        products::name_key.eq(fold(&new.name)),
        products::supplier_key.eq(fold(new.supplier_name.as_deref().unwrap_or_default())),
        products::version.eq(products::version + 1),
    ))
    .execute(tx.conn)?;
    if edited > 0 {
        if changes.iter().any(|change| change.field == "codes") {
            lookup::replace(tx, id, &new.codes)?;
        }
        let is_low = locked.counters.stock() < new.min_stock;
        tx.events.record_stock_level(id, locked.is_low(), is_low);
    }
    Ok(edited)
}

/// Sets the product's purchase price and supplier to those of its latest supply. This increments the version, so that a
/// concurrent edit is refused as stale.
pub(crate) fn apply_supply(
    tx: &mut Tx<'_>,
    product: &Locked,
    price: Eur,
    supplier_name: &str,
) -> Result<(), Error> {
    let id = product.id;
    let before = (product.buy_price_eur, product.supplier_name.as_deref());
    let changes = supply_changes(before, price, supplier_name);
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

/// Returns what a supply changes on a product; `before` is the product's purchase price and supplier.
pub fn supply_changes(
    before: (Option<Eur>, Option<&str>),
    price: Eur,
    supplier_name: &str,
) -> Vec<Change> {
    let (price_before, supplier_before) = before;
    audit::changes([
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

/// Returns what an edit would change.
pub(super) fn compare(old: &ProductData, new: &ProductData) -> Vec<Change> {
    let pairs = old.entries().into_iter().zip(new.entries());
    audit::changes(pairs.map(|((field, before), (_, after))| (field, before, after)))
}

/// Sets the stock on hand to a counted number. Refused as stale if the stock has moved since the count began.
pub fn correct(tx: &mut Tx<'_>, id: i64, count: &Count) -> Result<Product, Error> {
    tx.actor.may(Permission::EditProducts)?;
    let mut locked = stock::service::lock(tx, id)?;
    let present = locked.counters.on_hand();
    if present == count.on_hand {
        return get(tx, id);
    }
    let before = Some(present.to_string());
    let mut changes = audit::changes([("on_hand", before, Some(count.on_hand.to_string()))]);
    if present != count.expected {
        return Err(Error::Stale(Stale::new(present, changes, None)));
    }
    let note = count.note.as_deref();
    let movement = stock::service::correct(tx, &mut locked, count.on_hand, note)?;
    changes.push(audit::set("movement", movement));
    changes.extend(note.map(|note| audit::set("note", note)));
    record(tx, Action::Correct, Entity::Product, id, &changes)?;
    get(tx, id)
}

/// Takes a count back, which is this movement of the ledger. The caller checks the permission and writes the log.
pub fn undo_count(tx: &mut Tx<'_>, id: i64, movement: i64) -> Result<(), Error> {
    let mut product = stock::service::lock(tx, id)?;
    stock::service::undo_count(tx, &mut product, movement)
}

/// Takes a product off sale: archives it, or deletes it if it has no history.
/// Returns whether the product still exists.
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
            &[audit::set("name", &product.name)],
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

/// Puts an archived product back on sale.
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
        tx.events.record_on_sale(id, locked.is_low());
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

/// Returns one product.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Product, Error> {
    tx.actor.may(Permission::ViewStock)?;
    products::table
        .find(id)
        .select(Product::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

fn refuse_taken_name(tx: &mut Tx<'_>, name: &str, of: Option<i64>) -> Result<(), Error> {
    let key = fold(name);
    crate::db::wait_for_table_lock(tx.conn, "products")?;
    crate::db::lock_name(tx.conn, &format!("product {key}"))?;
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
