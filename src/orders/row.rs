//! The table of orders, whose rows have buttons to issue or deny the order in place.

use super::{Order, Status};
use crate::{
    error::Error,
    i18n::Locale,
    ui::{
        self,
        failure::Failure,
        form::{FormAction, fields_of},
    },
};
use leptos::{
    ev::SubmitEvent,
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlButtonElement, HtmlElement, HtmlFormElement},
};
use leptos_i18n::td_string;
use maud::{Markup, html};
use std::collections::HashMap;

/// Issues an order.
#[server(endpoint = "issue_order")]
pub async fn issue_order(id: i64) -> Result<Order, Error> {
    use crate::{server_context, ui::banner::Success};
    let order = server_context::write(move |tx| super::service::issue(tx, id)).await?;
    server_context::redirect_back(Success::OrderIssued);
    Ok(order)
}

/// Denies an order.
#[server(endpoint = "deny_order")]
pub async fn deny_order(id: i64) -> Result<Order, Error> {
    use crate::{server_context, ui::banner::Success};
    let order = server_context::write(move |tx| super::service::deny(tx, id)).await?;
    server_context::redirect_back(Success::OrderDenied);
    Ok(order)
}

/// The state of an order on a page, which changes in place.
#[derive(Clone, Copy)]
pub struct LiveOrder {
    pub order: RwSignal<Order>,
    id: i64,
    /// Whether the order waited when the page was drawn.
    waited: bool,
    issue: FormAction,
    deny: FormAction,
}

impl LiveOrder {
    /// Creates the state, with the actions to issue and deny the order.
    pub fn new(order: Order) -> Self {
        let live = Self {
            id: order.id,
            waited: waits(&order),
            order: RwSignal::new(order),
            issue: FormAction::in_row::<IssueOrder>(),
            deny: FormAction::in_row::<DenyOrder>(),
        };
        live.follow(live.issue);
        live.follow(live.deny);
        Effect::new(move || live.set_disabled(live.is_pending()));
        live
    }

    fn follow(self, action: FormAction) {
        let locale = ui::locale();
        Effect::new(move || {
            if let Some(order) = action.made::<Order>() {
                let words = order.status.display(|status| status.label(locale));
                ui::announce(
                    td_string!(locale, orders.announce, id = order.id, status = words).to_string(),
                );
                self.order.set(order);
                focus_drawn(status_id(self.id));
                return;
            }
            match action.error() {
                Some(Error::OrderIs(status)) => {
                    // Someone else settled the order first.
                    self.order.update(|order| order.status = status);
                    focus_drawn(status_id(self.id));
                }
                // The buttons were drawn again with the message.
                Some(_) => focus_drawn(issue_id(self.id)),
                None => {}
            }
        });
    }

    /// Sends the form of a button, unless one was sent already.
    fn submit(self, event: &SubmitEvent) {
        event.prevent_default();
        let form: HtmlFormElement = event_target(event);
        if untrack(|| self.is_pending()) {
            return;
        }
        if let Some(fields) = fields_of(&form) {
            let is_denial = form.get_attribute("action").as_deref() == Some(self.deny.path());
            let action = if is_denial { self.deny } else { self.issue };
            action.send(fields);
        }
    }

    /// Disables the buttons in place, so that the focus and an open question stay until the answer is here.
    fn set_disabled(self, is_disabled: bool) {
        let Some(buttons) = document()
            .get_element_by_id(&actions_id(self.id))
            .and_then(|actions| actions.query_selector_all("button").ok())
        else {
            return;
        };
        for button in (0..buttons.length()).filter_map(|index| buttons.item(index)) {
            let button: HtmlButtonElement = button.unchecked_into();
            button.set_disabled(is_disabled);
        }
    }

    fn is_pending(self) -> bool {
        self.issue.is_pending() || self.deny.is_pending()
    }

    fn error(self) -> Option<Error> {
        self.issue.error().or_else(|| self.deny.error())
    }

    /// Returns the error that does not explain itself by the new status.
    fn failure(self) -> Option<Error> {
        let waits = self.order.with(waits);
        self.error().filter(|error| waits || !is_conflict(error))
    }

    fn actions(self, locale: Locale) -> Markup {
        let conflict = self.error().filter(is_conflict);
        self.order
            .with(|order| actions(order, self.waited, conflict, locale))
    }
}

/// The status of an order.
#[component]
pub fn StatusBadge(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    view! { <span inner_html=move || live.order.with(|order| status(order, locale)).into_string()></span> }
}

/// The buttons to issue or deny an order; nothing if the order was already settled when the page was drawn.
#[component]
pub fn OrderActions(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <div on:submit=move |event| live.submit(&event) inner_html=move || live.actions(locale).into_string()></div>
        {move || live.failure().map(|error| view! { <Failure error /> })}
    }
}

const fn waits(order: &Order) -> bool {
    matches!(order.status.known(), Some(Status::PaidNotIssued))
}

fn status_id(id: i64) -> String {
    format!("status-{id}")
}

fn issue_id(id: i64) -> String {
    format!("issue-{id}")
}

fn actions_id(id: i64) -> String {
    format!("actions-{id}")
}

/// Gives an element the focus, once it is drawn.
fn focus_drawn(id: String) {
    request_animation_frame(move || {
        let element = document().get_element_by_id(&id);
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}

/// Draws the status of an order as text, symbol and colour. It gets the focus when the buttons disappear.
fn status(order: &Order, locale: Locale) -> Markup {
    let (class, sign) = match order.status.known() {
        Some(Status::PaidNotIssued) => ("badge-info", "● "),
        Some(Status::PaidIssued) => ("badge-success", "✓ "),
        Some(Status::PaidDenied) => ("badge-ghost", "✕ "),
        None => ("badge-warning", "? "),
    };
    html! {
        span class={ "status-badge badge " (class) } id=(status_id(order.id)) tabindex="-1" {
            span aria-hidden="true" { (sign) }
            (order.status.display(|status| status.label(locale)))
        }
    }
}

/// Draws the buttons of an order that waits. A row keeps its size after that, so that no other row moves under the
/// pointer.
fn actions(order: &Order, waited: bool, conflict: Option<Error>, locale: Locale) -> Markup {
    let id = order.id;
    let question = format!("deny-{id}");
    let (issue, deny) = (
        td_string!(locale, orders.issue),
        td_string!(locale, orders.deny),
    );
    let number = td_string!(locale, orders.number, id = id).to_string();
    if !waits(order) {
        return html! {
            @if waited {
                div class="row-settled" {
                    div class="row-actions row-actions-done" aria-hidden="true" {
                        span class="btn btn-primary btn-action" { (issue) }
                        span class="btn btn-action" { (deny) }
                    }
                    @if let Some(error) = conflict {
                        p class="row-conflict" role="alert" { (error.message(locale)) }
                    }
                }
            }
        };
    }
    html! {
        div class="row-actions" id=(actions_id(id)) {
            form method="post" action=(IssueOrder::PATH) {
                input type="hidden" name="id" value=(id);
                button
                    class="btn btn-primary btn-action"
                    type="submit"
                    id=(issue_id(id))
                    aria-label={ (issue) ": " (number) }
                { (issue) }
            }
            button class="btn btn-action" type="button" popovertarget=(question) aria-label={ (deny) ": " (number) } {
                (deny)
            }
            div class="question" id=(question) popover="auto" role="dialog" aria-label=(deny) {
                p { (td_string!(locale, orders.deny_question, id = id).to_string()) }
                div class="question-buttons" {
                    form method="post" action=(DenyOrder::PATH) {
                        input type="hidden" name="id" value=(id);
                        button class="btn btn-error" type="submit" { (td_string!(locale, orders.do_deny)) }
                    }
                    button class="btn" type="button" popovertarget=(question) popovertargetaction="hide" autofocus {
                        (td_string!(locale, orders.do_not_deny))
                    }
                }
            }
        }
    }
}

/// Returns whether someone else settled the order first.
const fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::OrderIs(_))
}

/// A table of orders; on a phone, each row is a card.
#[component]
pub fn OrderTable(
    orders: Vec<Order>,
    /// Column headers that sort, for the list of orders.
    #[prop(optional)]
    head: Option<AnyView>,
) -> impl IntoView {
    let locale = ui::locale();
    let drawn = html! {
        @for order in &orders {
            tr role="row" { (cells(order, &actions(order, waits(order), None, locale), None, locale)) }
        }
    }
    .into_string();
    let rows = Rows::new(orders);
    let plain_head = move || {
        view! {
            <th scope="col" role="columnheader">
                {td_string!(locale, fields.id)}
            </th>
            <th scope="col" role="columnheader">
                {td_string!(locale, fields.date)}
            </th>
            <th scope="col" role="columnheader">
                {td_string!(locale, fields.product)}
            </th>
            <th scope="col" role="columnheader" class="num">
                {td_string!(locale, fields.qty)}
            </th>
            <th scope="col" role="columnheader" class="num">
                {td_string!(locale, fields.unit_price_rub)}
            </th>
            <th scope="col" role="columnheader" class="num">
                {td_string!(locale, fields.total)}
            </th>
            <th scope="col" role="columnheader">
                {td_string!(locale, fields.phone)}
            </th>
            <th scope="col" role="columnheader">
                {td_string!(locale, fields.status)}
            </th>
        }
        .into_any()
    };
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    {head.unwrap_or_else(plain_head)} <th scope="col" role="columnheader">
                        <span class="sr-only">{td_string!(locale, ui.actions)}</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" on:submit=move |event| rows.submit(&event) inner_html=drawn></tbody>
        </table>
    }
}

/// The orders of a table. A row is drawn as plain HTML, because a page has many; it gets a state of its own once one of
/// its buttons is used.
#[derive(Clone, Copy)]
struct Rows {
    orders: StoredValue<Vec<Order>>,
    live: StoredValue<HashMap<i64, LiveOrder>>,
    /// Owns the states of the rows, and with them their effects.
    owner: StoredValue<Option<Owner>>,
}

impl Rows {
    fn new(orders: Vec<Order>) -> Self {
        Self {
            orders: StoredValue::new(orders),
            live: StoredValue::default(),
            owner: StoredValue::new(Owner::current()),
        }
    }

    fn submit(self, event: &SubmitEvent) {
        let form: HtmlFormElement = event_target(event);
        let id = fields_of(&form).and_then(|fields| fields.strip_prefix("id=")?.parse().ok());
        let row = form.closest("tr").ok().flatten();
        if let (Some(id), Some(row)) = (id, row)
            && let Some(live) = self.state(id, row)
        {
            live.submit(event);
        }
    }

    /// Returns the state of a row, and creates it the first time.
    fn state(self, id: i64, row: Element) -> Option<LiveOrder> {
        if let Some(live) = self.live.with_value(|live| live.get(&id).copied()) {
            return Some(live);
        }
        let find = |orders: &Vec<Order>| orders.iter().find(|order| order.id == id).cloned();
        let order = self.orders.with_value(find)?;
        let owner = self.owner.get_value()?;
        let live = owner.with(|| {
            let (live, locale) = (LiveOrder::new(order), ui::locale());
            Effect::new(move |before: Option<()>| {
                let cells = live.order.with(|order| {
                    cells(
                        order,
                        &live.actions(locale),
                        live.failure().as_ref(),
                        locale,
                    )
                });
                if before.is_some() {
                    row.set_inner_html(&cells.into_string());
                }
            });
            live
        });
        self.live.update_value(|all| {
            all.insert(id, live);
        });
        Some(live)
    }
}

/// Returns the number of an order as a link that calls it; after an erasure, only the words that say so.
pub fn phone_link(order: &Order) -> AnyView {
    let shown = order.phone_shown.clone();
    if order.is_erased() {
        return shown.into_any();
    }
    view! {
        <a class="phone" href=format!("tel:{}", order.phone)>
            {shown}
        </a>
    }
    .into_any()
}

/// Draws the cells of a row.
fn cells(order: &Order, actions: &Markup, failure: Option<&Error>, locale: Locale) -> Markup {
    let product = format!("/products/{}", order.product_id);
    let customer = order
        .customer_name
        .as_deref()
        .filter(|_| !order.is_erased());
    html! {
        td role="cell" data-label=(td_string!(locale, fields.id)) {
            a class="link" href={ "/orders/" (order.id) } { (order.id) }
        }
        td role="cell" class="date" data-label=(td_string!(locale, fields.date)) { (order.created_at.display(locale)) }
        td role="cell" class="row-title" { a class="link" href=(product) { (order.product_name) } }
        td role="cell" class="num" data-label=(td_string!(locale, fields.qty)) { (order.qty.display(locale)) }
        td role="cell" class="num" data-label=(td_string!(locale, fields.unit_price_rub)) {
            (order.unit_price_rub.display(locale))
        }
        td role="cell" class="num" data-label=(td_string!(locale, fields.total)) { (order.total_rub().display(locale)) }
        td role="cell" data-label=(td_string!(locale, fields.phone)) {
            span {
                @if order.is_erased() { (order.phone_shown) }
                @else { a class="phone" href={ "tel:" (order.phone) } { (order.phone_shown) } }
                @if let Some(name) = customer { " " span class="customer" { (name) } }
            }
        }
        td role="cell" data-label=(td_string!(locale, fields.status)) { (status(order, locale)) }
        td role="cell" class="actions-cell" {
            (actions)
            @if let Some(error) = failure {
                div class="alert alert-error alert-soft mb-4" role="alert" {
                    div {
                        p { (error.message(locale)) }
                        @if error.shows_request_id() {
                            p class="text-sm opacity-80" {
                                (td_string!(locale, errors.request_id)) ": " code { (ui::request_id()) }
                            }
                        }
                    }
                }
            }
        }
    }
}
