//! The page of a product: its stock, fields, supplies, orders, ledger and history.

use super::{Product, form::ProductFields};
use crate::{
    audit::history::History,
    auth::Permission,
    error::Error,
    fields::Fields,
    number::pieces,
    orders::row::OrderTable,
    stock::{ledger::Ledger, reason::WriteOffReason},
    supplies::page::SupplyTable,
    ui::{
        self,
        drawn::{Drawn, DrawnPage},
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
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};

/// A product with its latest supplies, orders, stock movements and operations, each newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProductDetails {
    pub product: Product,
    /// Empty if the user has no permission to see supplies.
    pub supplies: Drawn,
    pub orders: Drawn,
    pub ledger: DrawnPage,
    pub history: Drawn,
    /// The last count or write-off, if it was not taken back.
    pub undoable: Option<i64>,
    /// For the form that writes pieces off.
    pub idempotency_key: String,
}

/// Reads a product with its latest supplies, orders, stock movements and operations.
#[server(endpoint = "read_product", input = GetUrl)]
pub async fn read_product(
    id: String,
    #[server(default)] after: String,
    #[server(default)] before: String,
) -> Result<ProductDetails, Error> {
    use super::service;
    use crate::{
        audit::{self, Action},
        orders, server_context, stock, supplies,
    };
    let id: i64 = id
        .parse()
        .map_err(|_| Error::NotFound)
        .or_else(|error| server_context::set_status(Err(error)))?;
    let (product, supplies, orders, ledger, history) = server_context::read(move |tx| {
        let product = service::get(tx, id)?;
        let may_see_supplies = tx.actor.may(Permission::Supplies).is_ok();
        let supplies = if may_see_supplies {
            supplies::service::of_product(tx, id, 10)?.items
        } else {
            Vec::new()
        };
        let orders = orders::search::of_product(tx, id, 10)?;
        let ledger = stock::service::ledger(tx, id, &after, &before, 30)?;
        let history = audit::service::history(tx, audit::Entity::Product, id)?;
        Ok((product, supplies, orders, ledger, history))
    })
    .await?;
    Ok(ProductDetails {
        undoable: audit::undo::latest(&history, &[Action::Correct, Action::WriteOff]),
        idempotency_key: crate::crypto::new_key(),
        product,
        supplies: server_context::draw(&supplies, supplies::page::rows),
        orders: server_context::draw(&orders, orders::row::plain_rows),
        ledger: server_context::draw_page(ledger, stock::ledger::rows),
        history: audit::history::draw(history),
    })
}

/// Edits a product.
#[server(endpoint = "edit_product")]
pub async fn edit_product(id: i64, #[server(flatten)] fields: Fields) -> Result<Product, Error> {
    use super::service;
    use crate::{server_context, ui::banner::Success};
    let product =
        server_context::submit(fields, move |tx, edited| service::edit(tx, id, edited)).await?;
    server_context::redirect_back(Success::ProductSaved);
    Ok(product)
}

/// Sets the stock on hand to a counted number.
#[server(endpoint = "correct_stock")]
pub async fn correct_stock(id: i64, #[server(flatten)] fields: Fields) -> Result<Product, Error> {
    use super::service;
    use crate::{
        audit::{self, Action, Entity},
        server_context,
        ui::banner::Success,
    };
    let (product, operation) = server_context::submit(fields, move |tx, count| {
        let product = service::correct(tx, id, count)?;
        let operation = audit::undo::last(tx, Entity::Product, id, Action::Correct)?;
        Ok((product, operation))
    })
    .await?;
    let operation = operation.map(|operation| operation.id);
    server_context::redirect_back_undoable(Success::StockCorrected, operation.as_slice());
    Ok(product)
}

/// Writes pieces of a product off.
#[server(endpoint = "write_off")]
pub async fn write_off(
    id: i64,
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<(), Error> {
    use crate::{
        audit::{self, Action, Entity},
        server_context,
        ui::banner::Success,
        write_offs,
    };
    let operation = server_context::submit(fields, move |tx, new| {
        write_offs::service::create(tx, &idempotency_key, id, new)?;
        audit::undo::last(tx, Entity::Product, id, Action::WriteOff)
    })
    .await?;
    let operation = operation.map(|operation| operation.id);
    server_context::redirect_back_undoable(Success::WrittenOff, operation.as_slice());
    Ok(())
}

/// Archives a product, or deletes it if it has no history.
#[server(endpoint = "archive_product")]
pub async fn archive_product(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    let is_kept = server_context::write(move |tx| super::service::archive(tx, id)).await?;
    if is_kept {
        server_context::redirect(&format!("/products/{id}"), Success::ProductArchived);
    } else {
        server_context::redirect("/products", Success::ProductDeleted);
    }
    Ok(())
}

/// Puts an archived product back on sale.
#[server(endpoint = "restore_product")]
pub async fn restore_product(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::service::restore(tx, id)).await?;
    server_context::redirect(&format!("/products/{id}"), Success::ProductRestored);
    Ok(())
}

/// The actions available on the page of a product.
#[derive(Clone, Copy)]
struct Actions {
    edit: FormAction,
    correct: FormAction,
    write_off: FormAction,
    archive: FormAction,
    restore: FormAction,
}

/// The page of a product.
#[component]
pub fn ProductPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let query = use_query_map();
    let actions = Actions {
        edit: FormAction::new::<EditProduct>(),
        correct: FormAction::new::<CorrectStock>(),
        write_off: FormAction::new::<WriteOff>(),
        archive: FormAction::new::<ArchiveProduct>(),
        restore: FormAction::new::<RestoreProduct>(),
    };
    let acts = [
        actions.edit,
        actions.correct,
        actions.write_off,
        actions.archive,
        actions.restore,
    ]
    .map(FormAction::success_count);
    let elsewhere = live::page(move |kind, id| {
        kind == "product" && params.with_untracked(|params| params.get("id").as_deref() == Some(id))
    });
    let wanted = move || {
        let query = query.read();
        (
            parameter(&params.read(), "id"),
            parameter(&query, "after"),
            parameter(&query, "before"),
            acts.map(|times| times.get()),
            elsewhere.get(),
        )
    };
    // Read again after each successful action.
    let file = ui::data(wanted, |(id, after, before, ..)| {
        read_product(id, after, before)
    });
    Effect::new(move || {
        if actions.edit.has_succeeded() {
            ui::announce(td_string!(locale, banner.product_saved).to_owned());
        }
    });
    Effect::new(move || {
        if actions.correct.has_succeeded() {
            ui::announce(td_string!(locale, banner.stock_corrected).to_owned());
        }
    });
    Effect::new(move || {
        if actions.write_off.has_succeeded() {
            ui::announce(td_string!(locale, banner.written_off).to_owned());
        }
    });
    view! {
        <p class="crumb">
            <a class="link" href="/products">
                "← "
                {td_string!(locale, products.title)}
            </a>
        </p>
        {ui::loaded_or(
            file,
            Some((Error::NotFound, td_string!(locale, products.not_found))),
            move |file| view! { <ProductView file actions /> },
        )}
    }
}

#[component]
fn ProductView(file: ProductDetails, actions: Actions) -> impl IntoView {
    let locale = ui::locale();
    let ProductDetails {
        product,
        supplies,
        orders,
        ledger,
        history,
        undoable,
        idempotency_key,
    } = file;
    let may_edit = ui::may(Permission::EditProducts);
    let is_archived = product.archived_at.is_some();
    let filter = format!(
        "product={}",
        leptos_router::location::Url::escape(&product.name)
    );
    let file = format!("/products/{}/movements.csv", product.id);
    let saved = move |is_done: bool, words: &'static str, undoable: Option<i64>| {
        is_done
            .then(|| {
                view! {
                    <div class="alert alert-success alert-soft mb-4">
                        <p>{words}</p>
                        {undoable.map(|operation| view! { <UndoForm operations=operation.to_string() /> })}
                    </div>
                }
            })
    };
    view! {
        <Title text=product.name.clone() />
        <div class="page-head">
            <h1>
                {product.name.clone()}
                {is_archived
                    .then(|| {
                        view! {
                            " "
                            <span class="badge badge-ghost">{td_string!(locale, products.archived)}</span>
                        }
                    })}
            </h1>
            {(!is_archived)
                .then(|| {
                    view! {
                        <div class="page-actions">
                            <a class="btn" href=format!("/print/labels?product={}", product.id) rel="external">
                                {td_string!(locale, print.labels)}
                            </a>
                            {ui::may(Permission::Supplies)
                                .then(|| {
                                    view! {
                                        <a class="btn" href=format!("/supplies?new={}", product.id)>
                                            {td_string!(locale, supplies.receive)}
                                        </a>
                                    }
                                })} <a class="btn btn-primary" href=format!("/orders/new?product={}", product.id)>
                                {td_string!(locale, orders.new_order)}
                            </a>
                        </div>
                    }
                })}
        </div>
        {saved(untrack(|| actions.edit.has_succeeded()), td_string!(locale, banner.product_saved), None)}
        {saved(untrack(|| actions.correct.has_succeeded()), td_string!(locale, banner.stock_corrected), undoable)}
        {saved(untrack(|| actions.write_off.has_succeeded()), td_string!(locale, banner.written_off), undoable)}
        <DraftFailure of=&[undo::PATH] />
        <StockFacts product=product.clone() />
        {match may_edit {
            true => view! { <ProductForms product=product.clone() actions undoable idempotency_key /> }.into_any(),
            false => {
                let codes = product.codes.iter().collect::<Vec<_>>().join(", ");
                let codes = (!codes.is_empty())
                    .then(|| view! { <p class="mt-4">{td_string!(locale, fields.codes)} ": " {codes}</p> });
                let description = product
                    .description
                    .clone()
                    .map(|text| view! { <p class="whitespace-pre-line">{text}</p> });
                (codes, description).into_any()
            }
        }}
        <section aria-labelledby="orders">
            <h2 id="orders">{td_string!(locale, products.orders)}</h2>
            {if orders.is_empty {
                view! { <p class="empty">{td_string!(locale, products.no_orders)}</p> }.into_any()
            } else {
                view! {
                    <OrderTable rows=orders />
                    <p class="mt-2">
                        <a class="link" href=format!("/orders?{filter}")>
                            {td_string!(locale, products.all_orders)}
                        </a>
                    </p>
                }
                    .into_any()
            }}
        </section>
        {ui::may(Permission::Supplies)
            .then(|| {
                view! {
                    <section aria-labelledby="supplies">
                        <h2 id="supplies">{td_string!(locale, products.supplies)}</h2>
                        {if supplies.is_empty {
                            view! { <p class="empty">{td_string!(locale, products.no_supplies)}</p> }.into_any()
                        } else {
                            view! {
                                <SupplyTable rows=supplies />
                                <p class="mt-2">
                                    <a class="link" href=format!("/supplies?{filter}")>
                                        {td_string!(locale, products.all_supplies)}
                                    </a>
                                </p>
                            }
                                .into_any()
                        }}
                    </section>
                }
            })}
        <section aria-labelledby="ledger">
            <h2 id="ledger">{td_string!(locale, products.ledger)}</h2>
            <Ledger ledger />
            <p class="mt-2">
                <a class="link" href=file rel="external">
                    {td_string!(locale, csv.download)}
                </a>
            </p>
        </section>
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

#[component]
fn StockFacts(product: Product) -> impl IntoView {
    let locale = ui::locale();
    let fact = move |label: &'static str, value: String| {
        view! {
            <div class="stat-tile">
                <dt>{label}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    view! {
        <dl class="stat-tiles">
            <div class="stat-tile" class:low=product.is_low_stock>
                <dt>{td_string!(locale, fields.stock)}</dt>
                <dd>
                    {pieces(product.stock, locale)}
                    {product
                        .is_low_stock
                        .then(|| {
                            view! {
                                " "
                                <span class="badge badge-warning">
                                    "▼ " {td_string!(locale, products.low)}
                                </span>
                            }
                        })}
                </dd>
            </div>
            {fact(td_string!(locale, fields.on_hand), pieces(product.on_hand, locale))}
            {fact(td_string!(locale, fields.reserved), pieces(product.reserved, locale))}
            {fact(td_string!(locale, fields.min_stock), pieces(product.min_stock, locale))}
            {(product.written_off > 0)
                .then(|| fact(td_string!(locale, products.written_off), pieces(product.written_off, locale)))}
            {fact(
                td_string!(locale, fields.sell_price_rub),
                product.sell_price_rub.map_or_else(ui::dash, |price| price.display(locale)),
            )}
            {fact(
                td_string!(locale, products.last_buy_price),
                product.buy_price_eur.map_or_else(ui::dash, |price| price.display(locale)),
            )}
        </dl>
    }
}

/// The forms to edit, count, and archive or restore a product.
#[component]
fn ProductForms(
    product: Product,
    actions: Actions,
    undoable: Option<i64>,
    idempotency_key: String,
) -> impl IntoView {
    let locale = ui::locale();
    let id = product.id;
    let is_archived = product.archived_at.is_some();
    let name = product.name.clone();
    let (version, on_hand) = (product.version, product.on_hand);
    let reasons = WriteOffReason::OFFERED
        .iter()
        .map(|reason| view! { <option value=reason.code()>{reason.label(locale)}</option> })
        .collect_view();
    view! {
        <div class="form-columns">
            <section aria-labelledby="edit">
                <h2 id="edit">{td_string!(locale, products.edit)}</h2>
                <Form action=actions.edit>
                    <input type="hidden" name="id" value=id.to_string() />
                    <Version version />
                    <Field name="name" label=td_string!(locale, fields.name) value=name required=true />
                    <ProductFields product=Some(product) />
                    <Submit label=td_string!(locale, ui.save) />
                </Form>
            </section>
            <div>
                <section aria-labelledby="count">
                    <h2 id="count">{td_string!(locale, products.correct)}</h2>
                    <p class="mb-2">{td_string!(locale, products.correct_hint)}</p>
                    <Form action=actions.correct>
                        <input type="hidden" name="id" value=id.to_string() />
                        <Version name="expected" version=on_hand />
                        <Field
                            name="on_hand"
                            label=td_string!(locale, products.counted)
                            value=on_hand.to_string()
                            inputmode="numeric"
                            required=true
                        />
                        <Field
                            name="note"
                            label=td_string!(locale, fields.note)
                            hint=td_string!(locale, products.note_hint)
                        />
                        <Submit label=td_string!(locale, products.correct) class="btn" />
                    </Form>
                </section>
                <section aria-labelledby="write-off">
                    <h2 id="write-off">{td_string!(locale, products.write_off)}</h2>
                    <p class="mb-2">{td_string!(locale, products.write_off_hint)}</p>
                    <Form action=actions.write_off>
                        <input type="hidden" name="id" value=id.to_string() />
                        <IdempotencyKey fresh=idempotency_key />
                        <div class="field-pair">
                            <Field
                                name="qty"
                                label=td_string!(locale, fields.qty)
                                inputmode="numeric"
                                required=true
                            />
                            <label class="field">
                                <span class="field-label">{td_string!(locale, fields.reason)}</span>
                                <select class="select w-full" name="reason">
                                    {reasons}
                                </select>
                            </label>
                        </div>
                        <Field id="write_off_note" name="note" label=td_string!(locale, products.write_off_note) />
                        <Submit label=td_string!(locale, products.write_off) class="btn" />
                    </Form>
                    {undoable
                        .map(|operation| {
                            view! {
                                <div class="mt-3">
                                    <UndoForm operations=operation.to_string() />
                                </div>
                            }
                        })}
                </section>
                <section aria-labelledby="archive">
                    <h2 id="archive">{td_string!(locale, products.archive)}</h2>
                    {if is_archived {
                        view! {
                            <p class="mb-2">{td_string!(locale, products.restore_hint)}</p>
                            <Form action=actions.restore>
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit label=td_string!(locale, products.restore) class="btn" />
                            </Form>
                        }
                            .into_any()
                    } else {
                        view! {
                            <p class="mb-2">{td_string!(locale, products.archive_hint)}</p>
                            <Form action=actions.archive>
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit
                                    label=td_string!(locale, products.to_archive)
                                    class="btn btn-outline btn-error"
                                />
                            </Form>
                        }
                            .into_any()
                    }}
                </section>
            </div>
        </div>
    }
}
