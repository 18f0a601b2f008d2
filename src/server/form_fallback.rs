//! Layers around server functions: scripts get the status code of an error, plain forms get back what was typed.

use super::{
    form_drafts::{FormDrafts, Sender},
    limits::MAX_BODY,
};
use crate::{
    crypto::new_key,
    error::Error,
    server_context::{self, DraftKey},
    ui::draft::Draft,
    web::put_retry_after,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use leptos::server_fn::error::ServerFnUrlError;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use url::{Url, form_urlencoded};

/// Parts of the names of fields with secrets, which are never kept.
const SECRETS: [&str; 5] = ["password", "code", "token", "secret", "invitation"];
/// The codes of a product, which are no secret.
const PRODUCT_CODES: &str = "codes";

/// A form that a browser without JavaScript sent.
#[derive(Clone)]
struct SentForm {
    key: DraftKey,
    sender: Sender,
    function: String,
    /// The page of the form, if it is known.
    page: Option<String>,
    fields: BTreeMap<String, String>,
}

/// A response extension: why a form without JavaScript was refused. Its page shows it after a redirect.
#[derive(Clone, Debug)]
pub struct Refusal(pub Error);

/// The form that was read, for the layer that notices when the request was refused after that.
#[derive(Clone, Default)]
struct ReadForm(Arc<OnceLock<SentForm>>);

impl SentForm {
    fn read(parts: &Parts, body: &[u8]) -> Self {
        let is_kept = |name: &str| {
            name == PRODUCT_CODES || !SECRETS.iter().any(|secret| name.contains(secret))
        };
        Self {
            key: DraftKey(new_key()),
            sender: Sender::of(&parts.headers, &parts.extensions),
            function: parts.uri.path().to_owned(),
            page: server_context::referer(parts),
            fields: form_urlencoded::parse(body)
                .into_owned()
                .filter(|(name, _)| is_kept(name))
                .collect(),
        }
    }

    /// Keeps the form until its page is shown again, and gives the browser the cookie with which it can be read.
    async fn keep(&self, drafts: &FormDrafts, error: Option<Error>, response: &mut Response) {
        let draft = Draft {
            function: self.function.clone(),
            error,
            fields: self.fields.clone(),
        };
        drafts.keep(&self.key.0, &self.sender, draft).await;
        self.sender.put_cookie(response.headers_mut());
    }
}

/// Leads a plain form back to its page if a layer refused the request after the form was read. Its outcome is unknown
/// then, so the page must show it again with the same idempotency key.
pub async fn lead_back(
    State(drafts): State<FormDrafts>,
    mut request: Request,
    next: Next,
) -> Response {
    let read = ReadForm::default();
    request.extensions_mut().insert(read.clone());
    let response = next.run(request).await;
    let error = response.extensions().get::<Error>().cloned();
    let (Some(error), Some(form)) = (error, read.0.get()) else {
        return response;
    };
    let Some(page) = &form.page else {
        return response;
    };
    let mut back = Redirect::to(&server_context::with_draft(page, &form.key)).into_response();
    form.keep(&drafts, Some(error.clone()), &mut back).await;
    back.extensions_mut().insert(error);
    back
}

/// Calls a server function: scripts get the status code of an error, plain forms get back what was typed.
pub async fn handle(State(drafts): State<FormDrafts>, request: Request, next: Next) -> Response {
    if server_context::wants_html(request.headers()) {
        keep_refused(&drafts, request, next).await
    } else {
        set_status(request, next).await
    }
}

/// Sets the status of a response from the error in its body. Leptos answers every error of a server function with 500.
async fn set_status(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Error::TooLarge.into_response();
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Error::Internal.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<Error>(&body) {
        parts.status = error.status();
        put_retry_after(&mut parts.headers, &error);
    }
    Response::from_parts(parts, Body::from(body))
}

/// Keeps a refused form, and puts its key into the redirect to its page. Leptos puts the error itself there.
async fn keep_refused(drafts: &FormDrafts, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Error::TooLarge.into_response();
    };
    let form = SentForm::read(&parts, &body);
    if let Some(read) = parts.extensions.get::<ReadForm>() {
        let _ = read.0.set(form.clone());
    }
    parts.extensions.insert(form.key.clone());
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let location = response.headers().get(header::LOCATION);
    let Some(location) = location.and_then(|location| location.to_str().ok()) else {
        return response;
    };
    if let Some((page, error)) = refusal(location) {
        let page = server_context::with_draft(&page, &form.key);
        if let Ok(page) = HeaderValue::from_str(&page) {
            response.headers_mut().insert(header::LOCATION, page);
        }
        form.keep(drafts, Some(error.clone()), &mut response).await;
        response.extensions_mut().insert(Refusal(error));
    } else if location.contains(&form.key.0) {
        // Signing in leads back to the page.
        form.keep(drafts, None, &mut response).await;
    }
    response
}

/// Returns the page to which Leptos leads a refused form back, and the error from its address.
fn refusal(location: &str) -> Option<(String, Error)> {
    let location = Url::parse(location).ok()?;
    let (_, error) = location
        .query_pairs()
        .filter(|(name, _)| name == "__err")
        .last()?;
    let kept = location
        .query_pairs()
        .filter(|(name, _)| !server_context::is_one_time(name) && !name.starts_with("__"));
    Some((
        server_context::own_page(location.path(), kept),
        ServerFnUrlError::decode_err(&error),
    ))
}
