//! The operation log over the REST API.

use super::{Action, Change, Entity, Operation, Query, search};
use crate::{
    act::Shop,
    api::{
        answers::{Allowed, Listed, SignedIn},
        request::{Caller, Params},
        values::{Listing, Time},
    },
    checks::Checks,
    codes::Code,
    error::Error,
};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
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

/// Which part of the log to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListLog {
    /// Name of whoever acted
    #[param(example = "anna")]
    user: Option<String>,
    #[param(value_type = Option<Action>, inline, example = "issue")]
    action: Option<String>,
    #[param(value_type = Option<Entity>, inline, example = "order")]
    entity_type: Option<String>,
    #[param(example = "42")]
    entity_id: Option<String>,
    /// A part of a value before or after, in any case
    #[param(example = "чай")]
    text: Option<String>,
    /// First day
    #[param(format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// Last day
    #[param(format = Date, example = "2026-11-30")]
    to: Option<String>,
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

impl ListLog {
    fn read(self, _: &mut Checks) -> Query {
        Query {
            user: self.user.unwrap_or_default(),
            action: self.action.unwrap_or_default(),
            entity_type: self.entity_type.unwrap_or_default(),
            entity_id: self.entity_id.unwrap_or_default(),
            text: self.text.unwrap_or_default(),
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor.unwrap_or_default(),
            before: String::new(),
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
    params(ListLog),
    responses((status = OK, description = "A page of the log", body = Listing<OperationJson>), SignedIn, Allowed, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<ListLog>,
) -> Result<Json<Listing<OperationJson>>, Error> {
    let (query, checks) = params.open(ListLog::read);
    let found = caller
        .look(checks, move |tx| search::list(tx, &query))
        .await?;
    Ok(Listing::of(found.page))
}
