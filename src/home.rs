//! The home page: links to the main pages, the figures of today, waiting orders and low stock.

use crate::{
    auth::{Permission, users::PENDING_ACCOUNTS},
    error::Error,
    first_steps::{FirstSteps, FirstStepsList},
    number::pieces,
    orders::{counts::Counted, row::OrderTable, stage::Stage, today::Today},
    products::{first::FirstProduct, list::ProductTable},
    ui::{self, drawn::Drawn, live},
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

/// The figures of today, the waiting orders and the low stock, for the home page of a signed-in user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overview {
    pub today: Today,
    /// The orders that have been waiting longest.
    pub waiting: Drawn,
    /// Products below their minimum, lowest stock first.
    pub low: Drawn,
    pub stage: Stage,
    /// What is left to do in a new shop.
    pub first_steps: Option<FirstSteps>,
    /// Whether registration is open to everybody; always `false` for users who are not admins.
    pub registration_open: bool,
}

/// Returns the overview, with at most five orders and five products.
#[server(endpoint = "read_overview")]
pub async fn read_overview() -> Result<Overview, Error> {
    use crate::{config::Registration, first_steps, orders, products, server_context};
    let open = server_context::app_state().config.registration == Registration::Open;
    let (today, (waiting, by_basket), low, first_steps, is_admin) = server_context::read(|tx| {
        let waiting = orders::search::waiting_with_baskets(tx, 5)?;
        let low = products::search::below_minimum(tx, 5)?;
        let steps = first_steps::read(tx, &waiting.0)?;
        let today = orders::today::today(tx)?;
        let is_admin = tx.actor.may(Permission::ManageUsers).is_ok();
        Ok((today, waiting, low, steps, is_admin))
    })
    .await?;
    Ok(Overview {
        today,
        waiting: server_context::draw(&waiting, |waiting, locale| {
            orders::row::rows(waiting, &by_basket, false, locale)
        }),
        low: server_context::draw(&low, products::list::rows),
        stage: match first_steps {
            None => Stage::Selling,
            Some(steps) => Stage::of(steps.product, steps.order),
        },
        first_steps,
        registration_open: open && is_admin,
    })
}

/// The home page.
#[component]
pub fn HomePage() -> impl IntoView {
    let locale = ui::locale();
    let third = if ui::may(Permission::AdminArea) {
        Some(view! {
            <Card
                href="/admin/analytics"
                title=td_string!(locale, nav.analytics)
                text=td_string!(locale, home.analytics)
            />
        })
    } else {
        ui::may(Permission::Orders).then(|| {
            let (title, text) = (
                td_string!(locale, orders.new_order),
                td_string!(locale, home.new_order),
            );
            view! { <Card href="/orders/new" title text /> }
        })
    };
    view! {
        <Title text="" />
        <h1>{td_string!(locale, home.title)}</h1>
        <div class="home-cards">
            <Card
                href="/products"
                title=td_string!(locale, home.products_title)
                text=td_string!(locale, home.products)
            />
            <Card href="/orders" title=td_string!(locale, home.orders_title) text=td_string!(locale, home.orders) />
            {third}
        </div>
        {(ui::me().is_some() || ui::is_unknown()).then(|| view! { <Waiting /> })}
    }
}

/// Says how many accounts wait for approval, and leads to them.
#[component]
fn PendingAccounts(count: i64) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <p class="alert alert-warning alert-soft mt-6">
            {td_string!(locale, home.pending_accounts, count = pieces(count, locale)).to_string()} ". "
            <a class="link" href=PENDING_ACCOUNTS>
                {td_string!(locale, home.open_pending_accounts)}
            </a>
        </p>
    }
}

/// A card that links to a page.
#[component]
fn Card(href: &'static str, title: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <a class="home-card" href=href>
            <h2>{title}</h2>
            <p>{text}</p>
        </a>
    }
}

/// The figures of today.
#[component]
fn TodayTiles(today: Today) -> impl IntoView {
    let locale = ui::locale();
    let tile = move |label: &'static str, figure: String, note: Option<String>| {
        view! {
            <div class="stat-tile">
                <dt>{label}</dt>
                <dd>{figure}</dd>
                {note.map(|note| view! { <dd class="stat-before">{note}</dd> })}
            </div>
        }
    };
    let waiting = use_context::<Counted>().map(|counted| {
        counted.draw(move |counts| {
            let label = td_string!(locale, home.waiting);
            let count =
                counts.map_or_else(ui::dash, |counts| pieces(counts.orders.waiting, locale));
            tile(label, count, None)
        })
    });
    let (own, own_total) = today.own;
    let own = td_string!(
        locale,
        home.own,
        count = pieces(own, locale),
        sum = own_total.display(locale)
    );
    view! {
        <dl class="main-tiles mt-4" aria-label=td_string!(locale, home.title)>
            {tile(td_string!(locale, home.issued), pieces(today.issued, locale), Some(own.to_string()))}
            {today
                .revenue_rub
                .map(|revenue| tile(td_string!(locale, home.revenue), revenue.display(locale), None))}
            {waiting}
            {tile(td_string!(locale, home.denied), pieces(today.denied, locale), None)}
        </dl>
    }
}

#[component]
fn Waiting() -> impl IntoView {
    let locale = ui::locale();
    let refresh = expect_context::<ui::Refresh>();
    let elsewhere = live::list(&["order", "product", "user"]);
    let overview = ui::data(
        move || (refresh.0.get(), elsewhere.get()),
        |_| read_overview(),
    );
    ui::loaded(
        overview,
        move |Overview {
                  today,
                  waiting,
                  low,
                  stage,
                  first_steps,
                  registration_open,
              }| {
            let new_order = view! {
                <a class="link" href="/orders/new">
                    {td_string!(locale, orders.new_order)}
                </a>
            };
            let empty = |text| view! { <p class="empty">{text} " " {new_order}</p> }.into_any();
            let orders = if !waiting.is_empty {
                view! {
                    <OrderTable rows=waiting />
                    <p class="mt-2">
                        <a class="link" href="/orders?status=paid_not_issued&sort=created_at">
                            {td_string!(locale, home.all_waiting)}
                        </a>
                    </p>
                }
                .into_any()
            } else {
                match stage {
                    Stage::Empty => {
                        view! { <p class="empty">{td_string!(locale, orders.none_yet)}</p> }
                            .into_any()
                    }
                    Stage::Stocked => empty(td_string!(locale, home.first_order)),
                    Stage::Selling => empty(td_string!(locale, home.nothing_waits)),
                }
            };
            let products = if !low.is_empty {
                view! {
                    <ProductTable rows=low />
                    <p class="mt-2">
                        <a class="link" href="/products?low=1&sort=stock">
                            {td_string!(locale, home.all_low)}
                        </a>
                    </p>
                }
                .into_any()
            } else if stage == Stage::Empty {
                view! { <FirstProduct /> }.into_any()
            } else {
                view! { <p class="empty">{td_string!(locale, home.nothing_low)}</p> }.into_any()
            };
            view! {
                {first_steps.map(|steps| view! { <FirstStepsList steps /> })}
                <TodayTiles today />
                {ui::may(Permission::Supplies)
                    .then(|| {
                        view! {
                            <p class="mt-2">
                                <a class="link" href="/print/day" rel="external">
                                    {td_string!(locale, print.day)}
                                </a>
                            </p>
                        }
                    })}
                {registration_open
                    .then(|| {
                        view! {
                            <p class="alert alert-info alert-soft mt-6">{td_string!(locale, home.registration_open)}</p>
                        }
                    })}
                {use_context::<Counted>()
                    .map(|counted| {
                        counted
                            .draw(|counts| {
                                let count = counts.unwrap_or_default().pending_accounts;
                                (count > 0).then(|| view! { <PendingAccounts count /> })
                            })
                    })}
                <section aria-labelledby="waiting">
                    <h2 id="waiting">{td_string!(locale, home.waiting)}</h2>
                    {orders}
                </section>
                <section aria-labelledby="low">
                    <h2 id="low">{td_string!(locale, home.low)}</h2>
                    {products}
                </section>
            }
        },
    )
}
