//! The REST endpoints for orders.

use super::{
    Order, Query, Status, search,
    service::{self, EditedOrder, NewOrder},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, IdempotencyKey, Params},
        values::{Created, Listing, Money, Time},
    },
    audit::{self, Entity, api::OperationJson},
    codes::Code,
    error::Error,
    transaction::{AppState, Tx},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the order endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit))
        .routes(routes!(issue))
        .routes(routes!(deny))
        .routes(routes!(history))
}

/// An order
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderJson {
    #[schema(example = 42)]
    id: i64,
    /// In E.164 format; after an erasure, «Покупатель удалён № 17»
    #[schema(example = "+79161234567")]
    phone: String,
    customer_name: Option<String>,
    product_id: i64,
    /// The product's name when it was sold
    product_name: String,
    qty: i64,
    /// Price of one piece, as sold
    unit_price_rub: Money,
    /// What the customer pays
    total_rub: Money,
    #[schema(value_type = Status)]
    status: Code<Status>,
    created_at: Time,
    issued_at: Option<Time>,
    denied_at: Option<Time>,
    /// User who created or last changed the order
    user_id: Option<String>,
    /// Incremented by every change; an edit must state the version that it is based on
    version: i64,
}

impl From<Order> for OrderJson {
    fn from(order: Order) -> Self {
        Self {
            total_rub: order.total_rub().into(),
            id: order.id,
            phone: order.phone,
            customer_name: order.customer_name,
            product_id: order.product_id,
            product_name: order.product_name,
            qty: order.qty.0,
            unit_price_rub: order.unit_price_rub.into(),
            status: order.status,
            created_at: Time(order.created_at),
            issued_at: order.issued_at.map(Time),
            denied_at: order.denied_at.map(Time),
            user_id: order.user_id,
            version: order.version,
        }
    }
}

/// List orders
#[utoipa::path(
    get,
    path = "/api/orders",
    operation_id = "list_orders",
    tag = "orders",
    params(Query),
    responses((status = OK, description = "A page of orders", body = Listing<OrderJson>), AuthErrors, ListErrors)
)]
async fn list(caller: Caller, params: Params<Query>) -> Result<Json<Listing<OrderJson>>, Error> {
    Ok(Listing::of(caller.search(params, search::list).await?))
}

/// Book an order
///
/// Reserves the pieces; refused if fewer are available. The total of an order is at most a billion roubles.
#[utoipa::path(
    post,
    path = "/api/orders",
    operation_id = "create_order",
    tag = "orders",
    params(IdempotencyKey),
    request_body = NewOrder,
    responses(
        (
            status = CREATED,
            description = "The new order",
            body = OrderJson,
            headers(("Location" = String, description = "Path of the new order")),
        ),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn create(
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewOrder>,
) -> Result<Created<OrderJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewOrder| service::create(tx, &key, new);
    let order = caller.submit(body, create).await?;
    let at = format!("/api/orders/{}", order.id);
    Ok(Created::at(at, order.into()))
}

/// Read an order
#[utoipa::path(
    get,
    path = "/api/orders/{id}",
    operation_id = "read_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses((status = OK, description = "The order", body = OrderJson), AuthErrors, NotFoundErrors)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let query = move |tx: &mut Tx<'_>| service::get(tx, id);
    let order = caller.read(query).await?;
    Ok(Json(order.into()))
}

/// Edit an order that is neither issued nor denied
///
/// If nothing would change, the order is returned as it is and `version` is not checked. The total of an order is at
/// most a billion roubles. If the product is archived, the quantity cannot be increased.
#[utoipa::path(
    put,
    path = "/api/orders/{id}",
    operation_id = "edit_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    request_body = EditedOrder,
    responses(
        (status = OK, description = "The order as it is now", body = OrderJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn edit(
    caller: Caller,
    Id(id): Id,
    body: Body<EditedOrder>,
) -> Result<Json<OrderJson>, Error> {
    let edit = move |tx: &mut Tx<'_>, edited: &EditedOrder| service::edit(tx, id, edited);
    let order = caller.submit(body, edit).await?;
    Ok(Json(order.into()))
}

/// Issue an order
///
/// Issuing an order again returns it as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/issue",
    operation_id = "issue_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses(
        (status = OK, description = "The issued order", body = OrderJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn issue(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| service::issue(tx, id);
    let order = caller.write(operation).await?;
    Ok(Json(order.into()))
}

/// Deny an order
///
/// Cancels the order and releases its reserved pieces. Denying an order again returns it as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/deny",
    operation_id = "deny_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses(
        (status = OK, description = "The denied order", body = OrderJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn deny(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| service::deny(tx, id);
    let order = caller.write(operation).await?;
    Ok(Json(order.into()))
}

/// List the latest hundred operations on an order, newest first
#[utoipa::path(
    get,
    path = "/api/orders/{id}/history",
    operation_id = "read_order_history",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses(
        (status = OK, description = "The history of the order", body = Listing<OperationJson>),
        AuthErrors, NotFoundErrors
    )
)]
async fn history(caller: Caller, Id(id): Id) -> Result<Json<Listing<OperationJson>>, Error> {
    let query = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        audit::service::history(tx, Entity::Order, id)
    };
    Ok(Listing::whole(caller.read(query).await?))
}
