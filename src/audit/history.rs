//! Displays the history of one entity.

use super::{Change, Operation};
#[cfg(feature = "ssr")]
use crate::ui::entity_link::entity_link;
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

/// Like [`draw`], and names what each operation was performed on.
#[cfg(feature = "ssr")]
pub fn draw_with_entity(operations: Vec<Operation>) -> Drawn {
    let operations: Vec<_> = operations.into_iter().map(Operation::display).collect();
    crate::server_context::draw(&operations, |operations, locale| {
        items_with(operations, locale, true)
    })
}

#[cfg(feature = "ssr")]
fn items(operations: &[Operation], locale: Locale) -> Markup {
    items_with(operations, locale, false)
}

#[cfg(feature = "ssr")]
fn items_with(operations: &[Operation], locale: Locale, has_entity: bool) -> Markup {
    html! {
        @for operation in operations {
            li class="history-row" {
                p {
                    strong { (operation.action.display(|action| action.label(locale))) }
                    @if has_entity {
                        " · " (entity_link(&operation.entity_type, &operation.entity_id, locale))
                    }
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
