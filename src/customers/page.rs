//! The admin page of customers: what is stored about a number, its export and erasure, and the retention period.

use super::{
    Erasure,
    overview::{Card, Retention, Subject},
};
use crate::{
    error::Error,
    fields::Fields,
    i18n::Locale,
    page::Page,
    ui::{
        self,
        form::{Field, Form, FormAction, Submit},
        pager::{Pager, query_of},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

/// The erasures, and what the retention period will erase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Board {
    pub erasures: Page<Erasure>,
    pub retention: Retention,
}

/// Reads the erasures and the retention.
#[server(endpoint = "read_customers", input = GetUrl)]
pub async fn read_customers(query: super::Query) -> Result<Board, Error> {
    use super::{retention, service};
    use crate::server_context;
    let days = server_context::app_state().config.customer_retention_days;
    server_context::read(move |tx| {
        Ok(Board {
            erasures: service::erasures(tx, &query)?,
            retention: Retention {
                days,
                run: days
                    .map(|days| retention::last_run(tx, days))
                    .transpose()?
                    .flatten(),
            },
        })
    })
    .await
}

/// Finds a number. Redirects to the page about it, whose address does not have the number.
#[server(endpoint = "find_customer")]
pub async fn find_customer(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::records;
    use crate::{server_context, validation::Input};
    let subject = server_context::read(move |tx| {
        let customer: records::CustomerPhone = Input::new(fields).request(&tx.actor)?;
        records::find(tx, &customer.phone)
    })
    .await?;
    leptos_axum::redirect(&format!("/admin/customers{}", subject.query()));
    Ok(())
}

/// Reads what is stored about a customer.
#[server(endpoint = "read_customer", input = GetUrl)]
pub async fn read_customer(subject: Subject) -> Result<Option<Card>, Error> {
    use super::records;
    if subject.is_empty() {
        return Ok(None);
    }
    crate::server_context::read(move |tx| {
        let phone = records::phone_of(tx, &subject)?;
        records::card(tx, &phone).map(Some)
    })
    .await
}

/// Erases a customer.
#[server(endpoint = "erase_customer")]
pub async fn erase_customer(
    #[server(default)] order: String,
    #[server(default)] former: String,
    #[server(flatten)] fields: Fields,
) -> Result<(), Error> {
    use super::{records, service};
    use crate::{server_context, ui::banner::Success, validation::Input};
    let erasure = server_context::write(move |tx| {
        let phone = records::phone_of(tx, &Subject { order, former })?;
        let mut input = Input::new(fields);
        input.enter("phone", phone.e164);
        let request = input.request(&tx.actor)?;
        service::erase(tx, &request)
    })
    .await?;
    let page = format!("/admin/customers/erasures/{}", erasure.id);
    server_context::redirect(&page, Success::CustomerErased);
    Ok(())
}

/// The admin page of customers.
#[component]
pub fn CustomersPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let find = FormAction::new::<FindCustomer>();
    let erase = FormAction::new::<EraseCustomer>();
    let subject = move || query_of::<Subject>(&params.read());
    let customer = ui::data(subject, read_customer);
    let board = ui::data(
        move || query_of::<super::Query>(&params.read()),
        read_customers,
    );
    view! {
        <Title text=td_string!(locale, customers.title) />
        <h1>{td_string!(locale, customers.title)}</h1>
        <p class="mb-4">{td_string!(locale, customers.about)}</p>
        <Form action=find class="narrow">
            <Field
                name="phone"
                label=td_string!(locale, fields.phone)
                kind="tel"
                inputmode="tel"
                required=true
            />
            <Submit label=td_string!(locale, ui.find) />
        </Form>
        {ui::loaded_or(
            customer,
            Some((Error::NotFound, td_string!(locale, customers.not_stored))),
            move |card| card.map(|card| view! { <CustomerCard card subject=untrack(subject) erase /> }),
        )}
        {ui::loaded(
            board,
            move |Board { erasures, retention }| {
                view! {
                    <RetentionFacts retention />
                    <Erasures erasures />
                }
            },
        )}
    }
}

#[component]
fn CustomerCard(card: Card, subject: Subject, erase: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let query = subject.query();
    let names = if card.names.is_empty() {
        ui::dash()
    } else {
        card.names.join(", ")
    };
    let period = card.period.map(|[first, last]| {
        view! {
            <dt>{td_string!(locale, customers.first_order)}</dt>
            <dd>{first.display(locale)}</dd>
            <dt>{td_string!(locale, customers.last_order)}</dt>
            <dd>{last.display(locale)}</dd>
        }
    });
    let erasure = if card.waiting.is_empty() {
        view! { <EraseForm subject erase /> }.into_any()
    } else {
        view! { <WaitingOrders waiting=card.waiting.clone() /> }.into_any()
    };
    view! {
        <section aria-labelledby="stored">
            <h2 id="stored">{td_string!(locale, customers.stored)} ": " {card.phone_shown}</h2>
            <dl class="facts">
                <dt>{td_string!(locale, customers.names)}</dt>
                <dd>{names}</dd>
                <dt>{td_string!(locale, customers.orders)}</dt>
                <dd>{card.orders}</dd>
                {period}
                <dt>{td_string!(locale, customers.log_entries)}</dt>
                <dd>{card.log_entries}</dd>
                <dt>{td_string!(locale, customers.notifications)}</dt>
                <dd>{card.notifications}</dd>
            </dl>
            <p class="my-2">{td_string!(locale, customers.export_hint)}</p>
            <div class="page-actions">
                <a class="btn" href=format!("/admin/customers.json{query}") rel="external">
                    {td_string!(locale, customers.export_json)}
                </a>
                <a class="btn" href=format!("/admin/customers.csv{query}") rel="external">
                    {td_string!(locale, customers.export_csv)}
                </a>
            </div>
        </section>
        <section class="panel" aria-labelledby="erase">
            <h2 id="erase">{td_string!(locale, customers.erase)}</h2>
            {erasure}
        </section>
    }
}

/// The form that erases a customer, with what it does.
#[component]
fn EraseForm(subject: Subject, erase: FormAction) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <p class="mb-2">{td_string!(locale, customers.erase_what)}</p>
        <p class="mb-4">
            <strong>{td_string!(locale, customers.erase_final)}</strong>
        </p>
        <Form action=erase class="narrow">
            <input type="hidden" name="order" value=subject.order />
            <input type="hidden" name="former" value=subject.former />
            <Field
                name="reason"
                label=td_string!(locale, fields.reason)
                hint=td_string!(locale, customers.reason_hint)
                required=true
            />
            <Field
                name="last_digits"
                label=td_string!(locale, fields.last_digits)
                inputmode="numeric"
                required=true
            />
            <Submit label=td_string!(locale, customers.do_erase) class="btn btn-outline btn-error" />
        </Form>
    }
}

/// Links to the orders that must be settled before an erasure.
#[component]
fn WaitingOrders(waiting: Vec<i64>) -> impl IntoView {
    let locale = ui::locale();
    let count = waiting.len();
    let order = |id: i64| {
        view! {
            <li>
                <a class="link" href=format!("/orders/{id}")>
                    {td_string!(locale, orders.number, id = id).to_string()}
                </a>
            </li>
        }
    };
    view! {
        <p class="mb-2">{td_string!(locale, customers.erase_waiting, count = count).to_string()}</p>
        <ul class="list-disc ps-5">{waiting.into_iter().map(order).collect_view()}</ul>
    }
}

/// What the retention period erases, and when.
#[component]
fn RetentionFacts(retention: Retention) -> impl IntoView {
    let locale = ui::locale();
    let line = |words: String| view! { <p>{words}</p> };
    view! {
        <section aria-labelledby="retention">
            <h2 id="retention">{td_string!(locale, customers.retention)}</h2>
            {retention_words(&retention, locale).into_iter().map(line).collect_view()}
        </section>
    }
}

/// Returns the sentences about the retention period.
fn retention_words(retention: &Retention, locale: Locale) -> Vec<String> {
    let Some(days) = retention.days else {
        return vec![td_string!(locale, customers.retention_off).to_owned()];
    };
    let mut words = vec![td_string!(locale, customers.retention_on, days = days).to_string()];
    let Some(run) = retention.run else {
        words.push(td_string!(locale, customers.retention_first).to_owned());
        return words;
    };
    let (began, next) = (run.run_at.display(locale), run.next_at.display(locale));
    let Some(counts) = run.counts else {
        words.push(td_string!(locale, customers.retention_running, moment = began).to_string());
        return words;
    };
    let (erased, due, waiting) = (counts.erased, counts.due, counts.waiting);
    words.push(
        td_string!(
            locale,
            customers.retention_last,
            moment = began,
            count = erased
        )
        .to_string(),
    );
    words
        .push(td_string!(locale, customers.retention_next, moment = next, count = due).to_string());
    if waiting > 0 {
        words.push(td_string!(locale, customers.retention_waiting, count = waiting).to_string());
    }
    words
}

/// The erasures, newest first, each with a link to its document.
#[component]
fn Erasures(erasures: Page<Erasure>) -> impl IntoView {
    let locale = ui::locale();
    let row = move |erasure: Erasure| {
        let by = erasure
            .user_id
            .unwrap_or_else(|| td_string!(locale, ui.system).to_owned());
        view! {
            <tr role="row">
                <td role="cell" class="row-title">
                    <a class="link" href=format!("/admin/customers/erasures/{}", erasure.id)>
                        {td_string!(locale, customers.erasure, id = erasure.id).to_string()}
                    </a>
                </td>
                <td role="cell" data-label=td_string!(locale, fields.date)>
                    {erasure.created_at.display(locale)}
                </td>
                <td role="cell" data-label=td_string!(locale, fields.user)>
                    {by}
                </td>
                <td role="cell" data-label=td_string!(locale, fields.reason)>
                    {erasure.reason}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, customers.orders)>
                    {erasure.orders}
                </td>
            </tr>
        }
    };
    let list = if erasures.items.is_empty() {
        view! { <p class="empty">{td_string!(locale, customers.none_erased)}</p> }.into_any()
    } else {
        view! {
            <table class="table cards" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.id)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.date)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.user)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.reason)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, customers.orders)}
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{erasures.items.into_iter().map(row).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="erasures">
            <h2 id="erasures">{td_string!(locale, customers.erasures)}</h2>
            {list}
            <Pager before=erasures.before after=erasures.after />
        </section>
    }
}
