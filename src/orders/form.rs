//! Parts of the forms that book and edit orders.

use crate::{
    money::Rub,
    number::{Qty, typed_pieces},
    ui,
};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// What the customer will pay, updated while quantity and price are typed.
#[component]
pub fn Total(qty: RwSignal<String>, price: RwSignal<String>) -> impl IntoView {
    let locale = ui::locale();
    let total = move || {
        let total = total(&qty.read(), &price.read());
        total.map_or_else(ui::dash, |total| total.display(locale))
    };
    view! {
        <p class="total">
            {td_string!(locale, fields.total)} ": " <output for="qty unit_price_rub">{total}</output>
        </p>
    }
}

/// Returns what a line costs, if quantity and price are valid.
pub fn total(qty: &str, price: &str) -> Option<Rub> {
    let qty = typed_pieces(qty).filter(|qty| *qty > 0)?;
    Rub::parse(price).ok()?.times(Qty(qty))
}
