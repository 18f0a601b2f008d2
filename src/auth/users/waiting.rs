//! The accounts that wait for approval, as the pages of all admins show them.

use crate::{
    error::Error,
    number::pieces,
    ui::{self, live},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_router::hooks::use_location;

/// The list of the accounts that wait for approval.
pub const WAITING_ACCOUNTS: &str = "/admin/users?state=pending";

/// Returns how many accounts wait for approval.
#[server(endpoint = "count_waiting_accounts", input = GetUrl)]
pub async fn count_waiting_accounts() -> Result<i64, Error> {
    crate::server_context::look_up(super::service::pending).await
}

/// A link in the menu to the accounts that wait for approval, if there are any.
#[component]
pub fn WaitingAccountsLink() -> impl IntoView {
    let locale = ui::locale();
    let path = use_location().pathname;
    // Counted again for each page, because an admin lets people in on another one.
    let elsewhere = live::list(&["user"]);
    let count = ui::data(
        move || (path.get(), elsewhere.get()),
        |_| count_waiting_accounts(),
    );
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
