//! The page of a basket: its customer, its orders, what can be done with all of them, and the history.

use super::{
    Basket,
    actions::{AddToBasket, DenyBasket, IssueBasket},
};
use crate::{
    audit::history::History,
    error::Error,
    orders::{page::PrintLink, row::OrderTable},
    products::picker::{PickerData, ProductPicker, prefill},
    ui::{
        self,
        drawn::Drawn,
        failure::DraftFailure,
        form::{Field, Form, FormAction, IdempotencyKey, Submit},
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

/// The data of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BasketDetails {
    /// Without its orders, which are drawn.
    pub basket: Basket,
    pub waiting: usize,
    pub orders: Drawn,
    pub history: Drawn,
    /// For the form that adds a product.
    pub picker: PickerData,
}

/// Reads a basket with its orders and their history.
#[server(endpoint = "read_basket", input = GetUrl)]
pub async fn read_basket(id: String) -> Result<BasketDetails, Error> {
    use super::service;
    use crate::{audit, orders::row::plain_rows, products::picker, server_context};
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (basket, history, picker) = server_context::read(move |tx| {
        let basket = service::get(tx, id)?;
        let mut history = Vec::new();
        for order in &basket.orders {
            history.extend(audit::service::history(tx, audit::Entity::Order, order.id)?);
        }
        history.sort_by_key(|operation| std::cmp::Reverse(operation.id));
        history.truncate(HISTORY);
        let picker = picker::start(tx, "")?;
        Ok((basket, history, picker))
    })
    .await?;
    Ok(BasketDetails {
        waiting: basket.waiting(),
        orders: server_context::draw(&basket.orders, plain_rows),
        history: audit::history::draw_with_entity(history),
        basket,
        picker,
    })
}

/// The most operations that are shown.
#[cfg(feature = "ssr")]
const HISTORY: usize = 100;

/// The page of a basket.
#[component]
pub fn BasketPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let add = FormAction::new::<AddToBasket>();
    let added = add.success_count();
    let elsewhere = live::page(|kind, _| matches!(kind, "order" | "basket"));
    let file = ui::data(
        move || {
            (
                parameter(&params.read(), "id"),
                added.get(),
                elsewhere.get(),
            )
        },
        |(id, ..)| read_basket(id),
    );
    view! {
        <p class="crumb">
            <a class="link" href="/orders">
                "← "
                {td_string!(locale, nav.orders)}
            </a>
        </p>
        {ui::loaded_or(
            file,
            Some((Error::NotFound, td_string!(locale, orders.basket_not_found))),
            move |file| view! { <BasketView file add /> },
        )}
    }
}

#[component]
fn BasketView(file: BasketDetails, add: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let BasketDetails {
        basket,
        waiting,
        orders,
        history,
        picker,
    } = file;
    let id = basket.id;
    let title = td_string!(locale, orders.basket, id = id).to_string();
    let is_erased = !basket.phone.starts_with('+');
    let phone = if is_erased {
        basket.phone_shown.clone().into_any()
    } else {
        view! {
            <a class="phone" href=format!("tel:{}", basket.phone)>
                {basket.phone_shown.clone()}
            </a>
        }
        .into_any()
    };
    let question = td_string!(locale, orders.deny_all_question, id = id).to_string();
    let all = move || {
        view! {
            <div class="order-actions mb-4">
                <form method="post" action=IssueBasket::PATH>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="btn btn-primary" type="submit">
                        {td_string!(locale, orders.issue_all, count = waiting).to_string()}
                    </button>
                </form>
                <button class="btn" type="button" popovertarget="deny-all">
                    {td_string!(locale, orders.deny_all)}
                </button>
                <div
                    class="question"
                    id="deny-all"
                    popover="auto"
                    role="dialog"
                    aria-label=td_string!(locale, orders.deny_all)
                >
                    <p>{question.clone()}</p>
                    <div class="question-buttons">
                        <form method="post" action=DenyBasket::PATH>
                            <input type="hidden" name="id" value=id.to_string() />
                            <button class="btn btn-error" type="submit">
                                {td_string!(locale, orders.do_deny)}
                            </button>
                        </form>
                        <button
                            class="btn"
                            type="button"
                            popovertarget="deny-all"
                            popovertargetaction="hide"
                            autofocus
                        >
                            {td_string!(locale, orders.do_not_deny)}
                        </button>
                    </div>
                </div>
            </div>
        }
    };
    view! {
        <Title text=title.clone() />
        <div class="page-head">
            <h1>{title}</h1>
            <PrintLink order=id />
        </div>
        <DraftFailure of=&[IssueBasket::PATH, DenyBasket::PATH, undo::PATH] />
        <dl class="facts">
            <dt>{td_string!(locale, fields.phone)}</dt>
            <dd>{phone}</dd>
            <dt>{td_string!(locale, fields.customer_name)}</dt>
            <dd>{basket.customer_name.clone().unwrap_or_else(ui::dash)}</dd>
            <dt>{td_string!(locale, fields.total)}</dt>
            <dd>
                <strong>{basket.total_rub().display(locale)}</strong>
            </dd>
            <dt>{td_string!(locale, fields.created_at)}</dt>
            <dd>{basket.created_at.display(locale)}</dd>
        </dl>
        {(waiting > 0).then(all)}
        <OrderTable rows=orders />
        {(waiting > 0 && !is_erased).then(|| view! { <AddForm basket=id picker add /> })}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

/// The form that adds a product to a basket.
#[component]
fn AddForm(basket: i64, picker: PickerData, add: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let chosen = RwSignal::new(None);
    let price = RwSignal::new(String::new());
    prefill(chosen, price, true, move |offer| {
        let own = offer.sell_price_rub;
        own.map(|price| price.input_value(locale))
            .unwrap_or_default()
    });
    view! {
        <details class="panel mt-4" open=untrack(|| add.error().is_some())>
            <summary>{td_string!(locale, orders.add_product)}</summary>
            <Form action=add class="narrow">
                <input type="hidden" name="basket" value=basket.to_string() />
                <IdempotencyKey fresh=picker.idempotency_key />
                <ProductPicker offers=picker.offers chosen />
                <div class="field-pair">
                    <Field
                        name="qty"
                        label=td_string!(locale, fields.qty)
                        value="1"
                        inputmode="numeric"
                        required=true
                    />
                    <Field
                        name="unit_price_rub"
                        label=td_string!(locale, fields.unit_price_rub)
                        hint=td_string!(locale, orders.price_hint)
                        bind=price
                        inputmode="decimal"
                    />
                </div>
                <Submit label=td_string!(locale, orders.add_product) />
            </Form>
        </details>
    }
}
