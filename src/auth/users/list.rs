//! The admin page that lists the accounts.

use super::{Account, Query, invite::Invitations};
use crate::{
    audit::list::Choice,
    auth::{Role, UserState},
    codes::Code,
    error::Error,
    number::pieces,
    page::Page,
    ui::{
        self,
        failure::DraftFailure,
        pager::{FilterField, FilterForm, Pager, SortHead, is_filtered, parameter, query_of},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_location, use_query_map},
    location::Url,
};

/// Returns a page of the list of accounts.
#[server(endpoint = "list_users", input = GetUrl)]
pub async fn list_users(query: Query) -> Result<Page<Account>, Error> {
    crate::server_context::read(move |tx| super::service::list(tx, &query)).await
}

/// The list of the accounts that wait for approval.
pub const WAITING_ACCOUNTS: &str = "/admin/users?state=pending";

/// Returns how many accounts wait for approval.
#[server(endpoint = "count_waiting_accounts", input = GetUrl)]
pub async fn count_waiting_accounts() -> Result<i64, Error> {
    crate::server_context::read(super::service::pending).await
}

/// A link in the menu to the accounts that wait for approval, if there are any.
#[component]
pub fn WaitingAccountsLink() -> impl IntoView {
    let locale = ui::locale();
    let path = use_location().pathname;
    // Counted again for each page, because an admin lets people in on another one.
    let count = ui::data(move || path.get(), |_| count_waiting_accounts());
    let link = move || {
        Suspend::new(async move {
            let count = count.await.unwrap_or_default();
            (count > 0).then(|| {
                let label = td_string!(locale, nav.waiting, count = pieces(count, locale));
                view! {
                    <a class="menu-link" href=WAITING_ACCOUNTS>
                        {label.to_string()}
                    </a>
                }
            })
        })
    };
    view! { <Transition>{link}</Transition> }
}

/// The admin page of accounts and invitations.
#[component]
pub fn UsersPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let page = ui::data(move || query_of::<Query>(&params.read()), list_users);
    let draw = move |page: Page<Account>| {
        if page.items.is_empty() {
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
            <UserTable accounts=page.items />
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
fn UserTable(accounts: Vec<Account>) -> impl IntoView {
    let locale = ui::locale();
    let row = move |account: Account| {
        let href = format!("/admin/users/{}", Url::escape(&account.username));
        let seen = account.last_seen_at.map_or_else(
            || td_string!(locale, users.never).to_owned(),
            |seen| seen.display(locale),
        );
        view! {
            <tr role="row">
                <td role="cell" class="row-title">
                    <a class="link" href=href>
                        {account.username}
                    </a>
                </td>
                <td role="cell" data-label=td_string!(locale, fields.role)>
                    {account.role.display(|role| role.label(locale))}
                </td>
                <td role="cell" data-label=td_string!(locale, fields.state)>
                    <StateBadge state=account.state />
                </td>
                <td role="cell" class="date" data-label=td_string!(locale, fields.created_at)>
                    {account.created_at.display(locale)}
                </td>
                <td role="cell" class="date" data-label=td_string!(locale, fields.last_seen_at)>
                    {seen}
                </td>
            </tr>
        }
    };
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
            <tbody role="rowgroup">{accounts.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

/// The state of an account as a coloured label.
#[component]
pub fn StateBadge(state: Code<UserState>) -> impl IntoView {
    let locale = ui::locale();
    let class = match state.known() {
        Some(UserState::Pending) | None => "badge badge-warning",
        Some(UserState::Active) => "badge badge-success badge-soft",
        Some(UserState::Blocked) => "badge badge-error badge-soft",
    };
    view! { <span class=class>{state.display(|state| state.label(locale))}</span> }
}
