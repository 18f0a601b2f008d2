//! The list of orders.

use super::{
    Query, Status,
    bulk::{
        self,
        selection::{Selection, ignore_enter},
    },
    counts::{OrderCount, OrderCounts},
    elsewhere::{self, NewOrders},
    number_problem, phone_problem,
    row::OrderTable,
};
use crate::{
    error::Error,
    orders::stage::Stage,
    page::Filtered,
    products::first::FirstProduct,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        failure::DraftFailure,
        pager::{
            CsvLink, FilterField, FilterForm, OtherErrors, Pager, SortHead, is_filtered, parameter,
            query_of, with,
        },
        presets::DayFilters,
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
    /// The bar that acts on the chosen orders, if any can be chosen.
    pub bar: Drawn,
    pub stage: Stage,
}

/// Reads a page of the list of orders.
#[server(endpoint = "list_orders", input = GetUrl)]
pub async fn list_orders(query: Query) -> Result<Filtered<Listing>, Error> {
    use super::{row, search, stage};
    use crate::server_context;
    let found = server_context::search(query, |tx, query| {
        let (page, waiting) = search::list_with_baskets(tx, query)?;
        let stage = stage::stage(tx, &page.items)?;
        Ok((page, stage, waiting))
    })
    .await?;
    Ok(found.map(|(page, stage, waiting)| {
        let waits = page.items.iter().filter(|order| order.waits());
        Listing {
            bar: server_context::draw(&waits.collect::<Vec<_>>(), |_, locale| bulk::bar(locale)),
            page: server_context::draw_page(page, |orders, locale| {
                row::rows(orders, &waiting, true, locale)
            }),
            stage,
        }
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
        let Listing { page, bar, stage } = found;
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
            {(!bar.is_empty).then(|| view! { <div class="bulk" inner_html=bar.html()></div> })}
        }
        .into_any()
    };
    let (place, refused) = (NodeRef::new(), NodeRef::new());
    let selection = Selection::new(place, refused);
    let new = elsewhere::follow(place);
    view! {
        <Title text=td_string!(locale, nav.orders) />
        <div class="page-head">
            <h1>{td_string!(locale, nav.orders)}</h1>
            <StatusTabs />
            <div class="page-actions">
                <label class="btn choose-toggle">
                    <input type="checkbox" class="sr-only" autocomplete="off" />
                    {td_string!(locale, orders.choose_rows)}
                </label>
                <a class="btn" href="/print/picking" rel="external">
                    {td_string!(locale, print.picking)}
                </a>
                <CsvLink path="/orders.csv" />
                <a class="btn btn-primary" href="/orders/new">
                    {td_string!(locale, orders.new_order)}
                    <kbd aria-hidden="true">"N"</kbd>
                </a>
            </div>
        </div>
        <DraftFailure />
        <div node_ref=refused tabindex="-1" inner_html=bulk::refused_before()></div>
        <Filters />
        <div
            node_ref=place
            on:click=move |event| selection.clicked(&event)
            on:keydown=|event| ignore_enter(&event)
        >
            <NewOrders words=new />
            {ui::loaded(page, draw)}
        </div>
    }
}

fn head() -> AnyView {
    let locale = ui::locale();
    view! {
        <th scope="col">
            <label class="choose">
                <input type="checkbox" aria-label=td_string!(locale, orders.choose_all) autocomplete="off" />
            </label>
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

/// Links to the orders of each status, with their numbers.
#[component]
fn StatusTabs() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let tab = move |status: &'static str, label: &'static str, of: fn(OrderCounts) -> i64| {
        let href = move || with("/orders", params.get(), &[("status", status)]);
        let is_current = move || parameter(&params.read(), "status") == status;
        view! {
            <a class="status-tab" href=href aria-current=move || is_current().then_some("true")>
                {label}
                <OrderCount of />
            </a>
        }
    };
    view! {
        <nav class="status-tabs" aria-label=td_string!(locale, fields.status)>
            {tab(Status::PaidNotIssued.code(), td_string!(locale, orders.tab_waiting), |all| all.waiting)}
            {tab("", td_string!(locale, orders.tab_all), OrderCounts::all)}
            {tab(Status::PaidIssued.code(), td_string!(locale, orders.tab_issued), |all| all.issued)}
            {tab(Status::PaidDenied.code(), td_string!(locale, orders.tab_denied), |all| all.denied)}
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
            <DayFilters path="/orders" />
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
