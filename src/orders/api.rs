//! Orders over the REST API.

use super::{
    Order, Query, Status, search,
    service::{self, EditedOrder, NewOrder},
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Key, Params},
        values::{Listing, Made, Money, Time},
    },
    codes::Code,
    error::Error,
    log::{self, Entity, api::OperationJson},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of orders.
pub fn routes() -> OpenApiRouter<Shop> {
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
struct OrderJson {
    #[schema(example = 42)]
    id: i64,
    /// E.164
    #[schema(example = "+79161234567")]
    phone: String,
    customer_name: Option<String>,
    product_id: i64,
    /// The product's name when it was sold
    product_name: String,
    qty: i64,
    /// Of one piece, as sold
    unit_price_rub: Money,
    /// What the customer pays
    total_rub: Money,
    #[schema(value_type = Status)]
    status: Code<Status>,
    created_at: Time,
    issued_at: Option<Time>,
    denied_at: Option<Time>,
    /// Who created or last changed it
    user_id: Option<String>,
    /// Raised by every change; an edit names the one that it read
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
    responses((status = OK, description = "A page of orders", body = Listing<OrderJson>), SignedIn, Listed)
)]
async fn list(caller: Caller, params: Params<Query>) -> Result<Json<Listing<OrderJson>>, Error> {
    Ok(Listing::of(caller.search(params, search::list).await?))
}

/// Book an order
///
/// Reserves its pieces; refused when fewer are available. An order comes to at most a billion roubles.
#[utoipa::path(
    post,
    path = "/api/orders",
    operation_id = "create_order",
    tag = "orders",
    params(Key),
    request_body = NewOrder,
    responses(
        (status = CREATED, description = "The order", body = OrderJson, headers(("Location" = String, description = "Where it is"))),
        SignedIn, Allowed, WithBody, Conflict
    )
)]
async fn create(
    caller: Caller,
    Key(key): Key,
    body: Body<NewOrder>,
) -> Result<Made<OrderJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewOrder| service::create(tx, &key, new);
    let order = caller.submit(body, create).await?;
    let at = format!("/api/orders/{}", order.id);
    Ok(Made::at(at, order.into()))
}

/// Read an order
#[utoipa::path(
    get,
    path = "/api/orders/{id}",
    operation_id = "read_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses((status = OK, description = "The order", body = OrderJson), SignedIn, OfOne)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let look = move |tx: &mut Tx<'_>| service::get(tx, id);
    let order = caller.look(look).await?;
    Ok(Json(order.into()))
}

/// Edit an order that is not issued yet
///
/// What is so already is left as it is, whatever the version. An order comes to at most a billion roubles; of an archived
/// product it cannot be enlarged.
#[utoipa::path(
    put,
    path = "/api/orders/{id}",
    operation_id = "edit_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    request_body = EditedOrder,
    responses(
        (status = OK, description = "The order as it is now", body = OrderJson),
        SignedIn, Allowed, OfOne, WithBody, Conflict
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

/// Hand an order out
///
/// Issuing it again answers with the order as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/issue",
    operation_id = "issue_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses((status = OK, description = "The order, issued", body = OrderJson), SignedIn, Allowed, OfOne, Conflict)
)]
async fn issue(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let act = move |tx: &mut Tx<'_>| service::issue(tx, id);
    let order = caller.act(act).await?;
    Ok(Json(order.into()))
}

/// Cancel an order
///
/// Its pieces may be sold again. Denying it again answers with the order as it is.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/deny",
    operation_id = "deny_order",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses((status = OK, description = "The order, cancelled", body = OrderJson), SignedIn, Allowed, OfOne, Conflict)
)]
async fn deny(caller: Caller, Id(id): Id) -> Result<Json<OrderJson>, Error> {
    let act = move |tx: &mut Tx<'_>| service::deny(tx, id);
    let order = caller.act(act).await?;
    Ok(Json(order.into()))
}

/// Read what was done to an order, newest first, at most a hundred acts
#[utoipa::path(
    get,
    path = "/api/orders/{id}/history",
    operation_id = "read_order_history",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the order", example = 42)),
    responses((status = OK, description = "Its history", body = Listing<OperationJson>), SignedIn, OfOne)
)]
async fn history(caller: Caller, Id(id): Id) -> Result<Json<Listing<OperationJson>>, Error> {
    let look = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        log::service::history(tx, Entity::Order, id)
    };
    Ok(Listing::whole(caller.look(look).await?))
}
