//! What the search of the header finds, and its page without JavaScript.

use crate::{
    error::Error,
    orders::row::OrderTable,
    ui::{self, drawn::Drawn, pager::parameter},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        i18n::Locale,
        money::amount,
        number::{Plural, pieces, plural},
        products::Product,
    },
    maud::{Markup, html},
};

/// What was found for a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    pub text: String,
    /// How much was found, for screen readers.
    pub summary: String,
    pub orders: Drawn,
    pub products: Drawn,
}

/// Finds orders and products.
#[server(endpoint = "search", input = GetUrl)]
pub async fn search(q: String) -> Result<Results, Error> {
    use super::service;
    use crate::{orders::row::plain_rows, server_context};
    let text = q.clone();
    let found = server_context::read(move |tx| service::find(tx, &text)).await?;
    Ok(Results {
        text: q,
        summary: summary(
            found.orders.len(),
            found.products.len(),
            server_context::locale(),
        ),
        orders: server_context::draw(&found.orders, plain_rows),
        products: server_context::draw(&found.products, products),
    })
}

/// Says how much was found: `3 заказа, 1 товар`.
#[cfg(feature = "ssr")]
fn summary(orders: usize, products: usize, locale: Locale) -> String {
    let orders_word = match plural(orders, locale) {
        Plural::One => td_string!(locale, search.orders_one),
        Plural::Few => td_string!(locale, search.orders_few),
        Plural::Many => td_string!(locale, search.orders_many),
    };
    let products_word = match plural(products, locale) {
        Plural::One => td_string!(locale, search.products_one),
        Plural::Few => td_string!(locale, search.products_few),
        Plural::Many => td_string!(locale, search.products_many),
    };
    match (orders, products) {
        (0, 0) => td_string!(locale, search.nothing).to_owned(),
        (_, 0) => format!("{orders} {orders_word}"),
        (0, _) => format!("{products} {products_word}"),
        (_, _) => format!("{orders} {orders_word}, {products} {products_word}"),
    }
}

/// Draws the products that were found.
#[cfg(feature = "ssr")]
fn products(found: &[Product], locale: Locale) -> Markup {
    html! {
        @for product in found {
            li {
                a class="link" href={ "/products/" (product.id) } { (product.name) }
                " · "
                (td_string!(locale, orders.available, count = pieces(product.stock, locale)).to_string())
                @if let Some(price) = product.sell_price_rub { " · " (amount(price.0, locale)) "\u{a0}₽" }
            }
        }
    }
}

/// Shows what was found.
#[component]
pub fn Found(results: Results) -> impl IntoView {
    let locale = ui::locale();
    let Results {
        orders, products, ..
    } = results;
    let is_nothing = orders.is_empty && products.is_empty;
    view! {
        {is_nothing.then(|| view! { <p class="empty">{td_string!(locale, search.nothing)}</p> })}
        {(!orders.is_empty).then(|| view! { <OrderTable rows=orders /> })}
        {(!products.is_empty).then(|| view! { <ul class="found-products" inner_html=products.html()></ul> })}
    }
}

/// The page of the search.
#[component]
pub fn SearchPage() -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let results = ui::data(move || parameter(&query.read(), "q"), search);
    view! {
        <Title text=td_string!(locale, search.title) />
        <h1>{td_string!(locale, search.title)}</h1>
        {ui::loaded(
            results,
            move |results| {
                if results.text.trim().is_empty() {
                    view! { <p class="empty">{td_string!(locale, search.hint)}</p> }.into_any()
                } else {
                    view! { <Found results /> }.into_any()
                }
            },
        )}
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_summary_declines_its_words() {
        for (orders, products, words) in [
            (0, 0, "Ничего не нашлось."),
            (1, 0, "1 заказ"),
            (3, 1, "3 заказа, 1 товар"),
            (8, 5, "8 заказов, 5 товаров"),
            (0, 2, "2 товара"),
            (21, 12, "21 заказ, 12 товаров"),
        ] {
            assert_eq!(summary(orders, products, Locale::ru), words);
        }
        assert_eq!(summary(21, 1, Locale::en), "21 orders, 1 product");
    }
}
