//! The analytics page: sales and profit in a range of days, and products to reorder.

use super::{
    By, Preset, Query, Rate,
    board::AnalyticsData,
    chart::BarChart,
    periods::{PeriodTable, bar},
    products::ProductsTable,
    reorder::ReorderTable,
    totals::Totals,
};
use crate::{
    error::{Error, FieldError},
    moment::{day_shown, range_shown},
    page::Filtered,
    products::first::FirstProduct,
    ui::{
        self,
        pager::{FilterField, FilterForm, OtherErrors, parameter, query_of},
    },
};
use chrono::{Datelike, NaiveDate};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, location::Url, params::ParamsMap};

/// Returns everything that the analytics page shows.
#[server(endpoint = "read_analytics", input = GetUrl)]
pub async fn read_analytics(query: Query) -> Result<Filtered<AnalyticsData>, Error> {
    crate::server_context::search(query, super::service::board).await
}

/// The analytics page.
#[component]
pub fn AnalyticsPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let board = ui::data(move || query_of::<Query>(&params.read()), read_analytics);
    let file = move || address("/admin/analytics.csv", &params.read(), &[]);
    view! {
        <Title text=td_string!(locale, nav.analytics) />
        <div class="page-head">
            <h1>{td_string!(locale, nav.analytics)}</h1>
            <div class="page-actions">
                <a class="btn" href="/admin/rates">
                    {td_string!(locale, nav.rates)}
                </a>
                <a class="btn" href=file rel="external">
                    {td_string!(locale, csv.download)}
                </a>
            </div>
        </div>
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
        more_products,
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
        <Presets preset />
        <OtherErrors errors=errors.clone() fields=&["from", "to"] />
        <Filters by=summary.by from=summary.from to=summary.to errors />
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
        <section aria-labelledby="products">
            <h2 id="products">{td_string!(locale, analytics.products)}</h2>
            {if summary.products.is_empty() {
                view! { <p class="empty">{td_string!(locale, analytics.nothing_sold)}</p> }.into_any()
            } else {
                view! {
                    <ProductsTable products=summary.products />
                    {(more_products > 0)
                        .then(|| {
                            view! {
                                <p class="mt-2">
                                    {td_string!(locale, analytics.more_products, count = more_products).to_string()}
                                </p>
                            }
                        })}
                }
                    .into_any()
            }}
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

/// Returns the URL of a page or file with the current query and the parameters in `set`; an empty value removes one.
fn address(path: &str, query: &ParamsMap, set: &[(&'static str, &str)]) -> String {
    let names = ["preset", "from", "to", "by", "product_id", "sort"];
    let value = |name: &str| {
        set.iter()
            .find(|(key, _)| *key == name)
            .map_or_else(|| parameter(query, name), |(_, value)| (*value).to_owned())
    };
    let pairs: Vec<String> = names
        .iter()
        .map(|name| (name, value(name)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", Url::escape(&value)))
        .collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

/// Links to the named ranges.
#[component]
fn Presets(preset: Option<Preset>) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let link = move |choice: Preset| {
        let href = move || {
            let set = [
                ("preset", choice.code()),
                ("from", ""),
                ("to", ""),
                ("by", ""),
            ];
            address("/admin/analytics", &params.read(), &set)
        };
        let words = match choice {
            Preset::Today => td_string!(locale, analytics.today),
            Preset::Week => td_string!(locale, analytics.week),
            Preset::ThisMonth => td_string!(locale, analytics.this_month),
            Preset::LastMonth => td_string!(locale, analytics.last_month),
            Preset::Year => td_string!(locale, analytics.year),
        };
        let current = (preset == Some(choice)).then_some("true");
        view! {
            <a class="btn" href=href aria-current=current>
                {words}
            </a>
        }
    };
    view! {
        <nav class="presets" aria-label=td_string!(locale, analytics.range)>
            {Preset::ALL.iter().map(|choice| link(*choice)).collect_view()}
        </nav>
    }
}

/// The form for a custom range and the length of periods.
#[component]
fn Filters(by: By, from: NaiveDate, to: NaiveDate, errors: Vec<FieldError>) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let value = move |name: &'static str| move || parameter(&params.read(), name);
    let problem = move |name: &str| {
        let errors = errors.iter().find(|errors| errors.field == name);
        errors.map(|errors| errors.problem.clone())
    };
    let option = move |choice: By| {
        let words = match choice {
            By::Day => td_string!(locale, analytics.by_day),
            By::Week => td_string!(locale, analytics.by_week),
            By::Month => td_string!(locale, analytics.by_month),
        };
        view! {
            <option value=choice.code() selected=choice == by>
                {words}
            </option>
        }
    };
    view! {
        <FilterForm action="/admin/analytics">
            <FilterField
                name="from"
                label=td_string!(locale, fields.from)
                kind="date"
                initial=from.to_string()
                problem=problem("from")
            />
            <FilterField
                name="to"
                label=td_string!(locale, fields.to)
                kind="date"
                initial=to.to_string()
                problem=problem("to")
            />
            <label class="filter">
                <span class="field-label">{td_string!(locale, fields.by)}</span>
                <select class="select w-full" name="by">
                    {By::ALL.iter().map(|choice| option(*choice)).collect_view()}
                </select>
            </label>
            <input type="hidden" name="product_id" value=value("product_id") prop:value=value("product_id") />
            <input type="hidden" name="sort" value=value("sort") prop:value=value("sort") />
            <button class="btn" type="submit">
                {td_string!(locale, analytics.show)}
            </button>
        </FilterForm>
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
    let all = move || address("/admin/analytics", &params.read(), &[("product_id", "")]);
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
