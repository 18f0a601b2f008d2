//! The admin's notifications page: the settings, a test, and the list of waiting and past notifications.

use super::{Channel, Delivery, GIVE_UP_HOURS, Overview, Query, State, cause::Said};
use crate::{
    audit::list::Choice,
    error::Error,
    i18n::Locale,
    page::Page,
    ui::{
        self,
        failure::DraftFailure,
        form::{Form, FormAction, Submit},
        pager::{FilterForm, Pager, is_filtered, query_of},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

/// Everything that the page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Board {
    pub overview: Overview,
    pub page: Page<Delivery>,
}

/// Returns the overview and a page of the list of notifications.
#[server(endpoint = "read_notifications", input = GetUrl)]
pub async fn read_notifications(query: Query) -> Result<Board, Error> {
    use super::service;
    use crate::server_context;
    let config = server_context::app_state().config;
    let locale = ui::visitor().locale;
    server_context::read(move |tx| {
        Ok(Board {
            overview: service::overview(tx, &config.notifications)?,
            page: service::list(tx, &query, locale)?,
        })
    })
    .await
}

/// Sends a test notification to every recipient.
#[server(endpoint = "send_test_notification")]
pub async fn send_test_notification() -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    let config = server_context::app_state().config;
    server_context::write(move |tx| super::service::send_test(tx, &config.notifications)).await?;
    server_context::redirect_back(Success::TestSent);
    Ok(())
}

/// Sends a failed notification again.
#[server(endpoint = "resend_notification")]
pub async fn resend_notification(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    let config = server_context::app_state().config;
    let locale = ui::visitor().locale;
    server_context::write(move |tx| super::service::resend(tx, id, &config.notifications, locale))
        .await?;
    server_context::redirect_back(Success::Resent);
    Ok(())
}

/// The notifications page.
#[component]
pub fn NotificationsPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let test = FormAction::new::<SendTestNotification>();
    let resend = FormAction::in_row::<ResendNotification>();
    let acts = [test, resend].map(FormAction::success_count);
    let board = ui::data(
        move || {
            (
                query_of::<Query>(&params.read()),
                acts.map(|times| times.get()),
            )
        },
        |(query, _)| read_notifications(query),
    );
    let done = move || {
        let words = if test.has_succeeded() {
            Some(td_string!(locale, banner.test_sent))
        } else if resend.has_succeeded() {
            Some(td_string!(locale, banner.resent))
        } else {
            None
        };
        words.map(|words| {
            ui::announce(words.to_owned());
            view! { <p class="alert alert-success alert-soft mb-4">{words}</p> }
        })
    };
    view! {
        <Title text=td_string!(locale, nav.notifications) />
        <h1>{td_string!(locale, nav.notifications)}</h1>
        <p class="mb-4">{td_string!(locale, notifications.about)}</p>
        <DraftFailure />
        {done}
        {ui::loaded(
            board,
            move |Board { overview, page }| {
                view! {
                    <Facts overview test />
                    <h2 id="deliveries">{td_string!(locale, notifications.deliveries)}</h2>
                    <Filters />
                    <Deliveries page resend />
                }
            },
        )}
    }
}

#[component]
fn Facts(overview: Overview, test: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let refused = overview.refused.into_iter().map(|refused| {
        let words = td_string!(
            locale,
            notifications.refused,
            channel = refused.channel.label(locale),
            moment = refused.since.display(locale)
        )
        .to_string();
        view! {
            <div class="alert alert-error alert-soft mb-4" role="alert">
                <p>{words} <Said channel=refused.channel said=refused.why /></p>
            </div>
        }
    });
    let waiting = match overview.oldest {
        Some(oldest) => td_string!(
            locale,
            notifications.waiting,
            count = overview.waiting,
            moment = oldest.display(locale)
        )
        .to_string(),
        None => td_string!(locale, notifications.nothing_waits).to_owned(),
    };
    let tells_chats = overview
        .telegram
        .as_ref()
        .is_some_and(|telegram| !telegram.chats.is_empty());
    let may_test = tells_chats || overview.mail.is_some();
    let telegram = match overview.telegram {
        Some(telegram) => {
            let bot = telegram.bot.map_or_else(
                || td_string!(locale, notifications.bot_unknown).to_owned(),
                |bot| format!("@{bot}"),
            );
            let chats = match telegram.chats.as_slice() {
                [] => td_string!(locale, notifications.no_chats).to_owned(),
                chats => chats.join(", "),
            };
            format!(
                "{}: {bot}. {}: {chats}",
                td_string!(locale, notifications.bot),
                td_string!(locale, notifications.chats)
            )
        }
        None => td_string!(locale, notifications.telegram_off).to_owned(),
    };
    let mail = match overview.mail {
        Some(mail) => format!(
            "{}: {}. {}: {}. {}: {}",
            td_string!(locale, notifications.server),
            mail.server,
            td_string!(locale, notifications.from),
            mail.from,
            td_string!(locale, notifications.to),
            mail.to.join(", ")
        ),
        None => td_string!(locale, notifications.mail_off).to_owned(),
    };
    let orders = if overview.orders {
        td_string!(locale, notifications.orders_on)
    } else {
        td_string!(locale, notifications.orders_off)
    };
    let language = match overview.language {
        Locale::ru => "Русский",
        Locale::en => "English",
    };
    view! {
        {refused.collect_view()}
        <dl class="facts">
            <dt>{Channel::Telegram.label(locale)}</dt>
            <dd>{telegram}</dd>
            <dt>{Channel::Mail.label(locale)}</dt>
            <dd>{mail}</dd>
            <dt>{td_string!(locale, notifications.orders)}</dt>
            <dd>{orders}</dd>
            <dt>{td_string!(locale, notifications.language)}</dt>
            <dd>{language}</dd>
            <dt>{td_string!(locale, notifications.links)}</dt>
            <dd>{overview.site}</dd>
        </dl>
        <p class="mb-2">
            <strong>{waiting}</strong>
        </p>
        <p class="mb-4 text-sm opacity-80">
            {td_string!(locale, notifications.tried, hours = GIVE_UP_HOURS).to_string()}
        </p>
        {may_test
            .then(|| {
                view! {
                    <Form action=test class="mb-4">
                        <Submit label=td_string!(locale, notifications.send_test) class="btn" />
                    </Form>
                }
            })}
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    let states = State::ALL
        .iter()
        .map(move |state| (state.code(), state.label(locale)));
    view! {
        <FilterForm action="/admin/notifications">
            <Choice
                name="state"
                label=td_string!(locale, fields.state)
                any=td_string!(locale, notifications.any_state)
                options=states.collect()
            />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
        </FilterForm>
    }
}

#[component]
fn Deliveries(page: Page<Delivery>, resend: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    if page.items.is_empty() {
        let words = if is_filtered(&params.read_untracked(), &["state", "after", "before"]) {
            view! {
                {td_string!(locale, notifications.none_found)}
                " "
                <a class="link" href="/admin/notifications">
                    {td_string!(locale, ui.reset)}
                </a>
            }
            .into_any()
        } else {
            td_string!(locale, notifications.none_yet).into_any()
        };
        return view! { <p class="empty">{words}</p> }.into_any();
    }
    let rows = page
        .items
        .into_iter()
        .map(|delivery| view! { <DeliveryRow delivery resend /> })
        .collect_view();
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.date)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, notifications.what)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, notifications.recipient)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.state)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, notifications.attempts)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, notifications.error)}
                    </th>
                    <th scope="col" role="columnheader">
                        <span class="sr-only">{td_string!(locale, ui.actions)}</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager before=page.before after=page.after />
    }
    .into_any()
}

#[component]
fn DeliveryRow(delivery: Delivery, resend: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let class = match delivery.state.known() {
        Some(State::Waiting) | None => "badge badge-warning",
        Some(State::Sent) => "badge badge-success badge-soft",
        Some(State::Failed) => "badge badge-error badge-soft",
        Some(State::Cancelled) => "badge badge-ghost",
    };
    let next = (delivery.state == State::Waiting).then(|| {
        td_string!(
            locale,
            notifications.next,
            moment = delivery.due_at.display(locale)
        )
        .to_string()
    });
    let channel = delivery.channel.clone();
    let error = match (delivery.last_error, delivery.state.known()) {
        (_, Some(State::Cancelled)) => {
            td_string!(locale, notifications.not_low_any_more).into_any()
        }
        (Some(said), _) => view! {
            <Said channel said />
            {next}
        }
        .into_any(),
        (None, Some(State::Failed)) => {
            td_string!(locale, notifications.gave_up, hours = GIVE_UP_HOURS)
                .to_string()
                .into_any()
        }
        (None, Some(State::Waiting | State::Sent) | None) => "—".into_any(),
    };
    let label = td_string!(
        locale,
        notifications.resend_named,
        name = delivery.subject.as_str()
    );
    let label = label.to_string();
    let to = format!(
        "{}: {}",
        delivery.channel.display(|channel| channel.label(locale)),
        delivery.recipient
    );
    view! {
        <tr role="row">
            <td role="cell" class="date" data-label=td_string!(locale, fields.date)>
                {delivery.created_at.display(locale)}
            </td>
            <td role="cell" class="row-title">
                {delivery.subject}
            </td>
            <td role="cell" data-label=td_string!(locale, notifications.recipient)>
                {to}
            </td>
            <td role="cell" data-label=td_string!(locale, fields.state)>
                <span class=class>{delivery.state.display(|state| state.label(locale))}</span>
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, notifications.attempts)>
                {delivery.attempts}
            </td>
            <td role="cell" class="wrap-anywhere" data-label=td_string!(locale, notifications.error)>
                <div>{error}</div>
            </td>
            <td role="cell">
                {(delivery.state == State::Failed)
                    .then(|| {
                        view! {
                            <Form action=resend>
                                <input type="hidden" name="id" value=delivery.id.to_string() />
                                <button
                                    class="btn btn-sm"
                                    type="submit"
                                    aria-label=label
                                    disabled=move || resend.is_pending()
                                >
                                    {td_string!(locale, notifications.resend)}
                                </button>
                            </Form>
                        }
                    })}
            </td>
        </tr>
    }
}
