//! Displays the history of one entity.

use super::{Change, Operation};
use crate::{
    i18n::Locale,
    ui::{
        self,
        labels::{field_label, value_words},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// A list of operations, in the given order.
#[component]
pub fn History(operations: Vec<Operation>) -> impl IntoView {
    let locale = ui::locale();
    let row = move |operation: Operation| {
        view! {
            <li class="history-row">
                <p>
                    <strong>{operation.action.display(|action| action.label(locale))}</strong>
                    " · "
                    {operation.user_id.unwrap_or_else(|| td_string!(locale, ui.system).to_owned())}
                    " · "
                    {operation.timestamp.display(locale)}
                </p>
                <Changes changes=operation.changes />
            </li>
        }
    };
    view! { <ol class="history">{operations.into_iter().map(row).collect_view()}</ol> }
}

/// The changes of an operation: each field with its value before and after.
#[component]
pub fn Changes(changes: Vec<Change>) -> impl IntoView {
    let locale = ui::locale();
    let row = move |change: Change| view! { <li>{change_words(locale, &change)}</li> };
    view! { <ul class="history-changes">{changes.into_iter().map(row).collect_view()}</ul> }
}

/// Describes one change, as in `Роль: продавец → менеджер`.
pub fn change_words(locale: Locale, change: &Change) -> String {
    let shown = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(ui::dash, |value| value_words(locale, &change.field, value))
    };
    let label = field_label(locale, &change.field);
    match &change.before {
        Some(_) => format!(
            "{label}: {} → {}",
            shown(&change.before),
            shown(&change.after)
        ),
        None => format!("{label}: {}", shown(&change.after)),
    }
}
