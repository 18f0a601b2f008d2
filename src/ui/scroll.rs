//! Restores the scroll position of a page on Back and Forward.
//!
//! The browser also tries to, but too early: while its data is loading, the page is too short. So each history entry
//! stores the scroll position of its page, and the page scrolls there as soon as it is long enough.

use leptos::{ev, prelude::*, wasm_bindgen::JsValue};
use std::{cell::Cell, rc::Rc};

/// How many frames to wait for a page to become long enough: about five seconds.
const PATIENCE: u32 = 300;

/// The scroll position to restore; `None` once it is reached or the user interacts with the page.
type Wanted = Rc<Cell<Option<f64>>>;

/// Stores the scroll positions of pages and restores them. Must be called once, before the router starts.
pub fn keep_place() {
    let wanted = Wanted::default();
    for event in ["scrollend", "click"] {
        let wanted = wanted.clone();
        window_event_listener_untyped(event, move |_| {
            if wanted.get().is_none() {
                note_place();
            }
        });
    }
    for event in ["wheel", "touchmove", "keydown", "click"] {
        let wanted = wanted.clone();
        window_event_listener_untyped(event, move |_| wanted.set(None));
    }
    window_event_listener(ev::popstate, move |event| {
        let place = event.state().as_f64();
        wanted.set(place);
        if let Some(place) = place {
            go_to(place, PATIENCE, wanted.clone());
        }
    });
}

fn note_place() {
    if let (Ok(history), Ok(place)) = (window().history(), window().scroll_y()) {
        let _ = history.replace_state(&JsValue::from_f64(place), "");
    }
}

fn go_to(place: f64, frames: u32, wanted: Wanted) {
    request_animation_frame(move || {
        if wanted.get() != Some(place) {
            return;
        }
        window().scroll_to_with_x_and_y(0.0, place);
        let is_there = |now: f64| (now - place).abs() < 2.0;
        if frames == 0 || window().scroll_y().is_ok_and(is_there) {
            wanted.set(None);
        } else {
            go_to(place, frames - 1, wanted);
        }
    });
}
