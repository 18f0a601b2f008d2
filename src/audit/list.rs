//! The admin page of the operation log.

use super::{Action, Entity, Query, SYSTEM};
use crate::{
    error::Error,
    moment::Moment,
    page::Filtered,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        live,
        pager::{
            CsvLink, FilterField, FilterForm, OtherErrors, Pager, is_filtered, parameter, query_of,
        },
        presets::DayFilters,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    super::{Operation, history::changes},
    crate::{i18n::Locale, ui::entity_link::entity_link},
    maud::{Markup, html},
};

const FILTERS: [&str; 9] = [
    "from",
    "to",
    "user",
    "action",
    "entity_type",
    "entity_id",
    "text",
    "after",
    "before",
];

/// The data of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listing {
    pub page: DrawnPage,
    /// Set if the search stopped at this time before the page was full; the next page continues from there.
    pub looked_to: Option<Moment>,
}

/// Returns a page of the log.
#[server(endpoint = "read_log", input = GetUrl)]
pub async fn read_log(query: Query) -> Result<Filtered<Listing>, Error> {
    use crate::server_context;
    let found = server_context::search(query, |tx, query| {
        let mut found = super::search::list(tx, query)?;
        let items = found.page.items.into_iter();
        found.page.items = items.map(Operation::display).collect();
        Ok(found)
    })
    .await?;
    Ok(found.map(|found| Listing {
        page: server_context::draw_page(found.page, rows),
        looked_to: found.looked_to,
    }))
}

/// The admin page of the operation log.
#[component]
pub fn LogPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let elsewhere = live::every();
    let found = ui::data(
        move || (query_of::<Query>(&params.read()), elsewhere.get()),
        |(query, _)| read_log(query),
    );
    let draw = move |Filtered { found, errors }: Filtered<Listing>| {
        let Listing { page, looked_to } = found;
        let looked = looked_to.map(|moment| {
            let words =
                td_string!(locale, log.looked_to, moment = moment.display(locale)).to_string();
            view! {
                <p class="alert alert-info alert-soft mt-4" role="status">
                    {words}
                </p>
            }
        });
        let rows = if page.items.is_empty {
            let words = if is_filtered(&params.read_untracked(), &FILTERS) {
                view! {
                    {td_string!(locale, log.none_found)}
                    " "
                    <a class="link" href="/admin/logs">
                        {td_string!(locale, ui.reset)}
                    </a>
                }
                .into_any()
            } else {
                td_string!(locale, log.none_yet).into_any()
            };
            view! { <p class="empty">{words}</p> }.into_any()
        } else {
            view! { <LogTable rows=page.items /> }.into_any()
        };
        view! {
            <OtherErrors errors fields=&["from", "to", "user", "entity_id", "text"] />
            {rows}
            {looked}
            <Pager before=page.before after=page.after />
        }
    };
    view! {
        <Title text=td_string!(locale, nav.log) />
        <div class="page-head">
            <h1>{td_string!(locale, nav.log)}</h1>
            <div class="page-actions">
                <CsvLink path="/admin/logs.csv" />
            </div>
        </div>
        <Filters />
        {ui::loaded(found, draw)}
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    let actions = Action::ALL
        .iter()
        .map(move |action| (action.code(), action.label(locale)));
    let entities = Entity::ALL
        .iter()
        .map(move |entity| (entity.code(), entity.label(locale)));
    view! {
        <FilterForm action="/admin/logs">
            <DayFilters path="/admin/logs" />
            <FilterField name="user" label=td_string!(locale, fields.user) />
            <Choice
                name="action"
                label=td_string!(locale, log.action)
                any=td_string!(locale, log.any_action)
                options=actions.collect()
            />
            <Choice
                name="entity_type"
                label=td_string!(locale, log.entity)
                any=td_string!(locale, log.any_entity)
                options=entities.collect()
            />
            <FilterField name="entity_id" label=td_string!(locale, log.entity_id) />
            <FilterField name="text" label=td_string!(locale, log.text) class="filter grow" />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
        </FilterForm>
        <p class="mb-4 text-sm opacity-80">{td_string!(locale, log.system_hint, name = SYSTEM).to_string()}</p>
    }
}

/// A filter that offers a choice of codes.
#[component]
pub fn Choice(
    name: &'static str,
    label: &'static str,
    /// Label of the option for no filter.
    any: &'static str,
    /// Codes and their labels.
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let params = use_query_map();
    let chosen = move || parameter(&params.read(), name);
    let option = move |(code, words): (&'static str, &'static str)| {
        view! {
            <option value=code selected=move || chosen() == code>
                {words}
            </option>
        }
    };
    view! {
        <label class="filter">
            <span class="field-label">{label}</span>
            <select class="select w-full" name=name prop:value=chosen>
                <option value="">{any}</option>
                {options.into_iter().map(option).collect_view()}
            </select>
        </label>
    }
}

#[component]
fn LogTable(rows: Drawn) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.date)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.user)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, log.action)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, log.entity)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, log.details)}
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=rows.html()></tbody>
        </table>
    }
}

/// Draws the rows of a [`LogTable`].
#[cfg(feature = "ssr")]
fn rows(operations: &[Operation], locale: Locale) -> Markup {
    html! {
        @for operation in operations {
            tr role="row" {
                td role="cell" class="date" data-label=(td_string!(locale, fields.date)) {
                    (operation.timestamp.display(locale))
                }
                td role="cell" data-label=(td_string!(locale, fields.user)) { (operation.user(locale)) }
                td role="cell" class="row-title" { (operation.action.display(|action| action.label(locale))) }
                td role="cell" data-label=(td_string!(locale, log.entity)) {
                    (entity_link(&operation.entity_type, &operation.entity_id, locale))
                }
                td role="cell" class="log-changes" {
                    @let count = operation.changes.len();
                    @if count > 0 {
                        details {
                            summary class="log-summary" { (td_string!(locale, log.changes, count = count).to_string()) }
                            (changes(&operation.changes, locale))
                        }
                    }
                }
            }
        }
    }
}
