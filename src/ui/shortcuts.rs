//! Keys that act on the whole page. They are told apart by their place on the keyboard, so that they work in the
//! Russian layout, and do nothing while one types.

use crate::{auth::Permission, ui};
use leptos::{
    ev::{self, KeyboardEvent},
    html::Dialog,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlDetailsElement, HtmlElement, HtmlInputElement},
};
use leptos_i18n::td_string;
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// Handles the keys, and has the dialog that lists them.
#[component]
pub fn Shortcuts(
    /// The id of the search field.
    search: &'static str,
) -> impl IntoView {
    let locale = ui::locale();
    let navigate = use_navigate();
    let help = NodeRef::<Dialog>::new();
    let may_supply = ui::may(Permission::Supplies);
    // Whether the key before was G, which begins the name of a page.
    let is_going = StoredValue::new(false);
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let listener = window_event_listener(ev::keydown, move |event| {
            let is_command = event.ctrl_key() || event.alt_key() || event.meta_key();
            let is_held = event.repeat() && event.code() == "KeyI";
            if is_command || is_held || is_busy(&event) {
                return;
            }
            let go = |path: &str| navigate(path, NavigateOptions::default());
            let was_going = is_going.get_value();
            is_going.set_value(false);
            match (event.code().as_str(), was_going) {
                ("KeyO", true) => go("/orders"),
                ("KeyS", true) if may_supply => go("/supplies"),
                ("KeyP", true) => go("/products"),
                ("KeyG", false) => is_going.set_value(true),
                ("Slash", false) if event.shift_key() => {
                    if let Some(help) = help.get_untracked() {
                        let _ = help.show_modal();
                    }
                }
                ("Slash", false) => {
                    let field = document().get_element_by_id(search);
                    if let Some(field) =
                        field.and_then(|found| found.dyn_into::<HtmlInputElement>().ok())
                    {
                        let _ = field.focus();
                        field.select();
                    }
                }
                ("KeyN", false) => go("/orders/new"),
                ("KeyJ", false) => step(1),
                ("KeyK", false) => step(-1),
                ("KeyI", false) => issue(),
                ("KeyE", false) => open(),
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || listener.remove());
    });
    let row = |keys: &'static str, words: &'static str| {
        view! {
            <dt>
                <kbd>{keys}</kbd>
            </dt>
            <dd>{words}</dd>
        }
    };
    view! {
        <dialog class="question" node_ref=help aria-label=td_string!(locale, shortcuts.title) closedby="any">
            <h2>{td_string!(locale, shortcuts.title)}</h2>
            <dl class="facts">
                {row("/", td_string!(locale, shortcuts.search))} {row("N", td_string!(locale, shortcuts.new_order))}
                {row("G O", td_string!(locale, nav.orders))} {row("G P", td_string!(locale, nav.products))}
                {may_supply.then(|| row("G S", td_string!(locale, nav.supplies)))}
                {row("J K", td_string!(locale, shortcuts.rows))}
                {row("I", td_string!(locale, orders.issue))} {row("E", td_string!(locale, shortcuts.open))}
                {row("?", td_string!(locale, shortcuts.title))}
            </dl>
            <form method="dialog">
                <button class="btn btn-primary" autofocus>
                    {td_string!(locale, shortcuts.close)}
                </button>
            </form>
        </dialog>
    }
}

/// Returns whether the key belongs to a field or to an open dialog.
fn is_busy(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let is_field = target.is_some_and(|target| {
        let fields = "input, textarea, select, [contenteditable]";
        target.closest(fields).is_ok_and(|found| found.is_some())
    });
    let dialog = document().query_selector("dialog[open], [popover]:popover-open");
    is_field || dialog.is_ok_and(|found| found.is_some())
}

/// Returns the rows of the page that open something.
fn rows() -> Vec<Element> {
    let Ok(found) = document().query_selector_all("main tbody > tr:has(a[href])") else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect()
}

/// Returns the row that has the focus.
fn current_row() -> Option<Element> {
    document().active_element()?.closest("tbody > tr").ok()?
}

/// Moves the focus to another row.
fn step(by: isize) {
    let rows = rows();
    let current = current_row().and_then(|current| rows.iter().position(|row| *row == current));
    let next = match current {
        Some(current) => current.saturating_add_signed(by),
        None => 0,
    };
    if let Some(link) = rows.get(next).and_then(|row| find(row, "a[href]")) {
        let _ = link.focus();
    }
}

fn find(place: &Element, selector: &str) -> Option<HtmlElement> {
    place.query_selector(selector).ok()??.dyn_into().ok()
}

/// Presses the button that issues the order of the current row, or of the page.
fn issue() {
    let button = match current_row() {
        // Not the button that issues a whole basket.
        Some(row) => find(&row, "button[name='id']:not([formaction])"),
        None => main().and_then(|main| find(&main, "button[data-shortcut='issue']")),
    };
    if let Some(button) = button {
        button.click();
    }
}

/// Opens the current row, or the form that edits what the page shows.
fn open() {
    if let Some(row) = current_row() {
        if let Some(link) = find(&row, "a[href]") {
            link.click();
        }
        return;
    }
    let form = main().and_then(|main| find(&main, "details[data-shortcut='edit']"));
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlDetailsElement>().ok()) {
        form.set_open(true);
        if let Some(field) = find(&form, "input:not([type='hidden'])") {
            let _ = field.focus();
        }
    }
}

/// Returns the page, unless the focus is elsewhere, such as in the search.
fn main() -> Option<Element> {
    let main = document().query_selector("main").ok()??;
    let focused = document().active_element()?;
    (focused.tag_name() == "BODY" || main.contains(Some(&focused))).then_some(main)
}
