//! The page of an erasure, made to be printed: the document that order No. 179 of Roskomnadzor (28.10.2022) asks for,
//! and the extract of the operation log.

use super::{Erasure, erased_name};
use crate::{
    audit::history::History,
    error::Error,
    i18n::Locale,
    ui::{self, drawn::Drawn, pager::parameter},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        audit::{Operation, history::changes},
        ui::entity_link::entity_link,
    },
    maud::{Markup, html},
};

/// An erasure with the entries of the log that prove it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Act {
    pub erasure: Erasure,
    pub entries: Drawn,
    /// Whether the database is a file that is rewritten after an erasure.
    pub is_file: bool,
}

/// Reads an erasure with the extract of the log.
#[server(endpoint = "read_erasure", input = GetUrl)]
pub async fn read_erasure(id: String) -> Result<Act, Error> {
    use super::service;
    use crate::{db::Conn, server_context};
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (erasure, entries, is_file) = server_context::read(move |tx| {
        let is_file = matches!(tx.conn, Conn::Sqlite(_));
        Ok((
            service::erasure(tx, id)?,
            service::log_extract(tx, id)?,
            is_file,
        ))
    })
    .await?;
    Ok(Act {
        erasure,
        entries: server_context::draw(&entries, extract_items),
        is_file,
    })
}

/// The page of an erasure.
#[component]
pub fn ErasurePage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let act = ui::data(move || parameter(&params.read(), "id"), read_erasure);
    view! {
        <p class="crumb">
            <a class="link" href="/admin/customers">
                "← "
                {td_string!(locale, customers.title)}
            </a>
        </p>
        {ui::loaded(act, move |act| view! { <Document act /> })}
    }
}

#[component]
fn Document(act: Act) -> impl IntoView {
    let locale = ui::locale();
    let Act {
        erasure,
        entries,
        is_file,
    } = act;
    let title = td_string!(locale, customers.act_title, id = erasure.id).to_string();
    let subject = erased_name(erasure.id);
    let date = erasure.created_at.display(locale);
    let by = erasure
        .user_id
        .clone()
        .unwrap_or_else(|| td_string!(locale, customers.act_by_system).to_owned());
    let purged = is_file.then(|| {
        erasure.purged_at.map_or_else(
            || td_string!(locale, customers.act_not_purged).to_owned(),
            |at| at.display(locale),
        )
    });
    let identified =
        td_string!(locale, customers.act_subject_value, name = subject.clone()).to_string();
    let amount = td_string!(
        locale,
        customers.act_amount_value,
        orders = erasure.orders,
        entries = erasure.log_entries
    )
    .to_string();
    let fact = |label: &'static str, value: String| {
        view! {
            <dt>{label}</dt>
            <dd>{value}</dd>
        }
    };
    let blank = |label: &'static str| {
        view! {
            <dt>{label}</dt>
            <dd class="blank"></dd>
        }
    };
    view! {
        <Title text=title.clone() />
        <article class="document">
            <h1>{title}</h1>
            <p class="alert alert-info alert-soft mb-4">{td_string!(locale, customers.print_hint)}</p>
            <p class="mb-4">{td_string!(locale, customers.act_basis)}</p>
            <dl class="facts">
                {blank(td_string!(locale, customers.act_operator))}
                {blank(td_string!(locale, customers.act_processor))}
                {fact(td_string!(locale, customers.act_subject), identified)}
                {fact(td_string!(locale, customers.act_categories), categories(locale))}
                {fact(td_string!(locale, customers.act_amount), amount)}
                {fact(td_string!(locale, customers.act_system), system(locale))}
                {fact(
                    td_string!(locale, customers.act_method),
                    td_string!(locale, customers.act_method_value).to_owned(),
                )}
                {fact(td_string!(locale, fields.reason), erasure.reason.clone())}
                {fact(td_string!(locale, customers.act_date), date.clone())}
                {purged.map(|purged| fact(td_string!(locale, customers.act_purged), purged))}
                {fact(td_string!(locale, customers.act_by), by)}
                {blank(td_string!(locale, customers.act_person))}
                {blank(td_string!(locale, customers.act_signature))}
            </dl>
            <section aria-labelledby="extract">
                <h2 id="extract">{td_string!(locale, customers.extract)}</h2>
                <dl class="facts">
                    {fact(td_string!(locale, customers.act_subject), subject)}
                    {fact(td_string!(locale, customers.act_categories), categories(locale))}
                    {fact(td_string!(locale, customers.act_system), system(locale))}
                    {fact(td_string!(locale, fields.reason), erasure.reason)}
                    {fact(td_string!(locale, customers.act_date), date)}
                </dl>
                <History operations=entries />
            </section>
        </article>
    }
}

/// Draws the entries of the log whose values were erased, and the entry of the erasure itself.
#[cfg(feature = "ssr")]
fn extract_items(entries: &[Operation], locale: Locale) -> Markup {
    html! {
        @for entry in entries {
            li class="history-row" {
                p {
                    "№ " (entry.id) " · " (entry.timestamp.display(locale)) " · " (entry.user(locale)) " · "
                    strong { (entry.action.display(|action| action.label(locale))) }
                    " · " (entity_link(&entry.entity_type, &entry.entity_id, locale))
                }
                (changes(&entry.changes, locale))
            }
        }
    }
}

fn categories(locale: Locale) -> String {
    td_string!(locale, customers.act_categories_value).to_owned()
}

fn system(locale: Locale) -> String {
    let version = env!("CARGO_PKG_VERSION");
    td_string!(locale, customers.act_system_value, version = version).to_string()
}
