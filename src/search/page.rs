//! The search field of the header, which shows what it finds as one types, and its page without JavaScript.

use crate::{
    error::Error,
    orders::row::OrderTable,
    ui::{self, drawn::Drawn, pager::parameter, undo::UndoOffer},
};
use leptos::{
    ev::{FocusEvent, KeyboardEvent, SubmitEvent},
    html::{Div, Input},
    prelude::*,
    server_fn::codec::GetUrl,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, Node},
};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_query_map};
use serde::{Deserialize, Serialize};
use std::time::Duration;
#[cfg(feature = "ssr")]
use {
    crate::{i18n::Locale, money::amount, number::pieces, products::Product},
    maud::{Markup, html},
};

/// How long the typing must pause before it is searched. It only saves requests.
const PAUSE: Duration = Duration::from_millis(80);
/// The id of the search field, which a key focuses.
pub const FIELD: &str = "search";

/// What was found for a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    pub text: String,
    pub orders: Drawn,
    pub products: Drawn,
}

/// Finds orders and products.
#[server(endpoint = "search", input = GetUrl)]
pub async fn search(q: String) -> Result<Results, Error> {
    use super::service;
    use crate::{orders::row::plain_rows, server_context};
    let text = q.clone();
    let found = server_context::read(move |tx| service::find(tx, &text)).await?;
    Ok(Results {
        text: q,
        orders: server_context::draw(&found.orders, plain_rows),
        products: server_context::draw(&found.products, products),
    })
}

/// Draws the products that were found.
#[cfg(feature = "ssr")]
fn products(found: &[Product], locale: Locale) -> Markup {
    html! {
        @for product in found {
            li {
                a class="link" href={ "/products/" (product.id) } { (product.name) }
                " · "
                (td_string!(locale, orders.available, count = pieces(product.stock, locale)).to_string())
                @if let Some(price) = product.sell_price_rub { " · " (amount(price.0, locale)) "\u{a0}₽" }
            }
        }
    }
}

/// Shows what was found.
#[component]
fn Found(results: Results) -> impl IntoView {
    let locale = ui::locale();
    let Results {
        orders, products, ..
    } = results;
    let is_nothing = orders.is_empty && products.is_empty;
    view! {
        {is_nothing.then(|| view! { <p class="empty">{td_string!(locale, search.nothing)}</p> })}
        {(!orders.is_empty).then(|| view! { <OrderTable rows=orders /> })}
        {(!products.is_empty).then(|| view! { <ul class="found-products" inner_html=products.html()></ul> })}
    }
}

/// The page of the search.
#[component]
pub fn SearchPage() -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let results = ui::data(move || parameter(&query.read(), "q"), search);
    view! {
        <Title text=td_string!(locale, search.title) />
        <h1>{td_string!(locale, search.title)}</h1>
        {ui::loaded(
            results,
            move |results| {
                if results.text.trim().is_empty() {
                    view! { <p class="empty">{td_string!(locale, search.hint)}</p> }.into_any()
                } else {
                    view! { <Found results /> }.into_any()
                }
            },
        )}
    }
}

/// The search field of the header, and the panel with what it finds.
///
/// Enter moves the focus to the button of the only order that waits, so that Enter again issues it. If there is no such
/// order, Enter opens the only result, or moves the focus to the first one.
#[component]
pub fn SearchBox() -> impl IntoView {
    let locale = ui::locale();
    let (input, panel) = (NodeRef::<Input>::new(), NodeRef::<Div>::new());
    let results = RwSignal::new(None::<Results>);
    let error = RwSignal::new(None::<Error>);
    let is_open = RwSignal::new(false);
    // The text for which Enter was pressed before it was searched.
    let entered = StoredValue::new(None::<String>);
    let search_number = StoredValue::new(0_u32);
    let typed = move || {
        let input = input.get_untracked();
        input.map(|input| input.value()).unwrap_or_default()
    };
    // Whether the results of a text are shown.
    let is_found = move |text: &str| {
        let is_of_text =
            |found: &Option<Results>| matches!(found, Some(found) if found.text == text);
        is_open.get_untracked() && results.with_untracked(is_of_text)
    };
    // What is searched now is not wanted any more.
    let forget = move || {
        entered.set_value(None);
        search_number.update_value(|number| *number += 1);
    };
    let find = move || {
        let number = search_number.get_value();
        let text = typed();
        if text.trim().is_empty() {
            is_open.set(false);
            results.set(None);
            return;
        }
        spawn_local(async move {
            let found = search(text.clone()).await;
            // Another text was typed in the meantime, whose results come later; or they are here already, and someone
            // may be about to use them.
            if typed() != text || is_found(&text) || search_number.get_value() != number {
                return;
            }
            match found {
                Ok(found) => {
                    results.set(Some(found));
                    error.set(None);
                }
                Err(problem) => {
                    results.set(None);
                    error.set(Some(problem));
                }
            }
            is_open.set(true);
            if entered.get_value().as_ref() == Some(&text) {
                entered.set_value(None);
                request_animation_frame(move || enter(panel, &text));
            }
        });
    };
    let mut find_later = debounce(PAUSE, move |_: ()| find());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = typed();
        if is_found(&text) {
            enter(panel, &text);
        } else {
            entered.set_value(Some(text));
            find();
        }
    };
    let on_key = move |event: KeyboardEvent| {
        // The key that moved the focus to a button must not press it, too.
        if event.key() == "Enter" && event.repeat() {
            event.prevent_default();
        }
        let target = event.target();
        let target = target.and_then(|target| target.dyn_into::<Element>().ok());
        let is_in_question = target
            .is_some_and(|target| target.closest("dialog").is_ok_and(|found| found.is_some()));
        if event.key() == "Escape" && !is_in_question {
            forget();
            is_open.set(false);
            // Else the focus of the field would show them again.
            results.set(None);
            if let Some(input) = input.get_untracked() {
                let _ = input.focus();
            }
        }
    };
    let leave = move |event: FocusEvent| {
        let inside = event.current_target().zip(event.related_target());
        let inside = inside.and_then(|(place, next)| {
            let place: Node = place.dyn_into().ok()?;
            Some(place.contains(next.dyn_ref::<Node>()))
        });
        if inside == Some(false) {
            forget();
            is_open.set(false);
        }
    };
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            forget();
            is_open.set(false);
            results.set(None);
            if let Some(input) = input.get_untracked() {
                input.set_value("");
            }
        }
        now
    });
    // What was issued here may be on the page below, which is read again once the panel closes.
    let offer = expect_context::<UndoOffer>();
    let refresh = expect_context::<ui::Refresh>();
    let was_used = StoredValue::new(false);
    Effect::new(move |_| {
        let is_offered = offer.0.read().is_some();
        if is_open.get_untracked() && is_offered {
            was_used.set_value(true);
        }
    });
    Effect::new(move |_| {
        if !is_open.get() && was_used.get_value() {
            was_used.set_value(false);
            results.set(None);
            refresh.0.update(|times| *times += 1);
        }
    });
    view! {
        <div class="site-search" on:keydown=on_key on:focusout=leave>
            <form role="search" method="get" action="/search" on:submit=submit>
                <input
                    id=FIELD
                    node_ref=input
                    class="input"
                    type="search"
                    name="q"
                    autocomplete="off"
                    aria-label=td_string!(locale, search.label)
                    placeholder=td_string!(locale, search.placeholder)
                    aria-keyshortcuts="/"
                    on:input=move |_| {
                        entered.set_value(None);
                        find_later(());
                    }
                    on:focus=move |_| {
                        if results.with_untracked(Option::is_some) {
                            is_open.set(true);
                        }
                    }
                />
                <kbd aria-hidden="true">"/"</kbd>
            </form>
            <div class="search-panel" node_ref=panel tabindex="-1" hidden=move || !is_open.get()>
                {move || error.get().map(|error| view! { <ui::failure::Failure error /> })}
                {move || results.get().map(|results| view! { <Found results /> })}
            </div>
        </div>
    }
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
