//! Links to named ranges of days.

use crate::{
    preset::Preset,
    ui::{
        self,
        pager::{FilterField, parameter, with},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

/// Links to named ranges of days; the current one is marked.
#[component]
pub fn Presets(
    choices: &'static [Preset],
    /// Returns the URL of a range.
    href: impl Fn(Preset) -> String + Copy + Send + Sync + 'static,
    is_current: impl Fn(Preset) -> bool + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let locale = ui::locale();
    let link = move |choice: Preset| {
        view! {
            <a
                class="btn"
                href=move || href(choice)
                aria-current=move || is_current(choice).then_some("true")
            >
                {choice.label(locale)}
            </a>
        }
    };
    view! {
        <nav class="presets" aria-label=td_string!(locale, presets.title)>
            {choices.iter().map(|choice| link(*choice)).collect_view()}
        </nav>
    }
}

/// The first and the last day of a list, and links that set both. The links keep the other filters.
#[component]
pub fn DayFilters(
    /// The path of the list.
    path: &'static str,
) -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let days = move |preset: Preset| {
        let (from, to) = preset.range(ui::today());
        [from.to_string(), to.to_string()]
    };
    let href = move |preset: Preset| {
        let [from, to] = days(preset);
        with(path, query.get(), &[("from", &from), ("to", &to)])
    };
    let is_current = move |preset: Preset| {
        let query = query.read();
        days(preset) == [parameter(&query, "from"), parameter(&query, "to")]
    };
    view! {
        <FilterField name="from" label=td_string!(locale, fields.from) kind="date" />
        <FilterField name="to" label=td_string!(locale, fields.to) kind="date" />
        <Presets choices=&Preset::RECENT href is_current />
    }
}
