//! The REST endpoints for notifications.

use super::{Channel, Delivery, Kind, Query, State, service};
use crate::{
    api::{
        answers::{AuthErrors, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Caller, Id, Params},
        values::{Listing, Time},
    },
    codes::Code,
    error::Error,
    transaction::{AppState, Tx},
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the routes of the notification endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(send_test))
        .routes(routes!(resend))
}

/// A notification to one recipient
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
struct NotificationJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(value_type = Kind)]
    kind: Code<Kind>,
    #[schema(value_type = Channel)]
    channel: Code<Channel>,
    /// A Telegram chat or an email address
    #[schema(example = "-1001234567890")]
    recipient: String,
    /// Summary in one line, in the language of the shop
    #[schema(example = "Заканчивается: Чай зелёный")]
    subject: String,
    #[schema(value_type = State)]
    state: Code<State>,
    /// Number of attempts started
    attempts: i64,
    created_at: Time,
    /// When the next attempt is due, while the notification is waiting
    due_at: Time,
    /// When it was sent, given up or cancelled
    ended_at: Option<Time>,
    /// Why the last attempt failed
    last_error: Option<String>,
}

impl From<Delivery> for NotificationJson {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            kind: delivery.kind,
            channel: delivery.channel,
            recipient: delivery.recipient,
            subject: delivery.subject,
            state: delivery.state,
            attempts: delivery.attempts,
            created_at: Time(delivery.created_at),
            due_at: Time(delivery.due_at),
            ended_at: delivery.ended_at.map(Time),
            last_error: delivery.last_error,
        }
    }
}

/// List notifications, newest first
#[utoipa::path(
    get,
    path = "/api/notifications",
    operation_id = "list_notifications",
    tag = "admin",
    params(Query),
    responses(
        (status = OK, description = "A page of notifications", body = Listing<NotificationJson>),
        AuthErrors, PermissionErrors, ListErrors
    )
)]
async fn list(
    caller: Caller,
    params: Params<Query>,
) -> Result<Json<Listing<NotificationJson>>, Error> {
    let language = caller.app.config.notifications.language;
    let read = move |tx: &mut Tx<'_>, query: &Query| service::list(tx, query, language);
    Ok(Listing::of(caller.search(params, read).await?))
}

/// Send a test notification to every recipient
#[utoipa::path(
    post,
    path = "/api/notifications/test",
    operation_id = "send_test_notification",
    tag = "admin",
    responses(
        (status = NO_CONTENT, description = "The test notification is on its way"),
        (
            status = UNPROCESSABLE_ENTITY,
            description = "There are no recipients: neither Telegram nor mail is configured",
            body = crate::api::problem::ProblemDocument,
            content_type = "application/problem+json",
        ),
        AuthErrors, PermissionErrors
    )
)]
async fn send_test(caller: Caller) -> Result<StatusCode, Error> {
    let config = caller.app.config.clone();
    let operation = move |tx: &mut Tx<'_>| service::send_test(tx, &config.notifications);
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a failed notification again
///
/// A notification that has not failed is left unchanged.
#[utoipa::path(
    post,
    path = "/api/notifications/{id}/resend",
    operation_id = "resend_notification",
    tag = "admin",
    params(("id" = i64, Path, description = "Number of the notification", example = 1)),
    responses(
        (status = OK, description = "The notification", body = NotificationJson),
        (
            status = UNPROCESSABLE_ENTITY,
            description = "The recipient is no longer configured",
            body = crate::api::problem::ProblemDocument,
            content_type = "application/problem+json",
        ),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn resend(caller: Caller, Id(id): Id) -> Result<Json<NotificationJson>, Error> {
    let config = caller.app.config.clone();
    let operation = move |tx: &mut Tx<'_>| {
        let language = config.notifications.language;
        service::resend(tx, id, &config.notifications, language)
    };
    let sent = caller.write(operation).await?;
    Ok(Json(sent.into()))
}
