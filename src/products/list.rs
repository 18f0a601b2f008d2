//! The product list.

#[cfg(feature = "ssr")]
use super::Product;
use super::Query;
use crate::{
    auth::Permission,
    error::Error,
    page::Filtered,
    products::first::FirstProduct,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        live,
        pager::{
            CsvLink, FilterField, FilterForm, FoundLink, OtherErrors, Pager, SortHead, is_filtered,
            parameter, query_of,
        },
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use {
    crate::{i18n::Locale, money::amount, number::pieces},
    maud::{Markup, html},
};

/// Reads a page of the product list.
#[server(endpoint = "list_products", input = GetUrl)]
pub async fn list_products(query: Query) -> Result<Filtered<DrawnPage>, Error> {
    use crate::server_context;
    let found = server_context::search(query, super::search::list).await?;
    Ok(found.map(|page| server_context::draw_page(page, rows)))
}

/// The page with the product list.
#[component]
pub fn ProductsPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let elsewhere = live::list(&["product"]);
    let page = ui::data(
        move || (query_of::<Query>(&params.read()), elsewhere.get()),
        |(query, _)| list_products(query),
    );
    let draw = move |Filtered {
                         found: page,
                         errors,
                     }: Filtered<DrawnPage>| {
        let mistakes = view! { <OtherErrors errors fields=&[] /> };
        if page.items.is_empty {
            return view! {
                {mistakes}
                <Empty is_filtered=is_filtered(
                    &params.read_untracked(),
                    &["search", "low", "archived", "after", "before"],
                ) />
            }
            .into_any();
        }
        view! {
            {mistakes}
            <ProductTable rows=page.items sortable=true />
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    view! {
        <Title text=td_string!(locale, nav.products) />
        <div class="page-head">
            <h1>{td_string!(locale, products.title)}</h1>
            <div class="page-actions">
                <FoundLink path="/print/labels" label=td_string!(locale, print.labels) />
                <CsvLink path="/products.csv" />
                {ui::may(Permission::EditProducts)
                    .then(|| {
                        view! {
                            <a class="btn" href="/products/import">
                                {td_string!(locale, csv.upload)}
                            </a>
                            <a class="btn" href="/supplies">
                                {td_string!(locale, supplies.receive)}
                            </a>
                            <a class="btn btn-primary" href="/products/new">
                                {td_string!(locale, products.new_product)}
                            </a>
                        }
                    })}
            </div>
        </div>
        <Filters />
        {ui::loaded(page, draw)}
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let value = move |name: &'static str| move || parameter(&params.read(), name);
    let is_set =
        move |name: &'static str| move || matches!(&*parameter(&params.read(), name), "1" | "true");
    view! {
        <FilterForm action="/products">
            <FilterField name="search" label=td_string!(locale, products.search) class="filter grow" />
            <label class="filter-check">
                <input
                    class="checkbox"
                    type="checkbox"
                    name="low"
                    value="1"
                    checked=is_set("low")
                    prop:checked=is_set("low")
                />
                {td_string!(locale, products.only_low)}
            </label>
            <label class="filter-check">
                <input
                    class="checkbox"
                    type="checkbox"
                    name="archived"
                    value="1"
                    checked=is_set("archived")
                    prop:checked=is_set("archived")
                />
                {td_string!(locale, products.archive)}
            </label>
            <input type="hidden" name="sort" value=value("sort") prop:value=value("sort") />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
        </FilterForm>
    }
}

#[component]
fn Empty(is_filtered: bool) -> impl IntoView {
    let locale = ui::locale();
    if is_filtered {
        return view! {
            <p class="empty">
                {td_string!(locale, products.none_found)} " " <a class="link" href="/products">
                    {td_string!(locale, ui.reset)}
                </a>
            </p>
        }
        .into_any();
    }
    view! { <FirstProduct /> }.into_any()
}

/// A table of products; on a phone, each row is a card.
#[component]
pub fn ProductTable(
    rows: Drawn,
    /// Whether the column headers sort the list.
    #[prop(optional)]
    sortable: bool,
) -> impl IntoView {
    let locale = ui::locale();
    let head = move |column: &'static str, label: &'static str, class: &'static str| {
        if sortable {
            view! { <SortHead label column default="name" class /> }.into_any()
        } else {
            view! {
                <th scope="col" role="columnheader" class=class>
                    {label}
                </th>
            }
            .into_any()
        }
    };
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    {head("name", td_string!(locale, fields.name), "")}
                    {head("stock", td_string!(locale, fields.stock), "num")}
                    {head("on_hand", td_string!(locale, fields.on_hand), "num")}
                    {head("reserved", td_string!(locale, fields.reserved), "num")}
                    {head("min_stock", td_string!(locale, fields.min_stock), "num")}
                    {head("sell_price_rub", td_string!(locale, fields.sell_price_rub), "num")}
                    {head("buy_price_eur", td_string!(locale, fields.buy_price_eur), "num")}
                    {head("supplier_name", td_string!(locale, fields.supplier_name), "")}
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=rows.html()></tbody>
        </table>
    }
}

/// Draws the rows of a [`ProductTable`].
#[cfg(feature = "ssr")]
pub fn rows(products: &[Product], locale: Locale) -> Markup {
    html! { @for product in products { (row(product, locale)) } }
}

#[cfg(feature = "ssr")]
fn row(product: &Product, locale: Locale) -> Markup {
    let number = |label: &str, value: &str| {
        html! { td role="cell" class="num" data-label=(label) { (value) } }
    };
    let price = |price: Option<String>| price.unwrap_or_else(ui::dash);
    html! {
        tr role="row" {
            td role="cell" class="row-title" {
                a class="link" href={ "/products/" (product.id) } { (product.name) }
                @if product.archived_at.is_some() {
                    " " span class="badge badge-ghost" { (td_string!(locale, products.archived)) }
                }
            }
            td role="cell" class="num" data-label=(td_string!(locale, fields.stock)) {
                @if product.is_low_stock {
                    span {
                        span class="sr-only" { (td_string!(locale, products.low)) " " }
                        strong class="low-stock" { (pieces(product.stock, locale)) }
                        progress class="stock-bar" max=(product.min_stock) value=(product.stock) aria-hidden="true" {}
                    }
                } @else {
                    strong { (pieces(product.stock, locale)) }
                }
            }
            (number(td_string!(locale, fields.on_hand), &pieces(product.on_hand, locale)))
            (number(td_string!(locale, fields.reserved), &pieces(product.reserved, locale)))
            (number(td_string!(locale, fields.min_stock), &pieces(product.min_stock, locale)))
            (number(
                td_string!(locale, fields.sell_price_rub),
                &price(product.sell_price_rub.map(|price| amount(price.0, locale))),
            ))
            (number(
                td_string!(locale, fields.buy_price_eur),
                &price(product.buy_price_eur.map(|price| amount(price.0, locale))),
            ))
            td role="cell" class="name" data-label=(td_string!(locale, fields.supplier_name)) {
                (product.supplier_name.clone().unwrap_or_else(ui::dash))
            }
        }
    }
}
