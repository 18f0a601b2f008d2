//! Picks a product by typing words of its name: a combobox; without JavaScript a line with suggestions.

use super::{
    combobox::{Combobox, Command, Event, Key},
    offer::{Found, Offer},
};
use crate::{
    error::Error,
    number::pieces,
    ui::{
        self,
        form::{FieldError, FormState, Interrupted, form_state, is_wrong},
    },
};
use leptos::{
    ev::{FocusEvent, KeyboardEvent, MouseEvent},
    html::Input,
    prelude::*,
    reactive::actions::ActionAbortHandle,
    server_fn::codec::GetUrl,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement},
};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The least time between two searches. It spares requests and decides nothing.
const PAUSE: Duration = Duration::from_millis(80);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a form with a picker begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PickerStart {
    pub idempotency_key: String,
    /// The first products, by name.
    pub offers: Vec<Offer>,
    /// The one that the URL names.
    pub chosen: Option<Offer>,
}

/// What a form with a picker begins with; `product` is an id, or empty.
#[cfg(feature = "ssr")]
pub fn start(tx: &mut crate::act::Tx<'_>, product: &str) -> Result<PickerStart, Error> {
    let chosen = match product.parse() {
        Ok(id) => super::service::get(tx, id)
            .ok()
            .filter(|product| product.archived_at.is_none()),
        Err(_) => None,
    };
    Ok(PickerStart {
        idempotency_key: crate::crypto::new_key(),
        offers: super::search::offers(tx, "")?
            .into_iter()
            .map(Offer::from)
            .collect(),
        chosen: chosen.map(Offer::from),
    })
}

/// Products on sale whose names have the words, and whether they mean one of them.
#[server(endpoint = "offer_products", input = GetUrl)]
pub async fn offer_products(search: String) -> Result<Found, Error> {
    crate::door::look(move |tx| {
        let (offers, problem) = super::search::find(tx, &search)?;
        let offers = offers.into_iter().map(Offer::from).collect();
        Ok(Found { offers, problem })
    })
    .await
}

/// The picker in its page: the state, and what it takes to carry its commands out.
#[derive(Clone, Copy)]
struct Picker {
    state: RwSignal<Combobox>,
    chosen: RwSignal<Option<Offer>>,
    input: NodeRef<Input>,
    form: FormState,
    search: Action<(u64, String), (u64, Result<Found, Error>)>,
    /// Ends the search that is on its way.
    abort: StoredValue<Option<ActionAbortHandle>>,
    /// Whether a search began less than a [`PAUSE`] ago.
    is_pausing: StoredValue<bool>,
    /// The offer under the button of the mouse.
    pressed: StoredValue<Option<i64>>,
}

/// The fields `product` and `product_id`. `chosen` follows what is picked.
#[component]
pub fn ProductPicker(
    offers: Vec<Offer>,
    chosen: RwSignal<Option<Offer>>,
    /// Shows prices in euro, for supplies.
    #[prop(optional)]
    for_supply: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let l = ui::locale();
    let form = form_state();
    let [wrong_name, wrong_id] = [is_wrong("product"), is_wrong("product_id")];
    let wrong = move || wrong_name() || wrong_id();
    let first = chosen.get_untracked();
    let name = first.as_ref().map(|offer| offer.name.clone());
    let initial = form.value("product", name.unwrap_or_default());
    let picker = Picker {
        state: RwSignal::new(Combobox::new(initial.clone(), first, offers.clone())),
        chosen,
        input: NodeRef::new(),
        form,
        search: Action::new(|(number, text): &(u64, String)| {
            let (number, answer) = (*number, offer_products(text.clone()));
            async move { (number, answer.await) }
        }),
        abort: StoredValue::new(None),
        is_pausing: StoredValue::new(false),
        pressed: StoredValue::new(None),
    };
    form.guard(move || picker.handle(Event::Submitted).contains(&Command::Send));
    picker.hear_answers();
    picker.follow_field();
    picker.show_mark();
    // Suggestions of the browser's own, until the page is alive.
    let is_alive = RwSignal::new(false);
    Effect::new(move || is_alive.set(true));

    let state = picker.state;
    let is_open = Memo::new(move |_| state.with(Combobox::is_open));
    let is_pending = Memo::new(move |_| state.with(Combobox::is_pending));
    let mark = Memo::new(move |_| state.with(Combobox::mark));
    let shown = Memo::new(move |_| state.with(|state| state.offers().to_vec()));
    let product_id = move || chosen.get().map(|offer| offer.id.to_string());
    let options = move || {
        let row = |(index, offer): (usize, Offer)| view! { <OfferRow picker index offer mark is_pending for_supply /> };
        shown.get().into_iter().enumerate().map(row).collect_view()
    };
    // In place of offers.
    let note = move || {
        let note = picker.read(|state| match state.offers() {
            [] if state.is_pending() => Some(td_string!(l, products.searching)),
            [] if state.is_failed() => Some(td_string!(l, products.list_failed)),
            [] => Some(td_string!(l, products.none_found)),
            _ => None,
        });
        note.map(|note| view! { <li class="picker-none">{note}</li> })
    };
    let hint = move || {
        picker.read(|state| match state.chosen() {
            Some(offer) => {
                Some(td_string!(l, products.available, count = pieces(offer.stock, l)).to_string())
            }
            None if state.is_open() || !state.is_unresolved() => None,
            None if state.is_pending() => Some(td_string!(l, products.searching).to_owned()),
            None if state.is_failed() => Some(td_string!(l, products.list_failed).to_owned()),
            None => None,
        })
    };
    // What the list shows, for who does not see it.
    let status = move || {
        picker.read(|state| match state.offers().len() {
            _ if !state.is_open() || !state.is_ready() || !state.is_unresolved() => None,
            0 => Some(td_string!(l, products.none_found).to_owned()),
            count => Some(td_string!(l, products.found, count = count).to_string()),
        })
    };
    view! {
        <div class="field picker">
            <label class="field-label" for="product">{td_string!(l, fields.product)}<span class="field-required" aria-hidden="true">"*"</span></label>
            <input
                class="input w-full"
                class:input-error=wrong
                id="product"
                name="product"
                type="text"
                role="combobox"
                autocomplete="off"
                autofocus=autofocus
                list=move || (!is_alive.get()).then_some("product-names")
                value=initial
                node_ref=picker.input
                placeholder=td_string!(l, products.pick)
                aria-required="true"
                aria-invalid=move || wrong().then_some("true")
                aria-autocomplete="list"
                aria-expanded=move || is_open.get().to_string()
                aria-controls="product-offers"
                aria-activedescendant=move || mark.get().map(|index| format!("product-{index}"))
                aria-describedby="product-hint product-error product_id-error"
                on:input=move |event| { picker.handle(Event::Typed(event_target_value(&event))); }
                on:focus=move |_: FocusEvent| { picker.handle(Event::Focused { opens: !untrack(wrong) }); }
                on:blur=move |_: FocusEvent| picker.blur()
                on:keydown=move |event| picker.press(&event)
            />
            // Empty until a product is picked on a page that is alive: a browser without JavaScript sends the name.
            <input type="hidden" name="product_id" prop:value=move || product_id().unwrap_or_default() />
            <ul
                class="picker-offers"
                id="product-offers"
                role="listbox"
                // Else a list that scrolls is the next stop of Tab.
                tabindex="-1"
                aria-label=td_string!(l, fields.product)
                aria-busy=move || is_pending.get().to_string()
                hidden=move || !is_open.get()
                on:mousedown=|event: MouseEvent| event.prevent_default()
            >
                {options}
                {note}
            </ul>
            <datalist id="product-names">{offers.into_iter().map(|offer| view! { <option value=offer.name /> }).collect_view()}</datalist>
            <p class="field-hint" id="product-hint" aria-live="polite">{hint}</p>
            <p class="sr-only" role="status">{status}</p>
            <FieldError name="product" />
            <FieldError name="product_id" />
        </div>
    }
}

#[component]
fn OfferRow(
    picker: Picker,
    index: usize,
    offer: Offer,
    mark: Memo<Option<usize>>,
    is_pending: Memo<bool>,
    for_supply: bool,
) -> impl IntoView {
    let l = ui::locale();
    let price = if for_supply {
        offer.buy_price_eur.map(|price| price.shown(l))
    } else {
        offer.sell_price_rub.map(|price| price.shown(l))
    };
    let stock = td_string!(l, products.available, count = pieces(offer.stock, l)).to_string();
    let is_active = move || mark.get() == Some(index);
    let id = offer.id;
    view! {
        <li
            class="picker-offer"
            class:active=is_active
            id=format!("product-{index}")
            role="option"
            aria-selected=move || is_active().to_string()
            aria-disabled=move || is_pending.get().then_some("true")
            on:mousedown=move |_| picker.pressed.set_value(Some(id))
            on:click=move |_| picker.click(id)
        >
            <span>{offer.name}</span>
            <span class="picker-facts">{stock}{price.map(|price| format!(" · {price}"))}</span>
        </li>
    }
}

impl Picker {
    /// Reads the state, and the default once the page is gone: a field that is removed while it has the focus
    /// still changes the state.
    fn read<T: Default>(self, of: impl FnOnce(&Combobox) -> T) -> T {
        self.state.try_with(of).unwrap_or_default()
    }

    /// Takes an event in and does what it asks for.
    fn handle(self, event: Event) -> Vec<Command> {
        let is_typed = matches!(event, Event::Typed(_));
        // The page may be gone when an answer comes.
        let commands = self.state.try_update(|state| state.handle(event));
        let commands = commands.unwrap_or_default();
        let (chosen, holds_submit) = self
            .state
            .try_with_untracked(|state| (state.chosen().cloned(), state.holds_submit()))
            .unwrap_or_default();
        let is_new = self.chosen.try_with_untracked(|before| *before != chosen) == Some(true);
        if is_typed || is_new {
            self.form.clear_problem(&["product", "product_id"]);
        }
        if is_new {
            self.chosen.set(chosen);
        }
        self.form.wait_for(holds_submit.then_some("product"));
        for command in &commands {
            match command {
                Command::Search => self.search(),
                Command::Resubmit => self.resubmit(),
                Command::Refuse(problem) => self.form.refuse("product", problem.clone()),
                Command::PreventDefault | Command::Send => {}
            }
        }
        commands
    }

    /// Asks for the present text, at the end of the pause when a search has just begun.
    fn search(self) {
        if self.is_pausing.get_value() {
            return;
        }
        let (number, text) = self
            .state
            .with_untracked(|state| (state.number(), state.text().to_owned()));
        self.abort_search();
        let search = self.search.dispatch((number, text));
        self.abort.set_value(Some(search));
        self.is_pausing.set_value(true);
        let go_on = move || {
            if self.is_pausing.try_set_value(false).is_none()
                && self.is_waiting(|last| last > number)
            {
                self.search();
            }
        };
        set_timeout(go_on, PAUSE);
        let give_up = move || {
            if self.is_waiting(|last| last == number) {
                self.abort_search();
                self.handle(Event::Failed(number));
            }
        };
        set_timeout(give_up, PATIENCE);
    }

    /// Whether an answer is awaited, to a search whose number is of that kind.
    fn is_waiting(self, is_it: impl Fn(u64) -> bool) -> bool {
        self.state
            .try_with_untracked(|state| state.is_pending() && is_it(state.number()))
            .unwrap_or_default()
    }

    fn abort_search(self) {
        if let Some(search) = self.abort.try_update_value(Option::take).flatten() {
            search.abort();
        }
    }

    fn hear_answers(self) {
        let answer = self.search.value();
        let interrupted = use_context::<Interrupted>();
        Effect::new(move || match answer.get() {
            Some((number, Ok(found))) => {
                self.handle(Event::Answered(number, found));
            }
            Some((number, Err(error))) => {
                if let (Error::SignedOut, Some(interrupted)) = (error, interrupted) {
                    interrupted.ask();
                }
                self.handle(Event::Failed(number));
            }
            None => {}
        });
    }

    /// Keeps the field and the state the same. What was typed before the page came alive counts as typed.
    fn follow_field(self) {
        let text = Memo::new(move |_| self.state.with(|state| state.text().to_owned()));
        Effect::new(move |was_alive: Option<bool>| {
            let (Some(input), text) = (self.input.get(), text.get()) else {
                return false;
            };
            if was_alive == Some(true) {
                if input.value() != text {
                    input.set_value(&text);
                }
            } else if input.value() != text || self.state.with_untracked(Combobox::is_unresolved) {
                self.handle(Event::Typed(input.value()));
                if !self.is_focused() {
                    self.handle(Event::Left);
                }
            }
            true
        });
    }

    /// Scrolls the list to the marked offer.
    fn show_mark(self) {
        Effect::new(move || {
            let row = (self.state.with(Combobox::mark))
                .and_then(|index| document().get_element_by_id(&format!("product-{index}")))
                .and_then(|row| row.dyn_into::<HtmlElement>().ok());
            if let Some((row, list)) =
                row.and_then(|row| Some((row.clone(), row.parent_element()?)))
            {
                let (top, bottom) = (row.offset_top(), row.offset_top() + row.offset_height());
                let (above, height) = (list.scroll_top(), list.client_height());
                if top < above {
                    list.set_scroll_top(top);
                } else if bottom > above + height {
                    list.set_scroll_top(bottom - height);
                }
            }
        });
    }

    fn is_focused(self) -> bool {
        let input = self.input.get_untracked();
        let input: Option<&Element> = input.as_deref().map(AsRef::as_ref);
        input.is_some() && document().active_element().as_ref() == input
    }

    fn blur(self) {
        // The focus stays in the field when another window comes to the front.
        if !self.is_focused() {
            self.handle(Event::Left);
        }
    }

    fn press(self, event: &KeyboardEvent) {
        let key = match event.key().as_str() {
            // Keys of an input method are its own.
            _ if event.is_composing() => return,
            "ArrowDown" => Key::Down,
            "ArrowUp" => Key::Up,
            "Enter" => Key::Enter,
            "Tab" => Key::Tab,
            "Escape" => Key::Escape,
            _ => return,
        };
        // A key that is held down picks once and does not go on to send the form.
        let is_held = key == Key::Enter && event.repeat();
        if is_held
            || self
                .handle(Event::Key(key))
                .contains(&Command::PreventDefault)
        {
            event.prevent_default();
        }
    }

    /// A click picks what was under the mouse when its button went down, not what came there since.
    fn click(self, id: i64) {
        let pressed = self.pressed.try_update_value(Option::take).flatten();
        if pressed.is_none_or(|pressed| pressed == id) {
            self.handle(Event::Clicked(id));
        }
    }

    /// Once all fields show what was picked.
    fn resubmit(self) {
        let form = self.input.get_untracked().and_then(|input| input.form());
        let submit = move || {
            if let Some(form) = form {
                let _ = form.request_submit();
            }
        };
        set_timeout(submit, Duration::ZERO);
    }
}

/// Fills another field with what goes with the product. What was typed there before the pick stays.
/// When the product is given up, its proposal goes; with `is_its_own`, what was typed for it, too. The same product
/// brings back what was there.
pub fn propose(
    chosen: RwSignal<Option<Offer>>,
    field: RwSignal<String>,
    is_its_own: bool,
    proposal: impl Fn(&Offer) -> String + Send + Sync + 'static,
) {
    let first = chosen.get_untracked();
    // The product that was given up, and what the field had then.
    let given_up = StoredValue::new(None::<(i64, String)>);
    Effect::new(move |before: Option<Option<Offer>>| {
        let now = chosen.get();
        let before = before.unwrap_or_else(|| first.clone());
        if before != now {
            if let Some(before) = &before
                && (is_its_own || field.with_untracked(|value| *value == proposal(before)))
            {
                given_up.set_value(Some((before.id, field.get_untracked())));
                field.set(String::new());
            }
            if let Some(offer) = &now
                && field.with_untracked(|value| value.trim().is_empty())
            {
                let earlier = given_up.get_value().filter(|(id, _)| *id == offer.id);
                field.set(earlier.map_or_else(|| proposal(offer), |(_, value)| value));
            }
        }
        now
    });
}
