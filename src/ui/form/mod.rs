//! Forms that work the same with and without JavaScript. Errors are shown at their fields, and what was typed is kept.

mod action;
mod field;
mod state;

pub use action::{FormAction, Interrupted, Unsent};
pub use state::{FormState, form_state};

use action::draft_of;
pub use field::{
    CheckBox, Field, FieldError, IdempotencyKey, TextArea, Version, follow_text, is_wrong,
};
use state::is_shown_at_fields;

use crate::ui::{self, failure::Failure};
use leptos::{
    context::Provider,
    ev::{InputEvent, SubmitEvent},
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{FormData, HtmlFormElement, HtmlInputElement, UrlSearchParams},
};
use leptos_i18n::td_string;

/// A form that calls a server function.
#[component]
pub fn Form(
    action: FormAction,
    #[prop(optional)] class: &'static str,
    /// Whether the form always does a full page load, for example because the signed-in user changes.
    #[prop(optional)]
    full_load: bool,
    /// Whether the form is reset after a successful submission.
    #[prop(optional)]
    resets: bool,
    children: Children,
) -> impl IntoView {
    let typed = draft_of(action.path()).map(|draft| draft.fields);
    let state = FormState {
        action,
        is_refused: typed.is_some(),
        typed: StoredValue::new(typed.unwrap_or_default()),
        guard: StoredValue::new(None),
        takeover: StoredValue::new(None),
        waits_for: RwSignal::new(None),
    };
    let root = NodeRef::<leptos::html::Form>::new();
    // The first wrong field gets the focus, which leads keyboard and screen reader users to it.
    Effect::new(move || {
        if action.error().is_some()
            && let Some(root) = root.get()
        {
            focus_wrong(&root);
        }
    });
    Effect::new(move || {
        if resets
            && action.has_succeeded()
            && let Some(root) = root.get_untracked()
        {
            root.reset();
        }
    });
    let submit = move |event: SubmitEvent| {
        if !full_load && let Some(fields) = root.get_untracked().and_then(|form| fields_of(&form)) {
            event.prevent_default();
            if state.may_send() && !state.is_taken_over() {
                action.send(fields);
            }
        }
    };
    let take_in = move |event: InputEvent| {
        let field = event_target::<HtmlInputElement>(&event).name();
        if (state.waits_for.get_untracked()).is_some_and(|waited| waited != field) {
            event.prevent_default();
        }
    };
    let alert = move || {
        action
            .error()
            .filter(|error| !is_shown_at_fields(error))
            .map(|error| view! { <Failure error /> })
    };
    view! {
        <form
            node_ref=root
            class=class
            method="post"
            action=action.path()
            novalidate
            on:submit=submit
            on:beforeinput=take_in
        >
            {alert}
            <Provider value=state>{children()}</Provider>
        </form>
    }
}

/// Moves the focus to the first wrong field of a form, once it is drawn.
pub fn focus_wrong(form: &HtmlFormElement) {
    let form = form.clone();
    request_animation_frame(move || {
        if let Ok(Some(field)) = form.query_selector("[aria-invalid=true]") {
            focus(&field);
        }
    });
}

/// Moves the focus to the field with an id, and selects its text.
pub fn focus_field(id: &str) {
    let Some(field) = document().get_element_by_id(id) else {
        return;
    };
    focus(&field);
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.select();
    }
}

/// Returns the fields of a form, URL-encoded.
pub fn fields_of(form: &HtmlFormElement) -> Option<String> {
    let fields = FormData::new_with_form(form).ok()?;
    UrlSearchParams::new_with_str_sequence_sequence(&fields)
        .ok()
        .map(|fields| fields.to_string().into())
}

fn focus(element: &leptos::web_sys::Element) {
    if let Some(element) = element.dyn_ref::<leptos::web_sys::HtmlElement>() {
        let _ = element.focus();
    }
}

/// The button that submits the form. It is disabled while a submission is pending.
#[component]
pub fn Submit(
    #[prop(into)] label: String,
    #[prop(default = "btn btn-primary")] class: &'static str,
) -> impl IntoView {
    let locale = ui::locale();
    let form = form_state();
    let is_pending = move || form.is_busy();
    view! {
        <button type="submit" class=class disabled=is_pending aria-busy=move || is_pending().to_string()>
            {move || if is_pending() { td_string!(locale, ui.sending).to_owned() } else { label.clone() }}
        </button>
    }
}
