//! The sales by product.

#[cfg(feature = "ssr")]
use super::{ProductFigures, range::PERIODS};
use super::{
    ProductQuery,
    range::{Head, PRODUCTS, RangeFilters},
};
use crate::{
    error::Error,
    page::Filtered,
    preset::Preset,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        live,
        pager::{Pager, SortHead, query_of},
    },
};
use chrono::NaiveDate;
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{i18n::Locale, number::pieces},
    maud::{Markup, html},
};

/// The sort order when the URL names none.
const DEFAULT: &str = "-revenue";

/// The data of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProductListing {
    /// The selected preset; `None` for a custom range.
    pub preset: Option<Preset>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub page: DrawnPage,
}

/// Reads a page of the sales by product.
#[server(endpoint = "list_product_sales", input = GetUrl)]
pub async fn list_product_sales(query: ProductQuery) -> Result<Filtered<ProductListing>, Error> {
    use crate::server_context;
    let found = server_context::search(query, super::service::products).await?;
    Ok(found.map(|sales| {
        let (from, to) = sales.range;
        let report = format!("{PERIODS}?from={from}&to={to}&product_id=");
        ProductListing {
            preset: sales.preset,
            from,
            to,
            page: server_context::draw_page(sales.page, |products, locale| {
                html! { @for product in products { (row(product, &report, locale)) } }
            }),
        }
    }))
}

/// The page with the sales by product.
#[component]
pub fn ProductSalesPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let elsewhere = live::list(&["order", "order_return", "write_off", "rate"]);
    let sales = ui::data(
        move || (query_of::<ProductQuery>(&params.read()), elsewhere.get()),
        |(query, _)| list_product_sales(query),
    );
    let draw = move |Filtered { found, errors }: Filtered<ProductListing>| {
        let ProductListing {
            preset,
            from,
            to,
            page,
        } = found;
        let table = if page.items.is_empty {
            view! { <p class="empty">{td_string!(locale, analytics.nothing_sold)}</p> }.into_any()
        } else {
            view! {
                <ProductSalesTable rows=page.items />
                <Pager before=page.before after=page.after />
            }
            .into_any()
        };
        view! {
            <RangeFilters path=PRODUCTS preset from to errors />
            {table}
        }
    };
    view! {
        <Head />
        {ui::loaded(sales, draw)}
    }
}

/// The products as rows, sortable by any column; on a phone, as cards.
#[component]
fn ProductSalesTable(rows: Drawn) -> impl IntoView {
    let locale = ui::locale();
    let head = move |column: &'static str, label: &'static str| {
        view! { <SortHead label column default=DEFAULT class="num" /> }
    };
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
                    {head("uncosted", td_string!(locale, analytics.uncosted_rub))}
                    {head("denied", td_string!(locale, analytics.denied))}
                    {head("returned", td_string!(locale, analytics.returned))}
                    {head("written_off", td_string!(locale, analytics.written_off))}
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=rows.html()></tbody>
        </table>
    }
}

/// Draws a row of the table. `report` is the address of a report, without the number of its product.
#[cfg(feature = "ssr")]
fn row(product: &ProductFigures, report: &str, locale: Locale) -> Markup {
    let figures = &product.figures;
    let number = |label: &str, value: Option<String>| {
        html! { td role="cell" class="num" data-label=(label) { (value.unwrap_or_else(ui::dash)) } }
    };
    let rub = |amount: Option<crate::money::Rub>| amount.map(|amount| amount.display(locale));
    let share = |share: Option<super::figures::Share>| share.map(|share| share.display(locale));
    let count = |count: i64| Some(pieces(count, locale));
    html! {
        tr role="row" {
            td role="cell" class="row-title" {
                a class="link" href={ (report) (product.product_id) } { (product.product_name) }
            }
            (number(td_string!(locale, analytics.revenue), rub(Some(figures.revenue_rub))))
            (number(td_string!(locale, analytics.share), share(product.share)))
            (number(td_string!(locale, analytics.qty), count(figures.qty)))
            (number(td_string!(locale, analytics.orders), count(figures.orders)))
            (number(td_string!(locale, analytics.average), rub(figures.average_rub())))
            (number(td_string!(locale, analytics.discount), rub(Some(figures.discount_rub()))))
            (number(td_string!(locale, analytics.cost_eur), Some(figures.cost_eur.display(locale))))
            (number(td_string!(locale, analytics.profit), rub(figures.profit_rub())))
            (number(td_string!(locale, analytics.margin), share(figures.margin())))
            (number(
                td_string!(locale, analytics.uncosted_rub),
                Some(figures.uncosted_rub).filter(|revenue| revenue.0 > 0).map(|revenue| revenue.display(locale)),
            ))
            (number(td_string!(locale, analytics.denied), count(figures.denied)))
            (number(
                td_string!(locale, analytics.returned),
                rub(Some(figures.returned_rub).filter(|_| figures.returned_qty > 0)),
            ))
            (number(
                td_string!(locale, analytics.written_off),
                Some(figures.written_off_eur.display(locale)).filter(|_| figures.written_off_qty != 0),
            ))
        }
    }
}
