//! Ignores clicks that were meant for a button that was there a moment ago.
//!
//! When the rows of a list move, because a row above changed or the list was redrawn, a button of another row may come
//! under the pointer just before the user clicks. So buttons and checkboxes in a row that has just moved ignore clicks
//! for a while, and the second click of a double click only counts on the same button as the first. Activation by
//! keyboard is never ignored, because it acts on the focused button.

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
    web_sys::{Element, Event, HtmlElement, MouseEvent, MutationObserver, MutationObserverInit},
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// How long the buttons of a row ignore clicks after it has moved, in milliseconds.
const SETTLING: f64 = 400.0;

/// A row and its last known position.
struct Row {
    element: HtmlElement,
    place: (i32, i32),
    /// When the row came to this position, on the clock used for event time stamps.
    since: f64,
}

/// Rows by their subject.
type Rows = Rc<RefCell<HashMap<String, Row>>>;

/// Watches rows and clicks for the lifetime of the page. Must be called only once.
pub fn watch() {
    let rows = Rows::default();
    // Rows that the server drew count as having always been there.
    look_at(&rows, f64::NEG_INFINITY);
    let watched = rows.clone();
    let changed = Closure::<dyn Fn()>::new(move || look_at(&watched, now()));
    if let (Ok(observer), Some(body)) = (
        MutationObserver::new(changed.as_ref().unchecked_ref()),
        document().body(),
    ) {
        let everything = MutationObserverInit::new();
        everything.set_attributes(true);
        everything.set_character_data(true);
        everything.set_child_list(true);
        everything.set_subtree(true);
        let _ = observer.observe_with_options(&body, &everything);
    }
    changed.forget();
    let watched = rows.clone();
    window_event_listener(ev::resize, move |_| look_at(&watched, now()));
    let before = RefCell::new(None);
    let clicked = Closure::<dyn Fn(MouseEvent)>::new(move |event: MouseEvent| {
        let Some(button) = button_of(&event) else {
            return;
        };
        let is_second = event.detail() > 1;
        let is_same = before.replace(Some(button.clone())).as_ref() == Some(&button);
        let is_by_key = event.detail() == 0;
        if !is_by_key && (is_second && !is_same || is_settling(&rows, &button, &event)) {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    });
    // In the capture phase, before any other listener handles the event.
    let _ = window().add_event_listener_with_callback_and_bool(
        "click",
        clicked.as_ref().unchecked_ref(),
        true,
    );
    clicked.forget();
}

/// Records where the rows are. A row that was elsewhere or is new has been at its position since `now`.
fn look_at(rows: &Rows, now: f64) {
    let Ok(found) = document().query_selector_all("tbody > tr") else {
        return;
    };
    let mut rows = rows.borrow_mut();
    let (mut seen, mut times) = (HashMap::new(), HashMap::new());
    let elements = (0..found.length()).filter_map(|index| found.item(index));
    for element in elements.filter_map(|node| node.dyn_into::<HtmlElement>().ok()) {
        let (subject, place) = (subject_of(&element), place_of(&element));
        // A page may show the same subject in two lists.
        let times = times.entry(subject.clone()).or_insert(0_usize);
        *times += 1;
        let subject = format!("{subject} {times}");
        let since = match rows.get(&subject) {
            Some(row) if row.place == place => row.since,
            _ => now,
        };
        let row = Row {
            element,
            place,
            since,
        };
        seen.insert(subject, row);
    }
    *rows = seen;
}

/// Returns the subject of a row: the target of its link, else the id that its form acts on, else its text. The
/// element does not identify the row, because a redrawn list reuses the elements of its rows for other rows.
fn subject_of(row: &HtmlElement) -> String {
    let value = |selector: &str, name: &str| {
        let element = row.query_selector(selector).ok().flatten();
        element.and_then(|element| element.get_attribute(name))
    };
    value("a[href]", "href")
        .or_else(|| value("input[name=id]", "value"))
        .or_else(|| row.text_content())
        .unwrap_or_default()
}

/// Returns the position of an element on the page, independent of scrolling.
fn place_of(element: &HtmlElement) -> (i32, i32) {
    let mut place = (element.offset_left(), element.offset_top());
    let mut frame = element.offset_parent();
    while let Some(element) = frame.and_then(|frame| frame.dyn_into::<HtmlElement>().ok()) {
        place.0 += element.offset_left();
        place.1 += element.offset_top();
        frame = element.offset_parent();
    }
    place
}

fn button_of(event: &MouseEvent) -> Option<Element> {
    let clicked = event.target()?.dyn_into::<Element>().ok()?;
    clicked.closest("button, .choose").ok().flatten()
}

fn is_settling(rows: &Rows, button: &Element, event: &MouseEvent) -> bool {
    let Ok(Some(row)) = button.closest("tbody > tr") else {
        return false;
    };
    let rows = rows.borrow();
    let row = rows
        .values()
        .find(|known| known.element.is_same_node(Some(&row)));
    row.is_some_and(|row| event.time_stamp() - row.since < SETTLING)
}

/// Returns the current time on the clock used for event time stamps.
fn now() -> f64 {
    Event::new("now").map_or(f64::NEG_INFINITY, |event| event.time_stamp())
}
