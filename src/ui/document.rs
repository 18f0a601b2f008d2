//! The browser-side counterpart of `request`: reads the visitor from the page that the server drew, and sends forms.

use super::{
    Visitor,
    draft::Draft,
    url::{DRAFT, parameter},
};
use crate::{error::Error, moment::Moment};
use chrono::NaiveDate;
use gloo_net::http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use leptos::{
    prelude::*,
    server_fn::redirect::{REDIRECT_HEADER, call_redirect_hook},
    web_sys::js_sys::Date,
};
use leptos_router::hooks::use_query_map;

/// Returns for whom the server drew the page, and in which language.
pub fn visitor() -> Visitor {
    let attribute = |element: Option<web_sys::Element>, name: &str| {
        element.and_then(|element| element.get_attribute(name))
    };
    let lang = attribute(document().document_element(), "lang");
    let theme = attribute(document().document_element(), "data-theme");
    let keys = attribute(document().document_element(), "data-keys");
    let me = attribute(document().body().map(Into::into), "data-me");
    let unknown = attribute(document().body().map(Into::into), "data-unknown");
    Visitor {
        is_unknown: unknown.is_some(),
        theme: theme
            .and_then(|theme| theme.parse().ok())
            .unwrap_or_default(),
        keys: keys.and_then(|keys| keys.parse().ok()).unwrap_or_default(),
        locale: lang.and_then(|lang| lang.parse().ok()).unwrap_or_default(),
        me: me.and_then(|me| serde_json::from_slice(me.as_bytes()).ok()),
    }
}

/// Returns the refused form that the visitor sent before, if this page shows it again. The document has it as long as
/// it is open, but only its first page is for it.
pub fn draft() -> Option<Draft> {
    if parameter(&use_query_map().read_untracked(), DRAFT).is_empty() {
        return None;
    }
    let draft = document().body()?.get_attribute("data-draft")?;
    serde_json::from_slice(draft.as_bytes()).ok()
}

/// Returns the current day of the shop: that of the visitor's clock, in the time zone of the shop.
pub fn today() -> NaiveDate {
    let body: Option<web_sys::Element> = document().body().map(Into::into);
    let offset = body.and_then(|body| body.get_attribute("data-offset")?.parse().ok());
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let now = Date::now() as i64;
    Moment::from((now * 1_000, offset.unwrap_or_default())).day()
}

/// Returns the document title. The browser takes it as plain text, so nothing is escaped.
pub fn title(text: String) -> String {
    text
}

/// Returns the request id of the last failed request, or of the page itself if none has failed.
pub fn request_id() -> String {
    let body: Option<web_sys::Element> = document().body().map(Into::into);
    body.and_then(|body| body.get_attribute("data-request"))
        .unwrap_or_default()
}

/// Sends URL-encoded fields to a server function, follows a redirect in its answer, and returns the answer as JSON.
pub async fn post(path: &str, fields: String) -> Result<String, Error> {
    let response = Request::post(path)
        .header(ACCEPT.as_str(), "application/json")
        .header(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")
        .body(fields)
        .map_err(|_| Error::Internal)?
        .send()
        .await
        .map_err(|_| Error::Offline)?;
    let text = response.text().await.map_err(|_| Error::Offline)?;
    if !response.ok() {
        return Err(serde_json::from_slice(text.as_bytes()).unwrap_or(Error::Internal));
    }
    let headers = response.headers();
    if headers.get(REDIRECT_HEADER).is_some()
        && let Some(page) = headers.get(LOCATION.as_str())
    {
        call_redirect_hook(&page);
    }
    Ok(text)
}
