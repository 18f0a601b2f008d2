//! Long lists, shown a page at a time and sorted by a column. Their whole state is in the URL.

pub use super::url::{DRAFT, ONE_TIME, parameter, query_of};

use crate::{
    error::{Error, FieldError, Problem},
    moment::day_read,
    ui::{
        self,
        failure::Failure,
        form::{fields_of, focus_wrong},
    },
};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_i18n::td_string;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
    params::ParamsMap,
};

/// The wrong filters of a list that no field shows. Only URLs written by hand have them.
#[component]
pub fn OtherErrors(
    errors: Vec<FieldError>,
    /// The fields that show their own problems.
    fields: &'static [&'static str],
) -> impl IntoView {
    let others: Vec<_> = errors
        .into_iter()
        .filter(|errors| !fields.contains(&errors.field.as_str()))
        .collect();
    (!others.is_empty()).then(|| view! { <Failure error=Error::Invalid(others) /> })
}

/// Returns the URL of the page with some parameters set, or removed if they are empty, and without cursors and one-time
/// parameters.
pub fn with(path: &str, mut query: ParamsMap, set: &[(&'static str, &str)]) -> String {
    for passing in ONE_TIME.iter().chain(&["after", "before"]) {
        query.remove(passing);
    }
    for (name, value) in set {
        query.remove(name);
        if !value.is_empty() {
            query.insert(*name, (*value).to_owned());
        }
    }
    format!("{path}{}", query.to_query_string())
}

/// A column header that sorts the list; following it again reverses the order.
#[component]
pub fn SortHead(
    #[prop(into)] label: String,
    column: &'static str,
    /// The sort order if the URL does not give one.
    #[prop(default = "")]
    default: &'static str,
    #[prop(default = "")] class: &'static str,
) -> impl IntoView {
    let query = use_query_map();
    let path = use_location().pathname;
    let sort = move || {
        query
            .read()
            .get_str("sort")
            .filter(|sort| !sort.is_empty())
            .unwrap_or(default)
            .to_owned()
    };
    let direction = move || {
        let sort = sort();
        match sort.strip_prefix('-') {
            Some(by) if by == column => Some("descending"),
            None if sort == column => Some("ascending"),
            _ => None,
        }
    };
    let href = move || {
        let next = if direction() == Some("ascending") {
            format!("-{column}")
        } else {
            column.to_owned()
        };
        with(&path.read(), query.get(), &[("sort", &next)])
    };
    let arrow = move || match direction() {
        Some("ascending") => "▲",
        Some(_) => "▼",
        None => "",
    };
    view! {
        <th scope="col" role="columnheader" class=class aria-sort=direction>
            <a class="sort" href=href>
                {label}
                <span class="sort-arrow" aria-hidden="true">
                    {arrow}
                </span>
            </a>
        </th>
    }
}

/// Links to the previous and the next page.
#[component]
pub fn Pager(before: Option<String>, after: Option<String>) -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let path = use_location().pathname;
    let link = move |name: &'static str,
                     cursor: Option<String>,
                     label: &'static str,
                     rel: &'static str| {
        cursor.map(|cursor| {
            let href = with(
                &path.read_untracked(),
                query.get_untracked(),
                &[(name, &cursor)],
            );
            view! {
                <a class="btn" href=href rel=rel>
                    {label}
                </a>
            }
        })
    };
    (before.is_some() || after.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label=td_string!(locale, ui.pages)>
                {link("before", before, td_string!(locale, ui.previous), "prev")}
                {link("after", after, td_string!(locale, ui.next), "next")}
            </nav>
        }
    })
}

/// Returns whether the URL filters the list. If not, an empty list means that there are no records at all.
pub fn is_filtered(query: &ParamsMap, filters: &[&str]) -> bool {
    filters.iter().any(|name| {
        query
            .get_str(name)
            .is_some_and(|value| !value.trim().is_empty())
    })
}

/// A link that downloads the whole list as a CSV file, filtered as in the URL. It bypasses the client-side router.
#[component]
pub fn CsvLink(path: &'static str) -> impl IntoView {
    let locale = ui::locale();
    view! { <FoundLink path label=td_string!(locale, csv.download) /> }
}

/// A link to a document about what the filters of a list find.
#[component]
pub fn FoundLink(path: &'static str, label: &'static str) -> impl IntoView {
    let query = use_query_map();
    let href = move || with(path, query.get(), &[]);
    view! {
        <a class="btn" href=href rel="external">
            {label}
        </a>
    }
}

/// Parameters of lists that are not set by a field of their filters. The status has tabs, which are always visible.
const NO_FIELDS: [&str; 5] = ["sort", "after", "before", "limit", "status"];

/// Returns how many fields filter the list.
fn count_filters(query: &ParamsMap) -> usize {
    let is_filter = |name: &str| !ONE_TIME.contains(&name) && !NO_FIELDS.contains(&name);
    let parameters = query.clone().into_iter();
    let set = parameters.filter(|(name, value)| is_filter(name) && !value.trim().is_empty());
    set.count()
}

/// A form that filters a list. Its fields become the query of the URL. With JavaScript, there is no full page load.
#[component]
pub fn FilterForm(
    /// The page of the list.
    action: &'static str,
    children: Children,
) -> impl IntoView {
    let navigate = use_navigate();
    let query = use_query_map();
    let root = NodeRef::<leptos::html::Form>::new();
    // The first wrong field gets the focus, as in every form.
    Effect::new(move || {
        // The query must be read: a memo that is only tracked does not notice changes.
        drop(query.read());
        if let Some(root) = root.get() {
            focus_wrong(&root);
        }
    });
    let submit = move |event: SubmitEvent| {
        if let Some(fields) = root.get_untracked().and_then(|form| fields_of(&form)) {
            event.prevent_default();
            let set: Vec<_> = fields
                .split('&')
                .filter(|field| !field.ends_with('='))
                .collect();
            navigate(
                &format!("{action}?{}", set.join("&")),
                NavigateOptions {
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    };
    // On a phone, the fields are folded away behind a check box, which works without JavaScript.
    let locale = ui::locale();
    let folded = move || match query.with(count_filters) {
        0 => td_string!(locale, ui.filters).to_owned(),
        count => td_string!(locale, ui.filters_set, count = count).to_string(),
    };
    let show = move || match query.with(count_filters) {
        0 => td_string!(locale, ui.show_filters).to_owned(),
        count => td_string!(locale, ui.show_filters_set, count = count).to_string(),
    };
    view! {
        <form
            node_ref=root
            class="filter-form"
            role="search"
            aria-label=td_string!(locale, ui.filters)
            method="get"
            action=action
            on:submit=submit
        >
            <label class="filter-toggle btn">
                <input type="checkbox" class="sr-only" aria-label=show />
                {folded}
            </label>
            <div class="filters">{children()}</div>
        </form>
    }
}

/// A field that filters a list. It follows the URL, and keeps what was typed before the page was hydrated.
#[component]
pub fn FilterField(
    name: &'static str,
    label: &'static str,
    /// The input type.
    #[prop(default = "search")]
    kind: &'static str,
    /// Which keyboard a phone shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    #[prop(default = "filter")] class: &'static str,
    /// The value shown if the URL does not give one.
    #[prop(optional)]
    initial: String,
    /// Returns what is wrong with a value, as far as the value alone shows it.
    #[prop(optional)]
    check: Option<fn(&str) -> Option<Problem>>,
    /// The problem that the server found.
    #[prop(default = None)]
    problem: Option<Problem>,
) -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let value = Memo::new(move |_| {
        let typed = parameter(&query.read(), name);
        match day_read(&typed) {
            Some(day) if kind == "date" => day.to_string(),
            _ if typed.is_empty() => initial.clone(),
            _ => typed,
        }
    });
    let errors = Memo::new(move |_| {
        let errors = value.with(|value| match check {
            _ if value.trim().is_empty() => None,
            _ if kind == "date" => match day_read(value) {
                None => Some(Problem::NotDate),
                Some(day) if name == "to" => {
                    let first = day_read(&parameter(&query.read(), "from"));
                    first
                        .filter(|first| *first > day)
                        .map(|_| Problem::BeforeStart)
                }
                Some(_) => None,
            },
            Some(check) => check(value),
            None => None,
        });
        errors.or_else(|| problem.clone())
    });
    let is_wrong = move || errors.read().is_some();
    // A date input cannot show an invalid date, so it becomes a text input.
    let is_text = move || *errors.read() == Some(Problem::NotDate);
    // The prefix avoids a clash with another form on the page that has a field of this name.
    let error = format!("filter-{name}-error");
    let described = error.clone();
    let words = move || {
        errors.get().map(|problem| {
            view! {
                <p class="field-error" id=error.clone()>
                    {problem.message(locale)}
                </p>
            }
        })
    };
    let input = NodeRef::<leptos::html::Input>::new();
    Effect::new(move |was_alive: Option<()>| {
        let value = value.get();
        if was_alive.is_some()
            && let Some(input) = input.get_untracked()
        {
            input.set_value(&value);
        }
    });
    view! {
        <div class=class>
            <label>
                <span class="field-label">{label}</span>
                <input
                    class="input w-full"
                    class:input-error=is_wrong
                    node_ref=input
                    type=move || if is_text() { "text" } else { kind }
                    inputmode=inputmode
                    name=name
                    value=value.get_untracked()
                    aria-invalid=move || is_wrong().then_some("true")
                    aria-describedby=described
                />
            </label>
            {words}
        </div>
    }
}
