//! What a form knows while it stands on the page: what was typed, and what is wrong.

use super::action::FormAction;
use crate::error::{Error, Problem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use std::collections::HashMap;

/// What the fields of a form know of it.
#[derive(Clone, Copy)]
pub struct FormState {
    pub(super) action: FormAction,
    /// What was typed before a refusal without JavaScript.
    pub(super) typed: StoredValue<HashMap<String, String>>,
    /// Asked before the form is sent.
    pub(super) guard: StoredValue<Option<Callback<(), bool>>>,
    /// The field that must find its value before the form is sent.
    pub(super) waits_for: RwSignal<Option<&'static str>>,
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

    pub(super) fn may_send(self) -> bool {
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
    pub(super) fn problem(self, name: &str) -> Option<Problem> {
        let fields = self.action.error()?.fields();
        let wrong = fields.into_iter().find(|wrong| wrong.field == name)?;
        Some(wrong.problem)
    }
}

/// What was typed before a refusal, from the URL.
pub(super) fn typed_before() -> HashMap<String, String> {
    let query = use_query_map();
    let fields = query
        .read_untracked()
        .get_str("__typed")
        .and_then(|fields| BASE64_URL_SAFE_NO_PAD.decode(fields).ok());
    fields
        .and_then(|fields| serde_json::from_slice(&fields).ok())
        .unwrap_or_default()
}

pub(super) fn is_shown_at_fields(error: &Error) -> bool {
    !error.fields().is_empty()
}
