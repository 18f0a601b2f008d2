//! What is left to do in a new shop, as a list on the home page.

use crate::{auth::Permission, ui};
use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        error::Error,
        orders::Order,
        schema::{invitations, orders, products, users},
        transaction::Tx,
    },
    diesel::{dsl::exists, prelude::*},
};

/// A shop with more orders than this has settled in, whatever it has not done.
#[cfg(feature = "ssr")]
const FIRST_ORDERS: i64 = 20;

/// Which of the first steps were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSteps {
    /// A product was added.
    pub product: bool,
    /// Pieces were received, with a supply or as opening stock.
    pub supply: bool,
    pub order: bool,
    /// Someone else has an account or an invitation.
    pub colleague: bool,
}

/// Returns the steps, or `None` in a shop that has settled in. `waiting` are the waiting orders that the page shows:
/// with a recent one among them, nothing is read. At most one row of each table is read otherwise.
#[cfg(feature = "ssr")]
pub fn read(tx: &mut Tx<'_>, waiting: &[Order]) -> Result<Option<FirstSteps>, Error> {
    tx.actor.may(Permission::Orders)?;
    if waiting.iter().any(|order| order.id > FIRST_ORDERS) {
        return Ok(None);
    }
    let colleagues = users::table
        .filter(users::deleted_at.is_null())
        .filter(users::username.nullable().ne(tx.actor.username()));
    let (product, supply, order, has_settled, account, invitation) = diesel::select((
        exists(products::table.select(products::id)),
        exists(products::table.filter(products::quantity.gt(0))),
        exists(orders::table.select(orders::id)),
        exists(orders::table.filter(orders::id.gt(FIRST_ORDERS))),
        exists(colleagues),
        exists(invitations::table.select(invitations::id)),
    ))
    .get_result::<(bool, bool, bool, bool, bool, bool)>(tx.conn)?;
    Ok((!has_settled).then_some(FirstSteps {
        product,
        supply,
        order,
        colleague: account || invitation,
    }))
}

/// The steps that the visitor may do, each with a link; nothing once all of them are done.
#[component]
pub fn FirstStepsList(steps: FirstSteps) -> impl IntoView {
    let locale = ui::locale();
    let FirstSteps {
        product,
        supply,
        order,
        colleague,
    } = steps;
    let steps = [
        (
            Permission::EditProducts,
            product,
            "/products/new",
            td_string!(locale, first_steps.product),
        ),
        (
            Permission::Supplies,
            supply,
            "/supplies",
            td_string!(locale, first_steps.supply),
        ),
        (
            Permission::Orders,
            order,
            "/orders/new",
            td_string!(locale, first_steps.order),
        ),
        (
            Permission::ManageUsers,
            colleague,
            "/admin/users",
            td_string!(locale, first_steps.colleague),
        ),
    ]
    .into_iter()
    .filter(|(permission, ..)| ui::may(*permission))
    .collect::<Vec<_>>();
    let is_complete = steps.iter().all(|(_, is_done, ..)| *is_done);
    let item = |(_, is_done, href, words): (Permission, bool, &'static str, &'static str)| {
        let done = td_string!(locale, first_steps.done);
        view! {
            <li class:done=is_done>
                <a class="link" href=href>
                    {words}
                </a>
                {is_done.then(|| view! { <span class="sr-only">" — " {done}</span> })}
            </li>
        }
    };
    (!is_complete).then(|| {
        view! {
            <section class="panel first-steps" aria-labelledby="first-steps">
                <h2 id="first-steps">{td_string!(locale, first_steps.title)}</h2>
                <ol>{steps.into_iter().map(item).collect_view()}</ol>
            </section>
        }
    })
}
