//! The number of orders that wait, as the menu shows it.

use crate::{
    error::Error,
    ui::{self, undo::UndoOffer},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_router::hooks::use_location;

/// More orders than this are not counted.
pub const MOST: i64 = 99;

/// Formats the number of waiting orders: `12`, and `99+` if there are more than [`MOST`].
pub fn shown(count: i64) -> String {
    if count > MOST {
        format!("{MOST}+")
    } else {
        count.to_string()
    }
}

/// Returns how many orders wait to be issued, at most one more than [`MOST`].
#[server(endpoint = "count_waiting_orders", input = GetUrl)]
pub async fn count_waiting_orders() -> Result<i64, Error> {
    crate::server_context::look_up(super::search::count_waiting).await
}

/// The number beside the menu link of the orders. The style draws it, so that it is not part of the name of the link.
#[component]
pub fn WaitingOrders() -> impl IntoView {
    let path = use_location().pathname;
    let offer = expect_context::<UndoOffer>();
    let refresh = expect_context::<ui::Refresh>();
    let count = ui::data(
        // Counted again for each page, and after each act on it.
        move || (path.get(), offer.0.get(), refresh.0.get()),
        |_| count_waiting_orders(),
    );
    let number = move || {
        Suspend::new(async move {
            let count = count.await.unwrap_or_default();
            (count > 0).then(|| view! { <span class="menu-count" data-count=shown(count)></span> })
        })
    };
    view! { <Transition>{number}</Transition> }
}
