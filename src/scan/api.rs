//! The REST endpoint for scanned codes.

use super::{
    MAX_TEXT,
    service::{self, Scanned},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, PermissionErrors},
        request::{Body, Caller},
        values::Money,
    },
    auth::Permission,
    error::Error,
    products::Product,
    transaction::{AppState, Tx},
    validation::{Input, Request, line},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for scanned codes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(scan))
}

/// A scanned code
#[derive(Clone, Debug, Default, ToSchema)]
pub struct Scan {
    /// What the scanner sent: a barcode, a GS1 code, or the address on a slip
    #[schema(min_length = 1, max_length = 500, example = "2200000000071")]
    pub code: String,
}

impl Request for Scan {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        Self {
            code: input.read("code", line(MAX_TEXT)),
        }
    }
}

/// What a scanned code stands for
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scanned)]
struct ScannedJson {
    kind: ScannedKind,
    /// Number of the order, the basket or the product; `null` for an unknown code
    #[schema(required = true, example = 42)]
    id: Option<i64>,
    /// Path of its page
    #[schema(required = true, example = "/orders/42")]
    path: Option<String>,
    /// A product that can be ordered; otherwise `null`
    #[schema(required = true)]
    product: Option<ScannedProduct>,
}

/// What a code stands for
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ScannedKind {
    Order,
    Basket,
    Product,
    Unknown,
}

/// A scanned product
#[derive(Debug, Serialize, ToSchema)]
struct ScannedProduct {
    #[schema(example = 7)]
    id: i64,
    #[schema(example = "Чай зелёный 100 г")]
    name: String,
    /// Pieces available for sale
    stock: i64,
    sell_price_rub: Option<Money>,
    /// Last purchase price; `null` for users who may not see supplies
    buy_price_eur: Option<Money>,
    /// Last supplier; `null` for users who may not see supplies
    supplier_name: Option<String>,
}

impl ScannedProduct {
    fn new(product: Product, may_supply: bool) -> Self {
        Self {
            id: product.id,
            stock: product.stock,
            sell_price_rub: product.sell_price_rub.map(Money::from),
            buy_price_eur: product
                .buy_price_eur
                .filter(|_| may_supply)
                .map(Money::from),
            name: product.data.name,
            supplier_name: product.data.supplier_name.filter(|_| may_supply),
        }
    }
}

impl ScannedJson {
    fn new(scanned: Option<Scanned>, may_supply: bool) -> Self {
        let id = scanned.as_ref().map(Scanned::id);
        let path = scanned.as_ref().map(Scanned::path);
        let (kind, product) = match scanned {
            None => (ScannedKind::Unknown, None),
            Some(Scanned::Order(_)) => (ScannedKind::Order, None),
            Some(Scanned::Basket(_)) => (ScannedKind::Basket, None),
            Some(Scanned::Product(product)) => {
                let is_offered = product.archived_at.is_none();
                let offer = is_offered.then(|| ScannedProduct::new(*product, may_supply));
                (ScannedKind::Product, offer)
            }
        };
        Self {
            kind,
            id,
            path,
            product,
        }
    }
}

/// Find out what a scanned code stands for
///
/// It is the slip of an order or a basket, or a product: by its codes, by our own code, or by the GTIN in a GS1 code or
/// a GS1 Digital Link.
#[utoipa::path(
    post,
    path = "/api/scan",
    operation_id = "scan",
    tag = "orders",
    request_body = Scan,
    responses(
        (status = OK, description = "What the code stands for", body = ScannedJson),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn scan(caller: Caller, body: Body<Scan>) -> Result<Json<ScannedJson>, Error> {
    let scan: Scan = body.input.request(&caller.actor)?;
    let find = move |tx: &mut Tx<'_>| service::resolve(tx, &scan.code);
    let found = match caller.read(find).await {
        Ok(found) => Some(found),
        Err(Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    let may_supply = caller.actor.may(Permission::Supplies).is_ok();
    Ok(Json(ScannedJson::new(found, may_supply)))
}
