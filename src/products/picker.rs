//! Picks a product by typing words of its name: a combobox; without JavaScript a line with suggestions.

use super::Product;
use crate::{
    error::Error,
    money::{Eur, Rub, pieces},
    ui::{
        self,
        form::{FieldError, follow_text, form_state, is_wrong},
    },
};
use leptos::{
    ev::{FocusEvent, KeyboardEvent, MouseEvent},
    leptos_dom::helpers::TimeoutHandle,
    prelude::*,
    server_fn::codec::GetUrl,
    task::spawn_local,
};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long after a key the search begins.
const PAUSE: Duration = Duration::from_millis(150);

/// What a picker knows of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub name: String,
    /// Pieces that may be sold.
    pub stock: i64,
    pub sell_price_rub: Option<Rub>,
    pub buy_price_eur: Option<Eur>,
    pub supplier_name: Option<String>,
}

impl From<Product> for Offer {
    fn from(product: Product) -> Self {
        let Product {
            name,
            stock,
            sell_price_rub,
            buy_price_eur,
            supplier_name,
            ..
        } = product;
        Self {
            name,
            stock,
            sell_price_rub,
            buy_price_eur,
            supplier_name,
        }
    }
}

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
        idempotency_key: crate::act::new_key(),
        offers: super::search::offers(tx, "")?
            .into_iter()
            .map(Offer::from)
            .collect(),
        chosen: chosen.map(Offer::from),
    })
}

/// Products on sale whose names have the words.
#[server(endpoint = "offer_products", input = GetUrl)]
pub async fn offer_products(search: String) -> Result<Vec<Offer>, Error> {
    crate::door::look(move |tx| {
        Ok(super::search::offers(tx, &search)?
            .into_iter()
            .map(Offer::from)
            .collect())
    })
    .await
}

/// The state of an open picker.
#[derive(Clone, Copy)]
struct Picker {
    text: RwSignal<String>,
    offers: RwSignal<Vec<Offer>>,
    chosen: RwSignal<Option<Offer>>,
    is_open: RwSignal<bool>,
    /// Index of the offer that Enter takes.
    active: RwSignal<Option<usize>>,
    pause: StoredValue<Option<TimeoutHandle>>,
}

/// The field `product`. `chosen` follows what is picked.
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
    let wrong = is_wrong("product");
    let initial = form_state().value(
        "product",
        chosen
            .get_untracked()
            .map(|offer| offer.name)
            .unwrap_or_default(),
    );
    let picker = Picker {
        text: RwSignal::new(initial.clone()),
        offers: RwSignal::new(offers.clone()),
        chosen,
        is_open: RwSignal::new(false),
        active: RwSignal::new(None),
        pause: StoredValue::new(None),
    };
    let input = NodeRef::new();
    follow_text(input, picker.text);
    // Suggestions of the browser's own, until the page is alive.
    let is_alive = RwSignal::new(false);
    Effect::new(move || is_alive.set(true));
    let active_id = move || {
        picker
            .active
            .get()
            .filter(|_| picker.is_open.get())
            .map(|index| format!("product-{index}"))
    };
    let options = move || {
        let row =
            |(index, offer): (usize, Offer)| view! { <OfferRow picker index offer for_supply /> };
        picker
            .offers
            .get()
            .into_iter()
            .enumerate()
            .map(row)
            .collect_view()
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
                node_ref=input
                placeholder=td_string!(l, products.pick)
                aria-required="true"
                aria-invalid=move || wrong().then_some("true")
                aria-autocomplete="list"
                aria-expanded=move || picker.is_open.get().to_string()
                aria-controls="product-offers"
                aria-activedescendant=active_id
                aria-describedby="product-hint product-error"
                on:input=move |event| picker.typed(event_target_value(&event))
                on:focus=move |_: FocusEvent| if !untrack(wrong) { picker.open() }
                on:blur=move |_: FocusEvent| picker.is_open.set(false)
                on:keydown=move |event| picker.key(&event)
            />
            <ul class="picker-offers" id="product-offers" role="listbox" aria-label=td_string!(l, fields.product) hidden=move || !picker.is_open.get()>
                {options}
                {move || picker.offers.with(Vec::is_empty).then(|| view! { <li class="picker-none">{td_string!(l, products.none_found)}</li> })}
            </ul>
            <datalist id="product-names">{offers.into_iter().map(|offer| view! { <option value=offer.name /> }).collect_view()}</datalist>
            <p class="field-hint" id="product-hint" aria-live="polite">
                {move || chosen.get().map(|offer| td_string!(l, products.available, count = pieces(offer.stock, l)).to_string())}
            </p>
            <FieldError name="product" />
        </div>
    }
}

#[component]
fn OfferRow(picker: Picker, index: usize, offer: Offer, for_supply: bool) -> impl IntoView {
    let l = ui::locale();
    let price = if for_supply {
        offer.buy_price_eur.map(|price| price.shown(l))
    } else {
        offer.sell_price_rub.map(|price| price.shown(l))
    };
    let stock = td_string!(l, products.available, count = pieces(offer.stock, l)).to_string();
    let is_active = move || picker.active.get() == Some(index);
    let name = offer.name.clone();
    // The field keeps the focus: a blur would close the list before the click.
    let keep_focus = |event: MouseEvent| event.prevent_default();
    view! {
        <li
            class="picker-offer"
            class:active=is_active
            id=format!("product-{index}")
            role="option"
            aria-selected=move || is_active().to_string()
            on:mousedown=keep_focus
            on:click=move |_| picker.choose(offer.clone())
        >
            <span>{name}</span>
            <span class="picker-facts">{stock}{price.map(|price| format!(" · {price}"))}</span>
        </li>
    }
}

impl Picker {
    fn open(self) {
        self.is_open.set(true);
        self.active.set(None);
    }

    fn typed(self, text: String) {
        self.text.set(text.clone());
        self.chosen.set(None);
        self.open();
        if let Some(earlier) = self.pause.get_value() {
            earlier.clear();
        }
        let search = move || {
            spawn_local(async move {
                // An answer that comes after the next key is of no use.
                if let Ok(offers) = offer_products(text.clone()).await
                    && self.text.try_get_untracked().as_ref() == Some(&text)
                {
                    // What was marked with the arrows stays marked.
                    let marked = self.active_offer().map(|offer| offer.name);
                    let kept = offers
                        .iter()
                        .position(|offer| Some(&offer.name) == marked.as_ref());
                    self.offers.set(offers);
                    self.active.set(kept);
                }
            });
        };
        self.pause
            .set_value(set_timeout_with_handle(search, PAUSE).ok());
    }

    fn choose(self, offer: Offer) {
        self.text.set(offer.name.clone());
        self.chosen.set(Some(offer));
        self.is_open.set(false);
    }

    fn active_offer(self) -> Option<Offer> {
        let index = self.active.get_untracked()?;
        self.offers
            .with_untracked(|offers| offers.get(index).cloned())
    }

    fn key(self, event: &KeyboardEvent) {
        let count = self.offers.with_untracked(Vec::len);
        let is_open = self.is_open.get_untracked();
        let active = self.active.get_untracked();
        match event.key().as_str() {
            "ArrowDown" if count > 0 => {
                event.prevent_default();
                self.is_open.set(true);
                self.active
                    .set(Some(active.map_or(0, |index| (index + 1) % count)));
            }
            "ArrowUp" if count > 0 => {
                event.prevent_default();
                self.is_open.set(true);
                self.active.set(Some(
                    active.map_or(count - 1, |index| (index + count - 1) % count),
                ));
            }
            "Enter" if is_open => {
                if let Some(offer) = self.active_offer() {
                    event.prevent_default();
                    self.choose(offer);
                }
            }
            "Escape" if is_open => {
                event.prevent_default();
                self.is_open.set(false);
            }
            _ => {}
        }
    }
}
