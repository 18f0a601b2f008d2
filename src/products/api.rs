//! Products over the REST API.

use super::{
    Draft, Query,
    json::{MovementJson, ProductJson, StockJson},
    search, service,
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Conflict, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Id, Key, Params},
        values::{Amount, Given, Listing, Made, flag},
    },
    checks::Checks,
    error::Error,
    log::{self, Entity, api::OperationJson},
    stock,
};
use axum::{Json, http::StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of products.
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

/// Declares what a product is made of in a request, besides one field that only this request has.
macro_rules! product_body {
    ($(#[$meta:meta])* $name:ident { $(#[$own_meta:meta])* $own:ident }) => {
        $(#[$meta])*
        #[derive(Debug, Deserialize, ToSchema)]
        struct $name {
            $(#[$own_meta])*
            $own: Given,
            #[serde(default)]
            #[schema(value_type = String, required = true, min_length = 1, max_length = 200, example = "Чай зелёный 100 г")]
            name: Given,
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 2000)]
            description: Given,
            /// Fewer available pieces than this are low
            #[serde(default)]
            #[schema(value_type = Option<i64>, minimum = 0, maximum = 1000000, default = 0, example = 5)]
            min_stock: Given,
            #[serde(default)]
            #[schema(value_type = Option<Amount>)]
            buy_price_eur: Given,
            #[serde(default)]
            #[schema(value_type = Option<Amount>)]
            sell_price_rub: Given,
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 200, example = "Teekanne")]
            supplier_name: Given,
        }

        impl $name {
            fn read(self, checks: &mut Checks) -> (Given, Draft) {
                let draft = Draft {
                    name: checks.take("name", self.name.text()),
                    description: checks.take("description", self.description.text()),
                    min_stock: checks.take("min_stock", self.min_stock.whole()),
                    buy_price_eur: checks.take("buy_price_eur", self.buy_price_eur.amount()),
                    sell_price_rub: checks.take("sell_price_rub", self.sell_price_rub.amount()),
                    supplier_name: checks.take("supplier_name", self.supplier_name.text()),
                };
                (self.$own, draft)
            }
        }
    };
}

product_body! {
    /// A product to add
    NewProduct {
        /// Pieces that are there already
        #[serde(default)]
        #[schema(value_type = Option<i64>, minimum = 0, maximum = 1000000, default = 0, example = 0)]
        quantity
    }
}

product_body! {
    /// A product as it shall be; what is not named becomes empty
    EditedProduct {
        /// The version that was read
        #[serde(default)]
        #[schema(value_type = i64, required = true, example = 1)]
        version
    }
}

/// A count of what is in the shop
#[derive(Debug, Deserialize, ToSchema)]
struct Count {
    /// What was on hand when the count began
    #[serde(default)]
    #[schema(value_type = i64, required = true, example = 12)]
    expected: Given,
    /// What was counted
    #[serde(default)]
    #[schema(value_type = i64, required = true, minimum = 0, maximum = 1000000, example = 11)]
    on_hand: Given,
    /// Why it differs
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "разбита одна")]
    note: Given,
}

/// Which products to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListProducts {
    /// Words of the name
    #[param(example = "чай")]
    search: Option<String>,
    /// Only what runs low
    #[param(value_type = Option<bool>, example = true)]
    low: Option<String>,
    /// The archive
    #[param(value_type = Option<bool>, example = false)]
    archived: Option<String>,
    /// A field to sort by, with `-` before it when descending
    #[param(
        pattern = "^-?(name|stock|on_hand|reserved|min_stock|buy_price_eur|sell_price_rub|supplier_name)$",
        example = "-stock"
    )]
    sort: Option<String>,
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

impl ListProducts {
    fn read(self, checks: &mut Checks) -> Query {
        Query {
            search: self.search.unwrap_or_default(),
            low: checks.take("low", flag(self.low)),
            archived: checks.take("archived", flag(self.archived)),
            sort: self.sort.unwrap_or_default(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor.unwrap_or_default(),
            before: String::new(),
        }
    }
}

/// Which part of a list to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

/// List products
#[utoipa::path(
    get,
    path = "/api/products",
    operation_id = "list_products",
    tag = "products",
    params(ListProducts),
    responses((status = OK, description = "A page of products", body = Listing<ProductJson>), SignedIn, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<ListProducts>,
) -> Result<Json<Listing<ProductJson>>, Error> {
    let (query, checks) = params.open(ListProducts::read);
    let page = caller
        .look(checks, move |tx| search::list(tx, &query))
        .await?;
    Ok(Listing::of(page))
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
        (status = CREATED, description = "The product", body = ProductJson, headers(("Location" = String, description = "Where it is"))),
        SignedIn, Allowed, WithBody
    )
)]
async fn create(
    caller: Caller,
    Key(key): Key,
    body: Body<NewProduct>,
) -> Result<Made<ProductJson>, Error> {
    let ((quantity, draft), checks) = body.open(|new, checks| {
        let (quantity, draft) = new.read(checks);
        (checks.take("quantity", quantity.whole()), draft)
    });
    let product = caller
        .act(checks, move |tx| {
            service::create(tx, &key, &draft, &quantity)
        })
        .await?;
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
    let product = caller.look(Checks::default(), look).await?;
    Ok(Json(product.into()))
}

/// Edit a product
///
/// Replaces every field; the stock is not one of them. What is so already is left as it is, whatever the version.
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
    let ((version, draft), checks) = body.open(|edited, checks| {
        let (version, draft) = edited.read(checks);
        (checks.take("version", version.number()), draft)
    });
    let product = caller
        .act(checks, move |tx| service::edit(tx, id, version, &draft))
        .await?;
    Ok(Json(product.into()))
}

/// Take a product out of sale
///
/// One that has a history is archived, one without is deleted.
#[utoipa::path(
    delete,
    path = "/api/products/{id}",
    operation_id = "delete_product",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = NO_CONTENT, description = "It is out of sale"), SignedIn, Allowed, OfOne)
)]
async fn archive(caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    let act = move |tx: &mut Tx<'_>| service::archive(tx, id);
    caller.act(Checks::default(), act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read the stock of a product
#[utoipa::path(
    get,
    path = "/api/products/{id}/stock",
    operation_id = "read_stock",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "Its stock", body = StockJson), SignedIn, OfOne)
)]
async fn stock(caller: Caller, Id(id): Id) -> Result<Json<StockJson>, Error> {
    let look = move |tx: &mut Tx<'_>| service::get(tx, id);
    let product = caller.look(Checks::default(), look).await?;
    Ok(Json(product.into()))
}

/// Correct the stock of a product by a count
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
    let ((expected, on_hand, note), checks) = body.open(|count, checks| {
        (
            checks.take("expected", count.expected.number()),
            checks.take("on_hand", count.on_hand.whole()),
            checks.take("note", count.note.text()),
        )
    });
    let act = move |tx: &mut Tx<'_>| service::correct(tx, id, expected, &on_hand, &note);
    let product = caller.act(checks, act).await?;
    Ok(Json(product.into()))
}

/// Bring an archived product back into sale
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
    let product = caller.act(Checks::default(), act).await?;
    Ok(Json(product.into()))
}

/// List the movements of a product's stock, newest first
#[utoipa::path(
    get,
    path = "/api/products/{id}/movements",
    operation_id = "list_movements",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7), Part),
    responses((status = OK, description = "A page of its ledger", body = Listing<MovementJson>), SignedIn, OfOne, Listed)
)]
async fn movements(
    caller: Caller,
    Id(id): Id,
    params: Params<Part>,
) -> Result<Json<Listing<MovementJson>>, Error> {
    let ((limit, after), checks) = params.open(|part, checks| {
        let limit = checks.page_size(&part.limit.unwrap_or_default());
        (limit, part.cursor.unwrap_or_default())
    });
    let look = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        stock::service::ledger(tx, id, &after, "", limit)
    };
    Ok(Listing::of(caller.look(checks, look).await?))
}

/// Read what was done to a product, newest first, at most a hundred acts
#[utoipa::path(
    get,
    path = "/api/products/{id}/history",
    operation_id = "read_product_history",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7)),
    responses((status = OK, description = "Its history", body = Listing<OperationJson>), SignedIn, OfOne)
)]
async fn history(caller: Caller, Id(id): Id) -> Result<Json<Listing<OperationJson>>, Error> {
    let look = move |tx: &mut Tx<'_>| {
        service::get(tx, id)?;
        log::service::history(tx, Entity::Product, id)
    };
    Ok(Listing::whole(caller.look(Checks::default(), look).await?))
}
