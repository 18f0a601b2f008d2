//! What a form does when it is sent.

use crate::{error::Error, ui};
use leptos::{
    prelude::*,
    server::ServerActionError,
    server_fn::{ServerFn, error::ServerFnUrlError},
    task::spawn_local,
};
use serde::de::DeserializeOwned;

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
    pub(super) fn refuse(self, error: Error) {
        self.outcome.set(Some(Err(error)));
    }

    /// Forgets a refusal that spoke of these fields alone.
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
