//! The table of sales by product.

use super::ProductFigures;
use crate::{
    number::pieces,
    ui::{self, pager::SortHead},
};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// The sort order when the URL names none.
const DEFAULT: &str = "-revenue";

/// The products as rows, sortable by any column; on a phone, as cards.
#[component]
pub fn ProductsTable(products: Vec<ProductFigures>) -> impl IntoView {
    let l = ui::locale();
    let head = move |column: &'static str, label: &'static str| view! { <SortHead label column default=DEFAULT class="num" /> };
    let has_uncosted = products
        .iter()
        .any(|product| product.figures.uncosted_qty > 0);
    view! {
        <table class="table cards dense" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label=td_string!(l, fields.product) column="name" default=DEFAULT />
                    {head("revenue", td_string!(l, analytics.revenue))}
                    {head("share", td_string!(l, analytics.share))}
                    {head("qty", td_string!(l, analytics.qty))}
                    {head("orders", td_string!(l, analytics.orders))}
                    {head("average", td_string!(l, analytics.average))}
                    {head("discount", td_string!(l, analytics.discount))}
                    {head("cost", td_string!(l, analytics.cost_eur))}
                    {head("profit", td_string!(l, analytics.profit))}
                    {head("margin", td_string!(l, analytics.margin))}
                    {has_uncosted.then(|| head("uncosted", td_string!(l, analytics.uncosted_rub)))}
                    {head("denied", td_string!(l, analytics.denied))}
                </tr>
            </thead>
            <tbody role="rowgroup">{products.into_iter().map(|product| view! { <ProductRow product has_uncosted /> }).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn ProductRow(product: ProductFigures, has_uncosted: bool) -> impl IntoView {
    let l = ui::locale();
    let figures = product.figures;
    let uncosted = (figures.uncosted_qty > 0).then(|| {
        let words = td_string!(
            l,
            analytics.uncosted_short,
            qty = pieces(figures.uncosted_qty, l)
        )
        .to_string();
        view! { " " <span class="badge badge-warning">{words}</span> }
    });
    view! {
        <tr role="row">
            <td role="cell" class="row-title">
                <a class="link" href=format!("/products/{}", product.product_id)>{product.product_name}</a> {uncosted}
            </td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.revenue)>{figures.revenue_rub.shown(l)}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.share)>{product.share.map_or_else(ui::dash, |share| share.shown(l))}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.qty)>{pieces(figures.qty, l)}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.orders)>{pieces(figures.orders, l)}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.average)>{figures.average_rub().map_or_else(ui::dash, |price| price.shown(l))}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.discount)>{figures.discount_rub().shown(l)}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.cost_eur)>{figures.cost_eur.shown(l)}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.profit)>{figures.profit_rub().map_or_else(ui::dash, |profit| profit.shown(l))}</td>
            <td role="cell" class="num" data-label=td_string!(l, analytics.margin)>{figures.margin().map_or_else(ui::dash, |margin| margin.shown(l))}</td>
            {has_uncosted.then(|| view! { <td role="cell" class="num" data-label=td_string!(l, analytics.uncosted_rub)>{figures.uncosted_rub.shown(l)}</td> })}
            <td role="cell" class="num" data-label=td_string!(l, analytics.denied)>{pieces(figures.denied, l)}</td>
        </tr>
    }
}
