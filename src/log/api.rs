//! The operation log over the REST API.

use super::{Action, Change, Entity, Operation, Query, search};
use crate::{
    act::Shop,
    api::{
        answers::{Allowed, Listed, SignedIn},
        request::{Caller, Params},
        values::{Listing, Time},
    },
    codes::Code,
    error::Error,
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoint of the log.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Something that was done
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub struct OperationJson {
    id: i64,
    timestamp: Time,
    /// Who did it; `null`: the program, or somebody who was not signed in
    user_id: Option<String>,
    #[schema(value_type = Action)]
    action: Code<Action>,
    #[schema(value_type = Entity)]
    entity_type: Code<Entity>,
    /// A number, or the name of a user
    entity_id: String,
    /// The fields that it set
    details: Vec<Change>,
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
        }
    }
}

/// List what was done, newest first
///
/// A search that passes over many rows may answer with fewer than `limit`, even none, and a `next` to look on.
#[utoipa::path(
    get,
    path = "/api/log",
    operation_id = "list_log",
    tag = "admin",
    params(Query),
    responses((status = OK, description = "A page of the log", body = Listing<OperationJson>), SignedIn, Allowed, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<Query>,
) -> Result<Json<Listing<OperationJson>>, Error> {
    let found = caller.search(params, search::list).await?;
    Ok(Listing::of(found.page))
}
