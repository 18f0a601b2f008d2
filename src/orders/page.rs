//! The page of an order: what was sold to whom, the available actions, and the history.

use super::{
    Order, ReturnReason, Status,
    form::Total,
    row::{DenyOrder, IssueOrder, LiveOrder, OrderActions, StatusBadge},
};
use crate::{
    audit::history::History,
    auth::Permission,
    error::Error,
    fields::Fields,
    money::Rub,
    number::pieces,
    ui::{
        self,
        drawn::Drawn,
        failure::DraftFailure,
        form::{CheckBox, Field, Form, FormAction, IdempotencyKey, Submit, Version},
        live,
        pager::parameter,
        undo,
    },
};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, codec::GetUrl},
};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

/// An order with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderDetails {
    pub order: Order,
    /// How many other orders its basket has.
    pub others: i64,
    pub history: Drawn,
    /// Whether the user may take back what settled the order.
    pub may_take_back: bool,
    /// For the form that takes pieces back.
    pub idempotency_key: String,
}

/// Reads an order with its history.
#[server(endpoint = "read_order", input = GetUrl)]
pub async fn read_order(id: String) -> Result<OrderDetails, Error> {
    use crate::{audit, server_context};
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (order, others, may_take_back, history) = server_context::read(move |tx| {
        let order = super::service::get(tx, id)?;
        let others = super::search::others_of_basket(tx, &order)?;
        let may_take_back = super::service::may_take_back(tx, &order)?;
        let history = audit::service::history(tx, audit::Entity::Order, id)?;
        Ok((order, others, may_take_back, history))
    })
    .await?;
    Ok(OrderDetails {
        order,
        others,
        may_take_back,
        idempotency_key: crate::crypto::new_key(),
        history: audit::history::draw(history),
    })
}

/// Issues some pieces of an order. Returns the operations that can be taken back.
#[server(endpoint = "issue_part")]
pub async fn issue_part(id: i64, #[server(flatten)] fields: Fields) -> Result<Vec<i64>, Error> {
    use super::service::{self, Part};
    use crate::{server_context, ui::banner::Success};
    let operations = server_context::submit(fields, move |tx, part: &Part| {
        let order = service::issue_part(tx, id, part.qty)?;
        service::settled_by(tx, &[order])
    })
    .await?;
    server_context::redirect_back_undoable(Success::OrderIssued, &operations);
    Ok(operations)
}

/// Makes an issued or denied order wait again.
#[server(endpoint = "reopen_order")]
pub async fn reopen_order(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::service::reopen(tx, id)).await?;
    server_context::redirect_back(Success::OrderReopened);
    Ok(())
}

/// Takes pieces of an issued order back. Returns what the customer gets back.
#[server(endpoint = "return_order")]
pub async fn return_order(
    id: i64,
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<Rub, Error> {
    use super::returns;
    use crate::{server_context, ui::banner::Success};
    let returned = server_context::submit(fields, move |tx, new| {
        returns::create(tx, &idempotency_key, id, new)
    })
    .await?;
    server_context::redirect_back(Success::GoodsReturned);
    Ok(returned.refund_rub)
}

/// Edits an order. Of a settled one, only the customer.
#[server(endpoint = "edit_order")]
pub async fn edit_order(id: i64, #[server(flatten)] fields: Fields) -> Result<Order, Error> {
    use super::service;
    use crate::{server_context, ui::banner::Success};
    let order =
        server_context::submit(fields, move |tx, edited| service::edit(tx, id, edited)).await?;
    server_context::redirect_back(Success::OrderSaved);
    Ok(order)
}

/// The page of an order.
#[component]
pub fn OrderPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let edit = FormAction::new::<EditOrder>();
    let acts = OrderActs {
        part: FormAction::new::<IssuePart>(),
        reopen: FormAction::new::<ReopenOrder>(),
        take_back: FormAction::new::<ReturnOrder>(),
    };
    Effect::new(move || {
        if let Some(operations) = acts.part.made::<Vec<i64>>() {
            ui::undo::offer(
                td_string!(locale, banner.order_issued).to_owned(),
                &operations,
            );
        }
    });
    Effect::new(move || {
        if let Some(refund) = acts.take_back.made::<Rub>() {
            let sum = refund.display(locale);
            ui::undo::offer(
                td_string!(locale, banner.refund, sum = sum).to_string(),
                &[],
            );
        }
    });
    let done = [acts.part, acts.reopen, acts.take_back].map(FormAction::success_count);
    let elsewhere = live::page(move |kind, id| {
        kind == "order" && params.with_untracked(|params| params.get("id").as_deref() == Some(id))
    });
    // Incremented when the order has changed, to read the order and its history again.
    let changed = RwSignal::new(0);
    let file = ui::data(
        move || {
            (
                parameter(&params.read(), "id"),
                changed.get(),
                done.map(|times| times.get()),
                elsewhere.get(),
            )
        },
        |(id, ..)| read_order(id),
    );
    Effect::new(move || {
        if edit.has_succeeded() {
            ui::announce(td_string!(locale, banner.order_saved).to_owned());
            changed.update(|count| *count += 1);
        }
    });
    view! {
        <p class="crumb">
            <a class="link" href="/orders">
                "← "
                {td_string!(locale, nav.orders)}
            </a>
        </p>
        {ui::loaded_or(
            file,
            Some((Error::NotFound, td_string!(locale, orders.not_found))),
            move |file| view! { <OrderView file edit changed acts /> },
        )}
    }
}

/// What can be done with an order besides editing, issuing and denying it.
#[derive(Clone, Copy)]
struct OrderActs {
    part: FormAction,
    reopen: FormAction,
    take_back: FormAction,
}

#[component]
fn OrderView(
    file: OrderDetails,
    edit: FormAction,
    changed: RwSignal<i32>,
    acts: OrderActs,
) -> impl IntoView {
    let locale = ui::locale();
    let OrderDetails {
        order,
        others,
        may_take_back,
        history,
        idempotency_key,
    } = file;
    let live = LiveOrder::new(order.id, order.status.clone());
    let number = td_string!(locale, orders.number, id = order.id).to_string();
    let shown_version = order.version;
    Effect::new(move || {
        let settled = live.settled.read();
        if settled
            .as_ref()
            .is_some_and(|order| order.version != shown_version)
        {
            changed.update(|count| *count += 1);
        }
    });
    let at_first = (order.issued_at, order.denied_at);
    let settled = move || {
        let now = live.settled.read();
        let (issued_at, denied_at) = now
            .as_ref()
            .map_or(at_first, |order| (order.issued_at, order.denied_at));
        let issued = issued_at.map(|at| (td_string!(locale, orders.issued_at), at));
        let denied = denied_at.map(|at| (td_string!(locale, orders.denied_at), at));
        issued
            .or(denied)
            .map(|(label, at)| (label, at.display(locale)))
    };
    let saved = untrack(|| edit.has_succeeded());
    let editing = order.clone();
    let is_editable = !order.is_erased() && order.status.known().is_some();
    let customer_data = (!order.is_erased() && ui::may(Permission::EraseCustomers)).then(|| {
        view! {
            " "
            <a class="link" href=format!("/admin/customers?order={}", order.id)>
                {td_string!(locale, customers.link)}
            </a>
        }
    });
    view! {
        <Title text=number.clone() />
        <div class="page-head">
            <h1>{number} " " <StatusBadge live /></h1>
            <PrintLink order=order.id />
        </div>
        {saved
            .then(|| {
                view! { <p class="alert alert-success alert-soft mb-4">{td_string!(locale, banner.order_saved)}</p> }
            })}
        <DraftFailure of=&[IssueOrder::PATH, DenyOrder::PATH, undo::PATH] />
        <dl class="facts">
            <dt>{td_string!(locale, fields.product)}</dt>
            <dd>
                <a class="link" href=format!("/products/{}", order.product_id)>
                    {order.product_name.clone()}
                </a>
            </dd>
            <dt>{td_string!(locale, fields.qty)}</dt>
            <dd>{order.qty.display(locale)}</dd>
            <dt>{td_string!(locale, fields.unit_price_rub)}</dt>
            <dd>{order.unit_price_rub.display(locale)}</dd>
            <dt>{td_string!(locale, fields.total)}</dt>
            <dd>
                <strong>{order.total_rub().display(locale)}</strong>
            </dd>
            <dt>{td_string!(locale, fields.phone)}</dt>
            <dd>{phone_link(&order)}</dd>
            <dt>{td_string!(locale, fields.customer_name)}</dt>
            <dd>{order.customer_name.clone().unwrap_or_else(ui::dash)} {customer_data}</dd>
            {(others > 0)
                .then(|| {
                    view! {
                        <dt>{td_string!(locale, fields.basket)}</dt>
                        <dd>
                            <a class="link" href=format!("/baskets/{}", order.basket_id)>
                                {td_string!(locale, orders.basket, id = order.basket_id).to_string()}
                            </a>
                            " · "
                            {td_string!(locale, orders.basket_of, count = others).to_string()}
                        </dd>
                    }
                })}
            {(order.returned_qty > 0)
                .then(|| {
                    view! {
                        <dt>{td_string!(locale, orders.returned)}</dt>
                        <dd>{pieces(order.returned_qty, locale)}</dd>
                    }
                })}
            <dt>{td_string!(locale, fields.created_at)}</dt>
            <dd>{order.created_at.display(locale)}</dd>
            {move || {
                settled()
                    .map(|(label, at)| {
                        view! {
                            <dt>{label}</dt>
                            <dd>{at}</dd>
                        }
                    })
            }}
        </dl>
        <OrderActions live />
        <MoreActions order=order.clone() live acts may_take_back idempotency_key />
        {is_editable.then(|| view! { <EditForm order=editing edit live /> })}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

/// A link to the slip of an order, which asks for the printer.
#[component]
pub fn PrintLink(order: i64) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <div class="page-actions">
            <a class="btn" href=format!("/print/slip/{order}#print") rel="external" data-shortcut="print">
                {td_string!(locale, print.print)}
                <kbd aria-hidden="true">"P"</kbd>
            </a>
        </div>
    }
}

/// Returns the number of an order as a link that calls it; after an erasure, only the words that say so.
fn phone_link(order: &Order) -> AnyView {
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

/// Issuing a part of an order, making it wait again, and taking pieces back.
#[component]
fn MoreActions(
    order: Order,
    live: LiveOrder,
    acts: OrderActs,
    may_take_back: bool,
    idempotency_key: String,
) -> impl IntoView {
    let locale = ui::locale();
    let (id, qty) = (order.id, order.qty.0);
    let left = qty - order.returned_qty;
    let was_returned = order.returned_qty > 0;
    let reopen = move |label: &'static str| {
        view! {
            <Form action=acts.reopen>
                <input type="hidden" name="id" value=id.to_string() />
                <Submit label class="btn" />
            </Form>
        }
    };
    move || {
        match live.status.get().known() {
        Some(Status::PaidNotIssued) if qty > 1 => view! {
            <details class="panel mt-4" open=untrack(|| acts.part.error().is_some())>
                <summary>{td_string!(locale, orders.part)}</summary>
                <Form action=acts.part class="narrow">
                    <input type="hidden" name="id" value=id.to_string() />
                    <Field
                        id="part_qty"
                        name="qty"
                        label=td_string!(locale, orders.part_qty)
                        inputmode="numeric"
                        required=true
                    />
                    <Submit label=td_string!(locale, orders.issue_part) class="btn" />
                </Form>
            </details>
        }
        .into_any(),
        Some(Status::PaidIssued) if may_take_back => view! {
            <div class="mt-4 grid gap-4">
                {(!was_returned).then(|| reopen(td_string!(locale, orders.reopen)))}
                {(left > 0)
                    .then(|| {
                        view! { <ReturnForm id left action=acts.take_back idempotency_key=idempotency_key.clone() /> }
                    })}
            </div>
        }
        .into_any(),
        Some(Status::PaidDenied) if may_take_back => view! {
            <div class="mt-4">
                {reopen(td_string!(locale, orders.reopen_denied))}
            </div>
        }
        .into_any(),
        _ => ().into_any(),
    }
    }
}

/// The form that takes pieces of an issued order back.
#[component]
fn ReturnForm(id: i64, left: i64, action: FormAction, idempotency_key: String) -> impl IntoView {
    let locale = ui::locale();
    let reasons = ReturnReason::ALL
        .iter()
        .map(|reason| view! { <option value=reason.code()>{reason.label(locale)}</option> })
        .collect_view();
    view! {
        <details class="panel" open=untrack(|| action.error().is_some())>
            <summary>{td_string!(locale, orders.take_back)}</summary>
            <Form action class="narrow">
                <input type="hidden" name="id" value=id.to_string() />
                <IdempotencyKey fresh=idempotency_key />
                <div class="field-pair">
                    <Field
                        id="return_qty"
                        name="qty"
                        label=td_string!(locale, fields.qty)
                        value=left.to_string()
                        inputmode="numeric"
                        required=true
                    />
                    <label class="field">
                        <span class="field-label">{td_string!(locale, fields.reason)}</span>
                        <select class="select w-full" name="reason">
                            {reasons}
                        </select>
                    </label>
                </div>
                <Field
                    name="refund_rub"
                    label=td_string!(locale, fields.refund_rub)
                    hint=td_string!(locale, orders.refund_hint)
                    inputmode="decimal"
                />
                <CheckBox
                    name="restock"
                    label=td_string!(locale, fields.restock)
                    hint=td_string!(locale, orders.restock_hint)
                    checked=true
                />
                <Submit label=td_string!(locale, orders.take_back) class="btn" />
            </Form>
        </details>
    }
}

#[component]
fn EditForm(order: Order, edit: FormAction, live: LiveOrder) -> impl IntoView {
    let locale = ui::locale();
    let qty = RwSignal::new(String::new());
    let price = RwSignal::new(String::new());
    let waits = move || live.status.get() == Status::PaidNotIssued;
    let is_settled = move || !waits();
    view! {
        <details class="panel" data-shortcut="edit" open=untrack(|| edit.error().is_some())>
            <summary>{td_string!(locale, orders.edit)}</summary>
            <Form action=edit class="narrow">
                <input type="hidden" name="id" value=order.id.to_string() />
                <Version version=order.version />
                <Field
                    name="phone"
                    label=td_string!(locale, fields.phone)
                    value=order.phone_shown
                    kind="tel"
                    inputmode="tel"
                    required=true
                />
                <Field
                    name="customer_name"
                    label=td_string!(locale, fields.customer_name)
                    value=order.customer_name.unwrap_or_default()
                />
                <p class="field-hint mb-2" hidden=waits>
                    {td_string!(locale, orders.settled_hint)}
                </p>
                <div hidden=is_settled>
                <Field name="product" label=td_string!(locale, fields.product) value=order.product_name />
                <div class="field-pair">
                    <Field
                        name="qty"
                        label=td_string!(locale, fields.qty)
                        value=order.qty.to_string()
                        bind=qty
                        inputmode="numeric"
                        required=true
                    />
                    <Field
                        name="unit_price_rub"
                        label=td_string!(locale, fields.unit_price_rub)
                        value=order.unit_price_rub.input_value(locale)
                        bind=price
                        inputmode="decimal"
                        required=true
                    />
                </div>
                <Total qty price />
                </div>
                <Submit label=td_string!(locale, ui.save) />
            </Form>
        </details>
    }
}
