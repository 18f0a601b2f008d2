//! The hint for a shop that has no products yet.

use crate::{auth::Permission, ui};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// Tells the user how to add the first product.
#[component]
pub fn FirstProduct() -> impl IntoView {
    let locale = ui::locale();
    if !ui::may(Permission::EditProducts) {
        return view! { <p class="empty">{td_string!(locale, home.ask_for_products)}</p> }
            .into_any();
    }
    view! {
        <p class="empty">
            {td_string!(locale, home.first_product)} " " <a class="link" href="/products/new">
                {td_string!(locale, products.new_product)}
            </a> " · " <a class="link" href="/products/import">
                {td_string!(locale, csv.upload)}
            </a>
        </p>
    }
    .into_any()
}
