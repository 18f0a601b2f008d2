//! The business rules for supplies.

use super::{Query, Sort, Supply};
use crate::{
    api::values::Amount,
    audit::{self, Action, Change, Entity, service::record},
    auth::Permission,
    clock,
    db::{Column, Dialect, Keyset, SortKey, SortOrder},
    error::Error,
    money::Eur,
    number::Qty,
    page::Page,
    products::{self, names::NameFilter},
    schema::supplies,
    stock::{self, MovementKind, service::MovementSource},
    text::fold,
    transaction::Tx,
    validation::{Input, Request, Validator, eur, line, qty},
};
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// The longest name of a supplier, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

/// A supply to receive
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct NewSupply {
    /// Number of the product; alternatively, give its name in `product`
    #[schema(minimum = 1, example = 7)]
    pub product_id: Option<i64>,
    /// Name of the product, or words that only its name contains; ignored if `product_id` is given
    #[schema(value_type = Option<String>)]
    pub product: String,
    #[schema(value_type = i64, minimum = 1, maximum = 1000000, example = 20)]
    pub qty: Qty,
    #[schema(min_length = 1, max_length = 200, example = "Teekanne")]
    pub supplier_name: String,
    /// Price of one piece
    #[schema(value_type = Amount)]
    pub buy_price_eur: Eur,
}

impl Request for NewSupply {
    const PERMISSION: Permission = Permission::Supplies;

    fn read(input: &mut Input) -> Self {
        let qty = input.read("qty", qty);
        let supplier_name = input.read("supplier_name", line(MAX_NAME_LENGTH));
        let buy_price_eur = input.read("buy_price_eur", eur);
        if let Err(error) = buy_price_eur.total_within(Eur::MAX_TOTAL, qty) {
            input.add_error("buy_price_eur", error.into());
        }
        let (product_id, product) = products::search::read_product(input);
        Self {
            product_id,
            product,
            qty,
            supplier_name,
            buy_price_eur,
        }
    }
}

impl NewSupply {
    /// Returns what the operation log records of the supply, apart from its product.
    pub fn changes(&self) -> [Change; 3] {
        [
            audit::set("qty", self.qty.0),
            audit::set("buy_price_eur", self.buy_price_eur),
            audit::set("supplier_name", &self.supplier_name),
        ]
    }
}

/// Receives a supply: increases the stock and sets the product's purchase price and supplier.
pub fn receive(tx: &mut Tx<'_>, key: &str, new: &NewSupply) -> Result<Supply, Error> {
    tx.actor.may(Permission::Supplies)?;
    let insert = |tx: &mut Tx<'_>| {
        let product = products::search::resolve(tx, new.product_id, &new.product)?;
        let (id, name) = write(tx, product.id, new)?;
        let mut changes = vec![audit::set("product", name)];
        changes.extend(new.changes());
        record(tx, Action::Supply, Entity::Supply, id, &changes)?;
        Ok(id)
    };
    tx.once(key, Entity::Supply, new, insert, get)
}

/// Writes a supply, increases the stock, and sets the product's purchase price and supplier. Returns the supply's
/// number and the product's name. The caller writes the operation log of the supply.
pub(super) fn write(
    tx: &mut Tx<'_>,
    product: i64,
    new: &NewSupply,
) -> Result<(i64, String), Error> {
    let mut product = stock::service::lock_on_sale(tx, product)?;
    let id = diesel::insert_into(supplies::table)
        .values((
            supplies::product_id.eq(product.id),
            supplies::product_name.eq(&product.name),
            supplies::qty.eq(new.qty),
            supplies::supplier_name.eq(&new.supplier_name),
            supplies::supplier_key.eq(fold(&new.supplier_name)),
            supplies::buy_price_eur.eq(new.buy_price_eur),
            supplies::user_id.eq(tx.actor.username()),
            supplies::created_at.eq(tx.now),
        ))
        .returning(supplies::id)
        .get_result::<i64>(tx.conn)?;
    let price = new.buy_price_eur;
    let source = MovementSource::supply(id);
    stock::service::change(tx, &mut product, MovementKind::Supply, source, |counters| {
        counters.receive(new.qty, Some(price))
    })?;
    products::service::apply_supply(tx, &product, price, &new.supplier_name)?;
    Ok((id, product.name))
}

/// Returns the supplies with these numbers.
pub(super) fn by_ids(tx: &mut Tx<'_>, ids: Vec<i64>) -> Result<HashMap<i64, Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut found = HashMap::new();
    for ids in ids.chunks(1_000) {
        let rows = supplies::table
            .filter(supplies::id.eq_any(ids.to_vec()))
            .select(Supply::as_select())
            .load::<Supply>(tx.conn)?;
        found.extend(rows.into_iter().map(|supply| (supply.id, supply)));
    }
    Ok(found)
}

/// Returns one supply.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Supply, Error> {
    tx.actor.may(Permission::Supplies)?;
    supplies::table
        .find(id)
        .select(Supply::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Returns a page of the history, newest first by default.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Supply>, Error> {
    page(tx, query, None)
}

/// Returns a page of the history. `limit` overrides the page size of the query.
pub fn page(tx: &mut Tx<'_>, query: &Query, limit: Option<i64>) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let mut validator = Validator::default();
    let (from, to) = validator.range(&query.from, &query.to);
    let sort: Option<Sort> = validator.code("sort", query.sort.trim_start_matches('-'));
    let descending = sort.is_none() || query.sort.starts_with('-');
    let page_size = validator.page_size(&query.limit);
    validator.done()?;
    let mut rows = supplies::table
        .select(Supply::as_select())
        .into_boxed::<Dialect>();
    if let Some(product) = NameFilter::read(tx, "supplies", &query.product)? {
        if let Some(ids) = product.matching_ids(tx)? {
            rows = rows.filter(supplies::id.eq_any(ids));
        } else {
            rows = rows.filter(product.condition());
            if let Some((first, last)) = product.span(tx)? {
                rows = rows.filter(supplies::created_at.between(first, last));
            }
        }
    }
    let supplier = fold(&query.supplier);
    if !supplier.is_empty() {
        rows = rows.filter(
            supplies::supplier_key
                .ge(supplier.clone())
                .and(supplies::supplier_key.lt(format!("{supplier}\u{10ffff}"))),
        );
    }
    if let Some(day) = from {
        rows = rows.filter(supplies::created_at.ge(clock::start_of(day)));
    }
    if let Some(day) = to {
        rows = rows.filter(supplies::created_at.lt(clock::end_of(day)));
    }
    let limit = limit.unwrap_or(page_size);
    by_time(tx, rows, descending, &query.after, &query.before, limit)
}

/// Returns the latest supplies of a product.
pub fn of_product(tx: &mut Tx<'_>, product: i64, limit: i64) -> Result<Page<Supply>, Error> {
    tx.actor.may(Permission::Supplies)?;
    let rows = supplies::table
        .select(Supply::as_select())
        .filter(supplies::product_id.eq(product))
        .into_boxed::<Dialect>();
    by_time(tx, rows, true, "", "", limit)
}

type Rows<'a> = supplies::BoxedQuery<
    'a,
    Dialect,
    diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Supply, Dialect>>,
>;

fn by_time(
    tx: &mut Tx<'_>,
    rows: Rows<'_>,
    descending: bool,
    after: &str,
    before: &str,
    limit: i64,
) -> Result<Page<Supply>, Error> {
    let order = SortOrder {
        columns: &[Column::Time("created_at"), Column::Int("id")],
        descending,
    };
    let keyset = Keyset::new(order, after, before, limit)?;
    let rows = rows
        .filter(keyset.seek_after())
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    Ok(keyset.page(rows, |supply: &Supply| {
        vec![
            SortKey::Time(supply.created_at.utc()),
            SortKey::Int(supply.id),
        ]
    }))
}
