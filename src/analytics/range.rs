//! What both analytics pages begin with: their title, the links between them, and the choice of a range of days.

use super::By;
use crate::{
    error::FieldError,
    preset::Preset,
    ui::{
        self,
        pager::{FilterField, FilterForm, OtherErrors, parameter},
        presets::Presets,
    },
};
use chrono::NaiveDate;
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_location, use_query_map},
    location::Url,
    params::ParamsMap,
};

/// The path of the page with totals and periods.
pub const PERIODS: &str = "/admin/analytics";
/// The path of the page with the sales by product.
pub const PRODUCTS: &str = "/admin/analytics/products";

/// Returns the URL of a page or file with the current query and the parameters in `set`; an empty value removes one.
pub fn address(path: &str, query: &ParamsMap, set: &[(&'static str, &str)]) -> String {
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

/// The title of both pages, and the links between them, which keep the range.
#[component]
pub fn Head() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let current = use_location().pathname;
    let link = move |path: &'static str, words: &'static str| {
        let href = move || address(path, &params.read(), &[("sort", "")]);
        view! {
            <a class="tab" href=href aria-current=move || (*current.read() == path).then_some("page")>
                {words}
            </a>
        }
    };
    let file = move || address("/admin/analytics.csv", &params.read(), &[("sort", "")]);
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
        <nav class="tabs tabs-border mb-4" aria-label=td_string!(locale, analytics.views)>
            {link(PERIODS, td_string!(locale, analytics.by_period))}
            {link(PRODUCTS, td_string!(locale, analytics.by_product))}
        </nav>
    }
}

/// The choice of a range: links to the named ranges, and a form for any other.
#[component]
pub fn RangeFilters(
    /// The path of the page.
    path: &'static str,
    preset: Option<Preset>,
    from: NaiveDate,
    to: NaiveDate,
    errors: Vec<FieldError>,
    /// The length of periods, if the page has any.
    #[prop(optional_no_strip)]
    by: Option<By>,
) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let value = move |name: &'static str| move || parameter(&params.read(), name);
    let problem = |name: &str| {
        let wrong = errors.iter().find(|error| error.field == name);
        wrong.map(|error| error.problem.clone())
    };
    let (wrong_from, wrong_to) = (problem("from"), problem("to"));
    let preset_href = move |choice: Preset| {
        let set = [
            ("preset", choice.code()),
            ("from", ""),
            ("to", ""),
            ("by", ""),
        ];
        address(path, &params.read(), &set)
    };
    let periods = by.map(|by| view! { <PeriodField by /> });
    view! {
        <Presets choices=Preset::ALL href=preset_href is_current=move |choice| preset == Some(choice) />
        <OtherErrors errors fields=&["from", "to"] />
        <FilterForm action=path>
            <FilterField
                name="from"
                label=td_string!(locale, fields.from)
                kind="date"
                initial=from.to_string()
                problem=wrong_from
            />
            <FilterField
                name="to"
                label=td_string!(locale, fields.to)
                kind="date"
                initial=to.to_string()
                problem=wrong_to
            />
            {periods}
            <input type="hidden" name="product_id" value=value("product_id") prop:value=value("product_id") />
            <input type="hidden" name="sort" value=value("sort") prop:value=value("sort") />
            <button class="btn" type="submit">
                {td_string!(locale, analytics.show)}
            </button>
        </FilterForm>
    }
}

#[component]
fn PeriodField(by: By) -> impl IntoView {
    let locale = ui::locale();
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
        <label class="filter">
            <span class="field-label">{td_string!(locale, fields.by)}</span>
            <select class="select w-full" name="by">
                {By::ALL.iter().map(|choice| option(*choice)).collect_view()}
            </select>
        </label>
    }
}
