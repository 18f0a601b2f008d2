//! The REST endpoints for one's own second factor.

use super::service::{self, OwnPassword, TotpCode};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, Conflict, PermissionErrors},
        request::{Body, Caller},
    },
    error::Error,
    transaction::AppState,
};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints for one's own second factor.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(begin, disable))
        .routes(routes!(confirm))
}

/// A new secret for an authenticator app; shown only in this response
#[derive(Serialize, ToSchema)]
#[schema(as = TotpSecret)]
struct SecretJson {
    /// In base32
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// The content of the QR code that an authenticator app reads
    #[schema(
        example = "otpauth://totp/Sirius:anna?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sirius"
    )]
    otpauth_url: String,
}

/// The recovery codes; shown only in this response
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
struct RecoveryCodesJson {
    /// Each replaces a code of the authenticator app once
    recovery_codes: Vec<String>,
}

/// Begin to set up two-factor authentication
///
/// Give the secret to an authenticator app (TOTP: SHA-1, six digits, 30 seconds), and confirm with a code of it. Until
/// then signing in asks for no code, and another request replaces the secret.
#[utoipa::path(
    post,
    path = "/api/me/totp",
    operation_id = "begin_totp",
    tag = "account",
    request_body = OwnPassword,
    responses(
        (status = CREATED, description = "The secret, which is not shown again", body = SecretJson),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn begin(
    caller: Caller,
    body: Body<OwnPassword>,
) -> Result<(StatusCode, Json<SecretJson>), Error> {
    let me = caller.me()?.clone();
    let password = OwnPassword::read(body.input)?;
    let authenticator = service::begin(&caller.app, me, password, &caller.place).await?;
    let body = SecretJson {
        secret: authenticator.secret(),
        otpauth_url: authenticator.url()?,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Turn two-factor authentication on
///
/// From then on signing in needs a code of the authenticator app, or one of the recovery codes in this response. A code
/// works once, so this one does not sign in.
#[utoipa::path(
    post,
    path = "/api/me/totp/confirm",
    operation_id = "confirm_totp",
    tag = "account",
    request_body = TotpCode,
    responses(
        (status = OK, description = "The recovery codes, which are not shown again", body = RecoveryCodesJson),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn confirm(caller: Caller, body: Body<TotpCode>) -> Result<Json<RecoveryCodesJson>, Error> {
    let me = caller.me()?.clone();
    let code = TotpCode::read(body.input)?;
    let recovery_codes = service::finish(&caller.app, me, code, &caller.place).await?;
    Ok(Json(RecoveryCodesJson { recovery_codes }))
}

/// Turn two-factor authentication off
#[utoipa::path(
    delete,
    path = "/api/me/totp",
    operation_id = "disable_totp",
    tag = "account",
    request_body = OwnPassword,
    responses(
        (status = NO_CONTENT, description = "Signing in needs no code any more"),
        AuthErrors, PermissionErrors, BodyErrors, Conflict
    )
)]
async fn disable(caller: Caller, body: Body<OwnPassword>) -> Result<StatusCode, Error> {
    let me = caller.me()?.clone();
    let password = OwnPassword::read(body.input)?;
    service::disable(&caller.app, me, password, &caller.place).await?;
    Ok(StatusCode::NO_CONTENT)
}
