//! Puts on record which signed-in users were refused something for lack of a permission.

use super::form_fallback::Refusal;
use crate::{
    auth::{Actor, client_origin::ClientOrigin, security_log},
    error::Error,
    transaction::AppState,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use leptos_router::location::Url as RouterUrl;

/// Records a refusal in the operation log. The response is the same if that fails.
pub async fn record(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let user = Actor::of(&parts.extensions)
        .ok()
        .filter(|actor| actor.username().is_some())
        .map(|actor| (actor, ClientOrigin::of(&parts)));
    let uri = parts.uri.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Some((actor, place)) = user
        && is_refusal(&response)
        && let Err(error) = write(&app, actor, RouterUrl::unescape(uri.path()), place).await
    {
        tracing::warn!(%error, "could not record a refusal");
    }
    response
}

async fn write(
    app: &AppState,
    actor: Actor,
    path: String,
    place: ClientOrigin,
) -> Result<(), Error> {
    let is_due = app
        .read(actor.clone(), security_log::is_refusal_due)
        .await?;
    if !is_due {
        return Ok(());
    }
    app.write(actor, move |tx| {
        security_log::record_refusal(tx, &path, &place)
    })
    .await
}

/// Returns whether a response is a refusal. A form without JavaScript is led back to its page.
fn is_refusal(response: &Response) -> bool {
    let refused = response.extensions().get::<Refusal>();
    response.status() == StatusCode::FORBIDDEN
        || refused.is_some_and(|Refusal(error)| error.status() == StatusCode::FORBIDDEN)
}
