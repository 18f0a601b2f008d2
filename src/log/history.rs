//! The history of one thing, in words.

use super::{Change, Operation};
use crate::{
    i18n::Locale,
    money::{Eur, Rub},
    ui::{self, words::field_label},
};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// What was done to a thing, newest first.
#[component]
pub fn History(operations: Vec<Operation>) -> impl IntoView {
    let l = ui::locale();
    let row = move |operation: Operation| {
        let changes = operation
            .changes
            .into_iter()
            .map(|change| view! { <li>{change_words(l, &change)}</li> })
            .collect_view();
        view! {
            <li class="history-row">
                <p>
                    <strong>{ui::words::action(l, operation.action)}</strong>
                    " · " {operation.user_id.unwrap_or_else(|| td_string!(l, ui.system).to_owned())}
                    " · " {operation.timestamp.shown(l)}
                </p>
                <ul class="history-changes">{changes}</ul>
            </li>
        }
    };
    view! { <ol class="history">{operations.into_iter().map(row).collect_view()}</ol> }
}

fn change_words(l: Locale, change: &Change) -> String {
    let shown = |value: &Option<String>| {
        value.as_deref().map_or_else(
            || "—".to_owned(),
            |value| value_words(l, &change.field, value),
        )
    };
    let label = field_label(l, &change.field);
    match &change.before {
        Some(_) => format!(
            "{label}: {} → {}",
            shown(&change.before),
            shown(&change.after)
        ),
        None => format!("{label}: {}", shown(&change.after)),
    }
}

/// A value of the log as people read it.
fn value_words(l: Locale, field: &str, value: &str) -> String {
    let money = match field {
        "sell_price_rub" | "unit_price_rub" => Rub::parse(value).map(|price| price.shown(l)),
        "buy_price_eur" => Eur::parse(value).map(|price| price.shown(l)),
        _ => return value.to_owned(),
    };
    money.unwrap_or_else(|_| value.to_owned())
}
