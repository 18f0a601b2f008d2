//! The REST endpoints for supplies.

use super::{
    Query, Supply,
    correction::{self, CorrectedSupply, NewSupplyReturn, SupplyReturn},
    service::{self, NewSupply},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, IdempotencyKey, Params},
        values::{Created, Listing, Money, Time},
    },
    error::Error,
    transaction::{AppState, Tx},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the supply endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, receive))
        .routes(routes!(get, correct))
        .routes(routes!(return_to_supplier))
}

/// A supply: goods received from a supplier
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
    /// Price of one piece
    buy_price_eur: Money,
    /// User who received the supply
    user_id: Option<String>,
    created_at: Time,
    /// Incremented by every change; a correction must state the version that it is based on
    version: i64,
    /// Pieces that went back to the supplier
    returned_qty: i64,
    /// When the supply was taken back as a whole
    undone_at: Option<Time>,
}

impl From<Supply> for SupplyJson {
    fn from(supply: Supply) -> Self {
        Self {
            id: supply.id,
            product_id: supply.product_id,
            product_name: supply.product_name,
            qty: supply.qty.0,
            supplier_name: supply.supplier_name,
            buy_price_eur: supply.buy_price_eur.into(),
            user_id: supply.user_id,
            created_at: Time(supply.created_at),
            version: supply.version,
            returned_qty: supply.returned_qty,
            undone_at: supply.undone_at.map(Time),
        }
    }
}

/// List supplies
#[utoipa::path(
    get,
    path = "/api/supplies",
    operation_id = "list_supplies",
    tag = "supplies",
    params(Query),
    responses(
        (status = OK, description = "A page of supplies", body = Listing<SupplyJson>),
        AuthErrors, PermissionErrors, ListErrors
    )
)]
async fn list(caller: Caller, params: Params<Query>) -> Result<Json<Listing<SupplyJson>>, Error> {
    Ok(Listing::of(caller.search(params, service::list).await?))
}

/// Receive a supply
///
/// Increases the stock by `qty` and sets the purchase price and the supplier of the product. The stock on hand of a
/// product is worth at most 100 million euro.
#[utoipa::path(
    post,
    path = "/api/supplies",
    operation_id = "receive_supply",
    tag = "supplies",
    params(IdempotencyKey),
    request_body = NewSupply,
    responses(
        (
            status = CREATED,
            description = "The new supply",
            body = SupplyJson,
            headers(("Location" = String, description = "Path of the new supply")),
        ),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn receive(
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewSupply>,
) -> Result<Created<SupplyJson>, Error> {
    let receive = move |tx: &mut Tx<'_>, new: &NewSupply| service::receive(tx, &key, new);
    let supply = caller.submit(body, receive).await?;
    let at = format!("/api/supplies/{}", supply.id);
    Ok(Created::at(at, supply.into()))
}

/// Read a supply
#[utoipa::path(
    get,
    path = "/api/supplies/{id}",
    operation_id = "read_supply",
    tag = "supplies",
    params(("id" = i64, Path, description = "Number of the supply", example = 3)),
    responses(
        (status = OK, description = "The supply", body = SupplyJson),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<SupplyJson>, Error> {
    let query = move |tx: &mut Tx<'_>| service::get(tx, id);
    let supply = caller.read(query).await?;
    Ok(Json(supply.into()))
}

/// Correct a supply
///
/// The pieces that are still on hand are revalued, and those that were sold keep their cost. Refused if reserved pieces
/// would be missing. If nothing would change, the supply is returned as it is and `version` is not checked.
#[utoipa::path(
    put,
    path = "/api/supplies/{id}",
    operation_id = "correct_supply",
    tag = "supplies",
    params(("id" = i64, Path, description = "Number of the supply", example = 3)),
    request_body = CorrectedSupply,
    responses(
        (status = OK, description = "The supply as it is now", body = SupplyJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn correct(
    caller: Caller,
    Id(id): Id,
    body: Body<CorrectedSupply>,
) -> Result<Json<SupplyJson>, Error> {
    let correct = move |tx: &mut Tx<'_>, new: &CorrectedSupply| correction::correct(tx, id, new);
    let supply = caller.submit(body, correct).await?;
    Ok(Json(supply.into()))
}

/// Pieces that went back to the supplier
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SupplyReturn)]
struct SupplyReturnJson {
    #[schema(example = 2)]
    id: i64,
    supply_id: i64,
    qty: i64,
    /// The value that left the stock
    value_eur: Money,
    /// User who returned the pieces
    user_id: Option<String>,
    created_at: Time,
}

impl From<SupplyReturn> for SupplyReturnJson {
    fn from(returned: SupplyReturn) -> Self {
        Self {
            id: returned.id,
            supply_id: returned.supply_id,
            qty: returned.qty.0,
            value_eur: returned.value_eur.into(),
            user_id: returned.user_id,
            created_at: Time(returned.created_at),
        }
    }
}

/// Return pieces to the supplier
///
/// They leave the stock at the price of the supply. Refused if reserved pieces would be missing.
#[utoipa::path(
    post,
    path = "/api/supplies/{id}/returns",
    operation_id = "return_supply",
    tag = "supplies",
    params(("id" = i64, Path, description = "Number of the supply", example = 3), IdempotencyKey),
    request_body = NewSupplyReturn,
    responses(
        (
            status = CREATED,
            description = "The new return",
            body = SupplyReturnJson,
            headers(("Location" = String, description = "Path of the supply")),
        ),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn return_to_supplier(
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewSupplyReturn>,
) -> Result<Created<SupplyReturnJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewSupplyReturn| {
        correction::return_to_supplier(tx, &key, id, new)
    };
    let returned = caller.submit(body, create).await?;
    let at = format!("/api/supplies/{id}");
    Ok(Created::at(at, returned.into()))
}
