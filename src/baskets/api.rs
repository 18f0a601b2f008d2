//! The REST endpoints for baskets.

use super::{
    Basket,
    service::{self, NewBasket, NewLine},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, IdempotencyKey},
        values::{Created, Money, Time},
    },
    error::Error,
    orders::api::OrderJson,
    transaction::{AppState, Tx},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the basket endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get))
        .routes(routes!(add))
        .routes(routes!(issue))
        .routes(routes!(deny))
}

/// What one customer takes in one call, as orders of one product each
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Basket)]
struct BasketJson {
    /// The number of its first order
    #[schema(example = 42)]
    id: i64,
    /// In E.164 format; after an erasure, «Покупатель удалён № 17»
    #[schema(example = "+79161234567")]
    phone: String,
    customer_name: Option<String>,
    /// At least one, in the order of their numbers
    orders: Vec<OrderJson>,
    /// What the customer pays for the orders that were not denied
    total_rub: Money,
    created_at: Time,
}

impl From<Basket> for BasketJson {
    fn from(basket: Basket) -> Self {
        Self {
            id: basket.id,
            total_rub: basket.total_rub().into(),
            phone: basket.phone,
            customer_name: basket.customer_name,
            orders: basket.orders.into_iter().map(OrderJson::from).collect(),
            created_at: Time(basket.created_at),
        }
    }
}

/// Book several products for one customer
///
/// All lines are booked, each as an order of its own, or none. With `status` `paid_issued`, they are also issued.
#[utoipa::path(
    post,
    path = "/api/baskets",
    operation_id = "create_basket",
    tag = "orders",
    params(IdempotencyKey),
    request_body = NewBasket,
    responses(
        (
            status = CREATED,
            description = "The new basket",
            body = BasketJson,
            headers(("Location" = String, description = "Path of the new basket")),
        ),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn create(
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewBasket>,
) -> Result<Created<BasketJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewBasket| service::create(tx, &key, new);
    let basket = caller.submit(body, create).await?;
    let at = format!("/api/baskets/{}", basket.id);
    Ok(Created::at(at, basket.into()))
}

/// Read a basket
#[utoipa::path(
    get,
    path = "/api/baskets/{id}",
    operation_id = "read_basket",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the basket", example = 42)),
    responses((status = OK, description = "The basket", body = BasketJson), AuthErrors, NotFoundErrors)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<BasketJson>, Error> {
    let basket = caller.read(move |tx| service::get(tx, id)).await?;
    Ok(Json(basket.into()))
}

/// Add a product to a basket
///
/// Only while at least one of its orders waits.
#[utoipa::path(
    post,
    path = "/api/baskets/{id}/orders",
    operation_id = "add_to_basket",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the basket", example = 42), IdempotencyKey),
    request_body = NewLine,
    responses(
        (
            status = CREATED,
            description = "The new order",
            body = OrderJson,
            headers(("Location" = String, description = "Path of the new order")),
        ),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn add(
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewLine>,
) -> Result<Created<OrderJson>, Error> {
    let add = move |tx: &mut Tx<'_>, new: &NewLine| service::add(tx, &key, id, new);
    let order = caller.submit(body, add).await?;
    let at = format!("/api/orders/{}", order.id);
    Ok(Created::at(at, order.into()))
}

/// Issue all waiting orders of a basket
///
/// Issuing a basket again returns it as it is.
#[utoipa::path(
    post,
    path = "/api/baskets/{id}/issue",
    operation_id = "issue_basket",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the basket", example = 42)),
    responses(
        (status = OK, description = "The basket", body = BasketJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn issue(caller: Caller, Id(id): Id) -> Result<Json<BasketJson>, Error> {
    let basket = caller.write(move |tx| service::issue(tx, id)).await?;
    Ok(Json(basket.into()))
}

/// Deny all waiting orders of a basket
///
/// Denying a basket again returns it as it is.
#[utoipa::path(
    post,
    path = "/api/baskets/{id}/deny",
    operation_id = "deny_basket",
    tag = "orders",
    params(("id" = i64, Path, description = "Number of the basket", example = 42)),
    responses(
        (status = OK, description = "The basket", body = BasketJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn deny(caller: Caller, Id(id): Id) -> Result<Json<BasketJson>, Error> {
    let basket = caller.write(move |tx| service::deny(tx, id)).await?;
    Ok(Json(basket.into()))
}
