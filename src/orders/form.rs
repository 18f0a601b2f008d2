//! The form that books an order.

use super::Order;
use crate::{
    error::Error,
    fields::Fields,
    i18n::Locale,
    money::Rub,
    number::Qty,
    products::{
        first::FirstProduct,
        picker::{PickerData, ProductPicker, prefill},
    },
    ui::{
        self,
        form::{Field, Form, FormAction, IdempotencyKey, Submit},
        pager::parameter,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Returns the initial data of the form.
#[server(endpoint = "new_order", input = GetUrl)]
pub async fn new_order(#[server(default)] product: String) -> Result<PickerData, Error> {
    crate::server_context::read(move |tx| {
        tx.actor.may(crate::auth::Permission::Orders)?;
        crate::products::picker::start(tx, &product)
    })
    .await
}

/// Books an order and redirects to its page.
#[server(endpoint = "create_order")]
pub async fn create_order(
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<Order, Error> {
    use super::service;
    use crate::{server_context, ui::banner::Success};
    let order = server_context::submit(fields, move |tx, new| {
        service::create(tx, &idempotency_key, new)
    })
    .await?;
    server_context::redirect(&format!("/orders/{}", order.id), Success::OrderCreated);
    Ok(order)
}

/// The page that books an order.
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
    let locale = ui::locale();
    let action = FormAction::new::<CreateOrder>();
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
    view! {
        <Form action>
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
            <ProductPicker offers=start.offers chosen />
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
            <Total qty price />
            <Submit label=td_string!(locale, orders.create) />
        </Form>
    }
}

/// What the customer will pay, updated while quantity and price are typed.
#[component]
pub fn Total(qty: RwSignal<String>, price: RwSignal<String>) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <p class="total">
            {td_string!(locale, fields.total)} ": "
            <output for="qty unit_price_rub">{move || total(&qty.read(), &price.read(), locale)}</output>
        </p>
    }
}

fn total(qty: &str, price: &str, locale: Locale) -> String {
    let qty = qty.trim().parse().ok().filter(|qty| *qty > 0);
    match (qty, Rub::parse(price)) {
        (Some(qty), Ok(price)) => price.times(Qty(qty)),
        _ => None,
    }
    .map_or_else(ui::dash, |total| total.display(locale))
}
