//! The table of orders, whose rows have buttons to issue or deny the order in place.

use super::{Order, Status};
use crate::{
    error::Error,
    ui::{self, failure::Failure, form::FormAction},
};
use leptos::{ev::SubmitEvent, html, prelude::*};
use leptos_i18n::td_string;

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
    issue: FormAction,
    deny: FormAction,
    /// Gets the focus when the buttons disappear.
    status: NodeRef<html::Span>,
}

impl LiveOrder {
    /// Creates the state, with the actions to issue and deny the order.
    pub fn new(order: Order) -> Self {
        let live = Self {
            order: RwSignal::new(order),
            issue: FormAction::in_row::<IssueOrder>(),
            deny: FormAction::in_row::<DenyOrder>(),
            status: NodeRef::new(),
        };
        live.follow(live.issue);
        live.follow(live.deny);
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
                self.focus_status();
            } else if let Some(Error::OrderIs(status)) = action.error() {
                // Someone else settled the order first.
                self.order.update(|order| order.status = status);
                self.focus_status();
            }
        });
    }

    fn focus_status(self) {
        if let Some(status) = self.status.get_untracked() {
            let _ = status.focus();
        }
    }

    fn is_pending(self) -> bool {
        self.issue.is_pending() || self.deny.is_pending()
    }

    fn error(self) -> Option<Error> {
        self.issue.error().or_else(|| self.deny.error())
    }
}

/// The status of an order, as text, symbol and colour.
#[component]
pub fn StatusBadge(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    let status = move || live.order.with(|order| order.status.clone());
    let class = move || match status().known() {
        Some(Status::PaidNotIssued) => "status-badge badge badge-info",
        Some(Status::PaidIssued) => "status-badge badge badge-success",
        Some(Status::PaidDenied) => "status-badge badge badge-ghost",
        None => "status-badge badge badge-warning",
    };
    let sign = move || match status().known() {
        Some(Status::PaidNotIssued) => "● ",
        Some(Status::PaidIssued) => "✓ ",
        Some(Status::PaidDenied) => "✕ ",
        None => "? ",
    };
    view! {
        <span class=class tabindex="-1" node_ref=live.status>
            <span aria-hidden="true">{sign}</span>
            {move || status().display(|status| status.label(locale))}
        </span>
    }
}

/// The buttons to issue or deny an order; nothing if the order was already settled when the page was drawn.
#[component]
pub fn OrderActions(live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    let id = live.order.with_untracked(|order| order.id);
    let question = format!("deny-{id}");
    let submit = move |action: FormAction| {
        move |event: SubmitEvent| {
            event.prevent_default();
            if !untrack(|| live.is_pending()) {
                action.send(format!("id={id}"));
            }
        }
    };
    let number = td_string!(locale, orders.number, id = id).to_string();
    let waits = move || {
        live.order
            .with(|order| order.status == Status::PaidNotIssued)
    };
    let waited = untrack(waits);
    let buttons = move || {
        if !waits() {
            // The row keeps its size, so that no other row moves under the pointer.
            let conflict = live.error().filter(is_conflict);
            return waited.then(|| {
                view! {
                    <div class="row-settled">
                        <div class="row-actions row-actions-done" aria-hidden="true">
                            <span class="btn btn-primary btn-action">{td_string!(locale, orders.issue)}</span>
                            <span class="btn btn-action">{td_string!(locale, orders.deny)}</span>
                        </div>
                        {conflict
                            .map(|error| {
                                view! {
                                    <p class="row-conflict" role="alert">
                                        {error.message(locale)}
                                    </p>
                                }
                            })}
                    </div>
                }.into_any()
            });
        }
        Some(
            view! {
                <div class="row-actions">
                    <form method="post" action=live.issue.path() on:submit=submit(live.issue)>
                        <input type="hidden" name="id" value=id.to_string() />
                        <button
                            class="btn btn-primary btn-action"
                            type="submit"
                            disabled=move || live.is_pending()
                            aria-label=format!("{}: {number}", td_string!(locale, orders.issue))
                        >
                            {td_string!(locale, orders.issue)}
                        </button>
                    </form>
                    <button
                        class="btn btn-action"
                        type="button"
                        popovertarget=question.clone()
                        disabled=move || live.is_pending()
                        aria-label=format!("{}: {number}", td_string!(locale, orders.deny))
                    >
                        {td_string!(locale, orders.deny)}
                    </button>
                    <div
                        class="question"
                        id=question.clone()
                        popover="auto"
                        role="dialog"
                        aria-label=td_string!(locale, orders.deny)
                    >
                        <p>{td_string!(locale, orders.deny_question, id = id).to_string()}</p>
                        <div class="question-buttons">
                            <form method="post" action=live.deny.path() on:submit=submit(live.deny)>
                                <input type="hidden" name="id" value=id.to_string() />
                                <button class="btn btn-error" type="submit" disabled=move || live.is_pending()>
                                    {td_string!(locale, orders.do_deny)}
                                </button>
                            </form>
                            <button
                                class="btn"
                                type="button"
                                popovertarget=question.clone()
                                popovertargetaction="hide"
                                autofocus
                            >
                                {td_string!(locale, orders.do_not_deny)}
                            </button>
                        </div>
                    </div>
                </div>
            }
            .into_any(),
        )
    };
    view! {
        {buttons}
        {move || live.error().filter(|error| waits() || !is_conflict(error)).map(|error| view! { <Failure error /> })}
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
            <tbody role="rowgroup">{orders.into_iter().map(|order| view! { <OrderRow order /> }).collect_view()}</tbody>
        </table>
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

#[component]
fn OrderRow(order: Order) -> impl IntoView {
    let locale = ui::locale();
    let live = LiveOrder::new(order.clone());
    let customer = order
        .customer_name
        .clone()
        .filter(|_| !order.is_erased())
        .map(|name| view! { <span class="customer">{name}</span> });
    view! {
        <tr role="row">
            <td role="cell" data-label=td_string!(locale, fields.id)>
                <a class="link" href=format!("/orders/{}", order.id)>
                    {order.id}
                </a>
            </td>
            <td role="cell" class="date" data-label=td_string!(locale, fields.date)>
                {order.created_at.display(locale)}
            </td>
            <td role="cell" class="row-title">
                <a class="link" href=format!("/products/{}", order.product_id)>
                    {order.product_name.clone()}
                </a>
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, fields.qty)>
                {order.qty.display(locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, fields.unit_price_rub)>
                {order.unit_price_rub.display(locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, fields.total)>
                {order.total_rub().display(locale)}
            </td>
            <td role="cell" data-label=td_string!(locale, fields.phone)>
                <span>
                    {phone_link(&order)} {customer}
                </span>
            </td>
            <td role="cell" data-label=td_string!(locale, fields.status)>
                <StatusBadge live />
            </td>
            <td role="cell" class="actions-cell">
                <OrderActions live />
            </td>
        </tr>
    }
}
