//! Problem documents (RFC 9457), the format of every error response of the API.

use crate::{
    audit::Entity,
    codes::Code,
    error::{Difference, Error, FieldError},
    i18n::Locale,
    ui,
    web::ClientInfo,
};
use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos_i18n::td_string;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request failed, and what to do. After a 4xx status, nothing was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The error code, for programs
    #[serde(rename = "type")]
    #[schema(example = "urn:sirius:invalid")]
    kind: String,
    /// The HTTP status in words
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status code
    #[schema(example = 422)]
    status: u16,
    /// What happened and what to do, for people
    detail: String,
    /// The request id, by which the operator finds details in the server log
    #[schema(example = "9f86d081884c7d65")]
    request_id: String,
    /// What is wrong with each field, if fields are invalid
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"qty": ["Must be at least 1"]}))]
    errors: Option<BTreeMap<String, Vec<String>>>,
    /// For an edit of an outdated version: the version to send to overwrite the current values
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// For an edit of an outdated version: the current values of the fields that differ from what was sent
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"min_stock": "5"}))]
    present: Option<BTreeMap<String, String>>,
    /// For an idempotency key that was used before with other content: what was created then
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"entity_type": "order", "entity_id": 42}))]
    recorded: Option<RecordedJson>,
}

/// What an earlier request created
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recorded)]
struct RecordedJson {
    #[schema(value_type = Entity)]
    entity_type: Code<Entity>,
    entity_id: i64,
}

/// Turns every error response of the API into a problem document, whichever layer it comes from.
pub async fn answer(request: Request, next: Next) -> Response {
    let locale = ui::language(request.headers());
    let id = ClientInfo::of(request.extensions()).id;
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let document = match parts.extensions.get::<Error>() {
        Some(error) => ProblemDocument::of(error, locale),
        None => ProblemDocument::of_status(status, locale),
    };
    let document = ProblemDocument {
        request_id: id.to_string(),
        ..document
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"sirius\""),
        );
    }
    let body = Json(document).into_response().into_body();
    Response::from_parts(parts, body)
}

impl ProblemDocument {
    fn of(error: &Error, locale: Locale) -> Self {
        let mut problem = Self::new(code(error), error.status(), error.message(locale));
        match error {
            Error::Invalid(fields) => {
                let errors = by_field(fields, locale);
                let names: Vec<_> = errors.keys().map(String::as_str).collect();
                problem.detail = format!("{} {}", problem.detail, names.join(", "));
                problem.errors = Some(errors);
            }
            Error::OutOfStock { .. } | Error::LinesOutOfStock(_) | Error::SecondFactor(_) => {
                problem.errors = Some(by_field(&error.fields(), locale))
            }
            Error::Stale(stale) => {
                problem.version = Some(stale.version);
                problem.present = Some(present(&stale.differences));
            }
            Error::KeyReused(recorded) => {
                problem.detail = td_string!(locale, errors.key_reused_in_api).to_owned();
                problem.recorded = Some(RecordedJson {
                    entity_type: recorded.entity.clone(),
                    entity_id: recorded.id,
                });
            }
            _ => {}
        }
        problem
    }

    /// The problem for an error response that comes from the HTTP layers and has no [`Error`].
    fn of_status(status: StatusCode, locale: Locale) -> Self {
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("unreadable", td_string!(locale, errors.unreadable)),
            StatusCode::NOT_FOUND => ("not_found", td_string!(locale, errors.not_found)),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                td_string!(locale, errors.wrong_method),
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("not_json", td_string!(locale, errors.not_json)),
            status if status.is_server_error() => ("internal", td_string!(locale, errors.internal)),
            _ => ("refused", td_string!(locale, errors.wrong_request)),
        };
        Self::new(code, status, detail.to_owned())
    }

    fn new(code: &str, status: StatusCode, detail: String) -> Self {
        Self {
            kind: format!("urn:sirius:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            request_id: String::new(),
            errors: None,
            version: None,
            present: None,
            recorded: None,
        }
    }
}

fn by_field(fields: &[FieldError], locale: Locale) -> BTreeMap<String, Vec<String>> {
    let mut errors = BTreeMap::<_, Vec<_>>::new();
    for wrong in fields {
        errors
            .entry(wrong.field.clone())
            .or_default()
            .push(wrong.problem.message(locale));
    }
    errors
}

fn present(differences: &[Difference]) -> BTreeMap<String, String> {
    differences
        .iter()
        .map(|difference| (difference.field.clone(), difference.now.clone()))
        .collect()
}

/// The code of an error, the last part of the `type` of its problem document.
const fn code(error: &Error) -> &'static str {
    match error {
        Error::SignedOut => "signed_out",
        Error::Forbidden => "forbidden",
        Error::NotFound => "not_found",
        Error::Invalid(_) | Error::AnotherLine => "invalid",
        Error::Stale(_) => "stale",
        Error::OutOfStock { .. } | Error::LinesOutOfStock(_) => "out_of_stock",
        Error::IssuedEarlier => "issued_earlier",
        Error::HasReturns => "has_returns",
        Error::CustomerErased => "customer_erased",
        Error::NotYoursToTakeBack => "not_yours_to_take_back",
        Error::NotUndoable => "not_undoable",
        Error::SupplyUndone => "supply_undone",
        Error::Reserved { .. } => "reserved",
        Error::OrderIs(_) => "order_settled",
        Error::Archived => "archived",
        Error::OrdersWait { .. } => "orders_wait",
        Error::SumTooLarge => "sum_too_large",
        Error::BadCredentials => "bad_credentials",
        Error::AccountPending => "account_pending",
        Error::AccountBlocked => "account_blocked",
        Error::MustChangePassword => "must_change_password",
        Error::OneTimePasswordOver => "one_time_password_over",
        Error::TokenExpired => "token_expired",
        Error::NeedsSession => "needs_session",
        Error::SecondFactor(_) => "second_factor",
        Error::MustSetUpTotp => "must_set_up_totp",
        Error::SecondFactorOn => "second_factor_on",
        Error::SecondFactorOff => "second_factor_off",
        Error::RegistrationClosed => "registration_closed",
        Error::TooManyPending => "too_many_pending",
        Error::InvitationOver => "invitation_over",
        Error::LastAdmin => "last_admin",
        Error::Yourself => "yourself",
        Error::KeyReused(_) => "key_reused",
        Error::BadCursor => "bad_cursor",
        Error::TooOften { .. } => "too_often",
        Error::OtherSite => "other_site",
        Error::UnknownHost => "unknown_host",
        Error::TooLarge => "body_too_large",
        Error::SlowRequest => "slow_request",
        Error::TookTooLong => "took_too_long",
        Error::Busy => "busy",
        Error::Locked => "locked",
        Error::Unavailable | Error::Offline => "unavailable",
        Error::NoSpace => "no_space",
        Error::Internal => "internal",
    }
}
