//! Acting on several orders of the list at once: rows are chosen, and then issued or denied.
//!
//! The bar with the two buttons is plain HTML from the server, and works without JavaScript. `selection.rs` adds the
//! number of chosen orders and sends the form without a page load.

pub mod selection;

#[cfg(feature = "ssr")]
pub mod service;

use crate::{error::Error, fields::Fields};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        i18n::Locale,
        server_context,
        transaction::Tx,
        ui::{self, banner::Success},
    },
    leptos_i18n::td_string,
    leptos_router::hooks::use_query_map,
    maud::{Markup, html},
    service::{Chosen, Refused, settle_each},
};

/// The id of the form that the checkboxes of the rows belong to.
const FORM: &str = "chosen";

/// What a page needs to know after orders were issued or denied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settlement {
    /// How many orders succeeded, as a sentence; empty if none did.
    pub words: String,
    /// The orders that succeeded.
    pub orders: Vec<i64>,
    /// The operations of the log that can be taken back.
    pub operations: Vec<i64>,
    /// The orders that were refused, and why, as HTML; empty if there are none.
    pub refused: String,
}

/// Issues the chosen orders, each by itself.
#[server(endpoint = "issue_orders")]
pub async fn issue_orders(#[server(flatten)] fields: Fields) -> Result<Settlement, Error> {
    settle(fields, super::service::issue, Success::OrderIssued).await
}

/// Denies the chosen orders, each by itself.
#[server(endpoint = "deny_orders")]
pub async fn deny_orders(#[server(flatten)] fields: Fields) -> Result<Settlement, Error> {
    settle(fields, super::service::deny, Success::OrderDenied).await
}

#[cfg(feature = "ssr")]
async fn settle(
    fields: Fields,
    act: fn(&mut Tx<'_>, i64) -> Result<super::Order, Error>,
    done: Success,
) -> Result<Settlement, Error> {
    let (state, actor) = (server_context::app_state(), server_context::actor());
    let page = server_context::open_page();
    let settled = match actor.and_then(|actor| Ok((Chosen::read(fields, &actor)?, actor))) {
        Ok((chosen, actor)) => Ok(settle_each(&state, &actor, &page, &chosen, act).await),
        Err(error) => Err(error),
    };
    let service::Settled {
        orders,
        operations,
        refused,
    } = server_context::set_status(settled)?;
    let codes: Vec<String> = refused.iter().map(ToString::to_string).collect();
    server_context::redirect_back_partly(done, &operations, &codes.join("."));
    let locale = server_context::locale();
    Ok(Settlement {
        words: match operations.len() {
            0 => String::new(),
            count => done.counted(count, locale),
        },
        orders,
        operations,
        refused: draw_refused(&refused, locale).into_string(),
    })
}

/// Draws the checkbox that chooses a waiting order.
#[cfg(feature = "ssr")]
pub fn checkbox(id: i64, locale: Locale) -> Markup {
    let name = td_string!(locale, orders.choose, id = id).to_string();
    html! {
        label class="choose" {
            input type="checkbox" form=(FORM) name={ "orders." (id) ".id" } value=(id) aria-label=(name)
                autocomplete="off";
        }
    }
}

/// Draws the bar with the buttons that act on the chosen orders, with the question before they are denied.
#[cfg(feature = "ssr")]
pub fn bar(locale: Locale) -> Markup {
    use leptos::server_fn::ServerFn;
    let (deny, chosen) = (
        td_string!(locale, orders.deny),
        td_string!(locale, orders.the_chosen),
    );
    html! {
        form id=(FORM) class="bulk-bar" method="post" action=(IssueOrders::PATH) {
            // Without JavaScript, Enter in a checkbox presses the first button that is enabled. This one sends nothing
            // that changes an order.
            button type="submit" formmethod="get" formaction="/orders" hidden {}
            button class="btn btn-primary" type="submit" {
                (td_string!(locale, orders.issue)) " " span class="chosen-count" { (chosen) }
            }
            button class="btn" type="button" popovertarget="deny-chosen" {
                (deny) " " span class="chosen-count" { (chosen) }
            }
            div class="question" id="deny-chosen" popover="auto" role="dialog" aria-label=(deny) {
                p { (td_string!(locale, orders.deny_chosen_question)) }
                div class="question-buttons" {
                    button class="btn btn-error" type="submit" formaction=(DenyOrders::PATH) {
                        (td_string!(locale, orders.do_deny))
                    }
                    button class="btn" type="button" popovertarget="deny-chosen" popovertargetaction="hide" autofocus {
                        (td_string!(locale, orders.do_not_deny))
                    }
                }
            }
        }
    }
}

/// Draws which orders were refused, and why.
#[cfg(feature = "ssr")]
fn draw_refused(refused: &[Refused], locale: Locale) -> Markup {
    html! {
        @if !refused.is_empty() {
            div class="alert alert-error alert-soft mb-4" role="alert" {
                ul { @for one in refused { li { (one.message(locale)) } } }
            }
        }
    }
}

/// Returns what [`draw_refused`] draws for the orders that the URL names, after a request without JavaScript. The
/// client has no code for this: while it hydrates the page, the element keeps what the server drew.
pub fn refused_before() -> String {
    #[cfg(feature = "ssr")]
    {
        let query = use_query_map();
        let query = query.read_untracked();
        let codes = query.get_str("refused").unwrap_or_default();
        let refused: Vec<Refused> = codes
            .split('.')
            .filter_map(|one| one.parse().ok())
            .collect();
        draw_refused(&refused, ui::locale()).into_string()
    }
    #[cfg(not(feature = "ssr"))]
    String::new()
}
