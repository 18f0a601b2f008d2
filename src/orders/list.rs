//! The list of orders.

use super::{Order, Query, Status, number_problem, phone_problem, row::OrderTable};
use crate::{
    error::Error,
    orders::stage::Stage,
    page::{Found, Page},
    products::first::FirstProduct,
    ui::{
        self,
        failure::UrlFailure,
        pager::{
            CsvLink, FilterField, FilterForm, OtherMistakes, Pager, SortHead, is_filtered,
            parameter, query_of,
        },
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

const FILTERS: [&str; 9] = [
    "status", "phone", "id", "customer", "product", "from", "to", "after", "before",
];
/// The filters that show their own problems.
const FIELDS: [&str; 6] = ["phone", "id", "customer", "product", "from", "to"];

/// The data of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listing {
    pub page: Page<Order>,
    pub stage: Stage,
}

/// Reads a page of the list of orders.
#[server(endpoint = "list_orders", input = GetUrl)]
pub async fn list_orders(query: Query) -> Result<Found<Listing>, Error> {
    crate::door::search(query, |tx, query| {
        let page = super::search::list(tx, query)?;
        let stage = crate::orders::stage::stage(tx)?;
        Ok(Listing { page, stage })
    })
    .await
}

/// The page with the list of orders.
#[component]
pub fn OrdersPage() -> impl IntoView {
    let l = ui::locale();
    let params = use_query_map();
    let page = ui::data(move || query_of::<Query>(&params.read()), list_orders);
    let draw = move |Found { found, wrong }: Found<Listing>| {
        let Listing { page, stage } = found;
        let mistakes = view! { <OtherMistakes wrong fields=&FIELDS /> };
        if page.items.is_empty() {
            let words = match stage {
                _ if is_filtered(&params.read_untracked(), &FILTERS) => view! { <p class="empty">{td_string!(l, orders.none_found)} " " <a class="link" href="/orders">{td_string!(l, ui.reset)}</a></p> }.into_any(),
                Stage::Empty => view! { <FirstProduct /> }.into_any(),
                Stage::Stocked | Stage::Selling => view! { <p class="empty">{td_string!(l, orders.none_yet)} " " <a class="link" href="/orders/new">{td_string!(l, orders.new_order)}</a></p> }.into_any(),
            };
            return view! { {mistakes} {words} }.into_any();
        }
        view! {
            {mistakes}
            <OrderTable orders=page.items head=head() />
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    view! {
        <Title text=td_string!(l, nav.orders) />
        <div class="page-head">
            <h1>{td_string!(l, nav.orders)}</h1>
            <div class="page-actions">
                <CsvLink path="/orders.csv" />
                <a class="btn btn-primary" href="/orders/new">{td_string!(l, orders.new_order)}</a>
            </div>
        </div>
        <UrlFailure />
        <Filters />
        {ui::loaded(page, draw)}
    }
}

fn head() -> AnyView {
    let l = ui::locale();
    view! {
        <th scope="col" role="columnheader">{td_string!(l, fields.id)}</th>
        <SortHead label=td_string!(l, fields.date) column="created_at" default="-created_at" />
        <th scope="col" role="columnheader">{td_string!(l, fields.product)}</th>
        <th scope="col" role="columnheader" class="num">{td_string!(l, fields.qty)}</th>
        <th scope="col" role="columnheader" class="num">{td_string!(l, fields.unit_price_rub)}</th>
        <th scope="col" role="columnheader" class="num">{td_string!(l, fields.total)}</th>
        <SortHead label=td_string!(l, fields.phone) column="phone" default="-created_at" />
        <SortHead label=td_string!(l, fields.status) column="status" default="-created_at" />
    }
    .into_any()
}

#[component]
fn Filters() -> impl IntoView {
    let l = ui::locale();
    let params = use_query_map();
    let value = move |name: &'static str| move || parameter(&params.read(), name);
    let is_status =
        move |status: &'static str| move || parameter(&params.read(), "status") == status;
    let options = Status::ALL
        .iter()
        .map(|status| view! { <option value=status.code() selected=is_status(status.code())>{status.label(l)}</option> })
        .collect_view();
    view! {
        <FilterForm action="/orders">
            <FilterField name="phone" label=td_string!(l, orders.phone_digits) inputmode="numeric" check=phone_problem />
            <FilterField name="id" label=td_string!(l, orders.order_number) inputmode="numeric" class="filter short" check=number_problem />
            <FilterField name="customer" label=td_string!(l, fields.customer_name) />
            <label class="filter">
                <span class="field-label">{td_string!(l, fields.status)}</span>
                <select class="select w-full" name="status" prop:value=value("status")>
                    <option value="">{td_string!(l, orders.any_status)}</option>
                    {options}
                </select>
            </label>
            <FilterField name="product" label=td_string!(l, fields.product) class="filter grow" />
            <FilterField name="from" label=td_string!(l, fields.from) kind="date" />
            <FilterField name="to" label=td_string!(l, fields.to) kind="date" />
            <input type="hidden" name="sort" value=value("sort") prop:value=value("sort") />
            <button class="btn" type="submit">{td_string!(l, ui.show)}</button>
        </FilterForm>
    }
}
