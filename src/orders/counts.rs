//! The numbers that the menu and the list of orders show: how many orders there are of each status, and how many
//! accounts wait for approval. Triggers of the database maintain the numbers of orders.

use crate::{
    auth::Permission,
    error::Error,
    number::pieces,
    ui::{self, live, undo::UndoOffer},
};
#[cfg(feature = "ssr")]
use crate::{
    auth::users::service::pending_accounts,
    db::{CacheStatement, Conn},
    schema::order_counts,
    transaction::Tx,
};
#[cfg(feature = "ssr")]
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Nullable},
};
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

impl OrderCounts {
    /// Returns the number of all orders.
    pub const fn all(self) -> i64 {
        self.waiting + self.issued + self.denied
    }
}

/// The numbers that every page shows to those who may see orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuCounts {
    pub orders: OrderCounts,
    /// Accounts that wait for approval; 0 for users who may not let them in.
    pub pending_accounts: i64,
}

#[cfg(feature = "ssr")]
impl MenuCounts {
    /// Reads the numbers for the actor, in one statement.
    pub fn read(tx: &mut Tx<'_>) -> Result<Self, Error> {
        tx.actor.may(Permission::Orders)?;
        let sum =
            |column: &str| sql::<BigInt>(&format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"));
        let orders = (sum("waiting"), sum("issued"), sum("denied"));
        type Row = ((i64, i64, i64), Option<i64>);
        let ((waiting, issued, denied), pending_accounts): Row =
            if tx.actor.may(Permission::ManageUsers).is_ok() {
                let counts =
                    order_counts::table.select((orders, pending_accounts().single_value()));
                counts.cached().get_result(tx.conn)?
            } else {
                let counts = order_counts::table.select((orders, sql::<Nullable<BigInt>>("NULL")));
                counts.cached().get_result(tx.conn)?
            };
        Ok(Self {
            orders: OrderCounts {
                waiting,
                issued,
                denied,
            },
            pending_accounts: pending_accounts.unwrap_or_default(),
        })
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

/// Returns the numbers that every page shows.
#[server(endpoint = "read_menu_counts", input = GetUrl)]
pub async fn read_menu_counts() -> Result<MenuCounts, Error> {
    crate::server_context::look_up(MenuCounts::read).await
}

/// The numbers, which the page reads once for all places that show them.
#[derive(Clone, Copy)]
pub struct Counted(ui::Data<MenuCounts>);

impl Counted {
    /// Reads the numbers for this page, and again for each page and after each act on it. Must be called inside of the
    /// router. What it `says` to screen readers is how many wait, whenever that changes.
    pub fn provide(says: RwSignal<String>) {
        let locale = ui::locale();
        let path = use_location().pathname;
        let offer = expect_context::<UndoOffer>();
        let refresh = expect_context::<ui::Refresh>();
        let elsewhere = if ui::may(Permission::ManageUsers) {
            live::list(&["order", "user"])
        } else {
            live::list(&["order"])
        };
        let counts = ui::data(
            move || (path.get(), offer.0.get(), refresh.0.get(), elsewhere.get()),
            |_| read_menu_counts(),
        );
        Effect::new(move |before: Option<Option<i64>>| {
            let now = counts.get().and_then(Result::ok);
            let now = now.map(|now| now.orders.waiting);
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

    /// Draws something with the numbers, on the server and whenever they change. They are `None` if they could not be
    /// read.
    pub fn draw<V: IntoView + 'static>(
        self,
        draw: impl Fn(Option<MenuCounts>) -> V + Clone + Send + Sync + 'static,
    ) -> AnyView {
        let Self(counts) = self;
        let drawn = move || {
            let draw = draw.clone();
            Suspend::new(async move { draw(counts.await.ok()) })
        };
        view! { <Transition>{drawn}</Transition> }.into_any()
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
    expect_context::<Counted>().draw(move |counts| {
        let count = of(counts.unwrap_or_default().orders);
        let more = if count > most { "+" } else { "" };
        let shown = format!("{}{more}", pieces(count.min(most), locale));
        (count > 0).then(|| view! { <span class="menu-count" data-count=shown></span> })
    })
}
