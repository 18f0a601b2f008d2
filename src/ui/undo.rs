//! The offer to take back what was just done: in the banner of a page, or below the page after an act without a page
//! load.

use crate::ui;
use leptos::prelude::*;
use leptos_i18n::td_string;

/// The path of the server function that takes operations back.
pub const PATH: &str = "/fn/undo_operations";

/// What was done last without a page load: the words, and the numbers of the operations.
#[derive(Clone, Copy)]
pub struct UndoOffer(pub RwSignal<Option<(String, String)>>);

/// Says what was done, and offers to take the operations back if there are any, until the next act.
pub fn offer(words: String, operations: &[i64]) {
    if let Some(UndoOffer(offered)) = use_context() {
        offered.set((!words.is_empty()).then(|| (words, join(operations))));
    }
}

/// Writes the numbers of operations for a URL or a form: `12.13`.
pub fn join(operations: &[i64]) -> String {
    let numbers: Vec<String> = operations.iter().map(i64::to_string).collect();
    numbers.join(".")
}

/// Reads the numbers of operations; `None` if the text has anything else in it.
pub fn split(operations: &str) -> Option<Vec<i64>> {
    operations
        .split('.')
        .map(|number| number.parse().ok())
        .collect()
}

/// A form that takes operations back. It always loads the page anew, so that everything on it is current.
#[component]
pub fn UndoForm(
    #[prop(into)] operations: String,
    /// What the button says; by default, that everything will be as before.
    #[prop(optional)]
    label: Option<&'static str>,
) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <form method="post" action=PATH class="undo">
            <input type="hidden" name="operations" value=operations />
            <button class="btn btn-sm" type="submit">
                {label.unwrap_or(td_string!(locale, ui.undo))}
            </button>
        </form>
    }
}

/// What was done last without a page load, with the button that takes it back. It covers no row.
#[component]
pub fn UndoNotice() -> impl IntoView {
    let offer = expect_context::<UndoOffer>();
    // What is done on another page is another matter.
    let path = leptos_router::hooks::use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            offer.0.set(None);
        }
        path.get_untracked()
    });
    move || {
        offer.0.get().map(|(words, operations)| {
            view! {
                <div class="undo-notice">
                    <p>{words}</p>
                    {(!operations.is_empty()).then(|| view! { <UndoForm operations /> })}
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_operations() {
        assert_eq!(split(&join(&[12, 13])), Some(vec![12, 13]));
        for wrong in ["", "12.", "12,13", "<b>"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
