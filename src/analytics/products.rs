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
    let locale = ui::locale();
    let head = move |column: &'static str, label: &'static str| {
        view! { <SortHead label column default=DEFAULT class="num" /> }
    };
    let has_uncosted = products
        .iter()
        .any(|product| product.figures.uncosted_qty > 0);
    view! {
        <table class="table cards dense" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label=td_string!(locale, fields.product) column="name" default=DEFAULT />
                    {head("revenue", td_string!(locale, analytics.revenue))}
                    {head("share", td_string!(locale, analytics.share))}
                    {head("qty", td_string!(locale, analytics.qty))}
                    {head("orders", td_string!(locale, analytics.orders))}
                    {head("average", td_string!(locale, analytics.average))}
                    {head("discount", td_string!(locale, analytics.discount))}
                    {head("cost", td_string!(locale, analytics.cost_eur))}
                    {head("profit", td_string!(locale, analytics.profit))}
                    {head("margin", td_string!(locale, analytics.margin))}
                    {has_uncosted.then(|| head("uncosted", td_string!(locale, analytics.uncosted_rub)))}
                    {head("denied", td_string!(locale, analytics.denied))}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {products.into_iter().map(|product| view! { <ProductRow product has_uncosted /> }).collect_view()}
            </tbody>
        </table>
    }
}

#[component]
fn ProductRow(product: ProductFigures, has_uncosted: bool) -> impl IntoView {
    let locale = ui::locale();
    let figures = product.figures;
    let uncosted = (figures.uncosted_qty > 0).then(|| {
        let words = td_string!(
            locale,
            analytics.uncosted_short,
            qty = pieces(figures.uncosted_qty, locale)
        )
        .to_string();
        view! {
            " "
            <span class="badge badge-warning">{words}</span>
        }
    });
    view! {
        <tr role="row">
            <td role="cell" class="row-title">
                <a class="link" href=format!("/products/{}", product.product_id)>
                    {product.product_name}
                </a>
                {uncosted}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.revenue)>
                {figures.revenue_rub.display(locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.share)>
                {product.share.map_or_else(ui::dash, |share| share.display(locale))}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.qty)>
                {pieces(figures.qty, locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.orders)>
                {pieces(figures.orders, locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.average)>
                {figures.average_rub().map_or_else(ui::dash, |price| price.display(locale))}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.discount)>
                {figures.discount_rub().display(locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.cost_eur)>
                {figures.cost_eur.display(locale)}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.profit)>
                {figures.profit_rub().map_or_else(ui::dash, |profit| profit.display(locale))}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, analytics.margin)>
                {figures.margin().map_or_else(ui::dash, |margin| margin.display(locale))}
            </td>
            {has_uncosted
                .then(|| {
                    view! {
                        <td role="cell" class="num" data-label=td_string!(locale, analytics.uncosted_rub)>
                            {figures.uncosted_rub.display(locale)}
                        </td>
                    }
                })}
            <td role="cell" class="num" data-label=td_string!(locale, analytics.denied)>
                {pieces(figures.denied, locale)}
            </td>
        </tr>
    }
}
