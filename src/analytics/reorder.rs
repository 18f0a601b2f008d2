//! Products to reorder: those below their minimum, how fast they sell and how long their stock will last.

use crate::{number::pieces, ui};
use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// A product below its minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reorder {
    pub product_id: i64,
    pub product_name: String,
    /// Pieces available for sale.
    pub stock: i64,
    pub min_stock: i64,
    pub supplier_name: Option<String>,
    /// Pieces issued in the last 30 days.
    pub sold: i64,
    /// Whole days that the stock will last at that pace; `None` if nothing was sold.
    pub days_left: Option<i64>,
}

/// The products to reorder as rows; on a phone, as cards.
#[component]
pub fn ReorderTable(rows: Vec<Reorder>) -> impl IntoView {
    let locale = ui::locale();
    let row = move |row: Reorder| {
        view! {
            <tr role="row">
                <td role="cell" class="row-title">
                    <a class="link" href=format!("/products/{}", row.product_id)>
                        {row.product_name}
                    </a>
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, fields.stock)>
                    {pieces(row.stock, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, fields.min_stock)>
                    {pieces(row.min_stock, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.sold_30)>
                    {pieces(row.sold, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.days_left)>
                    {row.days_left.map_or_else(ui::dash, |days| pieces(days, locale))}
                </td>
                <td role="cell" class="name" data-label=td_string!(locale, fields.supplier_name)>
                    {row.supplier_name.unwrap_or_else(ui::dash)}
                </td>
            </tr>
        }
    };
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.product)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.stock)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.min_stock)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, analytics.sold_30)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, analytics.days_left)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.supplier_name)}
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}
