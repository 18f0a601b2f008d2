//! The stock ledger of a product as a table.

use crate::ui::{self, drawn::DrawnPage, pager::Pager};
use leptos::prelude::*;
use leptos_i18n::td_string;
#[cfg(feature = "ssr")]
use {
    super::{Movement, MovementKind},
    crate::{i18n::Locale, number::pieces},
    maud::{Markup, html},
};

/// A page of stock movements, newest first.
#[component]
pub fn Ledger(ledger: DrawnPage) -> impl IntoView {
    let locale = ui::locale();
    if ledger.items.is_empty {
        return view! { <p class="empty">{td_string!(locale, products.no_movements)}</p> }
            .into_any();
    }
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.date)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.movement)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.on_hand)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.stock)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.user)}
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=ledger.items.html()></tbody>
        </table>
        <Pager before=ledger.before after=ledger.after />
    }
    .into_any()
}

/// Draws the rows of a [`Ledger`].
#[cfg(feature = "ssr")]
pub fn rows(movements: &[Movement], locale: Locale) -> Markup {
    html! { @for movement in movements { (row(movement, locale)) } }
}

#[cfg(feature = "ssr")]
fn row(movement: &Movement, locale: Locale) -> Markup {
    let is_correction = movement.kind.known() == Some(MovementKind::Correction);
    let change = |delta: i64, after: i64| {
        html! {
            span {
                @if delta != 0 {
                    span class="delta" { @if delta > 0 { "+" } (pieces(delta, locale)) } " → "
                }
                strong { (pieces(after, locale)) }
            }
        }
    };
    html! {
        tr role="row" {
            td role="cell" class="date" data-label=(td_string!(locale, fields.date)) {
                (movement.created_at.display(locale))
            }
            td role="cell" data-label=(td_string!(locale, fields.movement)) {
                span {
                    (movement.kind.display(|kind| kind.label(locale)))
                    @if let Some(order) = movement.order_id {
                        " "
                        a class="link" href={ "/orders/" (order) } {
                            (td_string!(locale, orders.number, id = order).to_string())
                        }
                    } @else if is_correction && let Some(note) = &movement.note {
                        ": " (note)
                    }
                }
            }
            td role="cell" class="num" data-label=(td_string!(locale, fields.on_hand)) {
                (change(movement.on_hand(), movement.on_hand_after))
            }
            td role="cell" class="num" data-label=(td_string!(locale, fields.stock)) {
                (change(movement.stock(), movement.stock_after))
            }
            td role="cell" data-label=(td_string!(locale, fields.user)) {
                (movement.user_id.as_deref().unwrap_or(td_string!(locale, ui.system)))
            }
        }
    }
}
