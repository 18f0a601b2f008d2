//! The REST endpoint for erasing a customer.

use super::{
    Erasure,
    service::{self, NewErasure},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, PermissionErrors},
        request::{Body, Caller},
        values::Time,
    },
    error::Error,
    transaction::AppState,
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for the endpoints of customers.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(erase))
}

/// An erasure of a customer
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub struct ErasureJson {
    /// Number of the erasure: the customer is called «Покупатель удалён № 17» from then on
    #[schema(example = 17)]
    id: i64,
    reason: String,
    /// User who erased; `null` for the program itself
    user_id: Option<String>,
    created_at: Time,
    /// Number of orders whose customer was erased
    orders: i64,
    /// Number of entries of the operation log whose values were erased
    log_entries: i64,
    /// Number of notifications whose customer was erased
    notifications: i64,
    /// Number of uploaded files that were deleted
    uploads: i64,
    /// Number of notes about stock that were erased
    notes: i64,
}

impl From<Erasure> for ErasureJson {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.id,
            reason: erasure.reason,
            user_id: erasure.user_id,
            created_at: Time(erasure.created_at),
            orders: erasure.orders,
            log_entries: erasure.log_entries,
            notifications: erasure.notifications,
            uploads: erasure.uploads,
            notes: erasure.notes,
        }
    }
}

/// Erase a customer
///
/// Replaces the phone number and the name everywhere. Orders, stock and sums stay. This cannot be undone. Refused while
/// orders of the customer wait.
#[utoipa::path(
    post,
    path = "/api/customers/erase",
    operation_id = "erase_customer",
    tag = "admin",
    request_body = NewErasure,
    responses(
        (status = OK, description = "The erasure", body = ErasureJson),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn erase(caller: Caller, body: Body<NewErasure>) -> Result<Json<ErasureJson>, Error> {
    let erasure = caller.submit(body, service::erase).await?;
    Ok(Json(erasure.into()))
}
