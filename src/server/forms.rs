//! What server functions need around them: the status of an error for scripts, what was typed for plain forms.

use super::{csrf::is_asked_by_us, limits::LARGEST_BODY};
use crate::{
    door::{self, Typed},
    error::Error,
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

/// What a plain form sent, for whoever refuses the request after that was read: nobody knows then what came of it, so
/// its page must come back with the same key.
#[derive(Clone, Default)]
pub struct Sent(Arc<OnceLock<Form>>);

struct Form {
    function: String,
    page: String,
    typed: String,
}

impl Sent {
    /// The address of the form, with an error and what was typed.
    pub fn page_with(&self, error: Error) -> Option<String> {
        let form = self.0.get()?;
        let told = ServerFnUrlError::new(&form.function, error);
        let location = told.to_url(&format!("http://localhost{}", form.page));
        with_typed(location.ok()?.as_str(), &form.typed)
    }
}

/// Leads to a page without the refusal in its address, when no form of ours led there.
pub async fn drop_refusal(request: Request, next: Next) -> Response {
    match without_refusal(&request) {
        Some(page) => Redirect::to(&page).into_response(),
        None => next.run(request).await,
    }
}

/// What a server function needs around it: scripts get the status of an error, plain forms what was typed.
pub async fn answer(request: Request, next: Next) -> Response {
    if door::wants_html(request.headers()) {
        keep_typed(request, next).await
    } else {
        give_status(request, next).await
    }
}

/// The address of a page without the refusal in it and what was typed, when no form of ours led there: anybody can
/// make a link that fills a form of ours in.
fn without_refusal(request: &Request) -> Option<String> {
    let query = request.uri().query().filter(|query| query.contains("__"))?;
    let client = ClientInfo::of(request.extensions());
    if is_asked_by_us(request.headers(), &client) {
        return None;
    }
    let page = door::own_page(
        request.uri().path(),
        form_urlencoded::parse(query.as_bytes()),
    );
    let kept = without_told(&page);
    (kept != page).then_some(kept)
}

/// The address of a page without what it tells of a form, nor where it leads on to.
fn without_told(page: &str) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let kept = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !name.starts_with("__"))
        .map(|(name, value)| match &*name {
            "next" => (name, without_told(&value).into()),
            _ => (name, value),
        });
    door::own_page(path, kept)
}

/// Gives an answer the status of the error in it; every error of a server function is a 500 at first.
async fn give_status(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
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

/// Without JavaScript, a refused form leads back to its page with the error in the URL:
/// what was typed goes along, so that nobody types it again. Never passwords.
async fn keep_typed(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Error::TooLarge.into_response();
    };
    let typed = typed_fields(&body);
    if let (Some(sent), Some(page)) = (parts.extensions.get::<Sent>(), door::referer(&parts)) {
        let _ = sent.0.set(Form {
            function: parts.uri.path().to_owned(),
            page,
            typed: typed.clone(),
        });
    }
    parts.extensions.insert(Typed(typed.clone()));
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

/// The address of a page that shows an error, with what was typed, and without what it said of earlier sends.
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
        .filter(|(name, _)| !door::is_passing(name));
    Some(door::own_page(location.path(), kept.chain(told)))
}

/// The fields of a form, as `ui::form` reads them.
fn typed_fields(body: &Bytes) -> String {
    let fields: BTreeMap<_, _> = form_urlencoded::parse(body)
        .filter(|(name, _)| !name.contains("password"))
        .collect();
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&fields).unwrap_or_default())
}
