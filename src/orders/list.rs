//! The list of orders.

use super::{
    Query, Status, number_problem, phone_problem, row::OrderTable, waiting::WaitingOrders,
};
use crate::{
    error::Error,
    orders::stage::Stage,
    page::Filtered,
    products::first::FirstProduct,
    ui::{
        self,
        drawn::DrawnPage,
        failure::DraftFailure,
        pager::{
            CsvLink, FilterField, FilterForm, OtherErrors, Pager, SortHead, is_filtered, parameter,
            query_of, with,
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
    pub page: DrawnPage,
    pub stage: Stage,
}

/// Reads a page of the list of orders.
#[server(endpoint = "list_orders", input = GetUrl)]
pub async fn list_orders(query: Query) -> Result<Filtered<Listing>, Error> {
    use super::{row, search, stage};
    use crate::server_context;
    let found = server_context::search(query, |tx, query| {
        let page = search::list(tx, query)?;
        let stage = stage::stage(tx, &page.items)?;
        let waiting = search::waiting_by_basket(tx, &page.items)?;
        Ok((page, stage, waiting))
    })
    .await?;
    Ok(found.map(|(page, stage, waiting)| Listing {
        page: server_context::draw_page(page, |orders, locale| row::rows(orders, &waiting, locale)),
        stage,
    }))
}

/// The page with the list of orders.
#[component]
pub fn OrdersPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let refresh = expect_context::<ui::Refresh>();
    let page = ui::data(
        move || (query_of::<Query>(&params.read()), refresh.0.get()),
        |(query, _)| list_orders(query),
    );
    let draw = move |Filtered { found, errors }: Filtered<Listing>| {
        let Listing { page, stage } = found;
        let mistakes = view! { <OtherErrors errors fields=&FIELDS /> };
        if page.items.is_empty {
            let words = match stage {
                _ if is_filtered(&params.read_untracked(), &FILTERS) => view! {
                    <p class="empty">
                        {td_string!(locale, orders.none_found)} " " <a class="link" href="/orders">
                            {td_string!(locale, ui.reset)}
                        </a>
                    </p>
                }.into_any(),
                Stage::Empty => view! { <FirstProduct /> }.into_any(),
                Stage::Stocked | Stage::Selling => view! {
                    <p class="empty">
                        {td_string!(locale, orders.none_yet)} " " <a class="link" href="/orders/new">
                            {td_string!(locale, orders.new_order)}
                        </a>
                    </p>
                }.into_any(),
            };
            return view! {
                {mistakes}
                {words}
            }
            .into_any();
        }
        view! {
            {mistakes}
            <OrderTable rows=page.items head=head() />
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    view! {
        <Title text=td_string!(locale, nav.orders) />
        <div class="page-head">
            <h1>{td_string!(locale, nav.orders)}</h1>
            <StatusTabs />
            <div class="page-actions">
                <CsvLink path="/orders.csv" />
                <a class="btn btn-primary" href="/orders/new">
                    {td_string!(locale, orders.new_order)}
                    <kbd aria-hidden="true">"N"</kbd>
                </a>
            </div>
        </div>
        <DraftFailure />
        <Filters />
        {ui::loaded(page, draw)}
    }
}

fn head() -> AnyView {
    let locale = ui::locale();
    view! {
        <th scope="col">
            {td_string!(locale, fields.id)}
        </th>
        <SortHead label=td_string!(locale, fields.date) column="created_at" default="-created_at" />
        <th scope="col">
            {td_string!(locale, fields.product)}
        </th>
        <th scope="col" class="num">
            {td_string!(locale, fields.qty)}
        </th>
        <th scope="col" class="num">
            {td_string!(locale, fields.unit_price_rub)}
        </th>
        <th scope="col" class="num">
            {td_string!(locale, fields.total_rub)}
        </th>
        <SortHead label=td_string!(locale, fields.phone) column="phone" default="-created_at" />
        <SortHead label=td_string!(locale, fields.status) column="status" default="-created_at" />
    }
    .into_any()
}

/// Links to the orders of each status, with the number of those that wait.
#[component]
fn StatusTabs() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let tab = move |status: &'static str, label: &'static str| {
        let href = move || with("/orders", params.get(), &[("status", status)]);
        let is_current = move || parameter(&params.read(), "status") == status;
        view! {
            <a class="status-tab" href=href aria-current=move || is_current().then_some("true")>
                {label}
                {(status == Status::PaidNotIssued.code()).then(|| view! { <WaitingOrders /> })}
            </a>
        }
    };
    view! {
        <nav class="status-tabs" aria-label=td_string!(locale, fields.status)>
            {tab(Status::PaidNotIssued.code(), td_string!(locale, orders.tab_waiting))}
            {tab("", td_string!(locale, orders.tab_all))}
            {tab(Status::PaidIssued.code(), td_string!(locale, orders.tab_issued))}
            {tab(Status::PaidDenied.code(), td_string!(locale, orders.tab_denied))}
        </nav>
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let value = move |name: &'static str| move || parameter(&params.read(), name);
    view! {
        <FilterForm action="/orders">
            <FilterField
                name="phone"
                label=td_string!(locale, orders.phone_digits)
                inputmode="numeric"
                class="filter wide"
                check=phone_problem
            />
            <FilterField
                name="id"
                label=td_string!(locale, orders.order_number)
                inputmode="numeric"
                class="filter short"
                check=number_problem
            />
            <FilterField name="customer" label=td_string!(locale, fields.customer_name) class="filter wide" />
            <FilterField name="product" label=td_string!(locale, fields.product) class="filter grow" />
            <FilterField name="from" label=td_string!(locale, fields.from) kind="date" />
            <FilterField name="to" label=td_string!(locale, fields.to) kind="date" />
            <input type="hidden" name="status" value=value("status") prop:value=value("status") />
            <input type="hidden" name="sort" value=value("sort") prop:value=value("sort") />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
            <div class="col-span-2 sm:hidden">
                <CsvLink path="/orders.csv" />
            </div>
        </FilterForm>
    }
}
