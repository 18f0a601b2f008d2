//! The fields of forms, and what stands at them.

use super::state::form_state;
use crate::{error::Error, ui};
use leptos::prelude::*;

/// The problem of a field in words, or nothing.
#[component]
pub fn FieldError(name: &'static str) -> impl IntoView {
    let l = ui::locale();
    let state = form_state();
    let words = move || state.problem(name).map(|problem| problem.words(l));
    view! { <p class="field-error" id=format!("{name}-error")>{words}</p> }
}

/// Whether a field of this form is wrong.
pub fn is_wrong(name: &'static str) -> impl Fn() -> bool + Copy + Send + Sync + 'static {
    let state = form_state();
    move || state.problem(name).is_some()
}

/// A labelled line of text.
#[component]
pub fn Field(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    /// Type of the input; `text` when not said.
    #[prop(default = "text")]
    kind: &'static str,
    /// Which keyboard a phone shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] hint: Option<String>,
    /// Follows what is typed.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    /// Takes the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let wrong = is_wrong(name);
    let initial = if kind == "password" {
        value
    } else {
        form_state().value(name, value)
    };
    let input = NodeRef::new();
    if let Some(bind) = bind {
        bind.set(initial.clone());
        follow_text(input, bind);
    }
    let typed = move |event| {
        if let Some(bind) = bind {
            bind.set(event_target_value(&event));
        }
    };
    let hint_id = format!("{name}-hint");
    let described = format!("{name}-hint {name}-error");
    view! {
        <div class="field">
            <label class="field-label" for=name>
                {label}
                {required.then(|| view! { <span class="field-required" aria-hidden="true">"*"</span> })}
            </label>
            <input
                class="input w-full"
                class:input-error=wrong
                id=name
                name=name
                type=kind
                inputmode=inputmode
                autocomplete=autocomplete.unwrap_or("off")
                value=initial
                node_ref=input
                aria-required=required.then_some("true")
                aria-invalid=move || wrong().then_some("true")
                aria-describedby=described
                autofocus=autofocus
                on:input=typed
            />
            <p class="field-hint" id=hint_id>{hint}</p>
            <FieldError name />
        </div>
    }
}

/// Keeps a field and a signal the same. What was typed before the page came alive stays.
pub fn follow_text(input: NodeRef<leptos::html::Input>, text: RwSignal<String>) {
    Effect::new(move |was_alive: Option<bool>| {
        let (Some(input), wanted) = (input.get(), text.get()) else {
            return false;
        };
        if was_alive == Some(true) && input.value() != wanted {
            input.set_value(&wanted);
            // As when the focus comes to it: what is typed now replaces it.
            if document().active_element().as_ref() == Some(&input) {
                input.select();
            }
        } else if was_alive != Some(true) && input.value() != wanted {
            text.set(input.value());
        }
        true
    });
}

/// A labelled text of several lines.
#[component]
pub fn TextArea(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
) -> impl IntoView {
    let wrong = is_wrong(name);
    let initial = form_state().value(name, value);
    view! {
        <div class="field">
            <label class="field-label" for=name>{label}</label>
            <textarea
                class="textarea w-full"
                class:textarea-error=wrong
                id=name
                name=name
                rows="3"
                aria-invalid=move || wrong().then_some("true")
                aria-describedby=format!("{name}-error")
                inner_html=escaped(&initial)
            ></textarea>
            <FieldError name />
        </div>
    }
}

/// Text as HTML that shows it: of a `textarea` leptos does not escape the children.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The version that an edit is based on; after a conflict the one that was shown there, so that sending again decides.
#[component]
pub fn Version(#[prop(default = "version")] name: &'static str, version: i64) -> impl IntoView {
    let state = form_state();
    let version = move || match state.action.error() {
        Some(Error::Stale(stale)) => stale.version,
        _ => version,
    };
    view! { <input type="hidden" name=name value=move || version().to_string() prop:value=move || version().to_string() /> }
}

/// The idempotency key of a form that creates something. A repeat has the same key, whatever came of the first send:
/// it may have been taken although nobody heard of it. Only once something else is recorded under the key, the form
/// goes on with a new one.
#[component]
pub fn IdempotencyKey(
    /// The key of a form that was not sent yet.
    fresh: String,
) -> impl IntoView {
    let state = form_state();
    let next = move || match state.action.error() {
        Some(Error::KeyReused(recorded)) => Some(recorded.next_key),
        _ => None,
    };
    let first = untrack(next).unwrap_or_else(|| state.value("idempotency_key", fresh));
    let key = RwSignal::new(first);
    Effect::new(move || {
        if let Some(next) = next() {
            key.set(next);
        }
    });
    view! { <input type="hidden" name="idempotency_key" value=move || key.get() prop:value=move || key.get() /> }
}
