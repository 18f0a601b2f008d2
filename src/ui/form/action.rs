//! Sends forms to server functions.

use crate::{
    error::Error,
    ui::{self, draft::Draft},
};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use serde::de::DeserializeOwned;

/// The submission of a form to a server function, and its result.
///
/// Refers to the function only by its path, so that the same code serves all forms. This keeps the client small.
#[derive(Clone, Copy)]
pub struct FormAction {
    path: &'static str,
    /// The last answer: JSON, or the reason for the refusal.
    outcome: RwSignal<Option<Result<String, Error>>>,
    pending: RwSignal<bool>,
    interrupted: Option<Interrupted>,
}

/// The form that could not be sent because the session had ended, until the user signs in again.
#[derive(Clone, Copy)]
pub struct Interrupted(pub RwSignal<Option<Unsent>>);

impl Interrupted {
    /// Asks the user to sign in again although no form was sent: the page could not look something up.
    pub fn ask(self) {
        self.0.set(Some(Unsent { form: None }));
    }
}

/// The fields of a form that could not be sent, or nothing if there was no form.
#[derive(Clone)]
pub struct Unsent {
    form: Option<(FormAction, String)>,
}

impl Unsent {
    /// Sends the form after all.
    pub fn send(self) {
        if let Some((action, fields)) = self.form {
            action.send(fields);
        }
    }
}

impl FormAction {
    /// Creates an action for the server function `S`. If the form was sent without JavaScript and refused, starts with
    /// the refusal.
    pub fn new<S: ServerFn>() -> Self {
        let refusal = draft_of(S::PATH).and_then(|draft| draft.error);
        let outcome = refusal.map(Err);
        Self {
            path: S::PATH,
            outcome: RwSignal::new(outcome),
            pending: RwSignal::new(false),
            interrupted: use_context(),
        }
    }

    /// Creates an action for one of many forms on a page. A refusal of a form without JavaScript is left to the page to
    /// show.
    pub fn in_row<S: ServerFn>() -> Self {
        Self {
            path: S::PATH,
            outcome: RwSignal::new(None),
            pending: RwSignal::new(false),
            interrupted: use_context(),
        }
    }

    /// Sends URL-encoded fields, unless a submission is already pending.
    pub fn send(self, fields: String) {
        // The page may be gone by the time the user has signed in again.
        if self.pending.try_get_untracked() != Some(false) {
            return;
        }
        self.pending.set(true);
        spawn_local(async move {
            let answer = ui::post(self.path, fields.clone()).await;
            // The page is gone, so the answer is dropped.
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

    /// Returns the path to which a browser without JavaScript sends the form.
    pub const fn path(self) -> &'static str {
        self.path
    }

    /// Sets a refusal that the page itself found, as if it came from the server.
    pub(super) fn refuse(self, error: Error) {
        self.outcome.set(Some(Err(error)));
    }

    /// Forgets a refusal that concerns only these fields.
    pub(super) fn forget_problems(self, fields: &[&str]) {
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

    /// Returns whether a submission is pending.
    pub fn is_pending(self) -> bool {
        self.pending.get()
    }

    /// Returns why the last submission was refused.
    pub fn error(self) -> Option<Error> {
        self.outcome.with(|outcome| {
            outcome
                .as_ref()
                .and_then(|answer| answer.as_ref().err().cloned())
        })
    }

    /// Returns the result of the last submission, if it succeeded.
    pub fn made<T: DeserializeOwned>(self) -> Option<T> {
        self.outcome.with(|outcome| {
            serde_json::from_slice(outcome.as_ref()?.as_ref().ok()?.as_bytes()).ok()
        })
    }

    /// Returns whether the last submission succeeded.
    pub fn has_succeeded(self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(_))))
    }

    /// Returns the number of successful submissions, as a signal to read again what they changed.
    pub fn success_count(self) -> Memo<usize> {
        Memo::new(move |last: Option<&usize>| {
            last.copied().unwrap_or_default() + usize::from(self.has_succeeded())
        })
    }
}

/// Returns the draft of the form that was sent to this server function.
pub(super) fn draft_of(function: &str) -> Option<Draft> {
    ui::draft().filter(|draft| draft.function == function)
}
