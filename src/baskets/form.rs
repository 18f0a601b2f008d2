//! The form that books a basket: the customer, and one product after another.
//!
//! The row below the lines takes the next product. With JavaScript, Enter moves it to the lines; without, the button
//! for another line sends the form, and the server gives it back with one more line. What is left in the row when the
//! form is sent is the last line.

use crate::{
    error::{Error, Problem},
    fields::Fields,
    money::Rub,
    number::pieces,
    orders::form::total,
    products::{
        first::FirstProduct,
        offer::Offer,
        picker::{PickerData, ProductPicker, prefill},
    },
    ui::{
        self,
        form::{Field, Form, FormAction, FormState, IdempotencyKey, Submit, form_state},
        pager::parameter,
    },
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    prelude::*,
    server_fn::codec::GetUrl,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, HtmlInputElement},
};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use std::collections::BTreeSet;

/// The fields of the row for the next product.
const ROW: [&str; 4] = ["product_id", "product", "qty", "unit_price_rub"];
/// The status of orders that are handed out at once.
const ISSUED: &str = "paid_issued";

/// Returns the initial data of the form.
#[server(endpoint = "new_order", input = GetUrl)]
pub async fn new_order(#[server(default)] product: String) -> Result<PickerData, Error> {
    crate::server_context::read(move |tx| {
        tx.actor.may(crate::auth::Permission::Orders)?;
        crate::products::picker::start(tx, &product)
    })
    .await
}

/// Books a basket and redirects to its page, or to that of its only order. Returns the number.
#[server(endpoint = "create_order")]
pub async fn create_order(
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<i64, Error> {
    use super::service;
    use crate::{orders::service::settled_by, server_context, ui::banner::Success};
    let is_more = fields.0.contains_key("more");
    let is_issued = fields
        .0
        .get("status")
        .is_some_and(|status| status == ISSUED);
    if is_more {
        // A refusal gives the form back as it was typed.
        return server_context::set_status(Err(Error::AnotherLine));
    }
    let (fields, row) = with_row_as_line(fields);
    let booked = server_context::submit(fields, move |tx, new| {
        let basket = service::create(tx, &idempotency_key, new)?;
        let issued = settled_by(tx, &basket.orders)?;
        Ok((basket, issued))
    });
    let (basket, issued) = booked.await.map_err(|error| at_row(error, row))?;
    let done = if is_issued {
        Success::OrderIssued
    } else {
        Success::OrderCreated
    };
    let page = match basket.orders.len() {
        1 => format!("/orders/{}", basket.id),
        _ => format!("/baskets/{}", basket.id),
    };
    server_context::redirect_undoable(&page, done, &issued);
    Ok(basket.id)
}

/// Makes the row for the next product the last line, unless it is empty and there are others. Lines whose product was
/// removed are left out. Returns the number of the last line.
#[cfg(feature = "ssr")]
fn with_row_as_line(mut fields: Fields) -> (Fields, usize) {
    let numbers = fields.0.keys().filter_map(|name| {
        let (number, _) = name.strip_prefix("lines.")?.split_once('.')?;
        number.parse::<usize>().ok()
    });
    let numbers: BTreeSet<usize> = numbers.collect();
    let next = numbers.last().map_or(0, |last| last + 1);
    for field in ROW {
        let value = fields.0.remove(field).unwrap_or_default();
        fields.0.insert(format!("lines.{next}.{field}"), value);
    }
    let is_empty = |fields: &Fields, number: usize| {
        ["product_id", "product"].iter().all(|field| {
            let value = fields.0.get(&format!("lines.{number}.{field}"));
            value.is_none_or(|value| value.trim().is_empty())
        })
    };
    let is_other = |fields: &Fields| numbers.iter().any(|number| !is_empty(fields, *number));
    let keeps_row = !is_other(&fields);
    for number in numbers.iter().copied().chain([next]) {
        if is_empty(&fields, number) && !(keeps_row && number == next) {
            let prefix = format!("lines.{number}.");
            fields.0.retain(|name, _| !name.starts_with(&prefix));
        }
    }
    (fields, next)
}

/// Names the problems of the last line after the fields of the row that it was typed into.
#[cfg(feature = "ssr")]
fn at_row(error: Error, row: usize) -> Error {
    use crate::error::{FieldError, Problem};
    let prefix = format!("lines.{row}.");
    let rename = |wrong: FieldError| FieldError {
        field: match wrong.field.strip_prefix(&prefix) {
            Some(field) => field.to_owned(),
            None => wrong.field,
        },
        problem: wrong.problem,
    };
    match error {
        Error::Invalid(fields) => Error::Invalid(fields.into_iter().map(rename).collect()),
        Error::LinesOutOfStock(fields) => {
            let fields: Vec<FieldError> = fields.into_iter().map(rename).collect();
            match &fields[..] {
                [
                    FieldError {
                        field,
                        problem: Problem::OutOfStock { stock, qty },
                    },
                ] if field == "qty" => Error::OutOfStock {
                    stock: *stock,
                    qty: *qty,
                },
                _ => Error::LinesOutOfStock(fields),
            }
        }
        error => error,
    }
}

/// The page that books a basket.
#[component]
pub fn NewOrderPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let start = ui::data(move || parameter(&params.read(), "product"), new_order);
    view! {
        <Title text=td_string!(locale, orders.new_order) />
        <div class="narrow">
            <p class="crumb">
                <a class="link" href="/orders">
                    "← "
                    {td_string!(locale, nav.orders)}
                </a>
            </p>
            <h1>{td_string!(locale, orders.new_order)}</h1>
            {ui::loaded(
                start,
                |start| {
                    if start.offers.is_empty() {
                        view! { <FirstProduct /> }.into_any()
                    } else {
                        view! { <NewOrderForm start /> }.into_any()
                    }
                },
            )}
        </div>
    }
}

#[component]
fn NewOrderForm(start: PickerData) -> impl IntoView {
    let action = FormAction::new::<CreateOrder>();
    view! {
        <Form action>
            <NewOrderFields start />
        </Form>
    }
}

#[component]
fn NewOrderFields(start: PickerData) -> impl IntoView {
    let locale = ui::locale();
    let form = form_state();
    let lines = Lines::typed(form);
    let list_price = start
        .chosen
        .as_ref()
        .and_then(|offer| offer.sell_price_rub)
        .map(|price| price.input_value(locale))
        .unwrap_or_default();
    let chosen = RwSignal::new(start.chosen);
    let price = RwSignal::new(String::new());
    let qty = RwSignal::new(String::new());
    // The price belongs to the product. If another name is typed and not picked, the field is cleared and the sale
    // price of that product applies.
    prefill(chosen, price, true, move |offer| {
        let own = offer.sell_price_rub;
        own.map(|price| price.input_value(locale))
            .unwrap_or_default()
    });
    // At once, so that what is typed next is the quantity even if the offers are not there yet.
    let on_pick = Callback::new(|()| focus("qty"));
    let is_alive = RwSignal::new(false);
    Effect::new(move || is_alive.set(true));
    // Enter in the row moves it to the lines, and goes on with the next product. Like sending the form, this waits
    // until it is known which product is meant. A second Enter meanwhile books, as it does in the empty field for the
    // product.
    let enters = StoredValue::new(0);
    let note_enter = move |event: KeyboardEvent| {
        let target: HtmlInputElement = event_target(&event);
        if event.key() == "Enter" && !event.is_composing() && !event.repeat() {
            let is_waiting = untrack(|| form.is_busy());
            enters.update_value(|enters| {
                *enters = match target.id().as_str() {
                    "product" => 0,
                    _ if is_waiting => *enters + 1,
                    _ => 1,
                }
            });
        }
    };
    form.take_over(move || {
        let pressed = enters.get_value();
        enters.set_value(0);
        if pressed == 0 {
            return false;
        }
        if let Some(offer) = chosen.get_untracked() {
            let words = td_string!(locale, orders.line_added, product = offer.name.as_str());
            ui::announce(words.to_string());
            lines.add(offer, &qty.get_untracked(), &price.get_untracked());
            chosen.set(None);
            qty.set("1".to_owned());
            price.set(String::new());
        } else if product_input().is_some_and(|input| !input.value().trim().is_empty()) {
            // Nothing is booked, because more was to come.
            form.refuse("product", Problem::NotLookedUp);
            return true;
        }
        focus("product");
        if pressed > 1 {
            request_animation_frame(|| {
                if let Some(form) = product_input().and_then(|input| input.form()) {
                    let _ = form.request_submit();
                }
            });
        }
        true
    });
    let is_issued = RwSignal::new(false);
    let choose_status = move |event: MouseEvent| {
        let button: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
        // Enter in a field clicks the first button, too.
        if event.detail() > 0 || button == document().active_element() {
            enters.set_value(0);
        }
        is_issued.set(
            button.is_some_and(|button| button.get_attribute("name").as_deref() == Some("status")),
        );
    };
    let sum = move || {
        let row = Some((qty.get(), price.get())).filter(|_| {
            // Without JavaScript, the row is not known to have a product.
            chosen.with(Option::is_some)
        });
        lines
            .total(row)
            .map_or_else(ui::dash, |total| total.display(locale))
    };
    view! {
        <IdempotencyKey fresh=start.idempotency_key />
        <Field
            name="phone"
            label=td_string!(locale, fields.phone)
            kind="tel"
            inputmode="tel"
            required=true
            autofocus=true
        />
        <Field name="customer_name" label=td_string!(locale, fields.customer_name) />
        <LineList lines />
        <div on:keydown=note_enter>
            <ProductPicker offers=start.offers chosen on_pick />
            <div class="field-pair">
                <Field
                    name="qty"
                    label=td_string!(locale, fields.qty)
                    value="1"
                    bind=qty
                    inputmode="numeric"
                    required=true
                />
                <Field
                    name="unit_price_rub"
                    label=td_string!(locale, fields.unit_price_rub)
                    hint=td_string!(locale, orders.price_hint)
                    value=list_price
                    bind=price
                    inputmode="decimal"
                />
            </div>
        </div>
        <p class="total">
            {td_string!(locale, fields.total)} ": " <output for="qty unit_price_rub">{sum}</output>
        </p>
        // Scripts do not send the name of the button.
        <input
            type="hidden"
            name="status"
            disabled=move || !is_alive.get()
            prop:value=move || if is_issued.get() { ISSUED } else { "" }
        />
        <div class="form-buttons" on:click=choose_status>
            <Submit label=td_string!(locale, orders.create) />
            <button class="btn" type="submit" name="status" value=ISSUED disabled=move || form.is_busy()>
                {td_string!(locale, orders.create_and_issue)}
            </button>
            <button class="btn" type="submit" name="more" value="1" hidden=move || is_alive.get()>
                {td_string!(locale, orders.add_line)}
            </button>
        </div>
    }
}

/// A product that was chosen, with what is typed about it.
#[derive(Clone)]
struct Line {
    key: usize,
    /// Empty if the product is only known by its name.
    product_id: String,
    product: String,
    /// Pieces available, if known.
    stock: Option<i64>,
    qty: ArcRwSignal<String>,
    price: ArcRwSignal<String>,
}

/// The lines of the form.
#[derive(Clone, Copy)]
struct Lines(RwSignal<Vec<Line>>);

impl Lines {
    /// Returns the lines that were typed before, if the form was sent without JavaScript. If another line is wanted,
    /// the row is one of them, and starts empty.
    fn typed(form: FormState) -> Self {
        let mut items = form.items("lines");
        if form.error() == Some(Error::AnotherLine) {
            items.push(
                ROW.iter()
                    .map(|field| ((*field).to_owned(), form.take(field)))
                    .collect(),
            );
        }
        let line = |(key, item): (usize, std::collections::BTreeMap<String, String>)| {
            let value = |field: &str| item.get(field).cloned().unwrap_or_default();
            Line {
                key,
                product_id: value("product_id"),
                product: value("product"),
                stock: None,
                qty: ArcRwSignal::new(value("qty")),
                price: ArcRwSignal::new(value("unit_price_rub")),
            }
        };
        Self(RwSignal::new(
            items.into_iter().enumerate().map(line).collect(),
        ))
    }

    /// Adds a product, or raises the quantity of the line that has it.
    fn add(self, offer: Offer, qty: &str, price: &str) {
        let id = offer.id.to_string();
        let present = self.0.with_untracked(|lines| {
            let line = lines.iter().find(|line| line.product_id == id)?;
            Some(line.qty.clone())
        });
        if let Some(present) = present {
            let count = |text: &str| text.trim().parse::<i64>().ok();
            if let (Some(before), Some(more)) = (count(&present.get_untracked()), count(qty)) {
                present.set(before.saturating_add(more).to_string());
            }
            return;
        }
        self.0.update(|lines| {
            lines.push(Line {
                key: lines
                    .iter()
                    .map(|line| line.key + 1)
                    .max()
                    .unwrap_or_default(),
                product_id: id,
                product: offer.name,
                stock: Some(offer.stock),
                qty: ArcRwSignal::new(qty.to_owned()),
                price: ArcRwSignal::new(price.to_owned()),
            });
        });
    }

    fn remove(self, key: usize) {
        self.0.update(|lines| lines.retain(|line| line.key != key));
        focus("product");
    }

    /// Returns what all lines and the row cost, as far as their quantities and prices are valid.
    fn total(self, row: Option<(String, String)>) -> Option<Rub> {
        let lines = self.0.get().into_iter();
        let typed = lines.map(|line| (line.qty.get(), line.price.get()));
        let totals: Vec<Rub> = typed
            .chain(row)
            .filter_map(|(qty, price)| total(&qty, &price))
            .collect();
        let sum = totals
            .iter()
            .fold(0, |sum: i64, total| sum.saturating_add(total.0));
        (!totals.is_empty()).then_some(Rub(sum))
    }
}

/// The products that were chosen so far.
#[component]
fn LineList(lines: Lines) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <ul
            class="basket-lines"
            aria-label=td_string!(locale, orders.lines)
            hidden=move || lines.0.with(Vec::is_empty)
        >
            <ForEnumerate
                each=move || lines.0.get()
                key=|line| line.key
                children=move |index, line| view! { <LineRow lines index line /> }
            />
        </ul>
    }
}

#[component]
fn LineRow(lines: Lines, index: ReadSignal<usize>, line: Line) -> impl IntoView {
    let locale = ui::locale();
    let form = form_state();
    let Line {
        key,
        product_id,
        product,
        stock,
        qty,
        price,
    } = line;
    let name = move |field: &'static str| move || format!("lines.{}.{field}", index.get());
    let problems = move || {
        let problem = |field: &&str| form.problem(&format!("lines.{}.{field}", index.get()));
        let problems = ROW.iter().filter_map(problem);
        let words: Vec<String> = problems.map(|problem| problem.message(locale)).collect();
        words.join(" ")
    };
    // The line turns red before it is sent.
    let is_short = {
        let qty = qty.clone();
        move || {
            let wanted = qty.get().trim().parse::<i64>().ok();
            wanted
                .zip(stock)
                .is_some_and(|(wanted, stock)| wanted > stock)
        }
    };
    let is_wrong = {
        let is_short = is_short.clone();
        move || is_short() || !problems().is_empty()
    };
    let (wrong_qty, wrong_line) = (is_wrong.clone(), is_wrong.clone());
    let sum = {
        let (qty, price) = (qty.clone(), price.clone());
        move || total(&qty.get(), &price.get()).map_or_else(ui::dash, |total| total.display(locale))
    };
    let go_on = |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.is_composing() {
            event.prevent_default();
            focus("product");
        }
    };
    let labelled = |label: &str| format!("{label}: {product}");
    let qty_label = labelled(td_string!(locale, fields.qty));
    let price_label = labelled(td_string!(locale, fields.unit_price_rub));
    let remove_label =
        td_string!(locale, orders.remove_line, product = product.as_str()).to_string();
    // Without JavaScript, a line is removed by emptying this field.
    let product_field = if product_id.is_empty() {
        view! {
            <input
                class="input line-product"
                name=name("product")
                value=product
                aria-label=move || format!("{} {}", td_string!(locale, fields.product), index.get() + 1)
            />
        }
        .into_any()
    } else {
        view! {
            <span class="line-product">{product.clone()}</span>
            <input type="hidden" name=name("product") value=product />
        }
        .into_any()
    };
    let (typed_qty, typed_price) = (qty.clone(), price.clone());
    view! {
        <li class="basket-line" class:wrong=wrong_line>
            <input type="hidden" name=name("product_id") value=product_id />
            {product_field}
            <input
                class="input line-qty"
                id=format!("line-{key}-qty")
                name=name("qty")
                inputmode="numeric"
                autocomplete="off"
                value=qty.get_untracked()
                prop:value=move || qty.get()
                aria-label=qty_label
                aria-invalid=move || wrong_qty().then_some("true")
                aria-describedby=format!("line-{key}-note")
                on:input=move |event| typed_qty.set(event_target_value(&event))
                on:keydown=go_on
            />
            <input
                class="input line-price"
                name=name("unit_price_rub")
                inputmode="decimal"
                autocomplete="off"
                value=price.get_untracked()
                prop:value=move || price.get()
                aria-label=price_label
                on:input=move |event| typed_price.set(event_target_value(&event))
                on:keydown=go_on
            />
            <span class="line-total">{sum}</span>
            <button
                class="btn line-remove"
                type="button"
                aria-label=remove_label
                on:click=move |_| lines.remove(key)
            >
                "×"
            </button>
            <p class="line-note" id=format!("line-{key}-note")>
                {stock.map(|stock| td_string!(locale, orders.available, count = pieces(stock, locale)).to_string())}
                " "
                <span class="field-error">{problems}</span>
            </p>
        </li>
    }
}

fn product_input() -> Option<HtmlInputElement> {
    let input = document().get_element_by_id("product")?;
    input.dyn_into().ok()
}

/// Moves the focus to a field and selects its text.
fn focus(id: &str) {
    let field = document().get_element_by_id(id);
    let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    let _ = field.focus();
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.select();
    }
}
