//! Forms: the same with and without JavaScript. Errors stand at their fields, what was typed stays.

use crate::{
    error::{Error, Problem},
    ui::{self, failure::Failure, pager::parameter},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::{
    context::Provider,
    ev::{InputEvent, SubmitEvent},
    prelude::*,
    server::ServerActionError,
    server_fn::{ServerFn, error::ServerFnUrlError},
    task::spawn_local,
    web_sys::{FormData, HtmlFormElement, HtmlInputElement, UrlSearchParams},
};
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// A form on its way to a server function, and back.
///
/// Knows the function by its path only: one piece of code serves all forms, which keeps the client small.
#[derive(Clone, Copy)]
pub struct FormAction {
    path: &'static str,
    /// The last answer: JSON, or why it was refused.
    outcome: RwSignal<Option<Result<String, Error>>>,
    pending: RwSignal<bool>,
    interrupted: Option<Interrupted>,
}

/// The form whose session had ended when it was sent, until somebody has signed in again.
#[derive(Clone, Copy)]
pub struct Interrupted(pub RwSignal<Option<Unsent>>);

impl Interrupted {
    /// Asks to sign in again where nothing was sent: a page could not look something up.
    pub fn ask(self) {
        self.0.set(Some(Unsent { form: None }));
    }
}

/// What a form has not sent yet, as it was typed; `None`: nothing.
#[derive(Clone)]
pub struct Unsent {
    form: Option<(FormAction, String)>,
}

impl Unsent {
    /// Sends it after all.
    pub fn send(self) {
        if let Some((action, fields)) = self.form {
            action.send(fields);
        }
    }
}

impl FormAction {
    /// Sends to `S`. Begins with the refusal that the URL tells of, when a browser without JavaScript sent the form.
    pub fn new<S: ServerFn>() -> Self {
        let refused = use_context::<ServerActionError>().filter(|error| error.path() == S::PATH);
        let outcome = refused.map(|error| Err(ServerFnUrlError::<Error>::decode_err(error.err())));
        Self {
            path: S::PATH,
            outcome: RwSignal::new(outcome),
            pending: RwSignal::new(false),
            interrupted: use_context(),
        }
    }

    /// One of many on a page: a refusal that the URL tells of is the page's to show.
    pub fn in_row<S: ServerFn>() -> Self {
        Self {
            path: S::PATH,
            outcome: RwSignal::new(None),
            pending: RwSignal::new(false),
            interrupted: use_context(),
        }
    }

    /// Sends URL-encoded fields, unless others are on their way.
    pub fn send(self, fields: String) {
        // The page may be gone: whoever signs in again does so later.
        if self.pending.try_get_untracked() != Some(false) {
            return;
        }
        self.pending.set(true);
        spawn_local(async move {
            let answer = ui::post(self.path, fields.clone()).await;
            // The page may be gone by now, and nobody waits for the answer.
            if self.pending.try_set(false).is_some() {
                return;
            }
            if let (Err(Error::SignedOut), Some(Interrupted(unsent))) = (&answer, self.interrupted)
            {
                let form = Some((self, fields));
                unsent.set(Some(Unsent { form }));
                return;
            }
            let _ = self.outcome.try_set(Some(answer));
        });
    }

    /// Forgets the last answer.
    pub fn forget(self) {
        self.outcome.set(None);
    }

    /// Where a browser without JavaScript sends the form.
    pub const fn path(self) -> &'static str {
        self.path
    }

    /// Refuses what the page itself cannot send, as the server would.
    fn refuse(self, error: Error) {
        self.outcome.set(Some(Err(error)));
    }

    /// Forgets a refusal that spoke of these fields alone.
    fn forget_problems(self, fields: &[&str]) {
        let is_theirs = self.outcome.with_untracked(|outcome| match outcome {
            Some(Err(Error::Invalid(wrong))) => {
                !wrong.is_empty() && wrong.iter().all(|wrong| fields.contains(&&*wrong.field))
            }
            _ => false,
        });
        if is_theirs {
            self.outcome.set(None);
        }
    }

    /// Whether an answer is awaited.
    pub fn is_pending(self) -> bool {
        self.pending.get()
    }

    /// Why the last send was refused.
    pub fn error(self) -> Option<Error> {
        self.outcome.with(|outcome| {
            outcome
                .as_ref()
                .and_then(|answer| answer.as_ref().err().cloned())
        })
    }

    /// What the last send made.
    pub fn made<T: DeserializeOwned>(self) -> Option<T> {
        self.outcome.with(|outcome| {
            serde_json::from_slice(outcome.as_ref()?.as_ref().ok()?.as_bytes()).ok()
        })
    }

    /// Whether the last send was taken.
    pub fn is_done(self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(_))))
    }

    /// A number that rises with each send that was taken: to read again what it changed.
    pub fn times_done(self) -> Memo<usize> {
        Memo::new(move |last: Option<&usize>| {
            last.copied().unwrap_or_default() + usize::from(self.is_done())
        })
    }
}

/// What the fields of a form know of it.
#[derive(Clone, Copy)]
pub struct FormState {
    action: FormAction,
    /// What was typed before a refusal without JavaScript.
    typed: StoredValue<HashMap<String, String>>,
    /// Asked before the form is sent.
    guard: StoredValue<Option<Callback<(), bool>>>,
    /// The field that must find its value before the form is sent.
    waits_for: RwSignal<Option<&'static str>>,
}

/// The form around the caller.
pub fn form_state() -> FormState {
    expect_context::<FormState>()
}

impl FormState {
    /// The value that a field begins with.
    pub fn value(self, name: &str, initial: String) -> String {
        self.typed
            .with_value(|typed| typed.get(name).cloned())
            .unwrap_or(initial)
    }

    /// Asks `may_send` before the form is sent; whoever answers no submits it again, or refuses it.
    pub fn guard(self, may_send: impl Fn() -> bool + Send + Sync + 'static) {
        self.guard
            .set_value(Some(Callback::new(move |()| may_send())));
    }

    fn may_send(self) -> bool {
        let guard = self.guard.get_value();
        guard.is_none_or(|guard| guard.run(()))
    }

    /// Shows that the form was submitted and waits for a field. The other fields take nothing in meanwhile.
    pub fn wait_for(self, field: Option<&'static str>) {
        if self
            .waits_for
            .try_get_untracked()
            .is_some_and(|now| now != field)
        {
            self.waits_for.set(field);
        }
    }

    /// Shows a problem that the page itself found at a field.
    pub fn refuse(self, field: &str, problem: Problem) {
        self.action.refuse(Error::field(field, problem));
    }

    /// Takes back a refusal that spoke of these fields alone: they have other values now.
    pub fn clear_problem(self, fields: &[&str]) {
        self.action.forget_problems(fields);
    }

    /// The problem of a field.
    fn problem(self, name: &str) -> Option<Problem> {
        let fields = self.action.error()?.fields();
        let wrong = fields.into_iter().find(|wrong| wrong.field == name)?;
        Some(wrong.problem)
    }
}

/// A form that calls a server function.
#[component]
pub fn Form(
    action: FormAction,
    #[prop(optional)] class: &'static str,
    /// Always a full load, as when who is signed in changes.
    #[prop(optional)]
    full_load: bool,
    /// Begins anew once it was taken.
    #[prop(optional)]
    resets: bool,
    children: Children,
) -> impl IntoView {
    let is_refused = parameter(&use_query_map().read_untracked(), "__path") == action.path;
    let typed = if is_refused {
        typed_before()
    } else {
        HashMap::new()
    };
    let state = FormState {
        action,
        typed: StoredValue::new(typed),
        guard: StoredValue::new(None),
        waits_for: RwSignal::new(None),
    };
    let root = NodeRef::<leptos::html::Form>::new();
    // The first wrong field takes the focus, so that keyboard and screen reader go there.
    Effect::new(move || {
        if action.error().is_some()
            && let Some(root) = root.get()
        {
            focus_wrong(&root);
        }
    });
    Effect::new(move || {
        if resets
            && action.is_done()
            && let Some(root) = root.get_untracked()
        {
            root.reset();
        }
    });
    let submit = move |event: SubmitEvent| {
        if !full_load && let Some(fields) = root.get_untracked().and_then(|form| fields_of(&form)) {
            event.prevent_default();
            if state.may_send() {
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
        <form node_ref=root class=class method="post" action=action.path novalidate on:submit=submit on:beforeinput=take_in>
            {alert}
            <Provider value=state>{children()}</Provider>
        </form>
    }
}

/// Leads to the first wrong field of a form, once it is drawn.
pub fn focus_wrong(form: &HtmlFormElement) {
    let form = form.clone();
    request_animation_frame(move || {
        if let Ok(Some(field)) = form.query_selector("[aria-invalid=true]") {
            focus(&field);
        }
    });
}

/// The fields of a form, URL-encoded.
pub fn fields_of(form: &HtmlFormElement) -> Option<String> {
    let fields = FormData::new_with_form(form).ok()?;
    UrlSearchParams::new_with_str_sequence_sequence(&fields)
        .ok()
        .map(|fields| fields.to_string().into())
}

/// What was typed before a refusal, from the URL.
fn typed_before() -> HashMap<String, String> {
    let query = use_query_map();
    let fields = query
        .read_untracked()
        .get_str("__typed")
        .and_then(|fields| BASE64_URL_SAFE_NO_PAD.decode(fields).ok());
    fields
        .and_then(|fields| serde_json::from_slice(&fields).ok())
        .unwrap_or_default()
}

fn is_shown_at_fields(error: &Error) -> bool {
    !error.fields().is_empty()
}

fn focus(element: &leptos::web_sys::Element) {
    use leptos::wasm_bindgen::JsCast;
    if let Some(element) = element.dyn_ref::<leptos::web_sys::HtmlElement>() {
        let _ = element.focus();
    }
}

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

/// The button that sends the form: a second click while it is on its way does nothing.
#[component]
pub fn Submit(
    #[prop(into)] label: String,
    #[prop(default = "btn btn-primary")] class: &'static str,
) -> impl IntoView {
    let l = ui::locale();
    let FormState {
        action, waits_for, ..
    } = form_state();
    let is_pending = move || action.is_pending() || waits_for.get().is_some();
    view! {
        <button type="submit" class=class disabled=is_pending aria-busy=move || is_pending().to_string()>
            {move || if is_pending() { td_string!(l, ui.sending).to_owned() } else { label.clone() }}
        </button>
    }
}
