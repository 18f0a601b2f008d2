//! The numbers of orders by status, as the menu and the list show them. Triggers of the database maintain them.

#[cfg(feature = "ssr")]
use crate::{
    auth::Permission,
    db::{CacheStatement, Conn},
    schema::order_counts,
    transaction::Tx,
};
use crate::{
    error::Error,
    number::pieces,
    ui::{self, live, undo::UndoOffer},
};
#[cfg(feature = "ssr")]
use diesel::prelude::*;
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_router::hooks::use_location;
use serde::{Deserialize, Serialize};

/// The largest number for which the menu has room.
pub const MOST_IN_MENU: i64 = 99;

/// The numbers of orders by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCounts {
    pub waiting: i64,
    pub issued: i64,
    pub denied: i64,
}

#[cfg(feature = "ssr")]
impl OrderCounts {
    /// Reads the counts of the shop.
    pub fn read(tx: &mut Tx<'_>) -> Result<Self, Error> {
        tx.actor.may(Permission::Orders)?;
        let slots = order_counts::table.select((
            order_counts::waiting,
            order_counts::issued,
            order_counts::denied,
        ));
        let slots: Vec<(i64, i64, i64)> = slots.cached().load(tx.conn)?;
        let add = |sum: Self, (waiting, issued, denied)| Self {
            waiting: sum.waiting + waiting,
            issued: sum.issued + issued,
            denied: sum.denied + denied,
        };
        Ok(slots.into_iter().fold(Self::default(), add))
    }
}

/// Counts the orders again. The caller keeps other transactions from changing orders.
#[cfg(feature = "ssr")]
pub fn rebuild(conn: &mut Conn) -> Result<(), Error> {
    diesel::delete(order_counts::table).execute(conn)?;
    let count = "
        INSERT INTO order_counts (slot, waiting, issued, denied)
        SELECT 0, COUNT(CASE status WHEN 'paid_not_issued' THEN 1 END),
            COUNT(CASE status WHEN 'paid_issued' THEN 1 END), COUNT(CASE status WHEN 'paid_denied' THEN 1 END)
        FROM orders";
    diesel::sql_query(count).execute(conn)?;
    Ok(())
}

/// Returns how many orders there are of each status.
#[server(endpoint = "count_orders", input = GetUrl)]
pub async fn count_orders() -> Result<OrderCounts, Error> {
    crate::server_context::look_up(OrderCounts::read).await
}

/// The numbers of orders, which the page reads once for all places that show them.
#[derive(Clone, Copy)]
pub struct Counted(ui::Data<OrderCounts>);

impl Counted {
    /// Reads the numbers for this page, and again for each page and after each act on it. Must be called inside of the
    /// router. What it `says` to screen readers is how many wait, whenever that changes.
    pub fn provide(says: RwSignal<String>) {
        let locale = ui::locale();
        let path = use_location().pathname;
        let offer = expect_context::<UndoOffer>();
        let refresh = expect_context::<ui::Refresh>();
        let elsewhere = live::list(&["order"]);
        let counts = ui::data(
            move || (path.get(), offer.0.get(), refresh.0.get(), elsewhere.get()),
            |_| count_orders(),
        );
        Effect::new(move |before: Option<Option<i64>>| {
            let now = counts.get().and_then(Result::ok).map(|now| now.waiting);
            if let (Some(before), Some(now)) = (before.flatten(), now)
                && before != now
            {
                let count = pieces(now, locale);
                says.set(td_string!(locale, orders.number_waiting, count = count).to_string());
            }
            now.or(before.flatten())
        });
        provide_context(Self(counts));
    }
}

/// The number of orders beside a link to them. The style draws it, so that it is not part of the name of the link.
#[component]
pub fn OrderCount(
    /// Selects the number.
    of: fn(OrderCounts) -> i64,
    /// A larger number is shown as `99+`, where there is no room for it.
    #[prop(default = i64::MAX)]
    most: i64,
) -> impl IntoView {
    let locale = ui::locale();
    let Counted(counts) = expect_context();
    let number = move || {
        Suspend::new(async move {
            let count = of(counts.await.unwrap_or_default());
            let more = if count > most { "+" } else { "" };
            let shown = format!("{}{more}", pieces(count.min(most), locale));
            (count > 0).then(|| view! { <span class="menu-count" data-count=shown></span> })
        })
    };
    view! { <Transition>{number}</Transition> }.into_any()
}
