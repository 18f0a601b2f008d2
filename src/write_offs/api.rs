//! The REST endpoint for write-offs.

use super::{
    Reason, WriteOff,
    service::{self, NewWriteOff},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Id, IdempotencyKey},
        values::{Created, Money, Time},
    },
    codes::Code,
    error::Error,
    transaction::{AppState, Tx},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for write-offs.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(write_off))
}

/// A write-off: pieces that left the stock without being sold
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WriteOff)]
struct WriteOffJson {
    #[schema(example = 5)]
    id: i64,
    product_id: i64,
    qty: i64,
    #[schema(value_type = Reason, inline)]
    reason: Code<Reason>,
    /// Cost of the pieces that have a purchase price
    cost_eur: Money,
    /// Pieces without a purchase price
    uncosted_qty: i64,
    /// User who wrote the pieces off
    user_id: Option<String>,
    created_at: Time,
}

impl From<WriteOff> for WriteOffJson {
    fn from(write_off: WriteOff) -> Self {
        Self {
            id: write_off.id,
            product_id: write_off.product_id,
            qty: write_off.qty.0,
            reason: write_off.reason,
            cost_eur: write_off.cost_eur.into(),
            uncosted_qty: write_off.uncosted_qty,
            user_id: write_off.user_id,
            created_at: Time(write_off.created_at),
        }
    }
}

/// Write pieces of a product off
///
/// Reserved pieces cannot be written off.
#[utoipa::path(
    post,
    path = "/api/products/{id}/write-offs",
    operation_id = "write_off",
    tag = "products",
    params(("id" = i64, Path, description = "Number of the product", example = 7), IdempotencyKey),
    request_body = NewWriteOff,
    responses(
        (
            status = CREATED,
            description = "The new write-off",
            body = WriteOffJson,
            headers(("Location" = String, description = "Path of the product")),
        ),
        AuthErrors, PermissionErrors, NotFoundErrors, BodyErrors, Conflict
    )
)]
async fn write_off(
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<NewWriteOff>,
) -> Result<Created<WriteOffJson>, Error> {
    let create = move |tx: &mut Tx<'_>, new: &NewWriteOff| service::create(tx, &key, id, new);
    let write_off = caller.submit(body, create).await?;
    let at = format!("/api/products/{id}");
    Ok(Created::at(at, write_off.into()))
}
