//! The REST endpoint for the operation log.

use super::{Action, Change, Entity, Operation, Query, search};
use crate::{
    api::{
        answers::{AuthErrors, ListErrors, PermissionErrors},
        request::{Caller, Params},
        values::{Listing, Time},
    },
    codes::Code,
    error::Error,
    transaction::AppState,
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoint for the operation log.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An entry of the operation log
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub struct OperationJson {
    id: i64,
    timestamp: Time,
    /// Name of the user; `null` for the program itself and for visitors who were not signed in
    user_id: Option<String>,
    #[schema(value_type = Action)]
    action: Code<Action>,
    #[schema(value_type = Entity)]
    entity_type: Code<Entity>,
    /// Id of the entity: usually a number; for a user the name, for an exchange rate the day
    entity_id: String,
    /// The fields that were set or changed
    details: Vec<Change>,
    /// The operation that this one took back
    undoes_id: Option<i64>,
}

impl From<Operation> for OperationJson {
    fn from(operation: Operation) -> Self {
        Self {
            id: operation.id,
            timestamp: Time(operation.timestamp),
            user_id: operation.user_id,
            action: operation.action,
            entity_type: operation.entity_type,
            entity_id: operation.entity_id,
            details: operation.changes,
            undoes_id: operation.undoes_id,
        }
    }
}

/// List operations, newest first
///
/// A search that has to skip many rows may return fewer than `limit`, even none, and a `next` to continue with.
#[utoipa::path(
    get,
    path = "/api/log",
    operation_id = "list_log",
    tag = "admin",
    params(Query),
    responses(
        (status = OK, description = "A page of the log", body = Listing<OperationJson>),
        AuthErrors, PermissionErrors, ListErrors
    )
)]
async fn list(
    caller: Caller,
    params: Params<Query>,
) -> Result<Json<Listing<OperationJson>>, Error> {
    let found = caller.search(params, search::list).await?;
    Ok(Listing::of(found.page))
}
