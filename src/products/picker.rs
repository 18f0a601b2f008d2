//! The product picker: a combobox that finds a product by words of its name. Without JavaScript, it is a text field
//! with suggestions.

use super::{
    combobox::{Combobox, Command, Event, Key},
    offer::{Offer, SearchResult},
};
use crate::{
    error::Error,
    money::{Eur, Rub},
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
    web_sys::{CustomEvent, Element, HtmlElement},
};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The minimum time between two searches while one types. It only saves requests and does not affect the result.
pub const SEARCH_INTERVAL: Duration = Duration::from_millis(80);
/// How long to wait for an answer.
pub const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The initial data of a form with a picker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PickerData {
    pub idempotency_key: String,
    /// The first products, by name.
    pub offers: Vec<Offer>,
    /// The product that the URL names.
    pub chosen: Option<Offer>,
}

/// Returns the initial data of a form with a picker; `product` is an id, or empty.
#[cfg(feature = "ssr")]
pub fn start(tx: &mut crate::transaction::Tx<'_>, product: &str) -> Result<PickerData, Error> {
    let chosen = match product.parse() {
        Ok(id) => super::service::get(tx, id)
            .ok()
            .filter(|product| product.archived_at.is_none()),
        Err(_) => None,
    };
    Ok(PickerData {
        idempotency_key: crate::crypto::new_key(),
        offers: super::search::offers(tx, "")?
            .into_iter()
            .map(Offer::from)
            .collect(),
        chosen: chosen.map(Offer::from),
    })
}

/// Returns products on sale whose names contain the words, and whether the words identify one of them.
#[server(endpoint = "offer_products", input = GetUrl)]
pub async fn offer_products(search: String) -> Result<SearchResult, Error> {
    crate::server_context::read(move |tx| {
        let (offers, problem) = super::search::find(tx, &search)?;
        let offers = offers.into_iter().map(Offer::from).collect();
        Ok(SearchResult { offers, problem })
    })
    .await
}

/// The picker on its page: the state, and what is needed to carry out its commands.
#[derive(Clone, Copy)]
struct Picker {
    state: RwSignal<Combobox>,
    chosen: RwSignal<Option<Offer>>,
    input: NodeRef<Input>,
    form: FormState,
    search: Action<(u64, String), (u64, Result<SearchResult, Error>)>,
    /// The handle that aborts the running search.
    abort: StoredValue<Option<ActionAbortHandle>>,
    /// Whether a search started less than [`SEARCH_INTERVAL`] ago.
    is_pausing: StoredValue<bool>,
    /// Runs when Enter or a click has picked an offer, or will do so once the offers are there.
    on_pick: Option<Callback<()>>,
    /// The product of the offer on which the mouse button was pressed.
    pressed: StoredValue<Option<i64>>,
}

/// Lets a page take over what was typed into its picker, without waiting for the answer to the search.
#[derive(Clone, Copy, Default)]
pub struct Handover(StoredValue<Option<Picker>>);

impl Handover {
    /// Returns a copy of the state.
    pub fn state(self) -> Option<Combobox> {
        self.0.get_value()?.state.try_get_untracked()
    }

    /// Empties the field, at once: a key that is pressed next belongs to the next product.
    pub fn clear(self) {
        let Some(picker) = self.0.get_value() else {
            return;
        };
        picker.abort_search();
        picker.chosen.set(None);
        picker.handle(Event::Cleared);
        if let Some(input) = picker.input.get_untracked() {
            input.set_value("");
        }
    }

    /// Changes how many pieces of a product are available.
    pub fn restock(self, id: i64, stock: i64) {
        if let Some(picker) = self.0.get_value() {
            let _ = picker.state.try_update(|state| state.restock(id, stock));
        }
    }
}

/// Finds the product for a state that was taken over while its search was pending.
pub async fn resolve(mut state: Combobox) -> Result<Offer, Error> {
    let found = offer_products(state.text().to_owned()).await?;
    let number = state.number();
    state.handle(Event::Answered(number, found));
    state
        .meant()
        .map_err(|problem| Error::field("product", problem))
}

/// What a scanned code stands for, as far as the picker needs it: the answer of `POST /api/scan`.
#[derive(Deserialize)]
struct Scanned {
    product: Option<ScannedProduct>,
}

#[derive(Deserialize)]
struct ScannedProduct {
    id: i64,
    name: String,
    stock: i64,
    sell_price_rub: Option<String>,
    buy_price_eur: Option<String>,
    supplier_name: Option<String>,
}

impl From<ScannedProduct> for Offer {
    fn from(product: ScannedProduct) -> Self {
        let ScannedProduct {
            id,
            name,
            stock,
            sell_price_rub,
            buy_price_eur,
            supplier_name,
        } = product;
        Self {
            id,
            name,
            stock,
            sell_price_rub: sell_price_rub.and_then(|price| Rub::parse(&price).ok()),
            buy_price_eur: buy_price_eur.and_then(|price| Eur::parse(&price).ok()),
            supplier_name,
        }
    }
}

/// Passes each product that a scanner reads (`browser/scanner.js`) to the page, instead of opening it.
///
/// A value that may not change threads would make the server panic when it drops the page on another thread.
pub fn on_scan(take: impl Fn(Offer) + Send + Sync + 'static) {
    let take = Callback::new(take);
    Effect::new(move || {
        let listener = window_event_listener_untyped("scan", move |event| {
            let thing = event
                .dyn_ref()
                .and_then(|event: &CustomEvent| event.detail().as_string());
            let read = |text: String| serde_json::from_slice::<Scanned>(text.as_bytes()).ok();
            if let Some(product) = thing.and_then(read).and_then(|thing| thing.product) {
                event.prevent_default();
                take.run(product.into());
            }
        });
        on_cleanup(move || listener.remove());
    });
}

/// The fields `product` and `product_id`. `chosen` follows the pick.
#[component]
pub fn ProductPicker(
    offers: Vec<Offer>,
    chosen: RwSignal<Option<Offer>>,
    /// Shows purchase prices instead of sale prices.
    #[prop(optional)]
    for_supply: bool,
    #[prop(optional)] autofocus: bool,
    /// Runs when Enter or a click has picked an offer, or will do so once the offers are there.
    #[prop(optional, into)]
    on_pick: Option<Callback<()>>,
    #[prop(optional, into)] handover: Option<Handover>,
) -> impl IntoView {
    let locale = ui::locale();
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
        on_pick,
        pressed: StoredValue::new(None),
    };
    if let Some(handover) = handover {
        handover.0.set_value(Some(picker));
    } else {
        on_scan(move |offer| picker.pick(offer));
    }
    form.guard(move || picker.handle(Event::Submitted).contains(&Command::Send));
    picker.handle_answers();
    picker.follow_clearing();
    picker.sync_input();
    picker.show_mark();
    // Until the page is hydrated, the browser shows its own suggestions.
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
    // Shown in place of offers.
    let note = move || {
        let note = picker.read(|state| match state.offers() {
            [] if state.is_pending() => Some(td_string!(locale, products.searching)),
            [] if state.is_failed() => Some(td_string!(locale, products.list_failed)),
            [] => Some(td_string!(locale, products.none_found)),
            _ => None,
        });
        note.map(|note| view! { <li class="picker-none">{note}</li> })
    };
    let hint = move || {
        picker.read(|state| match state.chosen() {
            Some(offer) => Some(
                td_string!(
                    locale,
                    products.available,
                    count = pieces(offer.stock, locale)
                )
                .to_string(),
            ),
            None if state.is_open() || !state.is_unresolved() => None,
            None if state.is_pending() => Some(td_string!(locale, products.searching).to_owned()),
            None if state.is_failed() => Some(td_string!(locale, products.list_failed).to_owned()),
            None => None,
        })
    };
    // Describes the list to screen readers.
    let status = move || {
        picker.read(|state| match state.offers().len() {
            _ if !state.is_open() || !state.is_ready() || !state.is_unresolved() => None,
            0 => Some(td_string!(locale, products.none_found).to_owned()),
            count => Some(td_string!(locale, products.found, count = count).to_string()),
        })
    };
    view! {
        <div class="field picker">
            <label class="field-label" for="product">
                {td_string!(locale, fields.product)}
                <span class="field-required" aria-hidden="true">
                    "*"
                </span>
            </label>
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
                placeholder=td_string!(locale, products.pick)
                aria-required="true"
                aria-invalid=move || wrong().then_some("true")
                aria-autocomplete="list"
                aria-expanded=move || is_open.get().to_string()
                aria-controls="product-offers"
                aria-activedescendant=move || mark.get().map(|index| format!("product-{index}"))
                aria-describedby="product-hint product-error product_id-error"
                on:input=move |event| {
                    picker.handle(Event::Typed(event_target_value(&event)));
                }
                on:focus=move |_: FocusEvent| {
                    picker
                        .handle(Event::Focused {
                            opens: !untrack(wrong),
                        });
                }
                on:blur=move |_: FocusEvent| picker.blur()
                on:keydown=move |event| picker.press(&event)
            />
            // Empty until a product is picked on a hydrated page: without JavaScript the form sends only the name.
            <input type="hidden" name="product_id" prop:value=move || product_id().unwrap_or_default() />
            <ul
                class="picker-offers"
                id="product-offers"
                role="listbox"
                // Without this, Tab would stop at a list that scrolls.
                tabindex="-1"
                aria-label=td_string!(locale, fields.product)
                aria-busy=move || is_pending.get().to_string()
                hidden=move || !is_open.get()
                on:mousedown=|event: MouseEvent| event.prevent_default()
            >
                {options}
                {note}
            </ul>
            <datalist id="product-names">
                {offers.into_iter().map(|offer| view! { <option value=offer.name /> }).collect_view()}
            </datalist>
            <p class="field-hint" id="product-hint" aria-live="polite">
                {hint}
            </p>
            <p class="sr-only" role="status">
                {status}
            </p>
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
    let locale = ui::locale();
    let price = if for_supply {
        offer.buy_price_eur.map(|price| price.display(locale))
    } else {
        offer.sell_price_rub.map(|price| price.display(locale))
    };
    let stock = td_string!(
        locale,
        products.available,
        count = pieces(offer.stock, locale)
    )
    .to_string();
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
    /// Reads the state, or returns the default once the page is gone: a field that is removed while it has the focus
    /// still changes the state.
    fn read<T: Default>(self, of: impl FnOnce(&Combobox) -> T) -> T {
        self.state.try_with(of).unwrap_or_default()
    }

    /// Handles an event and carries out the resulting commands.
    fn handle(self, event: Event) -> Vec<Command> {
        let is_typed = matches!(event, Event::Typed(_));
        if event != Event::Cleared && self.is_taken_over() {
            let _ = self.state.try_update(|state| state.handle(Event::Cleared));
        }
        // The page may be gone when an answer arrives.
        let commands = self.state.try_update(|state| state.handle(event));
        let commands = commands.unwrap_or_default();
        let (chosen, holds_submit) = self
            .state
            .try_with_untracked(|state| (state.chosen().cloned(), state.is_submit_held()))
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

    /// Searches for the current text, or waits for the end of the pause if a search has just started.
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
        set_timeout(go_on, SEARCH_INTERVAL);
        let give_up = move || {
            if self.is_waiting(|last| last == number) {
                self.abort_search();
                self.handle(Event::Failed(number));
            }
        };
        set_timeout(give_up, SEARCH_TIMEOUT);
    }

    /// Returns whether a search is pending whose number satisfies `is_it`.
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

    fn handle_answers(self) {
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

    /// Keeps the field and the state in sync. What happened before the page was hydrated counts: a text as typed, and
    /// the focus opens the list.
    fn sync_input(self) {
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
            } else if self.is_focused() {
                // The list would cover the problem.
                let opens = untrack(|| self.form.problem("product").is_none());
                self.handle(Event::Focused { opens });
            }
            true
        });
    }

    /// Empties the field when the page has taken the picked product over.
    fn follow_clearing(self) {
        Effect::new(move || {
            self.chosen.track();
            if self.is_taken_over() {
                self.handle(Event::Cleared);
            }
        });
    }

    /// Returns whether the page has taken the picked product over, which the state does not know yet.
    fn is_taken_over(self) -> bool {
        self.chosen.try_with_untracked(Option::is_none) == Some(true)
            && self
                .state
                .try_with_untracked(|state| state.chosen().is_some())
                == Some(true)
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
        // The field stays the active element when another window comes to the front.
        if !self.is_focused() {
            self.handle(Event::Left);
        }
    }

    fn press(self, event: &KeyboardEvent) {
        let key = match event.key().as_str() {
            // While an input method composes text, keys belong to it.
            _ if event.is_composing() => return,
            "ArrowDown" => Key::Down,
            "ArrowUp" => Key::Up,
            "Enter" => Key::Enter,
            "Tab" => Key::Tab,
            "Escape" => Key::Escape,
            _ => return,
        };
        // Holding Enter down picks once and must not go on to submit the form.
        let is_held = key == Key::Enter && event.repeat();
        let is_ours = is_held
            || self
                .handle(Event::Key(key))
                .contains(&Command::PreventDefault);
        if is_ours && !is_held && key == Key::Enter && self.has_text() {
            self.picked();
        }
        if is_ours {
            event.prevent_default();
        }
    }

    /// Picks the offer that was under the mouse when the button went down, not one that has moved there since.
    fn click(self, id: i64) {
        let pressed = self.pressed.try_update_value(Option::take).flatten();
        if pressed.is_none_or(|pressed| pressed == id) {
            self.handle(Event::Clicked(id));
            if self.chosen.with_untracked(Option::is_some) {
                self.picked();
            }
        }
    }

    /// Picks a product that was not searched for.
    fn pick(self, offer: Offer) {
        let id = offer.id;
        if let Some(input) = self.input.get_untracked() {
            input.set_value(&offer.name);
        }
        self.handle(Event::Typed(offer.name.clone()));
        self.abort_search();
        let number = self.state.with_untracked(Combobox::number);
        let found = SearchResult {
            offers: vec![offer],
            problem: None,
        };
        self.handle(Event::Answered(number, found));
        self.click(id);
    }

    fn picked(self) {
        if let Some(on_pick) = self.on_pick {
            on_pick.run(());
        }
    }

    fn has_text(self) -> bool {
        self.state
            .with_untracked(|state| !state.text().trim().is_empty() && !state.is_empty())
    }

    /// Submits the form again once all fields show the picked product.
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

/// Fills another field with a proposal for the picked product, unless the field already has a value.
///
/// When the pick changes or is cleared, an unchanged proposal is removed from the field; with `is_its_own`, any value
/// is. Picking the same product again restores the removed value.
pub fn prefill(
    chosen: RwSignal<Option<Offer>>,
    field: RwSignal<String>,
    is_its_own: bool,
    proposal: impl Fn(&Offer) -> String + Send + Sync + 'static,
) {
    let first = chosen.get_untracked();
    // The product that was picked before, and the value that was removed from the field.
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
