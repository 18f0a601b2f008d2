//! Displays the history of one entity.

use super::{Change, Operation};
use crate::{
    i18n::Locale,
    ui::{
        self,
        drawn::Drawn,
        labels::{field_label, value_words},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use maud::{Markup, html};

/// A list of operations, in the given order.
#[component]
pub fn History(operations: Drawn) -> impl IntoView {
    view! { <ol class="history" inner_html=operations.html()></ol> }
}

/// Draws the items of a [`History`], for people.
#[cfg(feature = "ssr")]
pub fn draw(operations: Vec<Operation>) -> Drawn {
    let operations: Vec<_> = operations.into_iter().map(Operation::display).collect();
    crate::server_context::draw(&operations, items)
}

#[cfg(feature = "ssr")]
fn items(operations: &[Operation], locale: Locale) -> Markup {
    html! {
        @for operation in operations {
            li class="history-row" {
                p {
                    strong { (operation.action.display(|action| action.label(locale))) }
                    " · " (operation.user(locale)) " · " (operation.timestamp.display(locale))
                }
                (changes(&operation.changes, locale))
            }
        }
    }
}

/// Draws the changes of an operation: each field with its value before and after.
pub fn changes(changes: &[Change], locale: Locale) -> Markup {
    html! {
        ul class="history-changes" {
            @for change in changes { li { (change_words(locale, change)) } }
        }
    }
}

impl Operation {
    /// Returns who did it.
    pub fn user(&self, locale: Locale) -> &str {
        let system = td_string!(locale, ui.system);
        self.user_id.as_deref().unwrap_or(system)
    }
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
