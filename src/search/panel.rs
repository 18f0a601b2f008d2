//! The panel of the search field, which shows what is found as one types.

use super::{
    field::{FIELD, SearchField},
    page::{Found, Results, search},
};
use crate::{
    error::Error,
    products::picker::SEARCH_INTERVAL,
    ui::{self, Announcer, undo::UndoOffer},
};
use leptos::{
    ev::{self, FocusEvent, KeyboardEvent, MouseEvent},
    html::Div,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, EventTarget, HtmlElement, Node},
};
use leptos_router::hooks::use_location;

/// What the search field of the header shows.
#[derive(Clone, Copy)]
struct Panel {
    is_open: RwSignal<bool>,
    results: RwSignal<Option<Results>>,
    error: RwSignal<Option<Error>>,
    /// The text for which Enter was pressed before it was searched.
    entered: StoredValue<Option<String>>,
    /// How often the panel was closed: the answer to a search from before is not wanted any more.
    closed: StoredValue<u32>,
    announcer: Announcer,
}

impl Panel {
    fn new() -> Self {
        Self {
            is_open: RwSignal::new(false),
            results: RwSignal::new(None),
            error: RwSignal::new(None),
            entered: StoredValue::new(None),
            closed: StoredValue::new(0),
            announcer: expect_context(),
        }
    }

    /// Closes the panel and forgets what it showed.
    fn close(self) {
        self.is_open.set(false);
        self.results.set(None);
        self.error.set(None);
        self.entered.set_value(None);
        self.closed.update_value(|times| *times += 1);
    }

    fn show(self, found: Result<Results, Error>) {
        match found {
            Ok(found) => {
                self.announcer.say(found.summary.clone());
                self.results.set(Some(found));
                self.error.set(None);
            }
            Err(problem) => {
                self.results.set(None);
                self.error.set(Some(problem));
            }
        }
        self.is_open.set(true);
    }

    /// Returns whether the results of a text are shown.
    fn shows(self, text: &str) -> bool {
        let is_of_text =
            |found: &Option<Results>| matches!(found, Some(found) if found.text == text);
        self.is_open.get_untracked() && self.results.with_untracked(is_of_text)
    }
}

/// Shows what is found for the text of the field.
///
/// Enter moves the focus to the button of the only order that waits, so that Enter again issues it. If there is no such
/// order, Enter opens the only result, or moves the focus to the first one.
#[component]
pub fn SearchPanel(field: SearchField) -> impl IntoView {
    let SearchField {
        place,
        input,
        typed: typed_times,
        entered,
        focused,
    } = field;
    let panel_node = NodeRef::<Div>::new();
    let panel = Panel::new();
    // Whether the field gets the focus because the panel is being closed.
    let is_closing = StoredValue::new(false);
    let typed = move || {
        let input = input.get_untracked();
        input.map(|input| input.value()).unwrap_or_default()
    };
    let find = move || {
        let closed = panel.closed.get_value();
        let text = typed();
        if text.trim().is_empty() {
            panel.close();
            return;
        }
        spawn_local(async move {
            let found = search(text.clone()).await;
            // Another text was typed in the meantime, whose results come later; or they are here already, and someone
            // may be about to use them.
            if typed() != text || panel.shows(&text) || panel.closed.get_value() != closed {
                return;
            }
            panel.show(found);
            if panel.entered.get_value().as_ref() == Some(&text) {
                panel.entered.set_value(None);
                request_animation_frame(move || enter(panel_node, &text));
            }
        });
    };
    let mut find_later = debounce(SEARCH_INTERVAL, move |_: ()| find());
    let submit = move || {
        let text = typed();
        if panel.shows(&text) {
            enter(panel_node, &text);
        } else {
            panel.entered.set_value(Some(text));
            find();
        }
    };
    let on_key = move |event: KeyboardEvent| {
        // The key that moved the focus to a button must not press it, too.
        if event.key() == "Enter" && event.repeat() {
            event.prevent_default();
        }
        if event.key() == "Escape" && closest(event.target(), "dialog").is_none() {
            let focused = document().active_element();
            if let Some(input) = input.get_untracked()
                && focused.is_none_or(|focused| focused.id() != FIELD)
            {
                is_closing.set_value(true);
                let _ = input.focus();
            }
            panel.close();
        }
    };
    let is_outside = move |target: Option<EventTarget>| {
        let target = target.and_then(|target| target.dyn_into::<Node>().ok());
        let place = place.get_untracked();
        place.is_some_and(|place| !place.contains(target.as_ref()))
    };
    let leave = move |event: FocusEvent| {
        let next = event.related_target();
        if next.is_some() && is_outside(next) {
            panel.close();
        }
    };
    Effect::new(move |_| {
        let listener = window_event_listener(ev::pointerdown, move |event| {
            let is_in_dialog = closest(event.target(), "dialog").is_some();
            if panel.is_open.get_untracked() && !is_in_dialog && is_outside(event.target()) {
                panel.close();
            }
        });
        on_cleanup(move || listener.remove());
    });
    let finish = move || {
        panel.close();
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
    };
    // A link may lead to the page that is open already.
    let follow = move |event: MouseEvent| {
        let opens_here = !event.ctrl_key() && !event.meta_key() && !event.shift_key();
        if opens_here && closest(event.target(), "a[href^='/']").is_some() {
            finish();
        }
    };
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            finish();
        }
        now
    });
    // What was issued here may be on the page below, which is read again once the panel closes.
    let offer = expect_context::<UndoOffer>();
    let refresh = expect_context::<ui::Refresh>();
    let was_used = StoredValue::new(false);
    Effect::new(move |_| {
        let is_offered = offer.0.read().is_some();
        if panel.is_open.get_untracked() && is_offered {
            was_used.set_value(true);
        }
    });
    Effect::new(move |_| {
        if !panel.is_open.get() && was_used.get_value() {
            was_used.set_value(false);
            refresh.0.update(|times| *times += 1);
        }
    });
    Effect::new(move |before: Option<u32>| {
        let times = typed_times.get();
        if before.is_some() {
            panel.entered.set_value(None);
            find_later(());
        }
        times
    });
    // Enter may have been pressed before this code was there.
    Effect::new(move || {
        if entered.get() > 0 {
            submit();
        }
    });
    Effect::new(move || {
        focused.track();
        let is_closing = is_closing.try_update_value(std::mem::take) == Some(true);
        if !is_closing && !panel.is_open.get_untracked() {
            find();
        }
    });
    Effect::new(move || {
        if let Some(place) = place.get() {
            ui::listen(&place, "keydown", on_key);
            ui::listen(&place, "focusout", leave);
        }
    });
    view! {
        <div
            class="search-panel"
            node_ref=panel_node
            tabindex="-1"
            hidden=move || !panel.is_open.get()
            on:click=follow
        >
            {move || panel.error.get().map(|error| view! { <ui::failure::Failure error /> })}
            {move || panel.results.get().map(|results| view! { <Found results /> })}
        </div>
    }
}

/// Returns the closest element around the target of an event that a selector matches.
fn closest(target: Option<EventTarget>, selector: &str) -> Option<Element> {
    let target = target?.dyn_into::<Element>().ok()?;
    target.closest(selector).ok()?
}

/// Does what Enter means for the results that are shown.
fn enter(panel: NodeRef<Div>, text: &str) {
    let Some(panel) = panel.get_untracked() else {
        return;
    };
    let all = |selector: &str| -> Vec<HtmlElement> {
        let Ok(found) = panel.query_selector_all(selector) else {
            return Vec::new();
        };
        (0..found.length())
            .filter_map(|index| found.item(index)?.dyn_into().ok())
            .collect()
    };
    let (waiting, links) = (
        all("tbody button.btn-primary"),
        all("td:first-child a, li a"),
    );
    // The order with exactly this number comes first. If it is settled, the button is that of another order.
    let number = text.trim().trim_start_matches(['№', '#']).trim();
    let exact = links
        .first()
        .filter(|link| link.text_content().as_deref() == Some(number));
    let is_settled = exact.is_some_and(|link| {
        let row = link.closest("tr").ok().flatten();
        row.is_some_and(|row| {
            row.query_selector("button[name='id']")
                .is_ok_and(|found| found.is_none())
        })
    });
    match (waiting.as_slice(), links.as_slice()) {
        ([button], _) if !is_settled => {
            let _ = button.focus();
        }
        ([], [link]) => link.click(),
        (_, [first, ..]) => {
            let _ = first.focus();
        }
        _ => {}
    }
}
