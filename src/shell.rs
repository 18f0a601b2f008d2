//! The HTML document around the application, with its content security policy.

use crate::{
    app::App,
    clock,
    error::Error,
    parts::Part,
    server::{assets::BuiltFiles, install::HEADER_COLOUR},
    transaction::AppState,
    ui::{self, draft::Draft},
};
use axum::http::{HeaderValue, header, request::Parts};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_i18n::td_string;
use leptos_meta::MetaTags;
use std::{iter, sync::LazyLock};

static BUILT: LazyLock<BuiltFiles> = LazyLock::new(BuiltFiles::find);

/// The HTML document. If the client was not built, the page works without JavaScript.
pub fn shell() -> impl IntoView {
    let visitor = ui::visitor();
    let nonce = use_nonce();
    if let (Some(nonce), Some(response)) = (&nonce, use_context::<ResponseOptions>()) {
        // Modules that the script imports are allowed by its nonce.
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    let draft = ui::draft();
    if let Some(draft) = &draft {
        set_status(draft);
    }
    let draft = draft.and_then(|draft| serde_json::to_string(&draft).ok());
    let me = visitor
        .me
        .as_ref()
        .and_then(|me| serde_json::to_string(me).ok());
    let BuiltFiles {
        script,
        wasm,
        parts,
        style,
        font,
        live,
        camera: _,
    } = &*BUILT;
    let part = with_context(|request: &Parts| Part::of_path(request.uri.path())).flatten();
    let part_files = part.and_then(|part| parts.get(part.name()));
    let follow = visitor
        .me
        .as_ref()
        .map(|_| format!(".then(() => import('{live}'))"))
        .unwrap_or_default();
    let start = (!script.is_empty()).then(|| {
        let start = format!(
            "import start, {{ hydrate }} from '{script}'; \
             start({{ module_or_path: '{wasm}' }}).then(hydrate){follow};"
        );
        view! {
            <link rel="modulepreload" href=script.as_str() nonce=nonce.clone() />
            {iter::once(wasm)
                .chain(part_files.into_iter().flatten())
                .map(|file| {
                    view! {
                        <link
                            rel="preload"
                            href=file.as_str()
                            r#as="fetch"
                            r#type="application/wasm"
                            crossorigin="anonymous"
                        />
                    }
                })
                .collect_view()}
            <script type="module" nonce=nonce.clone()>
                {start}
            </script>
        }
    });
    view! {
        <!DOCTYPE html>
        <html
            lang=visitor.locale.to_string()
            data-theme=visitor.theme.attribute()
            data-keys=visitor.keys.attribute()
        >
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" content=HEADER_COLOUR />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/icons/apple-touch-180.png" />
                // Browsers send no cookies for it otherwise, and the language is in one.
                <link rel="manifest" href="/manifest.webmanifest" crossorigin="use-credentials" />
                {(!font.is_empty())
                    .then(|| {
                        view! {
                            <link
                                rel="preload"
                                href=font.as_str()
                                r#as="font"
                                r#type="font/woff2"
                                crossorigin="anonymous"
                            />
                        }
                    })}
                <link rel="stylesheet" href=style.as_str() />
                {start}
                <MetaTags />
            </head>
            <body
                data-me=me
                data-unknown=visitor.is_unknown.then_some("")
                data-request=ui::request_id()
                data-offset=clock::now().offset_minutes()
                data-draft=draft
            >
                <App />
                <OfflineBar />
                <ScanNote />
            </body>
        </html>
    }
}

/// The bar that `browser/connection.js` shows while the server cannot be reached, and that the copies of the service
/// worker have. The browser fills in when the page was read, in the time zone of the shop.
#[component]
fn OfflineBar() -> impl IntoView {
    let locale = ui::locale();
    let zone = use_context::<AppState>().map(|app| app.config.shop_timezone.name());
    view! {
        <p id="offline" hidden class="offline-bar" role="alert" data-zone=zone>
            {td_string!(locale, offline.read_at)} " " <time></time> ". " {td_string!(locale, offline.no_changes)}
        </p>
    }
}

/// What `browser/scanner.js` says about a code that it read.
#[component]
fn ScanNote() -> impl IntoView {
    let locale = ui::locale();
    view! {
        <p
            id="scan-note"
            class="scan-note"
            role="status"
            data-unknown=td_string!(locale, scan.unknown, code = "{}").to_string()
            data-open=td_string!(locale, scan.open_scanned)
        ></p>
    }
}

/// Sets the status of the page of a form that was refused with [`Error::TooOften`]: without JavaScript, a redirect
/// leads back to it, but a client that guesses passwords must get the status.
fn set_status(draft: &Draft) {
    if let (Some(error @ Error::TooOften { seconds }), Some(response)) =
        (&draft.error, use_context::<ResponseOptions>())
    {
        response.set_status(error.status());
        response.insert_header(header::RETRY_AFTER, (*seconds).into());
    }
}
