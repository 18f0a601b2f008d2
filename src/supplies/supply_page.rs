//! The page of a supply: what was received, how to correct it, and the history.

use super::Supply;
use crate::{
    audit::history::History,
    auth::Permission,
    error::Error,
    fields::Fields,
    number::pieces,
    ui::{
        self,
        drawn::Drawn,
        failure::DraftFailure,
        form::{Field, Form, FormAction, IdempotencyKey, Submit, Version},
        live,
        pager::parameter,
        undo::{self, UndoForm},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

/// A supply with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupplyDetails {
    pub supply: Supply,
    /// Pieces that were sold or otherwise left, and keep their cost.
    pub gone: i64,
    /// The operation that received the supply, unless it was taken back or came with a file.
    pub operation: Option<i64>,
    pub history: Drawn,
    pub idempotency_key: String,
}

/// Reads a supply with its history.
#[server(endpoint = "read_supply", input = GetUrl)]
pub async fn read_supply(id: String) -> Result<SupplyDetails, Error> {
    use super::{correction, service};
    use crate::{
        audit::{self, Action, Entity},
        server_context,
    };
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (supply, gone, operation, history) = server_context::read(move |tx| {
        let supply = service::get(tx, id)?;
        let gone = correction::gone(tx, &supply)?;
        let received = audit::undo::last(tx, Entity::Supply, id, Action::Supply)?;
        let history = audit::service::history(tx, Entity::Supply, id)?;
        let operation = received.map(|received| received.id);
        Ok((supply, gone, operation, history))
    })
    .await?;
    Ok(SupplyDetails {
        operation: operation.filter(|_| supply.undone_at.is_none()),
        supply,
        gone,
        history: audit::history::draw(history),
        idempotency_key: crate::crypto::new_key(),
    })
}

/// Corrects a supply.
#[server(endpoint = "correct_supply")]
pub async fn correct_supply(id: i64, #[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::correction;
    use crate::{server_context, ui::banner::Success};
    server_context::submit(fields, move |tx, right| correction::correct(tx, id, right)).await?;
    server_context::redirect_back(Success::SupplyCorrected);
    Ok(())
}

/// Returns pieces to the supplier.
#[server(endpoint = "return_supply")]
pub async fn return_supply(
    id: i64,
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<(), Error> {
    use super::correction;
    use crate::{server_context, ui::banner::Success};
    server_context::submit(fields, move |tx, new| {
        correction::return_to_supplier(tx, &idempotency_key, id, new)
    })
    .await?;
    server_context::redirect_back(Success::SupplyReturned);
    Ok(())
}

/// The page of a supply.
#[component]
pub fn SupplyPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let correct = FormAction::new::<CorrectSupply>();
    let send_back = FormAction::new::<ReturnSupply>();
    let done = [correct, send_back].map(FormAction::success_count);
    let elsewhere = live::page(move |kind, id| {
        kind == "supply" && params.with_untracked(|params| params.get("id").as_deref() == Some(id))
    });
    let file = ui::data(
        move || {
            (
                parameter(&params.read(), "id"),
                done.map(|times| times.get()),
                elsewhere.get(),
            )
        },
        |(id, ..)| read_supply(id),
    );
    let told = move |action: FormAction, words: &'static str| {
        Effect::new(move || {
            if action.has_succeeded() {
                ui::announce(words.to_owned());
            }
        });
    };
    told(correct, td_string!(locale, banner.supply_corrected));
    told(send_back, td_string!(locale, banner.supply_returned));
    view! {
        <p class="crumb">
            <a class="link" href="/supplies">
                "← "
                {td_string!(locale, nav.supplies)}
            </a>
        </p>
        {ui::loaded_or(
            file,
            Some((Error::NotFound, td_string!(locale, supplies.not_found))),
            move |file| view! { <SupplyView file correct send_back /> },
        )}
    }
}

#[component]
fn SupplyView(file: SupplyDetails, correct: FormAction, send_back: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let SupplyDetails {
        supply,
        gone,
        operation,
        history,
        idempotency_key,
    } = file;
    let title = td_string!(locale, supplies.number, id = supply.id).to_string();
    let is_undone = supply.undone_at.is_some();
    let left = supply.qty.0 - supply.returned_qty;
    let done = move |action: FormAction, words: &'static str| {
        untrack(|| action.has_succeeded())
            .then(|| view! { <p class="alert alert-success alert-soft mb-4">{words}</p> })
    };
    view! {
        <Title text=title.clone() />
        <div class="page-head">
            <h1>{title}</h1>
            {(!is_undone)
                .then(|| {
                    view! {
                        <div class="page-actions">
                            <a class="btn" href=format!("/print/labels?supply={}", supply.id) rel="external">
                                {td_string!(locale, print.labels)}
                            </a>
                        </div>
                    }
                })}
        </div>
        {is_undone
            .then(|| {
                view! { <p class="alert alert-warning alert-soft mb-4">{td_string!(locale, supplies.undone)}</p> }
            })}
        {done(correct, td_string!(locale, banner.supply_corrected))}
        {done(send_back, td_string!(locale, banner.supply_returned))}
        <DraftFailure of=&[undo::PATH] />
        <dl class="facts">
            <dt>{td_string!(locale, fields.product)}</dt>
            <dd>
                <a class="link" href=format!("/products/{}", supply.product_id)>
                    {supply.product_name.clone()}
                </a>
            </dd>
            <dt>{td_string!(locale, fields.qty)}</dt>
            <dd>{supply.qty.display(locale)}</dd>
            {(supply.returned_qty > 0)
                .then(|| {
                    view! {
                        <dt>{td_string!(locale, supplies.returned)}</dt>
                        <dd>{pieces(supply.returned_qty, locale)}</dd>
                    }
                })}
            <dt>{td_string!(locale, fields.buy_price_eur)}</dt>
            <dd>{supply.buy_price_eur.display(locale)}</dd>
            <dt>{td_string!(locale, fields.total)}</dt>
            <dd>
                <strong>{supply.total_eur().display(locale)}</strong>
            </dd>
            <dt>{td_string!(locale, fields.supplier_name)}</dt>
            <dd>{supply.supplier_name.clone()}</dd>
            <dt>{td_string!(locale, fields.user)}</dt>
            <dd>{supply.user_id.clone().unwrap_or_else(|| td_string!(locale, ui.system).to_owned())}</dd>
            <dt>{td_string!(locale, fields.created_at)}</dt>
            <dd>{supply.created_at.display(locale)}</dd>
        </dl>
        {(ui::may(Permission::CorrectSupplies) && !is_undone)
            .then(|| {
                view! {
                    {operation.map(|operation| view! { <UndoForm operations=operation.to_string() /> })}
                    <CorrectForm supply=supply.clone() gone action=correct />
                    {(left > 0)
                        .then(|| view! { <ReturnForm id=supply.id action=send_back idempotency_key /> })}
                }
            })}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

#[component]
fn CorrectForm(supply: Supply, gone: i64, action: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let hint = if gone > 0 {
        td_string!(locale, supplies.gone, count = pieces(gone, locale)).to_string()
    } else {
        td_string!(locale, supplies.correct_hint).to_owned()
    };
    view! {
        <details class="panel mt-4" open=untrack(|| action.error().is_some())>
            <summary>{td_string!(locale, supplies.correct)}</summary>
            <p class="mb-2">{hint}</p>
            <Form action class="narrow">
                <input type="hidden" name="id" value=supply.id.to_string() />
                <Version version=supply.version />
                <div class="field-pair">
                    <Field
                        name="qty"
                        label=td_string!(locale, fields.qty)
                        value=supply.qty.to_string()
                        inputmode="numeric"
                        required=true
                    />
                    <Field
                        name="buy_price_eur"
                        label=td_string!(locale, fields.buy_price_eur)
                        value=supply.buy_price_eur.input_value(locale)
                        inputmode="decimal"
                        required=true
                    />
                </div>
                <Field
                    name="supplier_name"
                    label=td_string!(locale, fields.supplier_name)
                    value=supply.supplier_name
                    required=true
                />
                <Field name="reason" label=td_string!(locale, fields.reason) required=true />
                <Submit label=td_string!(locale, supplies.correct) />
            </Form>
        </details>
    }
}

#[component]
fn ReturnForm(id: i64, action: FormAction, idempotency_key: String) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <details class="panel mt-4" open=untrack(|| action.error().is_some())>
            <summary>{td_string!(locale, supplies.send_back)}</summary>
            <Form action class="narrow">
                <input type="hidden" name="id" value=id.to_string() />
                <IdempotencyKey fresh=idempotency_key />
                <Field
                    id="return_qty"
                    name="qty"
                    label=td_string!(locale, fields.qty)
                    inputmode="numeric"
                    required=true
                />
                <Field id="return_reason" name="reason" label=td_string!(locale, fields.reason) required=true />
                <Submit label=td_string!(locale, supplies.send_back) class="btn" />
            </Form>
        </details>
    }
}
