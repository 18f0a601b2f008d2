//! A phone as the scanner of a computer: passes a code that the phone read to the page that is paired with it.
//!
//! The page gives its screen a name, and shows it as a QR code. Whoever opens the address in that code reads for
//! the page, if they are signed in as the same user.

use super::MAX_TEXT;
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, PermissionErrors},
        request::{Body, Caller},
    },
    auth::{Actor, Permission},
    error::{Error, Problem},
    live::{Changed, Changes},
    transaction::AppState,
    validation::{Input, Request, line},
};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The length of a screen's name, see [`new_key`](crate::crypto::new_key).
const SCREEN: usize = 32;

/// Returns the router for codes that a phone reads.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(relay))
}

/// A code that a phone read for another screen
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RelayedCode {
    /// The name of the other screen
    #[schema(
        min_length = 32,
        max_length = 32,
        example = "6c1f0d9a2b7e4c3d8f5a1e0b9c7d2f4a"
    )]
    pub screen: String,
    #[schema(max_length = 500, example = "4600000000015")]
    pub code: String,
}

impl Request for RelayedCode {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        let screen = |text: &str| {
            let text = line(SCREEN)(text)?;
            is_screen(&text).then_some(text).ok_or(Problem::NotOffered)
        };
        Self {
            screen: input.read("screen", screen),
            code: input.read("code", line(MAX_TEXT)),
        }
    }
}

/// Pass a code to the computer that is paired with this phone
///
/// Only an open page of the same user gets it, on whichever server. Nothing is stored, so that nobody knows whether the
/// page was open.
#[utoipa::path(
    post,
    path = "/api/scan/relay",
    operation_id = "relay_scan",
    tag = "orders",
    request_body = RelayedCode,
    responses(
        (status = NO_CONTENT, description = "The code was passed on"),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn relay(caller: Caller, body: Body<RelayedCode>) -> Result<StatusCode, Error> {
    let RelayedCode { screen, code } = body.input.request(&caller.actor)?;
    pass_on(&caller.app, &caller.actor, &screen, &code)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns whether a text may be the name of a screen.
pub fn is_screen(text: &str) -> bool {
    text.len() == SCREEN && text.bytes().all(|sign| sign.is_ascii_hexdigit())
}

/// Passes a code on to a screen of the same user.
pub fn pass_on(app: &AppState, actor: &Actor, screen: &str, code: &str) -> Result<(), Error> {
    let mut changes = Changes::default();
    changes.add(Changed::scan(code, screen, &actor.me()?.username));
    app.live.publish(changes);
    Ok(())
}
