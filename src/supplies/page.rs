//! The page of supplies: the form that receives a supply, and the history.

use super::{Query, Supply};
use crate::{
    error::Error,
    fields::Fields,
    page::Filtered,
    products::{
        first::FirstProduct,
        picker::{PickerData, ProductPicker, prefill},
    },
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
        form::{Field, Form, FormAction, IdempotencyKey, Submit, focus_field},
        live,
        pager::{
            CsvLink, FilterField, FilterForm, OtherErrors, Pager, is_filtered, parameter, query_of,
        },
        presets::DayFilters,
        undo::UndoForm,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::i18n::Locale,
    maud::{Markup, html},
};

/// Reads a page of the supply history.
#[server(endpoint = "list_supplies", input = GetUrl)]
pub async fn list_supplies(query: Query) -> Result<Filtered<DrawnPage>, Error> {
    use crate::server_context;
    let found = server_context::search(query, super::service::list).await?;
    Ok(found.map(|page| server_context::draw_page(page, rows)))
}

/// Returns the initial data of the form.
#[server(endpoint = "new_supply", input = GetUrl)]
pub async fn new_supply(#[server(default)] product: String) -> Result<PickerData, Error> {
    crate::server_context::read(move |tx| {
        tx.actor.may(crate::auth::Permission::Supplies)?;
        crate::products::picker::start(tx, &product)
    })
    .await
}

/// A supply that was received, and the operation that can be taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Received {
    pub supply: Supply,
    pub operation: Option<i64>,
}

/// Receives a supply.
#[server(endpoint = "receive_supply")]
pub async fn receive_supply(
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<Received, Error> {
    use super::service;
    use crate::{
        audit::{self, Action, Entity},
        server_context,
        ui::banner::Success,
    };
    let supply = server_context::submit(fields, move |tx, new| {
        service::receive(tx, &idempotency_key, new)
    })
    .await?;
    let id = supply.id;
    let operation = server_context::look_up(move |tx| {
        audit::undo::last(tx, Entity::Supply, id, Action::Supply)
    })
    .await?;
    let operation = operation.map(|operation| operation.id);
    server_context::redirect_back_undoable(Success::SupplyReceived, operation.as_slice());
    Ok(Received { supply, operation })
}

/// The page of supplies.
#[component]
pub fn SuppliesPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let receive = FormAction::new::<ReceiveSupply>();
    let received = receive.success_count();
    // After a successful submission the form starts over, empty and with a new idempotency key.
    let start = ui::data(
        move || {
            (
                if received.get() == 0 {
                    parameter(&params.read(), "new")
                } else {
                    String::new()
                },
                received.get(),
            )
        },
        |(product, _)| new_supply(product),
    );
    let elsewhere = live::list(&["supply", "supply_return"]);
    let page = ui::data(
        move || {
            (
                query_of::<Query>(&params.read()),
                received.get(),
                elsewhere.get(),
            )
        },
        |(query, ..)| list_supplies(query),
    );
    let draw = move |Filtered {
                         found: page,
                         errors,
                     }: Filtered<DrawnPage>| {
        let mistakes =
            view! { <OtherErrors errors fields=&["product", "supplier", "from", "to"] /> };
        if page.items.is_empty {
            let words = if is_filtered(
                &params.read_untracked(),
                &["product", "supplier", "from", "to", "after", "before"],
            ) {
                view! {
                    {td_string!(locale, supplies.none_found)}
                    " "
                    <a class="link" href="/supplies">
                        {td_string!(locale, ui.reset)}
                    </a>
                }
                .into_any()
            } else {
                td_string!(locale, supplies.none_yet).into_any()
            };
            return view! {
                {mistakes}
                <p class="empty">{words}</p>
            }
            .into_any();
        }
        view! {
            {mistakes}
            <SupplyTable rows=page.items />
            <Pager before=page.before after=page.after />
        }
        .into_any()
    };
    let done = move || {
        receive.made().map(|Received { supply, operation }| {
            let words = td_string!(
                locale,
                supplies.received,
                product = supply.product_name,
                qty = supply.qty.display(locale)
            )
            .to_string();
            ui::announce(words.clone());
            view! {
                <div class="alert alert-success alert-soft mb-4">
                    <p>{words}</p>
                    {operation.map(|operation| view! { <UndoForm operations=operation.to_string() /> })}
                </div>
            }
        })
    };
    view! {
        <Title text=td_string!(locale, nav.supplies) />
        <div class="page-head">
            <h1>{td_string!(locale, nav.supplies)}</h1>
            <div class="page-actions">
                <CsvLink path="/supplies.csv" />
                <a class="btn" href="/supplies/import">
                    {td_string!(locale, csv.upload)}
                </a>
            </div>
        </div>
        <section class="panel" aria-labelledby="receive">
            <h2 id="receive">{td_string!(locale, supplies.receive)}</h2>
            {done}
            {ui::loaded(
                start,
                move |start| {
                    if start.offers.is_empty() {
                        view! { <FirstProduct /> }.into_any()
                    } else {
                        view! { <SupplyForm start action=receive /> }.into_any()
                    }
                },
            )}
        </section>
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, supplies.history)}</h2>
            <Filters />
            {ui::loaded(page, draw)}
        </section>
    }
}

#[component]
fn SupplyForm(start: PickerData, action: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let chosen = RwSignal::new(start.chosen.clone());
    let supplier = RwSignal::new(String::new());
    let price = RwSignal::new(String::new());
    // The last purchase price and supplier are proposed.
    prefill(chosen, price, true, move |offer| {
        let last = offer.buy_price_eur;
        last.map(|price| price.input_value(locale))
            .unwrap_or_default()
    });
    prefill(chosen, supplier, false, |offer| {
        offer.supplier_name.clone().unwrap_or_default()
    });
    let proposal = start.chosen.clone();
    let last_supplier = proposal
        .as_ref()
        .and_then(|offer| offer.supplier_name.clone())
        .unwrap_or_default();
    let last_price = proposal
        .and_then(|offer| offer.buy_price_eur)
        .map(|price| price.input_value(locale))
        .unwrap_or_default();
    view! {
        <Form action resets=true>
            <IdempotencyKey fresh=start.idempotency_key />
            <ProductPicker offers=start.offers chosen for_supply=true on_pick=Callback::new(|()| focus_field("qty")) />
            <div class="field-triple">
                <Field name="qty" label=td_string!(locale, fields.qty) inputmode="numeric" required=true />
                <Field
                    name="buy_price_eur"
                    label=td_string!(locale, fields.buy_price_eur)
                    value=last_price
                    bind=price
                    inputmode="decimal"
                    required=true
                />
                <Field
                    name="supplier_name"
                    label=td_string!(locale, fields.supplier_name)
                    value=last_supplier
                    bind=supplier
                    required=true
                />
            </div>
            <Submit label=td_string!(locale, supplies.do_receive) />
        </Form>
    }
}

#[component]
fn Filters() -> impl IntoView {
    let locale = ui::locale();
    view! {
        <FilterForm action="/supplies">
            <FilterField name="product" label=td_string!(locale, fields.product) />
            <FilterField name="supplier" label=td_string!(locale, fields.supplier_name) />
            <DayFilters path="/supplies" />
            <button class="btn" type="submit">
                {td_string!(locale, ui.find)}
            </button>
        </FilterForm>
    }
}

/// A table of supplies; on a phone, each row is a card.
#[component]
pub fn SupplyTable(rows: Drawn) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <table class="table cards" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.date)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.product)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.qty)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.buy_price_eur)}
                    </th>
                    <th scope="col" role="columnheader" class="num">
                        {td_string!(locale, fields.total)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.supplier_name)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.user)}
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" inner_html=rows.html()></tbody>
        </table>
    }
}

/// Draws the rows of a [`SupplyTable`].
#[cfg(feature = "ssr")]
pub fn rows(supplies: &[Supply], locale: Locale) -> Markup {
    html! {
        @for supply in supplies {
            tr role="row" {
                td role="cell" class="date" data-label=(td_string!(locale, fields.date)) {
                    a class="link" href={ "/supplies/" (supply.id) } { (supply.created_at.display(locale)) }
                    @if supply.undone_at.is_some() {
                        " " span class="badge badge-ghost" { (td_string!(locale, supplies.undone)) }
                    }
                }
                td role="cell" class="row-title" {
                    a class="link" href={ "/products/" (supply.product_id) } { (supply.product_name) }
                }
                td role="cell" class="num" data-label=(td_string!(locale, fields.qty)) { (supply.qty.display(locale)) }
                td role="cell" class="num" data-label=(td_string!(locale, fields.buy_price_eur)) {
                    (supply.buy_price_eur.display(locale))
                }
                td role="cell" class="num" data-label=(td_string!(locale, fields.total)) {
                    (supply.total_eur().display(locale))
                }
                td role="cell" class="name" data-label=(td_string!(locale, fields.supplier_name)) {
                    (supply.supplier_name)
                }
                td role="cell" data-label=(td_string!(locale, fields.user)) {
                    (supply.user_id.as_deref().unwrap_or(td_string!(locale, ui.system)))
                }
            }
        }
    }
}
