//! The REST endpoints for products.

use super::{
    Query,
    json::{MovementJson, ProductJson, StockJson},
    search,
    service::{self, Count, EditedProduct, NewProduct},
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Key, Params},
        values::{Listing, Made},
    },
    auth::Permission,
    error::Error,
    log::{self, Entity, api::OperationJson},
    stock,
    validation::Checks,
};
use axum::{Json, http::StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the product endpoints.
pub fn routes() -> OpenApiRouter<Shop> {
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
    responses((status = OK, description = "A page of products", body = Listing<ProductJson>), SignedIn, Listed)
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
    params(Key),
    request_body = NewProduct,
    responses(
        (status = CREATED, description = "The new product", body = ProductJson, headers(("Location" = String, description = "Path of the new product"))),
        SignedIn, Allowed, WithBody
    )
)]
async fn create(
    caller: Caller,
    Key(key): Key,
    body: Body<NewProduct>,
) -> Result<Made<ProductJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewProduct| service::create(tx, &key, new);
    let product = caller.submit(body, create).await?;
    let at = format!("/api/products/{}", product.id);
    Ok(Made::at(at, product.into()))
}

/// Read a product
#[utoipa::path(
    get,
    path = "/api/products/{id}",
    operation_id = "read_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "The product", body = ProductJson), SignedIn, OfOne)
)]
async fn get(caller: Caller, Id(id): Id) -> Result<Json<ProductJson>, Error> {
    let look = move |tx: &mut Tx<'_>| service::get(tx, id);
    let product = caller.look(look).await?;
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
        SignedIn, Allowed, OfOne, WithBody, Conflict
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
    responses((status = NO_CONTENT, description = "The product is no longer on sale"), SignedIn, Allowed, OfOne)
)]
async fn archive(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| service::archive(tx, id);
    caller.act(act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read the stock of a product
#[utoipa::path(
    get,
    path = "/api/products/{id}/stock",
    operation_id = "read_stock",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "The stock of the product", body = StockJson), SignedIn, OfOne)
)]
async fn stock(caller: Caller, Id(id): Id) -> Result<Json<StockJson>, Error> {
    let look = move |tx: &mut Tx<'_>| service::get(tx, id);
    let product = caller.look(look).await?;
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
        SignedIn, Allowed, OfOne, WithBody, Conflict
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
    responses((status = OK, description = "The product as it is now", body = ProductJson), SignedIn, Allowed, OfOne)
)]
async fn restore(caller: Caller, Id(id): Id) -> Result<Json<ProductJson>, Error> {
    let act = move |tx: &mut Tx<'_>| service::restore(tx, id);
    let product = caller.act(act).await?;
    Ok(Json(product.into()))
}

/// List the stock movements of a product, newest first
#[utoipa::path(
    get,
    path = "/api/products/{id}/movements",
    operation_id = "list_movements",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7), Part),
    responses((status = OK, description = "A page of the stock ledger", body = Listing<MovementJson>), SignedIn, OfOne, Listed)
)]
async fn movements(
    caller: Caller,
    Id(id): Id,
    params: Params<Part>,
) -> Result<Json<Listing<MovementJson>>, Error> {
    let read = move |tx: &mut Tx<'_>, part: &Part| {
        tx.actor.may(Permission::ViewStock)?;
        let mut checks = Checks::default();
        let limit = checks.page_size(&part.limit);
        checks.done()?;
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
    responses((status = OK, description = "The history of the product", body = Listing<OperationJson>), SignedIn, OfOne)
)]
async fn history(caller: Caller, Id(id): Id) -> Result<Json<Listing<OperationJson>>, Error> {
    let look = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        log::service::history(tx, Entity::Product, id)
    };
    Ok(Listing::whole(caller.look(look).await?))
}
