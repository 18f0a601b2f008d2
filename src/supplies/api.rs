//! Supplies over the REST API.

use super::{Draft, Query, Supply, service};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Key, Params},
        values::{Amount, Given, Listing, Made, Money, Time},
    },
    checks::Checks,
    error::Error,
};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of supplies.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list, receive))
        .routes(routes!(get))
}

/// Goods that came in
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Supply)]
struct SupplyJson {
    #[schema(example = 3)]
    id: i64,
    product_id: i64,
    /// The product's name at that time
    product_name: String,
    qty: i64,
    supplier_name: String,
    /// Of one piece
    buy_price_eur: Money,
    /// Who received it
    user_id: Option<String>,
    created_at: Time,
}

impl From<Supply> for SupplyJson {
    fn from(supply: Supply) -> Self {
        Self {
            id: supply.id,
            product_id: supply.product_id,
            product_name: supply.product_name,
            qty: supply.qty,
            supplier_name: supply.supplier_name,
            buy_price_eur: supply.buy_price_eur.into(),
            user_id: supply.user_id,
            created_at: Time(supply.created_at),
        }
    }
}

/// Goods to receive
#[derive(Debug, Deserialize, ToSchema)]
struct NewSupply {
    /// Number of the product; `product` names it otherwise
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, example = 7)]
    product_id: Given,
    /// Name of the product, or words that only its name has; not read when there is a `product_id`
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    product: Given,
    #[serde(default)]
    #[schema(value_type = i64, required = true, minimum = 1, maximum = 1000000, example = 20)]
    qty: Given,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 200, example = "Teekanne")]
    supplier_name: Given,
    /// Of one piece
    #[serde(default)]
    #[schema(value_type = Amount, required = true)]
    buy_price_eur: Given,
}

impl NewSupply {
    fn read(self, checks: &mut Checks) -> Draft {
        Draft {
            product_id: checks.take("product_id", self.product_id.whole()),
            product: checks.take("product", self.product.text()),
            qty: checks.take("qty", self.qty.whole()),
            supplier_name: checks.take("supplier_name", self.supplier_name.text()),
            buy_price_eur: checks.take("buy_price_eur", self.buy_price_eur.amount()),
        }
    }
}

/// Which supplies to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListSupplies {
    /// The product's name, or words of it
    #[param(example = "чай")]
    product: Option<String>,
    /// The beginning of the supplier's name
    #[param(example = "Tee")]
    supplier: Option<String>,
    /// First day
    #[param(format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// Last day
    #[param(format = Date, example = "2026-11-30")]
    to: Option<String>,
    /// A field to sort by, with `-` before it when descending
    #[param(pattern = "^-?created_at$", example = "-created_at")]
    sort: Option<String>,
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

impl ListSupplies {
    fn read(self, _: &mut Checks) -> Query {
        Query {
            product: self.product.unwrap_or_default(),
            supplier: self.supplier.unwrap_or_default(),
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            sort: self.sort.unwrap_or_default(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor.unwrap_or_default(),
            before: String::new(),
        }
    }
}

/// List supplies
#[utoipa::path(
    get,
    path = "/api/supplies",
    operation_id = "list_supplies",
    tag = "supplies",
    params(ListSupplies),
    responses((status = OK, description = "A page of supplies", body = Listing<SupplyJson>), SignedIn, Allowed, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<ListSupplies>,
) -> Result<Json<Listing<SupplyJson>>, Error> {
    let (query, checks) = params.open(ListSupplies::read);
    let page = caller
        .look(checks, move |tx| service::list(tx, &query))
        .await?;
    Ok(Listing::of(page))
}

/// Receive a supply
///
/// The stock goes up by `qty`, and the product gets this purchase price and supplier. What is on hand of a product is
/// worth at most 100 million euro.
#[utoipa::path(
    post,
    path = "/api/supplies",
    operation_id = "receive_supply",
    tag = "supplies",
    params(Key),
    request_body = NewSupply,
    responses(
        (status = CREATED, description = "The supply", body = SupplyJson, headers(("Location" = String, description = "Where it is"))),
        SignedIn, Allowed, WithBody, Conflict
    )
)]
async fn receive(
    caller: Caller,
    Key(key): Key,
    body: Body<NewSupply>,
) -> Result<Made<SupplyJson>, Error> {
    let (draft, checks) = body.open(NewSupply::read);
    let supply = caller
        .act(checks, move |tx| service::receive(tx, &key, &draft))
        .await?;
    let at = format!("/api/supplies/{}", supply.id);
    Ok(Made::at(at, supply.into()))
}

/// Read a supply
#[utoipa::path(
    get,
    path = "/api/supplies/{id}",
    operation_id = "read_supply",
    tag = "supplies",
    params(("id" = i64, Path, description = "Number of the supply", example = 3)),
    responses((status = OK, description = "The supply", body = SupplyJson), SignedIn, Allowed, OfOne)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<SupplyJson>, Error> {
    let look = move |tx: &mut Tx<'_>| service::get(tx, id);
    let supply = caller.look(Checks::default(), look).await?;
    Ok(Json(supply.into()))
}
