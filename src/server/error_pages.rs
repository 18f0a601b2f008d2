//! Writes the body of error responses: a small page for a browser, the error as JSON for our client script, a sentence
//! for everything else. The API has its own problem documents.

use super::assets::BuiltFiles;
use crate::{
    error::Error,
    i18n::Locale,
    server_context,
    ui::{self, labels::field_label, theme::Theme},
    web::ClientInfo,
};
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
pub const POLICY: HeaderValue = HeaderValue::from_static(
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
    let theme = ui::chosen_theme(request.headers());
    let id = ClientInfo::of(request.extensions()).id;
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Error>().cloned() else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    let (media_type, body) = match form {
        BodyFormat::Page => ("text/html; charset=utf-8", page(&error, locale, theme, &id)),
        BodyFormat::Json => (
            "application/json",
            serde_json::to_string(&error).unwrap_or_default(),
        ),
        BodyFormat::Text => ("text/plain; charset=utf-8", text(&error, locale)),
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

/// Returns a line for each wrong field.
fn mistakes(error: &Error, locale: Locale) -> impl Iterator<Item = String> {
    let mistakes = match error {
        Error::Invalid(mistakes) => mistakes.as_slice(),
        _ => &[],
    };
    mistakes.iter().map(move |mistake| {
        let field = field_label(locale, &mistake.field);
        format!("{field}: {}", mistake.problem.message(locale))
    })
}

fn text(error: &Error, locale: Locale) -> String {
    let lines = std::iter::once(error.message(locale)).chain(mistakes(error, locale));
    lines.collect::<Vec<_>>().join("\n")
}

fn page(error: &Error, locale: Locale, theme: Theme, id: &str) -> String {
    let (heading, message) = match error {
        Error::NotFound => (
            td_string!(locale, ui.not_found),
            td_string!(locale, ui.not_found_hint).to_owned(),
        ),
        error => (td_string!(locale, errors.refused), error.message(locale)),
    };
    let mistakes = mistakes(error, locale).map(|words| view! { <p>{words}</p> });
    let mistakes = mistakes.collect_view();
    let contents = view! {
        <div class="alert alert-error alert-soft mb-4" role="alert">
            <div>
                <p>{message}</p>
                {mistakes}
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
    };
    document(locale, theme, heading, contents)
}

/// Returns a page without a menu and without a script.
pub fn document(
    locale: Locale,
    theme: Theme,
    heading: &'static str,
    contents: impl IntoView + 'static,
) -> String {
    let page = view! {
        <html lang=locale.to_string() data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                // As one text: between two, there would be a marker.
                <title inner_html=format!("{heading} · {}", td_string!(locale, ui.app_name))></title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=BUILT.style.as_str() />
            </head>
            <body>
                <header class="site-header">
                    <div class="site-header-row">
                        <a class="logo" href="/">
                            <img src="/favicon.svg" alt="" width="28" height="28" />
                            {td_string!(locale, ui.app_name)}
                        </a>
                    </div>
                </header>
                <main class="mx-auto w-full max-w-7xl px-4 py-6">
                    <h1>{heading}</h1>
                    {contents}
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
