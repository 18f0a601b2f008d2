//! Notifications over the REST API.

use super::{Channel, Delivery, Kind, Query, State, service};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Listed, OfOne, SignedIn},
        request::{Caller, Id, Params},
        values::{Listing, Time},
    },
    checks::Checks,
    codes::Code,
    error::Error,
};
use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of notifications.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(send_test))
        .routes(routes!(resend))
}

/// Something that is told to one recipient
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
struct NotificationJson {
    #[schema(example = 1)]
    id: i64,
    #[schema(value_type = Kind)]
    kind: Code<Kind>,
    #[schema(value_type = Channel)]
    channel: Code<Channel>,
    /// A chat of Telegram, or an address of mail
    #[schema(example = "-1001234567890")]
    recipient: String,
    /// What it is about, in the language of the shop
    #[schema(example = "Заканчивается: Чай зелёный")]
    subject: String,
    #[schema(value_type = State)]
    state: Code<State>,
    /// Attempts that were begun
    attempts: i64,
    created_at: Time,
    /// When it is tried next, while it waits
    due_at: Time,
    /// When it was sent, given up or cancelled
    ended_at: Option<Time>,
    /// Why the last attempt did not succeed
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

/// Which notifications to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListNotifications {
    #[param(value_type = Option<State>, inline, example = "failed")]
    state: Option<String>,
    /// Rows of the page
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// `next` of the page before
    #[param(example = "W3siSW50Ijo0Mn1d")]
    cursor: Option<String>,
}

impl ListNotifications {
    fn read(self, _: &mut Checks) -> Query {
        Query {
            state: self.state.unwrap_or_default(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor.unwrap_or_default(),
            before: String::new(),
        }
    }
}

/// List what was told and what waits, newest first
#[utoipa::path(
    get,
    path = "/api/notifications",
    operation_id = "list_notifications",
    tag = "admin",
    params(ListNotifications),
    responses((status = OK, description = "A page of the notifications", body = Listing<NotificationJson>), SignedIn, Allowed, Listed)
)]
async fn list(
    caller: Caller,
    params: Params<ListNotifications>,
) -> Result<Json<Listing<NotificationJson>>, Error> {
    let (query, checks) = params.open(ListNotifications::read);
    let language = caller.shop.config.notifications.language;
    let page = caller
        .look(checks, move |tx| service::list(tx, &query, language))
        .await?;
    Ok(Listing::of(page))
}

/// Tell everybody that notifications arrive
#[utoipa::path(
    post,
    path = "/api/notifications/test",
    operation_id = "send_test_notification",
    tag = "admin",
    responses(
        (status = NO_CONTENT, description = "It is on its way"),
        (status = UNPROCESSABLE_ENTITY, description = "Nobody is to be told: neither Telegram nor mail is configured", body = crate::api::problem::Problem, content_type = "application/problem+json"),
        SignedIn, Allowed
    )
)]
async fn send_test(caller: Caller) -> Result<StatusCode, Error> {
    let config = caller.shop.config.clone();
    let act = move |tx: &mut Tx<'_>| service::send_test(tx, &config.notifications);
    caller.act(Checks::default(), act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a notification again that had failed
///
/// One that did not fail stays as it is.
#[utoipa::path(
    post,
    path = "/api/notifications/{id}/resend",
    operation_id = "resend_notification",
    tag = "admin",
    params(("id" = i64, Path, description = "Number of the notification", example = 1)),
    responses(
        (status = OK, description = "The notification", body = NotificationJson),
        (status = UNPROCESSABLE_ENTITY, description = "Its recipient is not among the settings any more", body = crate::api::problem::Problem, content_type = "application/problem+json"),
        SignedIn, Allowed, OfOne
    )
)]
async fn resend(caller: Caller, Id(id): Id) -> Result<Json<NotificationJson>, Error> {
    let config = caller.shop.config.clone();
    let act = move |tx: &mut Tx<'_>| {
        let language = config.notifications.language;
        service::resend(tx, id, &config.notifications, language)
    };
    let sent = caller.act(Checks::default(), act).await?;
    Ok(Json(sent.into()))
}
