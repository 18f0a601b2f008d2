//! The exchange rates page: roubles per euro, each rate valid from its day on.

use super::Rate;
use crate::{
    error::Error,
    fields::Fields,
    moment::day_shown,
    page::Page,
    ui::{
        self,
        failure::DraftFailure,
        form::{Field, Form, FormAction, Submit},
        live,
        pager::{Pager, parameter},
    },
};
use chrono::NaiveDate;
use leptos::{
    prelude::*,
    server_fn::{ServerFn, codec::GetUrl},
};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

/// A page of rates, and whether a new rate is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RatesData {
    pub today: NaiveDate,
    pub page: Page<Rate>,
    /// Whether the newest rate is more than a week old.
    pub is_old: bool,
}

/// Returns a page of rates, newest first.
#[server(endpoint = "list_rates", input = GetUrl)]
pub async fn list_rates(#[server(default)] after: String) -> Result<RatesData, Error> {
    use super::rates;
    crate::server_context::read(move |tx| {
        let page = rates::list(tx, &after)?;
        let today = tx.now.day();
        let newest = rates::newest(tx.conn)?;
        Ok(RatesData {
            today,
            page,
            is_old: rates::is_old(newest.as_ref(), today),
        })
    })
    .await
}

/// Enters or corrects the rate for a day.
#[server(endpoint = "set_rate")]
pub async fn set_rate(#[server(flatten)] fields: Fields) -> Result<Rate, Error> {
    use crate::{server_context, ui::banner::Success};
    let rate = server_context::submit(fields, super::rates::set).await?;
    server_context::redirect_back(Success::RateSaved);
    Ok(rate)
}

/// Deletes the rate for a day.
#[server(endpoint = "delete_rate")]
pub async fn delete_rate(day: NaiveDate) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::rates::delete(tx, day)).await?;
    server_context::redirect_back(Success::RateDeleted);
    Ok(())
}

/// The exchange rates page.
#[component]
pub fn RatesPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let set = FormAction::new::<SetRate>();
    let saved = set.success_count();
    let elsewhere = live::page(|kind, _| kind == "rate");
    let file = ui::data(
        move || {
            (
                parameter(&params.read(), "after"),
                saved.get(),
                elsewhere.get(),
            )
        },
        |(after, ..)| list_rates(after),
    );
    let done = move || {
        set.made().map(|rate: Rate| {
            let words = td_string!(
                locale,
                rates.saved,
                day = day_shown(rate.day, locale),
                rate = rate.rub_per_eur.display(locale)
            )
            .to_string();
            ui::announce(words.clone());
            view! { <p class="alert alert-success alert-soft mb-4">{words}</p> }
        })
    };
    view! {
        <Title text=td_string!(locale, nav.rates) />
        <p class="crumb">
            <a class="link" href="/admin/analytics">
                "← "
                {td_string!(locale, nav.analytics)}
            </a>
        </p>
        <h1>{td_string!(locale, nav.rates)}</h1>
        {done}
        <DraftFailure of=&[DeleteRate::PATH] />
        {ui::loaded(file, move |file| view! { <RatesView file action=set /> })}
    }
}

#[component]
fn RatesView(file: RatesData, action: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let RatesData {
        today,
        page,
        is_old,
    } = file;
    let row = move |rate: Rate| {
        view! {
            <tr role="row">
                <td role="cell" class="row-title">
                    {day_shown(rate.day, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, fields.rub_per_eur)>
                    {rate.rub_per_eur.display(locale)}
                </td>
                <td role="cell" data-label=td_string!(locale, fields.user)>
                    {rate.user_id.unwrap_or_else(|| td_string!(locale, ui.system).to_owned())}
                </td>
                <td role="cell" class="date" data-label=td_string!(locale, rates.entered)>
                    {rate.created_at.display(locale)}
                </td>
                <td role="cell">
                    <DeleteForm day=rate.day />
                </td>
            </tr>
        }
    };
    let table = if page.items.is_empty() {
        view! { <p class="empty">{td_string!(locale, rates.none_yet)}</p> }.into_any()
    } else {
        view! {
            <table class="table cards" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.day)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, fields.rub_per_eur)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.user)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, rates.entered)}
                        </th>
                        <th scope="col" role="columnheader">
                            <span class="sr-only">{td_string!(locale, ui.actions)}</span>
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{page.items.into_iter().map(row).collect_view()}</tbody>
            </table>
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    view! {
        {is_old.then(|| view! { <p class="alert alert-warning alert-soft mb-4">{td_string!(locale, rates.old)}</p> })}
        <section class="panel" aria-labelledby="set">
            <h2 id="set">{td_string!(locale, rates.set)}</h2>
            <p class="mb-2">{td_string!(locale, rates.hint)}</p>
            <Form action class="narrow">
                <div class="field-pair">
                    <Field
                        name="day"
                        label=td_string!(locale, fields.day)
                        kind="date"
                        value=today.to_string()
                        required=true
                    />
                    <Field
                        name="rub_per_eur"
                        label=td_string!(locale, fields.rub_per_eur)
                        inputmode="decimal"
                        required=true
                    />
                </div>
                <Submit label=td_string!(locale, ui.save) />
            </Form>
        </section>
        <section aria-labelledby="rates">
            <h2 id="rates">{td_string!(locale, rates.list)}</h2>
            {table}
        </section>
    }
}

/// The button that deletes a rate, with its question. The page is loaded anew.
#[component]
fn DeleteForm(day: NaiveDate) -> impl IntoView {
    let locale = ui::locale();
    let shown = day_shown(day, locale);
    let question = format!("delete-{day}");
    let words = td_string!(locale, rates.delete_question, day = shown.as_str()).to_string();
    let label = format!("{}: {shown}", td_string!(locale, rates.delete));
    let [opens, closes] = [question.clone(), question.clone()];
    view! {
        <button class="btn btn-sm" type="button" popovertarget=opens aria-label=label.clone()>
            {td_string!(locale, rates.delete)}
        </button>
        <div class="question" id=question popover="auto" role="dialog" aria-label=label>
            <p>{words}</p>
            <div class="question-buttons">
                <form method="post" action=DeleteRate::PATH>
                    <input type="hidden" name="day" value=day.to_string() />
                    <button class="btn btn-error" type="submit">
                        {td_string!(locale, rates.delete)}
                    </button>
                </form>
                <button class="btn" type="button" popovertarget=closes popovertargetaction="hide" autofocus>
                    {td_string!(locale, orders.do_not_deny)}
                </button>
            </div>
        </div>
    }
}
