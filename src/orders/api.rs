//! The REST endpoints for orders.

use super::{
    Order, Query, ReturnReason, Status,
    returns::{self, NewReturn, OrderReturn},
    search,
    service::{self, EditedOrder, NewOrder, Part},
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
        .routes(routes!(reopen))
        .routes(routes!(take_back))
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
    /// Number of the basket: that of its first order
    basket_id: i64,
    /// Issued pieces that the customer brought back
    returned_qty: i64,
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
            basket_id: order.basket_id,
            returned_qty: order.returned_qty,
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

/// Edit an order
///
/// The product, the quantity and the price can be changed only while the order waits. The phone and the name can always
/// be corrected, in all orders of the basket. If nothing would change, the order is returned as it is and `version` is
/// not checked. The total of an order is at most a billion roubles. If the product is archived, the quantity cannot be
/// increased.
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
/// Without a body, all its pieces. With a smaller `qty`, the order keeps its number and becomes the issued part, and
/// the rest is a new order of the same basket, which waits. The same request again returns the order as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/issue",
    operation_id = "issue_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    request_body = Option<Part>,
    responses(
        (status = OK, description = "The issued order", body = OrderJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn issue(
    caller: Caller,
    Id(id): Id,
    body: Option<Body<Part>>,
) -> Result<Json<OrderJson>, Error> {
    let order = match body {
        Some(body) => {
            let issue = move |tx: &mut Tx<'_>, part: &Part| service::issue_part(tx, id, part.qty);
            caller.submit(body, issue).await?
        }
        None => caller.write(move |tx| service::issue(tx, id)).await?,
    };
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

/// Make an issued or denied order wait again
///
/// An issued order only on the day of its issue; later, record a return. A denied order only if there is stock. Clerks
/// can reopen what they settled themselves in the last 15 minutes. Reopening an order that waits returns it as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/reopen",
    operation_id = "reopen_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses(
        (status = OK, description = "The waiting order", body = OrderJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn reopen(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| service::reopen(tx, id);
    let order = caller.write(operation).await?;
    Ok(Json(order.into()))
}

/// Pieces of an order that the customer brought back
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderReturn)]
struct OrderReturnJson {
    #[schema(example = 3)]
    id: i64,
    order_id: i64,
    product_id: i64,
    qty: i64,
    #[schema(value_type = ReturnReason, inline)]
    reason: Code<ReturnReason>,
    /// Whether the pieces are for sale again; else they were written off
    restocked: bool,
    /// What the customer got back
    refund_rub: Money,
    /// User who took the pieces back
    user_id: Option<String>,
    created_at: Time,
}

impl From<OrderReturn> for OrderReturnJson {
    fn from(returned: OrderReturn) -> Self {
        Self {
            id: returned.id,
            order_id: returned.order_id,
            product_id: returned.product_id,
            qty: returned.qty.0,
            reason: returned.reason,
            restocked: returned.is_restocked,
            refund_rub: returned.refund_rub.into(),
            user_id: returned.user_id,
            created_at: Time(returned.created_at),
        }
    }
}

/// Take pieces of an issued order back
///
/// Sales and cost are reduced on the day of the return. The pieces come back at the cost with which they were sold.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/returns",
    operation_id = "return_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42), IdempotencyKey),
    request_body = NewReturn,
    responses(
        (
            status = CREATED,
            description = "The new return",
            body = OrderReturnJson,
            headers(("Location" = String, description = "Path of the order")),
        ),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn take_back(
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewReturn>,
) -> Result<Created<OrderReturnJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewReturn| returns::create(tx, &key, id, new);
    let returned = caller.submit(body, create).await?;
    let at = format!("/api/orders/{id}");
    Ok(Created::at(at, returned.into()))
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
