//! The form that adds a product, and the fields that it shares with the edit form.

use super::Product;
use crate::{
    error::Error,
    fields::Fields,
    ui::{
        self,
        form::{Field, Form, FormAction, IdempotencyKey, Submit, TextArea},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;

/// Returns a fresh idempotency key for an empty form.
#[server(endpoint = "new_product")]
pub async fn new_product() -> Result<String, Error> {
    crate::server_context::read(|tx| {
        tx.actor.may(crate::auth::Permission::EditProducts)?;
        Ok(crate::crypto::new_key())
    })
    .await
}

/// Adds a product and redirects to its page.
#[server(endpoint = "create_product")]
pub async fn create_product(
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<Product, Error> {
    use super::service;
    use crate::{server_context, ui::banner::Success};
    let product = server_context::submit(fields, move |tx, new| {
        service::create(tx, &idempotency_key, new)
    })
    .await?;
    let page = format!("/products/{}", product.id);
    server_context::redirect(&page, Success::ProductCreated);
    Ok(product)
}

/// The page that adds a product.
#[component]
pub fn NewProductPage() -> impl IntoView {
    let locale = ui::locale();
    let key = ui::data(|| (), |()| new_product());
    view! {
        <Title text=td_string!(locale, products.new_product) />
        <div class="narrow">
            <p class="crumb">
                <a class="link" href="/products">
                    "← "
                    {td_string!(locale, products.title)}
                </a>
            </p>
            <h1>{td_string!(locale, products.new_product)}</h1>
            {ui::loaded(key, |key| view! { <NewProductForm key /> })}
        </div>
    }
}

#[component]
fn NewProductForm(key: String) -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::new::<CreateProduct>();
    view! {
        <Form action>
            <IdempotencyKey fresh=key />
            <Field name="name" label=td_string!(locale, fields.name) required=true autofocus=true />
            <Field
                name="quantity"
                label=td_string!(locale, fields.quantity)
                hint=td_string!(locale, products.quantity_hint)
                inputmode="numeric"
            />
            <ProductFields product=None />
            <Submit label=td_string!(locale, products.add) />
        </Form>
    }
}

/// The fields of a product besides its name.
#[component]
pub fn ProductFields(product: Option<Product>) -> impl IntoView {
    let locale = ui::locale();
    let of = |read: &dyn Fn(&Product) -> Option<String>| {
        product.as_ref().and_then(read).unwrap_or_default()
    };
    view! {
        <div class="field-pair">
            <Field
                name="sell_price_rub"
                label=td_string!(locale, fields.sell_price_rub)
                value=of(&|product| product.sell_price_rub.map(|price| price.input_value(locale)))
                inputmode="decimal"
            />
            <Field
                name="buy_price_eur"
                label=td_string!(locale, fields.buy_price_eur)
                hint=td_string!(locale, products.buy_price_hint)
                value=of(&|product| product.buy_price_eur.map(|price| price.input_value(locale)))
                inputmode="decimal"
            />
        </div>
        <div class="field-pair">
            <Field
                name="min_stock"
                label=td_string!(locale, fields.min_stock)
                hint=td_string!(locale, products.min_stock_hint)
                value=of(&|product| Some(product.min_stock.to_string()))
                inputmode="numeric"
            />
            <Field
                name="supplier_name"
                label=td_string!(locale, fields.supplier_name)
                hint=td_string!(locale, products.supplier_hint)
                value=of(&|product| product.supplier_name.clone())
            />
        </div>
        <TextArea
            name="codes"
            label=td_string!(locale, fields.codes)
            hint=td_string!(locale, products.codes_hint)
            value=of(&|product| Some(product.codes.lines()))
        />
        {product
            .as_ref()
            .and_then(|product| product.codes.wrong_check_digits())
            .map(|codes| {
                view! {
                    <p class="alert alert-warning alert-soft mb-4" role="status">
                        {td_string!(locale, products.wrong_check_digit, codes = codes).to_string()}
                    </p>
                }
            })}
        <TextArea
            name="description"
            label=td_string!(locale, fields.description)
            value=of(&|product| product.description.clone())
        />
    }
}
