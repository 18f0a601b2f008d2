//! Layers around server functions: scripts get the status code of an error, plain forms get back what was typed.

use super::{csrf::is_from_our_page, limits::MAX_BODY};
use crate::{
    error::Error,
    server_context::{self, FormInput},
    web::{ClientInfo, put_retry_after},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::server_fn::error::ServerFnUrlError;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use url::{Url, form_urlencoded};

/// What a plain form sent, for a layer that refuses the request after the form was read. Its outcome is unknown then,
/// so its page must be shown again with the same idempotency key.
#[derive(Clone, Default)]
pub struct SubmittedForm(Arc<OnceLock<Form>>);

struct Form {
    function: String,
    page: String,
    typed: String,
}

impl SubmittedForm {
    /// Returns the address of the form's page, with an error and what was typed; `None` if no form was read.
    pub fn page_with(&self, error: Error) -> Option<String> {
        let form = self.0.get()?;
        let told = ServerFnUrlError::new(&form.function, error);
        let location = told.to_url(&format!("http://localhost{}", form.page));
        with_typed(location.ok()?.as_str(), &form.typed)
    }
}

/// Redirects to the same page without the error in its address, unless one of our own forms led there.
pub async fn drop_foreign_error(request: Request, next: Next) -> Response {
    match without_error(&request) {
        Some(page) => Redirect::to(&page).into_response(),
        None => next.run(request).await,
    }
}

/// Calls a server function: scripts get the status code of an error, plain forms get back what was typed.
pub async fn handle(request: Request, next: Next) -> Response {
    if server_context::wants_html(request.headers()) {
        keep_typed(request, next).await
    } else {
        set_status(request, next).await
    }
}

/// Returns the address of the page without the error and the typed values in it. Returns `None` if there are none, or
/// if one of our own forms led there. Otherwise anybody could make a link that fills in one of our forms.
fn without_error(request: &Request) -> Option<String> {
    let query = request.uri().query().filter(|query| query.contains("__"))?;
    let client = ClientInfo::of(request.extensions());
    if is_from_our_page(request.headers(), &client) {
        return None;
    }
    let page = server_context::own_page(
        request.uri().path(),
        form_urlencoded::parse(query.as_bytes()),
    );
    let kept = without_form_state(&page);
    (kept != page).then_some(kept)
}

/// Removes the error and the typed values from the address of a page, and from the one in its `next` parameter.
fn without_form_state(page: &str) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let kept = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !name.starts_with("__"))
        .map(|(name, value)| match &*name {
            "next" => (name, without_form_state(&value).into()),
            _ => (name, value),
        });
    server_context::own_page(path, kept)
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

/// Adds what was typed, except passwords, to the redirect of a refused form. Without JavaScript it leads back to the
/// form's page with the error in the URL, and nobody has to type everything again.
async fn keep_typed(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Error::TooLarge.into_response();
    };
    let typed = typed_fields(&body);
    if let (Some(sent), Some(page)) = (
        parts.extensions.get::<SubmittedForm>(),
        server_context::referer(&parts),
    ) {
        let _ = sent.0.set(Form {
            function: parts.uri.path().to_owned(),
            page,
            typed: typed.clone(),
        });
    }
    parts.extensions.insert(FormInput(typed.clone()));
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok());
    if let Some(location) = location.and_then(|location| with_typed(location, &typed))
        && let Ok(location) = HeaderValue::from_str(&location)
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Adds what was typed to the address of a page that shows an error, and removes the errors of earlier attempts.
fn with_typed(location: &str, typed: &str) -> Option<String> {
    let location = Url::parse(location).ok()?;
    let latest = |name: &str| {
        location
            .query_pairs()
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    };
    let (path, error) = (latest("__path")?, latest("__err")?);
    let told = [("__path", &*path), ("__err", &*error), ("__typed", typed)]
        .map(|(name, value)| (name.into(), value.into()));
    let kept = location
        .query_pairs()
        .filter(|(name, _)| !server_context::is_one_time(name));
    Some(server_context::own_page(location.path(), kept.chain(told)))
}

/// Encodes the fields of a form, except passwords and codes, as `ui::form` reads them.
fn typed_fields(body: &Bytes) -> String {
    let fields: BTreeMap<_, _> = form_urlencoded::parse(body)
        .filter(|(name, _)| !name.contains("password") && name != "code" && name != "setup_code")
        .collect();
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&fields).unwrap_or_default())
}
