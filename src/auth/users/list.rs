//! The admin page that lists the accounts.

use super::{Query, invite::Invitations};
use crate::{
    audit::list::Choice,
    auth::{Role, UserState},
    codes::Code,
    error::Error,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        failure::DraftFailure,
        live,
        pager::{FilterField, FilterForm, Pager, SortHead, is_filtered, parameter, query_of},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use {
    super::Account,
    crate::i18n::Locale,
    leptos_router::location::Url,
    maud::{Markup, html},
};

/// Returns a page of the list of accounts.
#[server(endpoint = "list_users", input = GetUrl)]
pub async fn list_users(query: Query) -> Result<DrawnPage, Error> {
    use crate::server_context;
    let page = server_context::read(move |tx| super::service::list(tx, &query)).await?;
    Ok(server_context::draw_page(page, rows))
}

/// The admin page of accounts and invitations.
#[component]
pub fn UsersPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let elsewhere = live::list(&["user", "invitation"]);
    let page = ui::data(
        move || (query_of::<Query>(&params.read()), elsewhere.get()),
        |(query, _)| list_users(query),
    );
    let draw = move |page: DrawnPage| {
        if page.items.is_empty {
            let filters = ["search", "role", "state", "after", "before"];
            let reset = is_filtered(&params.read_untracked(), &filters).then(|| {
                view! {
                    " "
                    <a class="link" href="/admin/users">
                        {td_string!(locale, ui.reset)}
                    </a>
                }
            });
            return view! { <p class="empty">{td_string!(locale, users.none_found)} {reset}</p> }
                .into_any();
        }
        view! {
            <UserTable rows=page.items />
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    view! {
        <Title text=td_string!(locale, nav.users) />
        <h1>{td_string!(locale, nav.users)}</h1>
        <DraftFailure />
        <Filters />
        {ui::loaded(page, draw)}
        <Invitations />
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let sort = move || parameter(&params.read(), "sort");
    let roles = Role::ALL
        .iter()
        .map(move |role| (role.code(), role.label(locale)));
    let states = UserState::ALL
        .iter()
        .map(move |state| (state.code(), state.label(locale)));
    view! {
        <FilterForm action="/admin/users">
            <FilterField name="search" label=td_string!(locale, fields.username) />
            <Choice
                name="role"
                label=td_string!(locale, fields.role)
                any=td_string!(locale, users.any_role)
                options=roles.collect()
            />
            <Choice
                name="state"
                label=td_string!(locale, fields.state)
                any=td_string!(locale, users.any_state)
                options=states.collect()
            />
            <input type="hidden" name="sort" value=sort prop:value=sort />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
        </FilterForm>
    }
}

#[component]
fn UserTable(rows: Drawn) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label=td_string!(locale, fields.username) column="username" default="username" />
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.role)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.state)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.created_at)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.last_seen_at)}
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=rows.html()></tbody>
        </table>
    }
}

/// Draws the rows of a [`UserTable`].
#[cfg(feature = "ssr")]
fn rows(accounts: &[Account], locale: Locale) -> Markup {
    html! {
        @for account in accounts {
            tr role="row" {
                td role="cell" class="row-title" {
                    a class="link" href={ "/admin/users/" (Url::escape(&account.username)) } { (account.username) }
                }
                td role="cell" data-label=(td_string!(locale, fields.role)) {
                    (account.role.display(|role| role.label(locale)))
                }
                td role="cell" data-label=(td_string!(locale, fields.state)) {
                    span class=(state_class(&account.state)) { (account.state.display(|state| state.label(locale))) }
                }
                td role="cell" class="date" data-label=(td_string!(locale, fields.created_at)) {
                    (account.created_at.display(locale))
                }
                td role="cell" class="date" data-label=(td_string!(locale, fields.last_seen_at)) {
                    @match account.last_seen_at {
                        Some(seen) => { (seen.display(locale)) }
                        None => { (td_string!(locale, users.never)) }
                    }
                }
            }
        }
    }
}

/// The state of an account as a coloured label.
#[component]
pub fn StateBadge(state: Code<UserState>) -> impl IntoView {
    let locale = ui::locale();
    view! { <span class=state_class(&state)>{state.display(|state| state.label(locale))}</span> }
}

const fn state_class(state: &Code<UserState>) -> &'static str {
    match state.known() {
        Some(UserState::Pending) | None => "badge badge-warning",
        Some(UserState::Active) => "badge badge-success badge-soft",
        Some(UserState::Blocked) => "badge badge-error badge-soft",
    }
}
