//! Keys that act on the whole page. They are told apart by their place on the keyboard, so that they work in the
//! Russian layout, and do nothing while one types.

use crate::{auth::Permission, ui};
use leptos::{
    ev::{self, KeyboardEvent},
    html::Dialog,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    wasm_split::{SplitLoaderError, wasm_split},
    web_sys::{Element, HtmlDetailsElement, HtmlElement, HtmlInputElement},
};
use leptos_i18n::td_string;
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// The keys that do something, by their place on the keyboard.
const KEYS: [&str; 11] = [
    "KeyE", "KeyG", "KeyI", "KeyJ", "KeyK", "KeyN", "KeyO", "KeyP", "KeyS", "KeyX", "Slash",
];
/// Keys that follow each other faster belong to what was typed into a field, even if the page has changed since. In
/// milliseconds.
const TYPING: f64 = 1_000.0;

/// A key that was pressed.
struct Press {
    code: String,
    asks_for_help: bool,
}

/// What the keys need of the page.
#[derive(Clone, Copy)]
struct Page {
    /// The id of the search field.
    search: &'static str,
    go: Callback<&'static str>,
    /// Whether the key before was G, which begins the name of a page.
    is_going: StoredValue<bool>,
    help: RwSignal<bool>,
    may_supply: bool,
}

/// Handles the keys. What they do is in a part of the client, which is loaded with the first of them.
#[component]
pub fn Shortcuts(
    /// The id of the search field.
    search: &'static str,
) -> impl IntoView {
    let navigate = use_navigate();
    let page = Page {
        search,
        go: Callback::new(move |path| navigate(path, NavigateOptions::default())),
        is_going: StoredValue::new(false),
        help: RwSignal::new(false),
        may_supply: ui::may(Permission::Supplies),
    };
    let typed_at = StoredValue::new(f64::MIN);
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            let press = Press {
                code: event.code(),
                asks_for_help: event.key() == "?" || event.code() == "Slash" && event.shift_key(),
            };
            let is_search = !press.asks_for_help && (event.key() == "/" || press.code == "Slash");
            let is_shortcut =
                KEYS.contains(&press.code.as_str()) || press.asks_for_help || is_search;
            let is_command = event.ctrl_key() || event.alt_key() || event.meta_key();
            let is_held = event.repeat() && press.code == "KeyI";
            let is_letter = press.code.starts_with("Key");
            let goes_on_typing = is_letter && event.time_stamp() - typed_at.get_value() < TYPING;
            let is_typed = event.key().chars().count() == 1 || event.key() == "Enter";
            if is_typed && is_in_field(&event) || goes_on_typing {
                typed_at.set_value(event.time_stamp());
            } else if is_shortcut && !is_command && !is_held && !is_busy(&event) {
                event.prevent_default();
                // At once, because what is typed next is to be searched for.
                if is_search {
                    page.is_going.set_value(false);
                    focus_search(page.search);
                    return;
                }
                spawn_local(async move {
                    // If the code cannot be loaded, the next key tries again.
                    let _ = act(page, press).await;
                });
            }
        });
        on_cleanup(move || listener.remove());
    });
    move || {
        let is_asked = page.help.get();
        is_asked.then(|| Suspend::new(async move { help_dialog(page).await.ok() }))
    }
}

fn focus_search(id: &str) {
    if let Some(field) = document().get_element_by_id(id) {
        let field: HtmlInputElement = field.unchecked_into();
        let _ = field.focus();
        field.select();
    }
}

/// Does what a key means.
#[wasm_split(keys, wasm_split_path = leptos::wasm_split, fallible)]
fn act(page: Page, press: Press) -> Result<(), SplitLoaderError> {
    let was_going = page.is_going.get_value();
    page.is_going.set_value(false);
    match (press.code.as_str(), was_going) {
        _ if press.asks_for_help => page.help.set(true),
        ("KeyO", true) => page.go.run("/orders"),
        ("KeyS", true) if page.may_supply => page.go.run("/supplies"),
        ("KeyP", true) => page.go.run("/products"),
        ("KeyG", false) => page.is_going.set_value(true),
        ("KeyN", false) => page.go.run("/orders/new"),
        ("KeyJ", false) => step(1),
        ("KeyK", false) => step(-1),
        ("KeyI", false) => issue(),
        ("KeyX", false) => choose(),
        ("KeyE", false) => open(),
        ("KeyP", false) => print(),
        _ => {}
    }
    Ok(())
}

#[wasm_split(keys, wasm_split_path = leptos::wasm_split, fallible)]
fn help_dialog(page: Page) -> Result<AnyView, SplitLoaderError> {
    Ok(view! { <Help page /> }.into_any())
}

/// The list of the keys.
#[component]
fn Help(page: Page) -> impl IntoView {
    let locale = ui::locale();
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            let _ = dialog.show_modal();
        }
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
        <dialog
            class="question"
            node_ref=dialog
            aria-label=td_string!(locale, shortcuts.title)
            closedby="any"
            on:close=move |_| page.help.set(false)
        >
            <h2>{td_string!(locale, shortcuts.title)}</h2>
            <dl class="facts">
                {row("/", td_string!(locale, shortcuts.search))} {row("N", td_string!(locale, shortcuts.new_order))}
                {row("G O", td_string!(locale, nav.orders))} {row("G P", td_string!(locale, nav.products))}
                {page.may_supply.then(|| row("G S", td_string!(locale, nav.supplies)))}
                {row("J K", td_string!(locale, shortcuts.rows))}
                {row("X", td_string!(locale, shortcuts.choose))} {row("I", td_string!(locale, orders.issue))}
                {row("E", td_string!(locale, shortcuts.open))} {row("P", td_string!(locale, print.key))}
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

/// Returns whether the key belongs to a field.
fn is_in_field(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| {
        let fields = "input:not([type='checkbox']), textarea, select, [contenteditable]";
        target.closest(fields).is_ok_and(|found| found.is_some())
    })
}

/// Returns whether the key belongs to a field or to an open dialog.
fn is_busy(event: &KeyboardEvent) -> bool {
    let dialog = document().query_selector("dialog[open], [popover]:popover-open");
    is_in_field(event) || dialog.is_ok_and(|found| found.is_some())
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

/// Opens the slip of the order that the page shows.
fn print() {
    if let Some(link) = main().and_then(|main| find(&main, "a[data-shortcut='print']")) {
        link.click();
    }
}

/// Chooses the order of the current row, or no longer.
fn choose() {
    let checkbox = current_row().and_then(|row| find(&row, ".choose input"));
    if let Some(checkbox) = checkbox {
        checkbox.click();
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
