//! The table of orders, whose rows have buttons to issue or deny the order in place.

#[cfg(feature = "ssr")]
use super::Order;
use super::Status;
use crate::{
    baskets::actions::IssueBasket,
    codes::Code,
    error::Error,
    i18n::Locale,
    moment::Moment,
    ui::{self, drawn::Drawn, failure::Failure, form::FormAction},
};
use leptos::{
    ev::SubmitEvent,
    html::{Dialog, Form},
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlButtonElement, HtmlElement, HtmlFormElement},
};
use leptos_i18n::td_string;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
#[cfg(feature = "ssr")]
use {
    super::{bulk, search::WaitingByBasket},
    crate::{clock, money::amount},
    chrono::NaiveDate,
};

/// An order after it was issued or denied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settled {
    pub status: Code<Status>,
    pub issued_at: Option<Moment>,
    pub denied_at: Option<Moment>,
    pub version: i64,
    /// The operations of the log that can be taken back.
    pub operations: Vec<i64>,
}

/// Issues or denies an order, and returns what a page needs to show it.
#[cfg(feature = "ssr")]
async fn settle(
    act: impl FnOnce(&mut crate::transaction::Tx<'_>) -> Result<Order, Error> + Send + 'static,
    done: crate::ui::banner::Success,
) -> Result<Settled, Error> {
    use crate::server_context;
    let settled = server_context::write(move |tx| {
        let order = act(tx)?;
        let operations = super::service::settled_by(tx, std::slice::from_ref(&order))?;
        Ok(Settled {
            status: order.status,
            issued_at: order.issued_at,
            denied_at: order.denied_at,
            version: order.version,
            operations,
        })
    })
    .await?;
    server_context::redirect_back_undoable(done, &settled.operations);
    Ok(settled)
}

/// Issues an order.
#[server(endpoint = "issue_order")]
pub async fn issue_order(id: i64) -> Result<Settled, Error> {
    use crate::ui::banner::Success;
    settle(
        move |tx| super::service::issue(tx, id),
        Success::OrderIssued,
    )
    .await
}

/// Denies an order.
#[server(endpoint = "deny_order")]
pub async fn deny_order(id: i64) -> Result<Settled, Error> {
    use crate::ui::banner::Success;
    settle(move |tx| super::service::deny(tx, id), Success::OrderDenied).await
}

const STATUS: &str = ".order-status";
const STATUS_CELL: &str = "td:has(.order-status)";
const ACTIONS_CELL: &str = "td:last-child";
/// The buttons of an order; the first one issues it.
const BUTTONS: &str = "td:last-child button, .order-actions button";

/// The state of an order on a page, which changes in place.
#[derive(Clone, Copy)]
pub struct LiveOrder {
    id: i64,
    /// The table whose row the order is; else it has a page of its own.
    table: Option<NodeRef<Form>>,
    pub status: RwSignal<Code<Status>>,
    /// Set once the order was issued or denied here.
    pub settled: RwSignal<Option<Settled>>,
    /// Whether the order waited when the page was drawn.
    waited: bool,
    issue: FormAction,
    deny: FormAction,
}

impl LiveOrder {
    /// Creates the state, with the actions to issue and deny the order.
    pub fn new(id: i64, status: Code<Status>) -> Self {
        Self::create(id, status, None)
    }

    fn create(id: i64, status: Code<Status>, table: Option<NodeRef<Form>>) -> Self {
        let live = Self {
            id,
            table,
            waited: waits(&status),
            status: RwSignal::new(status),
            settled: RwSignal::new(None),
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
            if let Some(order) = action.made::<Settled>() {
                let words = order.status.display(|status| status.label(locale));
                let words = td_string!(locale, orders.announce, id = self.id, status = words);
                let words = words.to_string();
                ui::announce(words.clone());
                ui::undo::offer(words, &order.operations);
                self.status.set(order.status.clone());
                self.settled.set(Some(order));
                self.focus_drawn(STATUS);
                return;
            }
            match action.error() {
                Some(Error::OrderIs(status)) => {
                    // Someone else settled the order first.
                    self.status.set(status);
                    self.focus_drawn(STATUS);
                }
                // The buttons were drawn again with the message.
                Some(_) => self.focus_drawn(BUTTONS),
                None => {}
            }
        });
    }

    /// Sends the form of a button, unless one was sent already.
    fn submit(self, event: &SubmitEvent) {
        event.prevent_default();
        let form: HtmlFormElement = event_target(event);
        let is_denial = form.get_attribute("action").as_deref() == Some(self.deny.path());
        self.send(if is_denial { self.deny } else { self.issue });
    }

    fn send(self, action: FormAction) {
        if !untrack(|| self.is_pending()) {
            action.send(format!("id={}", self.id));
        }
    }

    /// Returns the element that shows the order.
    fn place(self) -> Option<Element> {
        let found = match self.table {
            Some(table) => {
                let link = format!("tbody a[href='/orders/{}']", self.id);
                let link = table.get_untracked()?.query_selector(&link).ok()??;
                link.closest("tr")
            }
            None => document().query_selector("main"),
        };
        found.ok()?
    }

    /// Gives an element the focus, once it is drawn.
    fn focus_drawn(self, selector: &'static str) {
        request_animation_frame(move || {
            let found = self
                .place()
                .and_then(|place| place.query_selector(selector).ok()?);
            if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
                // The status is no control, so only a script can focus it.
                if selector == STATUS {
                    element.set_tab_index(-1);
                }
                let _ = element.focus();
            }
        });
    }

    /// Disables the buttons in place, so that the focus stays until the answer is here.
    fn set_disabled(self, is_disabled: bool) {
        let buttons = self
            .place()
            .and_then(|place| place.query_selector_all(BUTTONS).ok());
        let Some(buttons) = buttons else {
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
        let waits = self.status.with(waits);
        self.error().filter(|error| waits || !is_conflict(error))
    }

    /// Draws the buttons while the order waits, and what takes their place after that.
    fn actions(self, buttons: impl Fn(i64, Locale) -> Markup, locale: Locale) -> Markup {
        if self.status.with(waits) {
            buttons(self.id, locale)
        } else if self.waited {
            settled(self.error().filter(is_conflict), locale)
        } else {
            Markup::default()
        }
    }
}

/// The status of an order.
#[component]
pub fn StatusBadge(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <span inner_html=move || {
            live.status.with(|status| self::status(status, locale)).into_string()
        }></span>
    }
}

/// The buttons to issue or deny an order; nothing if the order was already settled when the page was drawn.
#[component]
pub fn OrderActions(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <div
            on:submit=move |event| live.submit(&event)
            inner_html=move || live.actions(forms, locale).into_string()
        ></div>
        {move || live.failure().map(|error| view! { <Failure error /> })}
    }
}

const fn waits(status: &Code<Status>) -> bool {
    matches!(status.known(), Some(Status::PaidNotIssued))
}

/// Draws the status of an order as text; the style adds a symbol and a colour. It gets the focus when the buttons
/// disappear.
fn status(status: &Code<Status>, locale: Locale) -> Markup {
    let class = match status.known() {
        Some(Status::PaidNotIssued) => "order-status waits",
        Some(Status::PaidIssued) => "order-status issued",
        Some(Status::PaidDenied) => "order-status denied",
        None => "order-status",
    };
    html! { span class=(class) { (status.display(|status| status.label(locale))) } }
}

/// Draws what takes the place of the buttons. A row keeps its size, so that no other row moves under the pointer.
fn settled(conflict: Option<Error>, locale: Locale) -> Markup {
    html! {
        span class="btn btn-primary placeholder" aria-hidden="true" { (td_string!(locale, orders.issue)) }
        span class="btn placeholder" aria-hidden="true" { (td_string!(locale, orders.deny)) }
        @if let Some(error) = conflict {
            p class="conflict" role="alert" { (error.message(locale)) }
        }
    }
}

/// Returns the names of the two buttons for screen readers.
fn button_names(id: i64, locale: Locale) -> [String; 2] {
    let number = td_string!(locale, orders.number, id = id).to_string();
    [
        td_string!(locale, orders.issue),
        td_string!(locale, orders.deny),
    ]
    .map(|words| format!("{words}: {number}"))
}

/// Draws the buttons of an order in a table, which is a form. Without JavaScript, the second one opens the page of the
/// order, which asks before it denies the order.
fn buttons(id: i64, locale: Locale) -> Markup {
    let [issue, deny] = button_names(id, locale);
    html! {
        button class="btn btn-primary" name="id" value=(id) aria-label=(issue) { (td_string!(locale, orders.issue)) }
        button class="btn" formmethod="get" formaction={ "/orders/" (id) } aria-label=(deny) {
            (td_string!(locale, orders.deny))
        }
    }
}

/// Draws the buttons on the page of an order, with the question before it is denied.
fn forms(id: i64, locale: Locale) -> Markup {
    let [issue, deny] = button_names(id, locale);
    let question = format!("deny-{id}");
    html! {
        div class="order-actions" {
            form method="post" action=(IssueOrder::PATH) {
                input type="hidden" name="id" value=(id);
                button class="btn btn-primary" type="submit" data-shortcut="issue" aria-label=(issue) {
                    (td_string!(locale, orders.issue))
                }
            }
            button class="btn" type="button" popovertarget=(question) aria-label=(deny) {
                (td_string!(locale, orders.deny))
            }
            @let words = td_string!(locale, orders.deny);
            div class="question" id=(question) popover="auto" role="dialog" aria-label=(words) {
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
    rows: Drawn,
    /// Column headers that sort, for the list of orders.
    #[prop(optional)]
    head: Option<AnyView>,
) -> impl IntoView {
    let locale = ui::locale();
    let table = Table::new();
    let plain_head = move || {
        let column = move |label: &'static str, class: &'static str| {
            view! {
                <th scope="col" class=class>
                    {label}
                </th>
            }
        };
        [
            column(td_string!(locale, fields.id), ""),
            column(td_string!(locale, fields.date), ""),
            column(td_string!(locale, fields.product), ""),
            column(td_string!(locale, fields.qty), "num"),
            column(td_string!(locale, fields.unit_price_rub), "num"),
            column(td_string!(locale, fields.total_rub), "num"),
            column(td_string!(locale, fields.phone), ""),
            column(td_string!(locale, fields.status), ""),
        ]
        .collect_view()
        .into_any()
    };
    view! {
        <form
            node_ref=table.root
            method="post"
            action=IssueOrder::PATH
            on:submit=move |event| table.submit(&event)
        >
            <table class="table cards orders">
                <thead>
                    <tr>
                        {head.unwrap_or_else(plain_head)} <th scope="col">
                            <span class="sr-only">{td_string!(locale, ui.actions)}</span>
                        </th>
                    </tr>
                </thead>
                <tbody inner_html=rows.html()></tbody>
            </table>
        </form>
        <DenyQuestion table />
    }
}

/// Asks before an order of the table is denied.
#[component]
fn DenyQuestion(table: Table) -> impl IntoView {
    let locale = ui::locale();
    let dialog = table.question;
    let asked = table.asked;
    let is_pending = move || asked.get().is_some_and(LiveOrder::is_pending);
    let words = move || {
        let live = asked.get()?;
        Some(td_string!(locale, orders.deny_question, id = live.id).to_string())
    };
    let deny = move |_| {
        if let Some(live) = asked.get_untracked() {
            live.send(live.deny);
        }
    };
    view! {
        <dialog class="question" node_ref=dialog aria-label=td_string!(locale, orders.deny) closedby="any">
            <p>{words}</p>
            <div class="question-buttons">
                <button class="btn btn-error" type="button" on:click=deny disabled=is_pending>
                    {td_string!(locale, orders.do_deny)}
                </button>
                <button class="btn" type="button" autofocus on:click=move |_| table.close_question()>
                    {td_string!(locale, orders.do_not_deny)}
                </button>
            </div>
        </dialog>
    }
}

/// A table of orders. A row is plain HTML, because a page has many; it gets a state of its own once one of its buttons
/// is used.
#[derive(Clone, Copy)]
struct Table {
    live: StoredValue<HashMap<i64, LiveOrder>>,
    /// Owns the states of the rows, and with them their effects.
    owner: StoredValue<Option<Owner>>,
    root: NodeRef<Form>,
    /// The order that the question is about.
    asked: RwSignal<Option<LiveOrder>>,
    question: NodeRef<Dialog>,
}

impl Table {
    fn new() -> Self {
        Self {
            live: StoredValue::default(),
            owner: StoredValue::new(Owner::current()),
            root: NodeRef::new(),
            asked: RwSignal::new(None),
            question: NodeRef::new(),
        }
    }

    /// Issues the order of the button, or asks whether to deny it.
    fn submit(self, event: &SubmitEvent) {
        let Some(button) = event.submitter() else {
            return;
        };
        let page = button.get_attribute("formaction");
        if page
            .as_deref()
            .is_some_and(|path| path == IssueBasket::PATH)
        {
            // The page is loaded anew, with all orders of the basket.
            return;
        }
        let id = match &page {
            Some(page) => page.rsplit('/').next().map(ToOwned::to_owned),
            None => button.get_attribute("value"),
        };
        let id = id.and_then(|id| id.parse().ok());
        let Some(live) = id.and_then(|id| self.state(id)) else {
            return;
        };
        event.prevent_default();
        if page.is_none() {
            live.send(live.issue);
        } else if !untrack(|| live.is_pending()) {
            self.asked.set(Some(live));
            if let Some(question) = self.question.get_untracked() {
                let _ = question.show_modal();
            }
        }
    }

    fn close_question(self) {
        if let Some(question) = self.question.get_untracked() {
            question.close();
        }
    }

    /// Returns the state of a row, and creates it the first time.
    fn state(self, id: i64) -> Option<LiveOrder> {
        if let Some(live) = self.live.with_value(|live| live.get(&id).copied()) {
            return Some(live);
        }
        let owner = self.owner.get_value()?;
        let live = owner.with(|| {
            let status = Code::Known(Status::PaidNotIssued);
            let live = LiveOrder::create(id, status, Some(self.root));
            let locale = ui::locale();
            let draw = move |selector: &str, html: Markup| {
                let found = live
                    .place()
                    .and_then(|row| row.query_selector(selector).ok()?);
                if let Some(found) = found {
                    found.set_inner_html(&html.into_string());
                }
            };
            Effect::new(move |is_drawn: Option<()>| {
                let status = live.status.with(|status| self::status(status, locale));
                let actions = html! {
                    (live.actions(buttons, locale))
                    @if let Some(error) = live.failure() { (failure(&error.message(locale), &error, locale)) }
                };
                if is_drawn.is_some() {
                    draw(STATUS_CELL, status);
                    draw(ACTIONS_CELL, actions);
                }
            });
            // The question stays open until the answer is here.
            Effect::new(move |was_pending: Option<bool>| {
                let is_pending = live.is_pending();
                if was_pending == Some(true) && !is_pending {
                    self.close_question();
                }
                is_pending
            });
            live
        });
        self.live.update_value(|all| {
            all.insert(id, live);
        });
        Some(live)
    }
}

/// Draws the message about orders that could not be issued or denied.
pub(super) fn failure(words: &str, error: &Error, locale: Locale) -> Markup {
    html! {
        div class="alert alert-error alert-soft mb-4" role="alert" {
            div {
                p { (words) }
                @if error.shows_request_id() {
                    p class="text-sm opacity-80" {
                        (td_string!(locale, errors.request_id)) ": " code { (ui::request_id()) }
                    }
                }
            }
        }
    }
}

/// Draws the rows of an [`OrderTable`]. Orders of one basket that follow each other have a row above them. With
/// `choosable`, waiting orders have a checkbox.
#[cfg(feature = "ssr")]
pub fn rows(
    orders: &[Order],
    waiting: &WaitingByBasket,
    choosable: bool,
    locale: Locale,
) -> Markup {
    let today = clock::now().day();
    html! {
        @for basket in orders.chunk_by(|one, next| one.basket_id == next.basket_id) {
            @if let [first, _, ..] = basket {
                (basket_head(first, waiting.of(first.basket_id), locale))
            }
            @for order in basket { (row(order, choosable, today, locale)) }
        }
    }
}

/// Draws the rows of orders, without those of their baskets.
#[cfg(feature = "ssr")]
pub fn plain_rows(orders: &[Order], locale: Locale) -> Markup {
    let today = clock::now().day();
    html! { @for order in orders { (row(order, false, today, locale)) } }
}

/// Draws the row above the orders of a basket, with the button that issues all of them.
#[cfg(feature = "ssr")]
fn basket_head(first: &Order, waiting: i64, locale: Locale) -> Markup {
    let id = first.basket_id;
    html! {
        tr class="basket-head" {
            td colspan="8" {
                a class="link" href={ "/baskets/" (id) } {
                    (td_string!(locale, orders.basket, id = id).to_string())
                }
                @if !first.is_erased() { " · " (first.phone_shown) }
                @if let Some(name) = first.customer_name.as_deref().filter(|_| !first.is_erased()) { " · " (name) }
            }
            td {
                @if waiting > 1 {
                    button class="btn btn-primary" name="id" value=(id) formaction=(IssueBasket::PATH) {
                        (td_string!(locale, orders.issue_all, count = waiting).to_string())
                    }
                }
            }
        }
    }
}

/// Draws a number whose last four digits stand out, because people find an order by them.
#[cfg(feature = "ssr")]
fn phone(shown: &str) -> Markup {
    let digits = shown
        .char_indices()
        .rev()
        .filter(|(_, sign)| sign.is_ascii_digit());
    let at = digits.take(4).last().map_or(0, |(at, _)| at);
    let (start, end) = shown.split_at(at);
    html! { (start) b { (end) } }
}

#[cfg(feature = "ssr")]
fn row(order: &Order, choosable: bool, today: NaiveDate, locale: Locale) -> Markup {
    html! { tr { (cells(order, choosable, None, today, locale)) } }
}

/// Draws the cells of a row after the order was changed, by a user of another page. `me` is the user who sees it.
#[cfg(feature = "ssr")]
pub fn changed_cells(order: &Order, me: &str, locale: Locale) -> Markup {
    let settled_by = order
        .user_id
        .as_deref()
        .filter(|user| *user != me && !order.waits());
    cells(order, true, settled_by, clock::now().day(), locale)
}

/// Says what became of an order, and who did it.
#[cfg(feature = "ssr")]
pub fn announcement(order: &Order, locale: Locale) -> String {
    let status = order.status.display(|status| status.label(locale));
    let words = td_string!(locale, orders.announce, id = order.id, status = status).to_string();
    match &order.user_id {
        Some(user) => format!("{words} ({user})"),
        None => words,
    }
}

/// Draws the cells of a row. `settled_by` takes the place of the buttons.
#[cfg(feature = "ssr")]
fn cells(
    order: &Order,
    choosable: bool,
    settled_by: Option<&str>,
    today: NaiveDate,
    locale: Locale,
) -> Markup {
    let customer = order
        .customer_name
        .as_deref()
        .filter(|_| !order.is_erased());
    html! {
            td {
                @if choosable && order.waits() { (bulk::checkbox(order.id, locale)) }
                a href={ "/orders/" (order.id) } { (order.id) }
            }
            td {
                time datetime=(order.created_at.datetime()) { (order.created_at.display_near(today, locale)) }
            }
            td { (order.product_name) }
            td { (order.qty.display(locale)) }
            td { (amount(order.unit_price_rub.0, locale)) }
            td { (amount(order.total_rub().0, locale)) }
            td {
                @if order.is_erased() { (order.phone_shown) }
                @else { a href={ "tel:" (order.phone) } { (phone(&order.phone_shown)) } }
                @if let Some(name) = customer { " " span { (name) } }
            }
            td { (status(&order.status, locale)) }
            td {
                @if waits(&order.status) { (buttons(order.id, locale)) }
                @else if let Some(user) = settled_by {
                    (settled(None, locale))
                    span class="settled-by" { (user) }
                }
            }
    }
}
