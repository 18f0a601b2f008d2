//! The form that books a basket: the customer, and one product after another.
//!
//! The row below the lines takes the next product. With JavaScript, Enter moves it to the lines; without, the button
//! for another line sends the form, and the server gives it back with one more line. What is left in the row when the
//! form is sent is the last line.

use crate::{
    error::{Error, Problem},
    fields::Fields,
    i18n::Locale,
    money::Rub,
    number::{Qty, pieces, typed_pieces},
    orders::form::total,
    products::{
        combobox::Combobox,
        first::FirstProduct,
        offer::Offer,
        picker::{Handover, PickerData, ProductPicker, SEARCH_TIMEOUT, on_scan, prefill, resolve},
    },
    ui::{
        self, Announcer,
        form::{
            Field, Form, FormAction, FormState, IdempotencyKey, Interrupted, Submit, focus_field,
            form_state,
        },
        live::Live,
        pager::parameter,
    },
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    prelude::*,
    server_fn::codec::GetUrl,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlInputElement},
};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use std::collections::BTreeSet;

/// The fields of the row for the next product.
const ROW: [&str; 4] = ["product_id", "product", "qty", "unit_price_rub"];
/// Maximum number of products whose stock is read again at once.
#[cfg(feature = "ssr")]
const MOST_LINES: usize = 100;
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

/// Returns how many pieces of products are available. `ids` are separated by commas.
#[server(endpoint = "count_available", input = GetUrl)]
pub async fn count_available(ids: String) -> Result<Vec<(i64, i64)>, Error> {
    crate::server_context::read(move |tx| {
        let ids = ids.split(',').filter_map(|id| id.parse().ok());
        crate::products::search::available(tx, ids.take(MOST_LINES).collect())
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
    let announcer = use_context::<Announcer>();
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
    let on_pick = Callback::new(|()| focus_field("qty"));
    let is_alive = RwSignal::new(false);
    Effect::new(move || is_alive.set(true));
    // Enter in the row moves it to the lines, and goes on with the next product. This waits for nothing, so that what
    // is typed next is not taken for something else: the line finds its product by itself.
    let picker = Handover::default();
    let add_row = move || {
        let Some(state) = picker.state() else {
            return;
        };
        let typed = (qty.get_untracked(), price.get_untracked());
        if state.text().trim().is_empty() {
            focus_field("product");
            return;
        }
        if state.is_pending() && state.is_unresolved() {
            lines.add_pending(state, typed);
        } else {
            match state.meant() {
                Ok(offer) => {
                    announce_line(announcer, &offer, locale);
                    lines.add(offer, &typed.0, &typed.1);
                }
                Err(problem) => {
                    form.refuse("product", problem);
                    focus_field("product");
                    return;
                }
            }
        }
        picker.clear();
        qty.set("1".to_owned());
        price.set(String::new());
        focus_field("product");
    };
    let on_key = move |event: KeyboardEvent| {
        let target: HtmlInputElement = event_target(&event);
        let is_enter = event.key() == "Enter" && !event.is_composing();
        if is_enter && matches!(target.name().as_str(), "qty" | "unit_price_rub") {
            event.prevent_default();
            if !event.repeat() && !untrack(|| form.is_busy()) {
                add_row();
            }
        }
    };
    // The form is sent once the product of each line is known.
    let is_held = RwSignal::new(false);
    form.take_over(move || {
        let holds = lines.are_pending();
        is_held.set(holds);
        form.wait_for(holds.then_some("lines"));
        holds
    });
    Effect::new(move || {
        if !is_held.get() || lines.are_pending() {
            return;
        }
        is_held.set(false);
        form.wait_for(None);
        if let Some(wrong) = lines.first_unknown() {
            focus_field(&format!("line-{wrong}-product"));
        } else if let Some(form) = product_input().and_then(|input| input.form()) {
            request_animation_frame(move || {
                let _ = form.request_submit();
            });
        }
    });
    follow_stock(lines, chosen, picker);
    // While the form is being sent, a line would be lost. Then the scanner offers to open the product instead.
    Effect::new(move || {
        if form.is_busy() {
            return;
        }
        on_scan(move |offer| {
            announce_line(announcer, &offer, locale);
            let price = offer.sell_price_rub;
            let price = price.map(|price| price.input_value(locale));
            lines.add(offer, "1", &price.unwrap_or_default());
        });
    });
    let is_issued = RwSignal::new(false);
    let choose_status = move |event: MouseEvent| {
        let button: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
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
        <div on:keydown=on_key>
            <ProductPicker offers=start.offers chosen on_pick handover=picker />
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

/// Says that a product has its line.
fn announce_line(announcer: Option<Announcer>, offer: &Offer, locale: Locale) {
    let words = td_string!(locale, orders.line_added, product = offer.name.as_str());
    if let Some(announcer) = announcer {
        announcer.say(words.to_string());
    }
}

/// Shows how many pieces are available after others have booked, received or issued some.
fn follow_stock(lines: Lines, chosen: RwSignal<Option<Offer>>, picker: Handover) {
    let Some(live) = use_context::<Live>() else {
        return;
    };
    Effect::new(move |before: Option<()>| {
        let changes = live.changes.get();
        if before.is_none() {
            return;
        }
        let in_row =
            chosen.with_untracked(|offer| offer.as_ref().map(|offer| offer.id.to_string()));
        let shown = lines.product_ids().into_iter().chain(in_row);
        let changed: Vec<String> = shown.filter(|id| changes.has("product", id)).collect();
        if changed.is_empty() {
            return;
        }
        spawn_local(async move {
            // If it fails, booking still tells what is available.
            for (id, stock) in count_available(changed.join(",")).await.unwrap_or_default() {
                lines.restock(&id.to_string(), stock);
                picker.restock(id, stock);
            }
        });
    });
}

/// A product that was chosen, with what is typed about it.
#[derive(Clone)]
struct Line {
    key: usize,
    product: ArcRwSignal<LineProduct>,
    qty: ArcRwSignal<String>,
    price: ArcRwSignal<String>,
}

/// What is known of the product of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LineProduct {
    /// Empty if the product is only known by its name.
    id: String,
    name: String,
    /// Pieces available, if known.
    stock: Option<i64>,
    /// Whether the product for the name is being looked up.
    is_pending: bool,
    /// Why no product was found.
    problem: Option<Problem>,
}

impl Line {
    /// Shows the product that was looked up, or why there is none.
    fn resolve(&self, found: Result<Offer, Problem>, announcer: Option<Announcer>, locale: Locale) {
        if !self.product.with_untracked(|product| product.is_pending) {
            return;
        }
        match found {
            Ok(offer) => {
                announce_line(announcer, &offer, locale);
                if self.price.with_untracked(|price| price.trim().is_empty())
                    && let Some(price) = offer.sell_price_rub
                {
                    self.price.set(price.input_value(locale));
                }
                self.product.set(offer.into());
            }
            Err(problem) => self.product.update(|product| {
                product.is_pending = false;
                product.problem = Some(problem);
            }),
        }
    }
}

impl From<Offer> for LineProduct {
    fn from(offer: Offer) -> Self {
        Self {
            id: offer.id.to_string(),
            name: offer.name,
            stock: Some(offer.stock),
            ..Self::default()
        }
    }
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
                product: ArcRwSignal::new(LineProduct {
                    id: value("product_id"),
                    name: value("product"),
                    ..LineProduct::default()
                }),
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
        if self.raise(&offer, qty, None) {
            return;
        }
        self.push(LineProduct::from(offer), qty.to_owned(), price.to_owned());
    }

    /// Adds a line whose product is being looked up.
    fn add_pending(self, state: Combobox, (qty, price): (String, String)) {
        let product = LineProduct {
            name: state.text().to_owned(),
            is_pending: true,
            ..LineProduct::default()
        };
        let line = self.push(product, qty, price);
        let (locale, interrupted) = (ui::locale(), use_context::<Interrupted>());
        let announcer = use_context::<Announcer>();
        let given_up = line.clone();
        set_timeout(
            move || given_up.resolve(Err(Problem::NotLookedUp), announcer, locale),
            SEARCH_TIMEOUT,
        );
        spawn_local(async move {
            let found = resolve(state).await;
            if let (Err(Error::SignedOut), Some(interrupted)) = (&found, interrupted) {
                interrupted.ask();
            }
            let is_there = |lines: &Vec<Line>| lines.iter().any(|other| other.key == line.key);
            let is_left = self.0.try_with_untracked(is_there) != Some(true);
            if is_left || !line.product.with_untracked(|product| product.is_pending) {
                return;
            }
            let is_doubled = found
                .as_ref()
                .is_ok_and(|offer| self.raise(offer, &line.qty.get_untracked(), Some(line.key)));
            if is_doubled {
                self.0
                    .update(|lines| lines.retain(|other| other.key != line.key));
            }
            let problem = |error: Error| {
                let wrong = error.fields().into_iter().next();
                wrong.map_or(Problem::NotLookedUp, |wrong| wrong.problem)
            };
            line.resolve(found.map_err(problem), announcer, locale);
        });
    }

    fn push(self, product: LineProduct, qty: String, price: String) -> Line {
        let last = self
            .0
            .with_untracked(|lines| lines.iter().map(|line| line.key).max());
        let line = Line {
            key: last.map_or(0, |last| last + 1),
            product: ArcRwSignal::new(product),
            qty: ArcRwSignal::new(qty),
            price: ArcRwSignal::new(price),
        };
        self.0.update(|lines| lines.push(line.clone()));
        line
    }

    /// Raises the quantity of the line that has a product already, except for the line `own`. Returns whether there is
    /// one.
    fn raise(self, offer: &Offer, qty: &str, own: Option<usize>) -> bool {
        let id = offer.id.to_string();
        let present = self.0.with_untracked(|lines| {
            let line = lines.iter().find(|line| {
                Some(line.key) != own && line.product.with_untracked(|product| product.id == id)
            })?;
            Some(line.qty.clone())
        });
        let Some(present) = present else {
            return false;
        };
        let before = typed_pieces(&present.get_untracked());
        if let (Some(before), Some(more)) = (before, typed_pieces(qty)) {
            present.set(before.saturating_add(more).to_string());
        }
        true
    }

    fn product_ids(self) -> Vec<String> {
        let ids = |lines: &Vec<Line>| {
            let id = |line: &Line| line.product.with_untracked(|product| product.id.clone());
            lines.iter().map(id).filter(|id| !id.is_empty()).collect()
        };
        self.0.try_with_untracked(ids).unwrap_or_default()
    }

    fn restock(self, id: &str, stock: i64) {
        let lines = self.0.try_get_untracked().unwrap_or_default();
        for line in lines {
            if line.product.with_untracked(|product| product.id == id) {
                line.product.update(|product| product.stock = Some(stock));
            }
        }
    }

    /// Returns whether the product of a line is being looked up.
    fn are_pending(self) -> bool {
        self.0.with(|lines| {
            lines
                .iter()
                .any(|line| line.product.with(|product| product.is_pending))
        })
    }

    /// Returns the key of the first line for which no product was found.
    fn first_unknown(self) -> Option<usize> {
        self.0.with_untracked(|lines| {
            let mut unknown = lines.iter().filter(|line| {
                line.product
                    .with_untracked(|product| product.problem.is_some())
            });
            unknown.next().map(|line| line.key)
        })
    }

    fn remove(self, key: usize) {
        self.0.update(|lines| lines.retain(|line| line.key != key));
        focus_field("product");
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
        product,
        qty,
        price,
    } = line;
    let name = move |field: &'static str| move || format!("lines.{}.{field}", index.get());
    let (with_problem, with_qty) = (product.clone(), qty.clone());
    let problems = move || {
        let problem = |field: &&str| form.problem(&format!("lines.{}.{field}", index.get()));
        let own = with_problem.with(|product| product.problem.clone());
        // Once the server has refused the quantity, it has said why.
        let own_qty = with_qty.with(|qty| qty_problem(qty));
        let own_qty = own_qty.filter(|_| problem(&"qty").is_none());
        let words: Vec<String> = (ROW.iter().filter_map(problem))
            .chain(own)
            .chain(own_qty)
            .map(|problem| problem.message(locale))
            .collect();
        words.join(" ")
    };
    // The line turns red before it is sent.
    let is_short = {
        let (product, qty) = (product.clone(), qty.clone());
        move || {
            let stock = product.with(|product| product.stock);
            let wanted = qty.with(|qty| typed_pieces(qty));
            wanted
                .zip(stock)
                .is_some_and(|(wanted, stock)| wanted > stock)
        }
    };
    let is_wrong = {
        let (is_short, problems) = (is_short.clone(), problems.clone());
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
            focus_field("product");
        }
    };
    let called = {
        let product = product.clone();
        move || product.with(|product| product.name.clone())
    };
    let labelled = |label: &'static str| {
        let called = called.clone();
        move || format!("{label}: {}", called())
    };
    let qty_label = labelled(td_string!(locale, fields.qty));
    let price_label = labelled(td_string!(locale, fields.unit_price_rub));
    let remove_label = {
        let called = called.clone();
        move || {
            let product = called();
            td_string!(locale, orders.remove_line, product = product.as_str()).to_string()
        }
    };
    let product_id = {
        let product = product.clone();
        move || product.with(|product| product.id.clone())
    };
    let is_unknown = {
        let product = product.clone();
        Memo::new(move |_| product.with(|product| product.id.is_empty() && !product.is_pending))
    };
    let renamed = product.clone();
    let rename = move |event| {
        renamed.update(|product| {
            product.name = event_target_value(&event);
            product.problem = None;
        });
    };
    let with_problem = product.clone();
    let is_refused = move || {
        let has_problem = with_problem.with(|product| product.problem.is_some());
        has_problem || form.problem(&name("product")()).is_some()
    };
    // Without JavaScript, a line is removed by emptying this field.
    let product_field = move || {
        let (called, rename, is_refused) = (called.clone(), rename.clone(), is_refused.clone());
        if is_unknown.get() {
            view! {
                <input
                    class="input line-product"
                    id=format!("line-{key}-product")
                    name=name("product")
                    value=untrack(&called)
                    aria-label=move || format!("{} {}", td_string!(locale, fields.product), index.get() + 1)
                    aria-invalid=move || is_refused().then_some("true")
                    aria-describedby=format!("line-{key}-note")
                    on:input=rename
                />
            }
            .into_any()
        } else {
            let shown = called.clone();
            view! {
                <span class="line-product">{shown}</span>
                <input type="hidden" name=name("product") value=called />
            }
            .into_any()
        }
    };
    let available = move || {
        product.with(|product| match product.stock {
            _ if product.is_pending => Some(td_string!(locale, products.searching).to_owned()),
            stock => {
                let words = |stock| {
                    td_string!(locale, orders.available, count = pieces(stock, locale)).to_string()
                };
                stock.map(words)
            }
        })
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
                {available}
                " "
                <span class="field-error">{problems}</span>
            </p>
        </li>
    }
}

/// Returns what is wrong with a quantity that was typed. An empty field is no problem yet: the user may still type.
fn qty_problem(text: &str) -> Option<Problem> {
    if text.trim().is_empty() {
        return None;
    }
    match typed_pieces(text) {
        Some(0) => Some(Problem::TooSmall(1)),
        Some(pieces) if pieces > Qty::MAX.0 => Some(Problem::TooLarge(Qty::MAX.0)),
        Some(_) => None,
        None => Some(Problem::NotNumber),
    }
}

fn product_input() -> Option<HtmlInputElement> {
    let input = document().get_element_by_id("product")?;
    input.dyn_into().ok()
}
