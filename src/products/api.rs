//! The REST endpoints for products.

use super::{
    Query,
    json::{MovementJson, ProductJson, StockJson},
    search,
    service::{self, Count, EditedProduct, NewProduct},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, IdempotencyKey, Params},
        values::{Created, Listing},
    },
    audit::{self, Entity, api::OperationJson},
    auth::Permission,
    error::Error,
    stock,
    transaction::{AppState, Tx},
    validation::Validator,
};
use axum::{Json, http::StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the product endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, archive))
        .routes(routes!(stock))
        .routes(routes!(correct))
        .routes(routes!(restore))
        .routes(routes!(movements))
        .routes(routes!(history))
}

/// The page of a list to return.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Rows per page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: String,
    /// `next` from the previous page
    #[param(value_type = Option<String>, example = "W3siSW50Ijo0Mn1d")]
    cursor: String,
}

/// List products
#[utoipa::path(
    get,
    path = "/api/products",
    operation_id = "list_products",
    tag = "products",
    params(Query),
    responses((status = OK, description = "A page of products", body = Listing<ProductJson>), AuthErrors, ListErrors)
)]
async fn list(caller: Caller, params: Params<Query>) -> Result<Json<Listing<ProductJson>>, Error> {
    Ok(Listing::of(caller.search(params, search::list).await?))
}

/// Add a product
#[utoipa::path(
    post,
    path = "/api/products",
    operation_id = "create_product",
    tag = "products",
    params(IdempotencyKey),
    request_body = NewProduct,
    responses(
        (
            status = CREATED,
            description = "The new product",
            body = ProductJson,
            headers(("Location" = String, description = "Path of the new product")),
        ),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn create(
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewProduct>,
) -> Result<Created<ProductJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewProduct| service::create(tx, &key, new);
    let product = caller.submit(body, create).await?;
    let at = format!("/api/products/{}", product.id);
    Ok(Created::at(at, product.into()))
}

/// Read a product
#[utoipa::path(
    get,
    path = "/api/products/{id}",
    operation_id = "read_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "The product", body = ProductJson), AuthErrors, NotFoundErrors)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<ProductJson>, Error> {
    let query = move |tx: &mut Tx<'_>| service::get(tx, id);
    let product = caller.read(query).await?;
    Ok(Json(product.into()))
}

/// Edit a product
///
/// Replaces every field except the stock. If nothing would change, the product is returned as it is and `version` is
/// not checked.
#[utoipa::path(
    put,
    path = "/api/products/{id}",
    operation_id = "edit_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    request_body = EditedProduct,
    responses(
        (status = OK, description = "The product as it is now", body = ProductJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn edit(
    caller: Caller,
    Id(id): Id,
    body: Body<EditedProduct>,
) -> Result<Json<ProductJson>, Error> {
    let edit = move |tx: &mut Tx<'_>, edited: &EditedProduct| service::edit(tx, id, edited);
    let product = caller.submit(body, edit).await?;
    Ok(Json(product.into()))
}

/// Take a product off sale
///
/// A product with a history is archived; one without is deleted.
#[utoipa::path(
    delete,
    path = "/api/products/{id}",
    operation_id = "delete_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses(
        (status = NO_CONTENT, description = "The product is no longer on sale"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn archive(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| service::archive(tx, id);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read the stock of a product
#[utoipa::path(
    get,
    path = "/api/products/{id}/stock",
    operation_id = "read_stock",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "The stock of the product", body = StockJson), AuthErrors, NotFoundErrors)
)]
async fn stock(caller: Caller, Id(id): Id) -> Result<Json<StockJson>, Error> {
    let query = move |tx: &mut Tx<'_>| service::get(tx, id);
    let product = caller.read(query).await?;
    Ok(Json(product.into()))
}

/// Correct the stock of a product after a count
#[utoipa::path(
    post,
    path = "/api/products/{id}/correct",
    operation_id = "correct_stock",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    request_body = Count,
    responses(
        (status = OK, description = "The product as it is now", body = ProductJson),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn correct(
    caller: Caller,
    Id(id): Id,
    body: Body<Count>,
) -> Result<Json<ProductJson>, Error> {
    let correct = move |tx: &mut Tx<'_>, count: &Count| service::correct(tx, id, count);
    let product = caller.submit(body, correct).await?;
    Ok(Json(product.into()))
}

/// Put an archived product back on sale
#[utoipa::path(
    post,
    path = "/api/products/{id}/restore",
    operation_id = "restore_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses(
        (status = OK, description = "The product as it is now", body = ProductJson),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn restore(caller: Caller, Id(id): Id) -> Result<Json<ProductJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| service::restore(tx, id);
    let product = caller.write(operation).await?;
    Ok(Json(product.into()))
}

/// List the stock movements of a product, newest first
#[utoipa::path(
    get,
    path = "/api/products/{id}/movements",
    operation_id = "list_movements",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7), Part),
    responses(
        (status = OK, description = "A page of the stock ledger", body = Listing<MovementJson>),
        AuthErrors, NotFoundErrors, ListErrors
    )
)]
async fn movements(
    caller: Caller,
    Id(id): Id,
    params: Params<Part>,
) -> Result<Json<Listing<MovementJson>>, Error> {
    let read = move |tx: &mut Tx<'_>, part: &Part| {
        tx.actor.may(Permission::ViewStock)?;
        let mut validator = Validator::default();
        let limit = validator.page_size(&part.limit);
        validator.done()?;
        service::get(tx, id)?;
        stock::service::ledger(tx, id, &part.cursor, "", limit)
    };
    Ok(Listing::of(caller.search(params, read).await?))
}

/// List the latest hundred operations on a product, newest first
#[utoipa::path(
    get,
    path = "/api/products/{id}/history",
    operation_id = "read_product_history",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses(
        (status = OK, description = "The history of the product", body = Listing<OperationJson>),
        AuthErrors, NotFoundErrors
    )
)]
async fn history(caller: Caller, Id(id): Id) -> Result<Json<Listing<OperationJson>>, Error> {
    let query = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        audit::service::history(tx, Entity::Product, id)
    };
    Ok(Listing::whole(caller.read(query).await?))
}
