//! The page of an order: what was sold to whom, the available actions, and the history.

use super::{
    Order, Status,
    form::Total,
    row::{LiveOrder, OrderActions, StatusBadge},
};
use crate::{
    error::Error,
    fields::Fields,
    log::{Operation, history::History},
    ui::{
        self,
        failure::UrlFailure,
        form::{Field, Form, FormAction, Submit, Version},
        pager::parameter,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

/// An order with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderFile {
    pub order: Order,
    pub history: Vec<Operation>,
}

/// Reads an order with its history.
#[server(endpoint = "read_order", input = GetUrl)]
pub async fn read_order(id: String) -> Result<OrderFile, Error> {
    use crate::{door, log};
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| door::answer(Err(error)))?;
    door::look(move |tx| {
        let order = super::service::get(tx, id)?;
        let history = log::service::history(tx, log::Entity::Order, id)?;
        Ok(OrderFile {
            order,
            history: history.into_iter().map(Operation::shown).collect(),
        })
    })
    .await
}

/// Edits an order that is neither issued nor denied.
#[server(endpoint = "edit_order")]
pub async fn edit_order(id: i64, #[server(flatten)] fields: Fields) -> Result<Order, Error> {
    use super::service;
    use crate::{door, ui::banner::Success};
    let order = door::submit(fields, move |tx, edited| service::edit(tx, id, edited)).await?;
    door::back(Success::OrderSaved);
    Ok(order)
}

/// The page of an order.
#[component]
pub fn OrderPage() -> impl IntoView {
    let l = ui::locale();
    let params = use_params_map();
    let edit = FormAction::new::<EditOrder>();
    // Incremented when the order has changed, to read the order and its history again.
    let changed = RwSignal::new(0);
    let file = ui::data(
        move || (parameter(&params.read(), "id"), changed.get()),
        |(id, _)| read_order(id),
    );
    Effect::new(move || {
        if edit.is_done() {
            ui::announce(td_string!(l, banner.order_saved).to_owned());
            changed.update(|count| *count += 1);
        }
    });
    view! {
        <p class="crumb"><a class="link" href="/orders">"← " {td_string!(l, nav.orders)}</a></p>
        {ui::loaded(file, move |file| view! { <OrderView file edit changed /> })}
    }
}

#[component]
fn OrderView(file: OrderFile, edit: FormAction, changed: RwSignal<i32>) -> impl IntoView {
    let l = ui::locale();
    let OrderFile { order, history } = file;
    let live = LiveOrder::new(order.clone());
    let number = td_string!(l, orders.number, id = order.id).to_string();
    let shown_version = order.version;
    Effect::new(move || {
        if live.order.with(|order| order.version) != shown_version {
            changed.update(|count| *count += 1);
        }
    });
    let settled = move || {
        live.order.with(|order| match order.status.known() {
            Some(Status::PaidNotIssued) | None => None,
            Some(Status::PaidIssued) => order
                .issued_at
                .map(|at| (td_string!(l, orders.issued_at), at.shown(l))),
            Some(Status::PaidDenied) => order
                .denied_at
                .map(|at| (td_string!(l, orders.denied_at), at.shown(l))),
        })
    };
    let saved = untrack(|| edit.is_done());
    let is_edit_refused = untrack(|| edit.error().is_some());
    let editing = order.clone();
    view! {
        <Title text=number.clone() />
        <div class="page-head">
            <h1>{number} " " <StatusBadge live /></h1>
        </div>
        {saved.then(|| view! { <p class="alert alert-success alert-soft mb-4">{td_string!(l, banner.order_saved)}</p> })}
        {(!is_edit_refused).then(|| view! { <UrlFailure /> })}
        <dl class="facts">
            <dt>{td_string!(l, fields.product)}</dt>
            <dd><a class="link" href=format!("/products/{}", order.product_id)>{order.product_name.clone()}</a></dd>
            <dt>{td_string!(l, fields.qty)}</dt>
            <dd>{order.qty.display(l)}</dd>
            <dt>{td_string!(l, fields.unit_price_rub)}</dt>
            <dd>{order.unit_price_rub.shown(l)}</dd>
            <dt>{td_string!(l, fields.total)}</dt>
            <dd><strong>{order.total_rub().shown(l)}</strong></dd>
            <dt>{td_string!(l, fields.phone)}</dt>
            <dd><a class="phone" href=format!("tel:{}", order.phone)>{order.phone_shown.clone()}</a></dd>
            <dt>{td_string!(l, fields.customer_name)}</dt>
            <dd>{order.customer_name.clone().unwrap_or_else(ui::dash)}</dd>
            <dt>{td_string!(l, fields.created_at)}</dt>
            <dd>{order.created_at.shown(l)}</dd>
            {move || settled().map(|(label, at)| view! { <dt>{label}</dt><dd>{at}</dd> })}
        </dl>
        <OrderActions live />
        {move || live.order.with(|order| order.status == Status::PaidNotIssued).then(|| view! { <EditForm order=editing.clone() edit /> })}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(l, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

#[component]
fn EditForm(order: Order, edit: FormAction) -> impl IntoView {
    let l = ui::locale();
    let qty = RwSignal::new(String::new());
    let price = RwSignal::new(String::new());
    view! {
        <details class="panel" open=untrack(|| edit.error().is_some())>
            <summary>{td_string!(l, orders.edit)}</summary>
            <Form action=edit class="narrow">
                <input type="hidden" name="id" value=order.id.to_string() />
                <Version version=order.version />
                <Field name="phone" label=td_string!(l, fields.phone) value=order.phone_shown kind="tel" inputmode="tel" required=true />
                <Field name="customer_name" label=td_string!(l, fields.customer_name) value=order.customer_name.unwrap_or_default() />
                <div class="field-pair">
                    <Field name="qty" label=td_string!(l, fields.qty) value=order.qty.to_string() bind=qty inputmode="numeric" required=true />
                    <Field name="unit_price_rub" label=td_string!(l, fields.unit_price_rub) value=order.unit_price_rub.typed(l) bind=price inputmode="decimal" required=true />
                </div>
                <Total qty price />
                <Submit label=td_string!(l, ui.save) />
            </Form>
        </details>
    }
}
