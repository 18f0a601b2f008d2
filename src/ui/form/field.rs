//! The fields of forms, with their labels, hints and problems.

use super::state::form_state;
use crate::{error::Error, ui};
use leptos::prelude::*;

/// The error message of a field, if there is one.
#[component]
pub fn FieldError(
    name: &'static str,
    /// The id of the input; its name by default.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    let locale = ui::locale();
    let state = form_state();
    let words = move || state.problem(name).map(|problem| problem.message(locale));
    view! {
        <p class="field-error" id=format!("{}-error", id.unwrap_or(name))>
            {words}
        </p>
    }
}

/// Returns a function that tells whether a field of this form is wrong.
pub fn is_wrong(name: &'static str) -> impl Fn() -> bool + Copy + Send + Sync + 'static {
    let state = form_state();
    move || state.problem(name).is_some()
}

/// A labelled single-line input.
#[component]
pub fn Field(
    name: &'static str,
    /// The id of the input, where another form of the page has a field of this name.
    #[prop(optional)]
    id: Option<&'static str>,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    /// The input type; `text` by default.
    #[prop(default = "text")]
    kind: &'static str,
    /// Which keyboard a phone shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] hint: Option<String>,
    /// A signal that is kept in sync with the text.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    /// Whether the field gets the focus when the page opens.
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
    let id = id.unwrap_or(name);
    let hint_id = format!("{id}-hint");
    let described = format!("{id}-hint {id}-error");
    view! {
        <div class="field">
            <label class="field-label" for=id>
                {label}
                {required
                    .then(|| {
                        view! {
                            <span class="field-required" aria-hidden="true">
                                "*"
                            </span>
                        }
                    })}
            </label>
            <input
                class="input w-full"
                class:input-error=wrong
                id=id
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
            <p class="field-hint" id=hint_id>
                {hint}
            </p>
            <FieldError name id />
        </div>
    }
}

/// A labelled checkbox, which sends `true` if it is checked, and nothing otherwise.
#[component]
pub fn CheckBox(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    /// Whether it is checked when the page opens.
    checked: bool,
) -> impl IntoView {
    let checked = form_state().is_checked(name, checked);
    view! {
        <div class="field">
            <label class="field-check" for=name>
                <input
                    class="checkbox"
                    type="checkbox"
                    id=name
                    name=name
                    value="true"
                    checked=checked
                    aria-describedby=format!("{name}-hint")
                />
                {label}
            </label>
            <p class="field-hint" id=format!("{name}-hint")>
                {hint}
            </p>
        </div>
    }
}

/// Keeps an input and a signal in sync. Text typed before the page was hydrated is kept.
pub fn follow_text(input: NodeRef<leptos::html::Input>, text: RwSignal<String>) {
    Effect::new(move |was_alive: Option<bool>| {
        let (Some(input), wanted) = (input.get(), text.get()) else {
            return false;
        };
        if was_alive == Some(true) && input.value() != wanted {
            input.set_value(&wanted);
            // Select the new text, as when the field gets the focus, so that typing replaces it.
            if document().active_element().as_ref() == Some(&input) {
                input.select();
            }
        } else if was_alive != Some(true) && input.value() != wanted {
            text.set(input.value());
        }
        true
    });
}

/// A labelled multi-line input.
#[component]
pub fn TextArea(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    let wrong = is_wrong(name);
    let initial = form_state().value(name, value);
    view! {
        <div class="field">
            <label class="field-label" for=name>
                {label}
            </label>
            <textarea
                class="textarea w-full"
                class:textarea-error=wrong
                id=name
                name=name
                rows="3"
                aria-invalid=move || wrong().then_some("true")
                aria-describedby=format!("{name}-hint {name}-error")
                inner_html=escaped(&initial)
            ></textarea>
            <p class="field-hint" id=format!("{name}-hint")>
                {hint}
            </p>
            <FieldError name />
        </div>
    }
}

/// Escapes text for HTML, because leptos does not escape the children of a `textarea`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The hidden field for the version that an edit is based on. After a conflict it holds the version shown with the
/// conflict, so that submitting again applies the edit to that version.
#[component]
pub fn Version(#[prop(default = "version")] name: &'static str, version: i64) -> impl IntoView {
    let state = form_state();
    let version = move || match state.action.error() {
        Some(Error::Stale(stale)) => stale.version,
        _ => version,
    };
    let value = move || version().to_string();
    view! { <input type="hidden" name=name value=value prop:value=value /> }
}

/// The hidden field for the idempotency key of a form that creates something. The form keeps its key through every
/// refusal and lost answer, because an earlier attempt may have succeeded unnoticed. It gets a new key only after the
/// server reports that something else was recorded under the old one.
#[component]
pub fn IdempotencyKey(
    /// The key for a form that has not been sent yet.
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
