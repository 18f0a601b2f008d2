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
use leptos::prelude::*;
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
                {details(&error, locale)}
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

/// Returns the details of an error: for an edit conflict, the current values; for wrong fields that the page does not
/// show, their names and problems; for a reused idempotency key, a link to what was recorded under it.
fn details(error: &Error, locale: Locale) -> Option<AnyView> {
    match error {
        Error::Stale(stale) if !stale.differences.is_empty() => {
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
            Some(
                view! {
                    <p>{td_string!(locale, errors.stale_now)}</p>
                    <ul class="list-disc ps-5">{rows}</ul>
                }
                .into_any(),
            )
        }
        Error::Invalid(fields) => {
            let row = |field: &str, problem: String| view! { <li>{field_label(locale, field)} ": " {problem}</li> };
            let rows = fields
                .iter()
                .map(|wrong| row(&wrong.field, wrong.problem.message(locale)))
                .collect_view();
            Some(view! { <ul class="list-disc ps-5">{rows}</ul> }.into_any())
        }
        Error::KeyReused(recorded) => {
            let link = entity_link(&recorded.entity, &recorded.id.to_string(), locale);
            Some(view! { <p inner_html=link.into_string()></p> }.into_any())
        }
        _ => None,
    }
}
