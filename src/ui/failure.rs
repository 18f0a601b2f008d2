//! Shows errors on a page.

use crate::{
    error::Error,
    i18n::Locale,
    ui::{
        self,
        entity_link::entity_link,
        labels::{field_label, value_words},
    },
};
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_i18n::td_string;
use leptos_router::hooks::use_url;

/// An error message, with the request id of a fault, details, and a link to sign in if the user is signed out.
#[component]
pub fn Failure(
    error: Error,
    /// Replaces the message of the error.
    #[prop(default = None)]
    words: Option<&'static str>,
) -> impl IntoView {
    let locale = ui::locale();
    let message = words.map_or_else(|| error.message(locale), str::to_owned);
    let url = use_url();
    let sign_in = (error == Error::SignedOut).then(|| {
        let wanted = url.with_untracked(|url| {
            format!(
                "{}{}{}",
                url.path(),
                if url.search().is_empty() { "" } else { "?" },
                url.search()
            )
        });
        let href = format!(
            "/login?next={}",
            leptos_router::location::Url::escape(&wanted)
        );
        view! {
            <a class="btn btn-sm btn-primary" href=href rel="external">
                {td_string!(locale, nav.sign_in)}
            </a>
        }
    });
    view! {
        <div class="alert alert-error alert-soft mb-4" role="alert">
            <div>
                <p>{message}</p>
                {error
                    .shows_request_id()
                    .then(|| {
                        view! {
                            <p class="text-sm opacity-80">
                                {td_string!(locale, errors.request_id)} ": " <code>{ui::request_id()}</code>
                            </p>
                        }
                    })}
                {has_details(&error)
                    .then(|| {
                        let error = error.clone();
                        Suspend::new(async move { details(error, locale).await.ok() })
                    })}
            </div>
            {sign_in}
        </div>
    }
}

/// The error of a form on the page that was sent without JavaScript.
#[component]
pub fn DraftFailure(
    /// The server functions whose forms do not show their errors themselves; any by default.
    #[prop(optional)]
    of: Option<&'static [&'static str]>,
) -> impl IntoView {
    let draft = ui::draft().filter(|draft| of.is_none_or(|of| of.contains(&&*draft.function)));
    let error = draft.and_then(|draft| draft.error);
    error.map(|error| view! { <Failure error /> })
}

/// Loads the code that a page with a refused form needs before it is hydrated.
#[cfg(feature = "hydrate")]
pub async fn load() -> Result<(), SplitLoaderError> {
    let body = document().body();
    if body.is_some_and(|body| body.has_attribute("data-draft")) {
        load_details().await?;
    }
    Ok(())
}

fn has_details(error: &Error) -> bool {
    match error {
        Error::Stale(stale) => !stale.differences.is_empty(),
        Error::Invalid(fields) => !fields.is_empty(),
        Error::KeyReused(_) => true,
        _ => false,
    }
}

/// Returns the details of an error: for an edit conflict, the current values; for wrong fields that the page does not
/// show, their names and problems; for a reused idempotency key, a link to what was recorded under it.
#[wasm_split(details, wasm_split_path = leptos::wasm_split, preload(load_details), fallible)]
fn details(error: Error, locale: Locale) -> Result<AnyView, SplitLoaderError> {
    Ok(match error {
        Error::Stale(stale) => {
            let row = |field: &str, now: &str| {
                let now = if now.is_empty() {
                    super::dash()
                } else {
                    value_words(locale, field, now)
                };
                view! { <li>{field_label(locale, field)} ": " <strong>{now}</strong></li> }
            };
            let rows = stale
                .differences
                .iter()
                .map(|difference| row(&difference.field, &difference.now))
                .collect_view();
            view! {
                <p>{td_string!(locale, errors.stale_now)}</p>
                <ul class="list-disc ps-5">{rows}</ul>
            }
            .into_any()
        }
        Error::Invalid(fields) => {
            let row = |field: &str, problem: String| view! { <li>{field_label(locale, field)} ": " {problem}</li> };
            let rows = fields
                .iter()
                .map(|wrong| row(&wrong.field, wrong.problem.message(locale)))
                .collect_view();
            view! { <ul class="list-disc ps-5">{rows}</ul> }.into_any()
        }
        Error::KeyReused(recorded) => {
            let link = entity_link(&recorded.entity, &recorded.id.to_string(), locale);
            view! { <p inner_html=link.into_string()></p> }.into_any()
        }
        _ => ().into_any(),
    })
}
