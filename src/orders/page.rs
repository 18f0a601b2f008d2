//! The page of an order: what was sold to whom, the available actions, and the history.

use super::{
    Order, Status,
    form::Total,
    row::{LiveOrder, OrderActions, StatusBadge},
};
use crate::{
    audit::history::History,
    auth::Permission,
    error::Error,
    fields::Fields,
    ui::{
        self,
        drawn::Drawn,
        failure::DraftFailure,
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
pub struct OrderDetails {
    pub order: Order,
    pub history: Drawn,
}

/// Reads an order with its history.
#[server(endpoint = "read_order", input = GetUrl)]
pub async fn read_order(id: String) -> Result<OrderDetails, Error> {
    use crate::{audit, server_context};
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (order, history) = server_context::read(move |tx| {
        let order = super::service::get(tx, id)?;
        let history = audit::service::history(tx, audit::Entity::Order, id)?;
        Ok((order, history))
    })
    .await?;
    Ok(OrderDetails {
        order,
        history: audit::history::draw(history),
    })
}

/// Edits an order that is neither issued nor denied.
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
    // Incremented when the order has changed, to read the order and its history again.
    let changed = RwSignal::new(0);
    let file = ui::data(
        move || (parameter(&params.read(), "id"), changed.get()),
        |(id, _)| read_order(id),
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
            move |file| view! { <OrderView file edit changed /> },
        )}
    }
}

#[component]
fn OrderView(file: OrderDetails, edit: FormAction, changed: RwSignal<i32>) -> impl IntoView {
    let locale = ui::locale();
    let OrderDetails { order, history } = file;
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
    let is_edit_refused = untrack(|| edit.error().is_some());
    let editing = order.clone();
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
        </div>
        {saved
            .then(|| {
                view! { <p class="alert alert-success alert-soft mb-4">{td_string!(locale, banner.order_saved)}</p> }
            })}
        {(!is_edit_refused).then(|| view! { <DraftFailure /> })}
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
        {move || {
            (live.status.get() == Status::PaidNotIssued)
                .then(|| view! { <EditForm order=editing.clone() edit /> })
        }}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
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

#[component]
fn EditForm(order: Order, edit: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let qty = RwSignal::new(String::new());
    let price = RwSignal::new(String::new());
    view! {
        <details class="panel" open=untrack(|| edit.error().is_some())>
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
                <Submit label=td_string!(locale, ui.save) />
            </Form>
        </details>
    }
}
