//! The search field of the header. Without JavaScript, it leads to the page of the search.

use super::panel::SearchPanel;
use crate::ui::{self, keys::Keys};
use leptos::{
    ev::SubmitEvent,
    html::{Div, Input},
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_i18n::td_string;

/// The id of the search field, which a key focuses.
pub const FIELD: &str = "search";

/// The field, as its panel sees it.
#[derive(Clone, Copy)]
pub struct SearchField {
    /// The element with the field and the panel.
    pub place: NodeRef<Div>,
    pub input: NodeRef<Input>,
    /// How often the text was changed.
    pub typed: RwSignal<u32>,
    /// How often Enter was pressed.
    pub entered: RwSignal<u32>,
    /// How often the field got the focus.
    pub focused: RwSignal<u32>,
}

/// The search field. The code of its panel is loaded when the field gets the focus.
#[component]
pub fn SearchBox() -> impl IntoView {
    let locale = ui::locale();
    let field = SearchField {
        place: NodeRef::new(),
        input: NodeRef::new(),
        typed: RwSignal::new(0),
        entered: RwSignal::new(0),
        focused: RwSignal::new(0),
    };
    let count = |times: RwSignal<u32>| times.update(|times| *times += 1);
    let is_used = Memo::new(move |_| field.focused.get() > 0);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        count(field.entered);
    };
    view! {
        <div class="site-search" node_ref=field.place>
            <form
                role="search"
                aria-label=td_string!(locale, search.title)
                method="get"
                action="/search"
                on:submit=submit
            >
                <input
                    id=FIELD
                    node_ref=field.input
                    class="input"
                    type="search"
                    name="q"
                    autocomplete="off"
                    aria-label=td_string!(locale, search.label)
                    placeholder=td_string!(locale, search.placeholder)
                    aria-keyshortcuts=(ui::keys() == Keys::On).then_some("/")
                    on:input=move |_| count(field.typed)
                    on:focus=move |_| count(field.focused)
                />
                <kbd aria-hidden="true">"/"</kbd>
            </form>
            {move || {
                is_used
                    .get()
                    .then(|| Suspend::new(async move {
                        let panel = panel(field).await;
                        if panel.is_err() {
                            // Without a connection; the next focus tries again.
                            field.focused.set(0);
                        }
                        panel.ok()
                    }))
            }}
        </div>
    }
}

#[wasm_split(search, wasm_split_path = leptos::wasm_split, fallible)]
fn panel(field: SearchField) -> Result<AnyView, SplitLoaderError> {
    Ok(view! { <SearchPanel field /> }.into_any())
}
