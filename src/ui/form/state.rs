//! The state of a form on a page: what was typed, and what is wrong.

use super::action::FormAction;
use crate::error::{Error, Problem};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The state that a form shares with its fields.
#[derive(Clone, Copy)]
pub struct FormState {
    pub(super) action: FormAction,
    /// The form was sent without JavaScript, and refused or not sent because the session had ended.
    pub(super) is_refused: bool,
    /// What was typed before, if the form was sent without JavaScript.
    pub(super) typed: StoredValue<BTreeMap<String, String>>,
    /// Decides whether the form may be sent.
    pub(super) guard: StoredValue<Option<Callback<(), bool>>>,
    /// Takes a form over that may be sent, so that it is not sent.
    pub(super) takeover: StoredValue<Option<Callback<(), bool>>>,
    /// The field that is still looking up its value, for which the submitted form waits.
    pub(super) waits_for: RwSignal<Option<&'static str>>,
}

/// Returns the state of the form around the caller.
pub fn form_state() -> FormState {
    expect_context::<FormState>()
}

impl FormState {
    /// Returns the initial value of a field.
    pub fn value(self, name: &str, initial: String) -> String {
        self.typed
            .with_value(|typed| typed.get(name).cloned())
            .unwrap_or(initial)
    }

    /// Returns whether a checkbox is checked at first. One that was not checked was not sent.
    pub(super) fn is_checked(self, name: &str, initial: bool) -> bool {
        if self.is_refused {
            self.typed.with_value(|typed| typed.contains_key(name))
        } else {
            initial
        }
    }

    /// Lets `may_send` decide whether the form is sent. A caller whose `may_send` returns false must later submit the
    /// form again or refuse it.
    pub fn guard(self, may_send: impl Fn() -> bool + Send + Sync + 'static) {
        self.guard
            .set_value(Some(Callback::new(move |()| may_send())));
    }

    /// Lets `take_over` use a form that may be sent for something else. It is sent only if the caller returns false.
    pub fn take_over(self, take_over: impl Fn() -> bool + Send + Sync + 'static) {
        self.takeover
            .set_value(Some(Callback::new(move |()| take_over())));
    }

    pub(super) fn is_taken_over(self) -> bool {
        let takeover = self.takeover.get_value();
        takeover.is_some_and(|takeover| takeover.run(()))
    }

    pub(super) fn may_send(self) -> bool {
        let guard = self.guard.get_value();
        guard.is_none_or(|guard| guard.run(()))
    }

    /// Shows that the submitted form waits for a field; meanwhile the other fields take no input. `None` ends the wait.
    pub fn wait_for(self, field: Option<&'static str>) {
        if self
            .waits_for
            .try_get_untracked()
            .is_some_and(|now| now != field)
        {
            self.waits_for.set(field);
        }
    }

    /// Shows a problem with a field that the page itself found.
    pub fn refuse(self, field: &str, problem: Problem) {
        self.action.refuse(Error::field(field, problem));
    }

    /// Removes a refusal that concerns only these fields, because their values have changed.
    pub fn clear_problem(self, fields: &[&str]) {
        self.action.forget_problems(fields);
    }

    /// Returns the fields of the items of a list that were typed before: those named `list.0.field`, and so on.
    pub fn items(self, list: &str) -> Vec<BTreeMap<String, String>> {
        let mut items: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
        self.typed.with_value(|typed| {
            for (name, value) in typed {
                if let [of, number, field] = name.split('.').collect::<Vec<_>>()[..]
                    && of == list
                    && let Ok(number) = number.parse()
                {
                    let item = items.entry(number).or_default();
                    item.insert(field.to_owned(), value.clone());
                }
            }
        });
        items.into_values().collect()
    }

    /// Takes what was typed into a field before, so that the field starts empty.
    pub fn take(self, name: &str) -> String {
        let taken = self.typed.try_update_value(|typed| typed.remove(name));
        taken.flatten().unwrap_or_default()
    }

    /// Returns why the form was refused.
    pub fn error(self) -> Option<Error> {
        self.action.error()
    }

    /// Returns whether the form is being sent.
    pub fn is_busy(self) -> bool {
        self.action.is_pending() || self.waits_for.get().is_some()
    }

    /// Returns the problem of a field.
    pub fn problem(self, name: &str) -> Option<Problem> {
        let fields = self.action.error()?.fields();
        let wrong = fields.into_iter().find(|wrong| wrong.field == name)?;
        Some(wrong.problem)
    }
}

pub(super) fn is_shown_at_fields(error: &Error) -> bool {
    !error.fields().is_empty() || *error == Error::AnotherLine
}
