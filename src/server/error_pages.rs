//! Writes the body of error responses: a small page for a browser, the error as JSON for our client script, a sentence
//! for everything else. The API has its own problem documents.

use super::assets::BuiltFiles;
use crate::{error::Error, i18n::Locale, server_context, ui, web::ClientInfo};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use std::{any::Any, sync::LazyLock};

/// The error page needs its stylesheet with its typeface, and its icon, nothing more.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
);

static BUILT: LazyLock<BuiltFiles> = LazyLock::new(BuiltFiles::find);

/// The format of an error response.
enum BodyFormat {
    Page,
    Json,
    Text,
}

/// Who reads an error that is not shown as a page.
#[derive(Clone, Copy, Debug)]
pub enum Audience {
    /// Our client script, which parses the error.
    Client,
    People,
}

/// Writes the body of an error response, whichever layer or handler raised the error.
pub async fn write_body(
    State(audience): State<Audience>,
    request: Request,
    next: Next,
) -> Response {
    let form = match (server_context::wants_html(request.headers()), audience) {
        (true, _) => BodyFormat::Page,
        (false, Audience::Client) => BodyFormat::Json,
        (false, Audience::People) => BodyFormat::Text,
    };
    let locale = ui::language(request.headers());
    let id = ClientInfo::of(request.extensions()).id;
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Error>().cloned() else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    let (media_type, body) = match form {
        BodyFormat::Page => ("text/html; charset=utf-8", page(&error, locale, &id)),
        BodyFormat::Json => (
            "application/json",
            serde_json::to_string(&error).unwrap_or_default(),
        ),
        BodyFormat::Text => ("text/plain; charset=utf-8", error.message(locale)),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    parts
        .headers
        .insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Response::from_parts(parts, Body::from(body))
}

fn page(error: &Error, locale: Locale, id: &str) -> String {
    let (heading, message) = match error {
        Error::NotFound => (
            td_string!(locale, ui.not_found),
            td_string!(locale, ui.not_found_hint).to_owned(),
        ),
        error => (td_string!(locale, errors.refused), error.message(locale)),
    };
    let page = view! {
        <html lang=locale.to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{td_string!(locale, ui.app_name)}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=BUILT.style.as_str() />
            </head>
            <body>
                <main class="mx-auto w-full max-w-7xl px-4 py-6">
                    <h1>{heading}</h1>
                    <div class="alert alert-error alert-soft mb-4" role="alert">
                        <div>
                            <p>{message}</p>
                            <p class="text-sm opacity-80">
                                {td_string!(locale, errors.request_id)} ": " <code>{id.to_owned()}</code>
                            </p>
                        </div>
                    </div>
                    <p>
                        <a class="link" href="/">
                            {td_string!(locale, nav.home)}
                        </a>
                    </p>
                </main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}

/// Returns the response of a request whose handler panicked, and logs the cause.
pub fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let words = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = words, "the handler of a request panicked");
    Error::Internal.into_response()
}
