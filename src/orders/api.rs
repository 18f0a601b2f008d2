//! Orders over the REST API.

use super::{Draft, Order, Query, Status, search, service};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Key, Params},
        values::{Amount, Given, Listing, Made, Money, Time},
    },
    checks::Checks,
    codes::Code,
    error::Error,
    log::{self, Entity, api::OperationJson},
};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
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
            qty: order.qty,
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

/// An order to book
#[derive(Debug, Deserialize, ToSchema)]
struct NewOrder {
    /// A number that exists; without a country code it is one of the shop's country
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, example = "8 916 123-45-67")]
    phone: Given,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "Мария")]
    customer_name: Given,
    /// Number of the product; `product` names it otherwise
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, example = 7)]
    product_id: Given,
    /// Name of the product, or words that only its name has; not read when there is a `product_id`
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    product: Given,
    #[serde(default)]
    #[schema(value_type = i64, required = true, minimum = 1, maximum = 1000000, example = 2)]
    qty: Given,
    /// Of one piece; the product's price when it is missing
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    unit_price_rub: Given,
}

impl NewOrder {
    fn read(self, checks: &mut Checks) -> Draft {
        Draft {
            phone: checks.take("phone", self.phone.text()),
            customer_name: checks.take("customer_name", self.customer_name.text()),
            product_id: checks.take("product_id", self.product_id.whole()),
            product: checks.take("product", self.product.text()),
            qty: checks.take("qty", self.qty.whole()),
            unit_price_rub: checks.take("unit_price_rub", self.unit_price_rub.amount()),
        }
    }
}

/// An order as it shall be; its product stays
#[derive(Debug, Deserialize, ToSchema)]
struct EditedOrder {
    /// The version that was read
    #[serde(default)]
    #[schema(value_type = i64, required = true, example = 1)]
    version: Given,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, example = "8 916 123-45-67")]
    phone: Given,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "Мария")]
    customer_name: Given,
    #[serde(default)]
    #[schema(value_type = i64, required = true, minimum = 1, maximum = 1000000, example = 2)]
    qty: Given,
    #[serde(default)]
    #[schema(value_type = Amount, required = true)]
    unit_price_rub: Given,
}

impl EditedOrder {
    fn read(self, checks: &mut Checks) -> (i64, Draft) {
        let version = checks.take("version", self.version.number());
        let draft = Draft {
            phone: checks.take("phone", self.phone.text()),
            customer_name: checks.take("customer_name", self.customer_name.text()),
            qty: checks.take("qty", self.qty.whole()),
            unit_price_rub: checks.take("unit_price_rub", self.unit_price_rub.amount()),
            ..Draft::default()
        };
        (version, draft)
    }
}

/// Which orders to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListOrders {
    /// Where the order stands
    #[param(value_type = Option<Status>, inline, example = "paid_not_issued")]
    status: Option<String>,
    /// Three digits or more, from the start or the end of the phone
    #[param(example = "4567")]
    phone: Option<String>,
    /// The order's number
    #[param(value_type = Option<i64>, minimum = 1, example = 42)]
    id: Option<String>,
    /// Words of the customer's name, or their beginnings
    #[param(example = "мария")]
    customer: Option<String>,
    /// The product's name, or words of it
    #[param(example = "чай")]
    product: Option<String>,
    /// First day of creation
    #[param(format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// Last day
    #[param(format = Date, example = "2026-11-30")]
    to: Option<String>,
    /// A field to sort by, with `-` before it when descending
    #[param(pattern = "^-?(created_at|phone|status)$", example = "-created_at")]
    sort: Option<String>,
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

impl ListOrders {
    fn read(self, _: &mut Checks) -> Query {
        Query {
            status: self.status.unwrap_or_default(),
            phone: self.phone.unwrap_or_default(),
            id: self.id.unwrap_or_default(),
            customer: self.customer.unwrap_or_default(),
            product: self.product.unwrap_or_default(),
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            sort: self.sort.unwrap_or_default(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor.unwrap_or_default(),
            before: String::new(),
        }
    }
}

/// List orders
#[utoipa::path(
    get,
    path = "/api/orders",
    operation_id = "list_orders",
    tag = "orders",
    params(ListOrders),
    responses((status = OK, description = "A page of orders", body = Listing<OrderJson>), SignedIn, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<ListOrders>,
) -> Result<Json<Listing<OrderJson>>, Error> {
    let (query, checks) = params.open(ListOrders::read);
    let page = caller
        .look(checks, move |tx| search::list(tx, &query))
        .await?;
    Ok(Listing::of(page))
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
    let (draft, checks) = body.open(NewOrder::read);
    let order = caller
        .act(checks, move |tx| service::create(tx, &key, &draft))
        .await?;
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
    let order = caller.look(Checks::default(), look).await?;
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
    let ((version, draft), checks) = body.open(EditedOrder::read);
    let order = caller
        .act(checks, move |tx| service::edit(tx, id, version, &draft))
        .await?;
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
    let order = caller.act(Checks::default(), act).await?;
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
    let order = caller.act(Checks::default(), act).await?;
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
    Ok(Listing::whole(caller.look(Checks::default(), look).await?))
}
