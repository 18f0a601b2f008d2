//! The analytics page: sales and profit in a range of days, and products to reorder.

use super::{
    Query, Rate,
    board::AnalyticsData,
    chart::BarChart,
    periods::{PeriodTable, bar},
    range::{Head, PERIODS, RangeFilters, address},
    reorder::ReorderTable,
    totals::Totals,
};
use crate::{
    error::{Error, FieldError},
    moment::{day_shown, range_shown},
    page::Filtered,
    products::first::FirstProduct,
    ui::{self, live, pager::query_of},
};
use chrono::Datelike;
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

/// Returns everything that the analytics page shows.
#[server(endpoint = "read_analytics", input = GetUrl)]
pub async fn read_analytics(query: Query) -> Result<Filtered<AnalyticsData>, Error> {
    crate::server_context::search(query, super::service::board).await
}

/// The analytics page.
#[component]
pub fn AnalyticsPage() -> impl IntoView {
    let params = use_query_map();
    let elsewhere = live::list(&["order", "order_return", "write_off", "rate"]);
    let board = ui::data(
        move || (query_of::<Query>(&params.read()), elsewhere.get()),
        |(query, _)| read_analytics(query),
    );
    view! {
        <Head />
        {ui::loaded(board, move |Filtered { found, errors }| view! { <BoardView board=found errors /> })}
    }
}

#[component]
fn BoardView(board: AnalyticsData, errors: Vec<FieldError>) -> impl IntoView {
    let locale = ui::locale();
    let AnalyticsData {
        preset,
        summary,
        before,
        product,
        rate,
        is_rate_old,
        reorder,
        has_products,
    } = board;
    let range = format!(
        "{} — {}",
        day_shown(summary.from, locale),
        day_shown(summary.to, locale)
    );
    // The heading above shows the year of the range.
    let earlier = range_shown(before.from, before.to, summary.to.year(), locale);
    let one = product.map(|(id, name)| view! { <OneProduct id name /> });
    let bars = summary
        .periods
        .iter()
        .map(|period| bar(period.start, &period.figures, summary.by, locale))
        .collect::<Vec<_>>();
    view! {
        <RangeFilters path=PERIODS preset from=summary.from to=summary.to errors by=Some(summary.by) />
        <RateNotice rate is_old=is_rate_old />
        {one}
        <section aria-labelledby="totals">
            <h2 id="totals">{range}</h2>
            <p class="mb-2">{td_string!(locale, analytics.compared, range = earlier).to_string()}</p>
            <Totals now=summary.totals before=before.totals />
        </section>
        <section aria-labelledby="periods">
            <h2 id="periods">{td_string!(locale, analytics.periods)}</h2>
            <div class="chart-columns">
                <BarChart bars label=td_string!(locale, analytics.chart) has_second=summary.totals.cost_rub.is_some() />
                <PeriodTable summary=summary.clone() />
            </div>
        </section>
        <section aria-labelledby="reorder">
            <h2 id="reorder">{td_string!(locale, analytics.reorder)}</h2>
            {if !has_products {
                view! { <FirstProduct /> }.into_any()
            } else if reorder.is_empty() {
                view! { <p class="empty">{td_string!(locale, home.nothing_low)}</p> }.into_any()
            } else {
                view! { <ReorderTable rows=reorder /> }.into_any()
            }}
        </section>
    }
}

/// Asks for an exchange rate if there is none, or if the newest is more than a week old.
#[component]
fn RateNotice(rate: Option<Rate>, is_old: bool) -> impl IntoView {
    let locale = ui::locale();
    let link = view! {
        <a class="link" href="/admin/rates">
            {td_string!(locale, analytics.enter_rate)}
        </a>
    };
    match rate {
        None => {
            let no_rate = td_string!(locale, analytics.no_rate);
            view! { <p class="alert alert-warning alert-soft mb-4">{no_rate} " " {link}</p> }
                .into_any()
        }
        Some(rate) if is_old => {
            let words = td_string!(
                locale,
                analytics.old_rate,
                day = day_shown(rate.day, locale)
            )
            .to_string();
            view! { <p class="alert alert-warning alert-soft mb-4">{words} " " {link}</p> }
                .into_any()
        }
        Some(_) => ().into_any(),
    }
}

/// Names the product that the report is limited to, with a link back to all products.
#[component]
fn OneProduct(id: i64, name: String) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let all = move || address(PERIODS, &params.read(), &[("product_id", "")]);
    view! {
        <p class="mb-4">
            {td_string!(locale, fields.product)} ": " <a class="link" href=format!("/products/{id}")>
                {name}
            </a> " · " <a class="link" href=all>
                {td_string!(locale, analytics.all_products)}
            </a>
        </p>
    }
}
