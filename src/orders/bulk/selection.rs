//! Choosing rows of the list of orders in the browser. The code is loaded when the first row is chosen.

use super::{DenyOrders, FORM, IssueOrders, Settlement};
use crate::{
    orders::row::failure,
    ui::{self, Refresh, form::FormAction, undo},
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent, SubmitEvent},
    html::Div,
    prelude::*,
    server_fn::ServerFn,
    task::spawn_local,
    wasm_bindgen::{JsCast, closure::Closure},
    wasm_split::{SplitLoaderError, wasm_split},
    web_sys::{
        Element, EventTarget, HtmlElement, HtmlInputElement, MutationObserver,
        MutationObserverInit, NodeList,
    },
};
use leptos_i18n::td_string;
use std::collections::BTreeSet;

/// The checkboxes of orders that wait. Those of settled orders are hidden.
const BOXES: &str = "tbody tr:has(.order-status.waits) .choose input";
const SETTLED: &str = "tbody tr:not(:has(.order-status.waits)) .choose input";
const ALL: &str = "thead .choose input";

/// The page on which rows are chosen.
#[derive(Clone, Copy)]
pub struct Selection {
    /// The element with the table and the bar.
    place: NodeRef<Div>,
    /// The element that says which orders were refused.
    refused: NodeRef<Div>,
    owner: StoredValue<Option<Owner>>,
    is_loaded: StoredValue<bool>,
}

impl Selection {
    /// Creates the state of a page.
    pub fn new(place: NodeRef<Div>, refused: NodeRef<Div>) -> Self {
        Self {
            place,
            refused,
            owner: StoredValue::new(Owner::current()),
            is_loaded: StoredValue::new(false),
        }
    }

    /// Loads the code with the first click on a checkbox. After that, it handles the clicks itself.
    pub fn clicked(self, event: &MouseEvent) {
        if self.is_loaded.get_value() {
            return;
        }
        let Some(input) = event.target().and_then(box_of) else {
            return;
        };
        self.is_loaded.set_value(true);
        spawn_local(async move {
            if start(self, input).await.is_err() {
                // Without a connection. The form works without the code.
                self.is_loaded.try_set_value(false);
            }
        });
    }
}

/// Keeps Enter in a checkbox from pressing the first button of the form.
pub fn ignore_enter(event: &KeyboardEvent) {
    if event.key() == "Enter" && event.target().and_then(box_of).is_some() {
        event.prevent_default();
    }
}

/// Returns the checkbox that an event is about.
fn box_of(target: EventTarget) -> Option<HtmlInputElement> {
    let input: HtmlInputElement = target.dyn_into().ok()?;
    let is_box = input.closest(".choose").is_ok_and(|found| found.is_some());
    is_box.then_some(input)
}

#[wasm_split(bulk, wasm_split_path = leptos::wasm_split, fallible)]
fn start(selection: Selection, first: HtmlInputElement) -> Result<(), SplitLoaderError> {
    // The page may be gone.
    if let Some(owner) = selection.owner.try_get_value().flatten() {
        owner.with(|| Chooser::start(selection, &first));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Chooser {
    selection: Selection,
    issue: FormAction,
    deny: FormAction,
    /// The numbers of the chosen orders.
    chosen: StoredValue<BTreeSet<String>>,
    /// The order of the last click, where a range begins.
    anchor: StoredValue<String>,
}

impl Chooser {
    fn start(selection: Selection, first: &HtmlInputElement) {
        let chooser = Self {
            selection,
            issue: FormAction::in_row::<IssueOrders>(),
            deny: FormAction::in_row::<DenyOrders>(),
            chosen: StoredValue::default(),
            anchor: StoredValue::default(),
        };
        let Some(place) = selection.place.get_untracked() else {
            return;
        };
        ui::listen(&place, "click", move |event: MouseEvent| {
            if let Some(input) = event.target().and_then(box_of) {
                chooser.clicked(&input, event.shift_key());
            }
        });
        ui::listen(&place, "submit", move |event| chooser.submit(&event));
        // Rows change when an order is settled by its own button, and when the list is read again.
        let changed = Closure::<dyn Fn()>::new(move || chooser.restore()).into_js_value();
        if let Ok(observer) = MutationObserver::new(changed.unchecked_ref()) {
            let rows = MutationObserverInit::new();
            rows.set_child_list(true);
            rows.set_subtree(true);
            let _ = observer.observe_with_options(&place, &rows);
        }
        let refresh = use_context::<Refresh>();
        for action in [chooser.issue, chooser.deny] {
            Effect::new(move || chooser.show_outcome(action, refresh));
        }
        chooser.clicked(first, false);
    }

    fn find(self, selector: &str) -> Vec<Element> {
        let place = self.selection.place.try_get_untracked().flatten();
        let found = place.and_then(|place| place.query_selector_all(selector).ok());
        found.map(|found| elements(&found)).unwrap_or_default()
    }

    fn boxes(self, selector: &str) -> Vec<HtmlInputElement> {
        let found = self.find(selector).into_iter();
        found.map(JsCast::unchecked_into).collect()
    }

    /// Chooses all rows, a range of rows, or the row of the checkbox.
    fn clicked(self, input: &HtmlInputElement, is_range: bool) {
        let boxes = self.boxes(BOXES);
        let place = |id: &str| boxes.iter().position(|other| other.value() == id);
        let id = input.value();
        if input.closest("thead").is_ok_and(|head| head.is_some()) {
            for other in &boxes {
                other.set_checked(input.checked());
            }
        } else if let (true, Some(from), Some(to)) = (
            is_range,
            self.anchor.with_value(|anchor| place(anchor)),
            place(&id),
        ) {
            for other in &boxes[from.min(to)..=from.max(to)] {
                other.set_checked(input.checked());
            }
        }
        self.anchor.set_value(id);
        self.count(&boxes);
    }

    /// Chooses the same orders again in rows that were drawn anew. Those that wait no more are not chosen any more.
    fn restore(self) {
        for input in self.boxes(SETTLED) {
            input.set_checked(false);
        }
        let boxes = self.boxes(BOXES);
        let is_chosen = |id: &String| self.chosen.try_with_value(|chosen| chosen.contains(id));
        for input in &boxes {
            if is_chosen(&input.value()) == Some(true) {
                input.set_checked(true);
            }
        }
        self.count(&boxes);
    }

    /// Takes over which orders are chosen, and shows and announces their number.
    fn count(self, boxes: &[HtmlInputElement]) {
        let checked = boxes.iter().filter(|input| input.checked());
        let chosen: BTreeSet<String> = checked.map(HtmlInputElement::value).collect();
        let count = chosen.len();
        for all in self.boxes(ALL) {
            all.set_checked(count > 0 && count == boxes.len());
            all.set_indeterminate(count > 0 && count < boxes.len());
        }
        // Writing a text is a change, after which the rows are counted again.
        let text = count.to_string();
        for place in self.find(".chosen-count") {
            if count > 0 && place.text_content().as_ref() != Some(&text) {
                place.set_text_content(Some(&text));
            }
        }
        let before = self.chosen.try_update_value(|before| {
            let count = before.len();
            *before = chosen;
            count
        });
        if before.is_some_and(|before| before != count) {
            let owner = self.selection.owner.try_get_value().flatten();
            if let Some(owner) = owner {
                owner.with(|| {
                    let locale = ui::locale();
                    ui::announce(td_string!(locale, orders.chosen, count = count).to_string());
                });
            }
        }
    }

    /// Sends the form of the bar. The other forms are those of the table.
    fn submit(self, event: &SubmitEvent) {
        let form = event
            .target()
            .and_then(|form| form.dyn_into::<Element>().ok());
        // `id` would be the button of that name, if the form has one.
        let id = form.and_then(|form| form.get_attribute("id"));
        if id.as_deref() != Some(FORM) {
            return;
        }
        event.prevent_default();
        let path = event
            .submitter()
            .and_then(|button| button.get_attribute("formaction"));
        let is_denial = path.as_deref() == Some(DenyOrders::PATH);
        for question in self.find("[popover]:popover-open") {
            let _ = question.unchecked_into::<HtmlElement>().hide_popover();
        }
        if untrack(|| self.issue.is_pending() || self.deny.is_pending()) {
            return;
        }
        let fields = self.chosen.with_value(|chosen| {
            let fields = chosen.iter().map(|id| format!("orders.{id}.id={id}"));
            fields.collect::<Vec<_>>().join("&")
        });
        let action = if is_denial { self.deny } else { self.issue };
        action.send(fields);
    }

    fn show_outcome(self, action: FormAction, refresh: Option<Refresh>) {
        let locale = ui::locale();
        let refused = if let Some(settlement) = action.made::<Settlement>() {
            // Those that were refused stay chosen, and those that were chosen meanwhile.
            let boxes = self.boxes(BOXES);
            for input in &boxes {
                let id = input.value().parse::<i64>();
                if id.is_ok_and(|id| settlement.orders.contains(&id)) {
                    input.set_checked(false);
                }
            }
            self.count(&boxes);
            if !settlement.words.is_empty() {
                ui::announce(settlement.words.clone());
            }
            undo::offer(settlement.words, &settlement.operations);
            if let Some(Refresh(count)) = refresh {
                count.update(|count| *count += 1);
            }
            settlement.refused
        } else if let Some(error) = action.error() {
            let problem = error.fields().into_iter().next();
            match problem {
                Some(wrong) => failure(&wrong.problem.message(locale), &error, locale),
                None => failure(&error.message(locale), &error, locale),
            }
            .into_string()
        } else {
            return;
        };
        let Some(place) = self.selection.refused.get_untracked() else {
            return;
        };
        place.set_inner_html(&refused);
        if !refused.is_empty() {
            let _ = place.focus();
        } else if self.chosen.with_value(BTreeSet::is_empty) {
            // The button that had the focus is gone.
            let main = document().query_selector("main").ok().flatten();
            if let Some(main) = main.and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
                let _ = main.focus();
            }
        }
    }
}

fn elements(found: &NodeList) -> Vec<Element> {
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect()
}
