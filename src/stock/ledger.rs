//! The stock ledger of a product as a table.

use super::{Movement, MovementKind};
use crate::{
    number::pieces,
    page::Page,
    ui::{self, pager::Pager},
};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// A page of stock movements, newest first.
#[component]
pub fn Ledger(ledger: Page<Movement>) -> impl IntoView {
    let locale = ui::locale();
    if ledger.items.is_empty() {
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
            <tbody role="rowgroup">
                {ledger.items.into_iter().map(|movement| view! { <MovementRow movement /> }).collect_view()}
            </tbody>
        </table>
        <Pager before=ledger.before after=ledger.after />
    }
    .into_any()
}

#[component]
fn MovementRow(movement: Movement) -> impl IntoView {
    let locale = ui::locale();
    let cause = match (movement.order_id, movement.kind.known()) {
        (Some(order), _) => view! {
            " "
            <a class="link" href=format!("/orders/{order}")>
                {td_string!(locale, orders.number, id = order).to_string()}
            </a>
        }
        .into_any(),
        (None, Some(MovementKind::Correction)) => movement
            .note
            .clone()
            .map(|note| format!(": {note}"))
            .into_any(),
        _ => ().into_any(),
    };
    let change = move |delta: i64, after: i64| {
        let sign = if delta > 0 { "+" } else { "" };
        let delta = (delta != 0).then(|| {
            view! {
                <span class="delta">{sign}{pieces(delta, locale)}</span>
                " → "
            }
        });
        view! { <span>{delta} <strong>{pieces(after, locale)}</strong></span> }
    };
    view! {
        <tr role="row">
            <td role="cell" class="date" data-label=td_string!(locale, fields.date)>
                {movement.created_at.display(locale)}
            </td>
            <td role="cell" data-label=td_string!(locale, fields.movement)>
                <span>{movement.kind.display(|kind| kind.label(locale))} {cause}</span>
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, fields.on_hand)>
                {change(movement.on_hand(), movement.on_hand_after)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, fields.stock)>
                {change(movement.stock(), movement.stock_after)}
            </td>
            <td role="cell" data-label=td_string!(locale, fields.user)>
                {movement.user_id.unwrap_or_else(|| td_string!(locale, ui.system).to_owned())}
            </td>
        </tr>
    }
}
