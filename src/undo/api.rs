//! The REST endpoint that takes an operation back.

use super::service;
use crate::{
    api::{
        answers::{AuthErrors, Conflict, NotFoundErrors, PermissionErrors},
        request::{Caller, Id},
    },
    audit::api::OperationJson,
    error::Error,
    transaction::{AppState, Tx},
};
use axum::Json;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the router for taking operations back.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(undo))
}

/// Take an operation back
///
/// An issue or a cancellation of an order, a supply, a count or a write-off. The operation stays in the log; the answer
/// is the new one, which names it. Taking it back again returns the same answer. Clerks can take back what they did
/// themselves in the last 15 minutes.
#[utoipa::path(
    post,
    path = "/api/log/{id}/undo",
    operation_id = "undo_operation",
    tag = "admin",
    params(("id" = i64, Path, description = "Number of the operation in the log", example = 120)),
    responses(
        (status = OK, description = "The operation that took the other one back", body = OperationJson),
        AuthErrors, PermissionErrors, NotFoundErrors, Conflict
    )
)]
async fn undo(caller: Caller, Id(id): Id) -> Result<Json<OperationJson>, Error> {
    let operation = move |tx: &mut Tx<'_>| service::undo(tx, id);
    let operation = caller.write(operation).await?;
    Ok(Json(operation.into()))
}
