//! Keeps open pages up to date with what others do in the shop.
//!
//! `browser/live.js` passes the lines of the stream to the window, see [`live`](crate::live). A page that shows a list
//! reads it again. A page on which someone is typing stays as it is, and offers to be read again.

use crate::ui;
use leptos::prelude::*;
use leptos_i18n::td_string;
#[cfg(feature = "hydrate")]
use {
    leptos::{
        wasm_bindgen::JsCast,
        web_sys::{CustomEvent, HtmlInputElement, HtmlTextAreaElement},
    },
    std::time::Duration,
};

/// Minimum time between two reads of the same data.
#[cfg(feature = "hydrate")]
const PAUSE: Duration = Duration::from_secs(1);

/// What changed elsewhere, as told by the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether anything may have changed.
    pub all: bool,
    /// The kinds and ids of what changed, and the last operation on it.
    pub entities: Vec<(String, String, i64)>,
}

impl Changes {
    /// Reads the lines of the stream.
    pub fn read(lines: &str) -> Self {
        let mut changes = Self::default();
        for line in lines.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some(entity), Some(id), Some(operation)) => changes.entities.push((
                    entity.to_owned(),
                    id.to_owned(),
                    operation.parse().unwrap_or_default(),
                )),
                _ => changes.all = true,
            }
        }
        changes
    }

    /// Returns whether an entity may have changed.
    pub fn has(&self, kind: &str, id: &str) -> bool {
        let is_it =
            |(its_kind, its_id, _): &(String, String, i64)| its_kind == kind && its_id == id;
        self.all || self.entities.iter().any(is_it)
    }

    /// Returns whether something that a page shows may have changed.
    #[cfg(feature = "hydrate")]
    fn concern(&self, is_shown: &impl Fn(&str, &str) -> bool) -> bool {
        self.all || self.entities.iter().any(|(kind, id, _)| is_shown(kind, id))
    }
}

/// What the page knows of changes elsewhere.
#[derive(Clone, Copy)]
pub struct Live {
    /// The changes that arrived last.
    pub changes: RwSignal<Changes>,
    /// Whether the page shows old data because someone is typing on it.
    is_stale: RwSignal<bool>,
    /// How often the user asked for new data.
    asked: RwSignal<u32>,
}

impl Live {
    /// Provides the context, and listens to the stream.
    pub fn provide() {
        let live = Self {
            changes: RwSignal::default(),
            is_stale: RwSignal::new(false),
            asked: RwSignal::new(0),
        };
        provide_context(live);
        #[cfg(feature = "hydrate")]
        {
            let listener = window_event_listener_untyped("live", move |event| {
                let lines = event.dyn_into::<CustomEvent>().ok();
                if let Some(lines) = lines.and_then(|event| event.detail().as_string()) {
                    live.changes.set(Changes::read(&lines));
                }
            });
            on_cleanup(move || listener.remove());
        }
    }
}

/// What keeps a list as it is: the focus on a row would be lost, or the question about one.
const IN_USE: &str = "main tbody :focus-visible, dialog[open]";

/// Returns a number that rises when a list should be read again, because something of these kinds changed. Use it in
/// the source of a resource.
pub fn list(kinds: &'static [&'static str]) -> Signal<u32> {
    follow(move |kind, _| kinds.contains(&kind), IN_USE, false)
}

/// Like [`list`], for a list that any operation may change.
pub fn every() -> Signal<u32> {
    follow(|_, _| true, IN_USE, false)
}

/// Returns a number that rises when a page with forms should be read again. `is_shown` gets the kind and the id of what
/// changed. Use it in the source of a resource.
pub fn page(is_shown: impl Fn(&str, &str) -> bool + 'static) -> Signal<u32> {
    const IN_USE: &str = "main :focus-visible, dialog[open], main [popover]:popover-open";
    follow(is_shown, IN_USE, true)
}

#[cfg(not(feature = "hydrate"))]
fn follow(_: impl Fn(&str, &str) -> bool + 'static, _: &'static str, _: bool) -> Signal<u32> {
    Signal::stored(0)
}

/// Matches a secret, which would be gone if the page were read again.
#[cfg(feature = "hydrate")]
const SECRET: &str = "main .secret";

/// Reads at most once a second. What matches `in_use`, or a field that was changed, keeps the page as it is.
#[cfg(feature = "hydrate")]
fn follow(
    is_shown: impl Fn(&str, &str) -> bool + 'static,
    in_use: &'static str,
    has_fields: bool,
) -> Signal<u32> {
    let Some(live) = use_context::<Live>() else {
        return Signal::stored(0);
    };
    let count = RwSignal::new(0);
    let read_again = move || {
        if exists(SECRET) {
            return;
        }
        if exists(in_use) || has_fields && is_typed_in() {
            live.is_stale.set(true);
        } else {
            count.update(|count| *count += 1);
        }
    };
    let is_paused = StoredValue::new(false);
    let is_due = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        let concern = live.changes.with(|changes| changes.concern(&is_shown));
        if before.is_none() || !concern {
            return;
        }
        if is_paused.get_value() {
            is_due.set_value(true);
            return;
        }
        is_paused.set_value(true);
        read_again();
        set_timeout(
            move || {
                // Fails if the page was left.
                let is_left = is_paused.try_set_value(false).is_some();
                if !is_left && is_due.get_value() {
                    is_due.set_value(false);
                    read_again();
                }
            },
            PAUSE,
        );
    });
    Signal::derive(move || count.get() + live.asked.get())
}

#[cfg(feature = "hydrate")]
fn exists(selector: &str) -> bool {
    let found = document().query_selector(selector);
    found.is_ok_and(|found| found.is_some())
}

/// Returns whether a field of the page was changed.
#[cfg(feature = "hydrate")]
fn is_typed_in() -> bool {
    let Ok(fields) =
        document().query_selector_all("main input:not([type='hidden']), main textarea")
    else {
        return false;
    };
    (0..fields.length())
        .filter_map(|index| fields.item(index))
        .any(|field| match field.dyn_into::<HtmlInputElement>() {
            // The value of a checkbox is not what was chosen.
            Ok(input) if matches!(input.type_().as_str(), "checkbox" | "radio") => {
                input.checked() != input.default_checked()
            }
            Ok(input) => input.value() != input.default_value(),
            Err(field) => {
                let area: HtmlTextAreaElement = field.unchecked_into();
                area.default_value() != Ok(area.value())
            }
        })
}

/// Offers to read the page again, while it shows old data because someone is typing on it.
#[component]
pub fn StaleNotice() -> impl IntoView {
    let locale = ui::locale();
    let live = expect_context::<Live>();
    let path = leptos_router::hooks::use_location();
    Effect::new(move || {
        path.pathname.track();
        path.search.track();
        live.is_stale.set(false);
    });
    let read_again = move |_| {
        live.is_stale.set(false);
        live.asked.update(|times| *times += 1);
    };
    view! {
        <div class="stale-notice" role="status">
            {move || {
                live.is_stale
                    .get()
                    .then(|| {
                        view! {
                            <p>
                                {td_string!(locale, live.changed)} " "
                                <button class="btn btn-sm" type="button" on:click=read_again>
                                    {td_string!(locale, live.read_again)}
                                </button>
                            </p>
                        }
                    })
            }}
        </div>
    }
}
