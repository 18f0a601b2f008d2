//! The import pages: choose a file, review the preview, confirm.

use super::{Kind, Preview, PreviewRow, PreviousImport, RowState, UploadState};
use crate::{
    audit::history::changes,
    error::Error,
    number::pieces,
    ui::banner::Counts,
    ui::{
        self,
        failure::DraftFailure,
        form::{Form, FormAction, Submit},
        labels::field_label,
        pager::parameter,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Returns the state of an uploaded file, or `None` if `upload` is empty.
#[server(endpoint = "read_import", input = GetUrl)]
pub async fn read_import(
    kind: String,
    #[server(default)] upload: String,
) -> Result<Option<UploadState>, Error> {
    let kind: Kind = kind.parse().map_err(|_| Error::NotFound)?;
    crate::server_context::read(move |tx| {
        tx.actor.may(kind.permission())?;
        if upload.is_empty() {
            return Ok(None);
        }
        super::service::sent(tx, kind, &upload).map(Some)
    })
    .await
}

/// Imports a file as shown in its preview. A non-empty `again` allows the same content to be imported a second time.
#[server(endpoint = "confirm_import")]
pub async fn confirm_import(
    kind: String,
    upload: String,
    digest: String,
    #[server(default)] again: String,
) -> Result<(), Error> {
    use super::service::{self, Confirmation};
    use crate::{server_context, ui::banner::Success};
    let kind: Kind = kind.parse().map_err(|_| Error::NotFound)?;
    let actor = server_context::set_status(server_context::actor())?;
    let asked = Confirmation {
        kind,
        upload,
        digest,
        again: !again.is_empty(),
    };
    let counts = service::confirm(&server_context::app_state(), actor, asked).await;
    let counts = server_context::set_status(counts)?;
    server_context::redirect(&format!("/{kind}?counts={counts}"), Success::Imported);
    Ok(())
}

/// The page that imports products.
#[component]
pub fn ImportProductsPage() -> impl IntoView {
    view! { <ImportPage kind=Kind::Products /> }
}

/// The page that imports supplies.
#[component]
pub fn ImportSuppliesPage() -> impl IntoView {
    view! { <ImportPage kind=Kind::Supplies /> }
}

#[component]
fn ImportPage(kind: Kind) -> impl IntoView {
    let locale = ui::locale();
    let params = use_query_map();
    let confirm = FormAction::new::<ConfirmImport>();
    let (title, hint, back) = match kind {
        Kind::Products => (
            td_string!(locale, import.products),
            td_string!(locale, import.products_hint),
            td_string!(locale, products.title),
        ),
        Kind::Supplies => (
            td_string!(locale, import.supplies),
            td_string!(locale, import.supplies_hint),
            td_string!(locale, nav.supplies),
        ),
    };
    // Reloaded after an error, because the recorded data may have changed.
    let preview = ui::data(
        move || (parameter(&params.read(), "upload"), confirm.error()),
        move |(upload, _)| read_import(kind.to_string(), upload),
    );
    view! {
        <Title text=title />
        <p class="crumb">
            <a class="link" href=format!("/{kind}")>
                "← "
                {back}
            </a>
        </p>
        <h1>{title}</h1>
        <DraftFailure />
        <section class="panel narrow mb-4" aria-labelledby="choose">
            <h2 id="choose">{td_string!(locale, import.choose)}</h2>
            <p class="mb-2">{hint}</p>
            <form method="post" action=format!("/uploads/{kind}") enctype="multipart/form-data">
                <label class="field-label" for="file">
                    {td_string!(locale, fields.file)}
                </label>
                <input
                    class="file-input mb-3 w-full"
                    id="file"
                    name="file"
                    type="file"
                    accept=".csv,.txt,text/csv"
                    required
                />
                <button class="btn btn-primary" type="submit">
                    {td_string!(locale, import.check)}
                </button>
            </form>
        </section>
        {ui::loaded(
            preview,
            move |sent| {
                sent.map(|sent| match sent {
                    UploadState::Waits(preview) => view! { <PreviewView kind preview action=confirm /> }.into_any(),
                    UploadState::Done(counts) => view! { <Done counts /> }.into_any(),
                })
            },
        )}
    }
}

/// The result of an import that was confirmed before.
#[component]
fn Done(counts: Counts) -> impl IntoView {
    let locale = ui::locale();
    let Counts { new, changed, same } = counts;
    let words = td_string!(locale, banner.imported_counts, new, changed, same).to_string();
    view! { <p class="alert alert-success alert-soft mb-4">{words}</p> }
}

/// Returns the warning that says when and by whom the same content was imported, and what another import would do.
fn earlier_words(kind: Kind, earlier: &PreviousImport, locale: crate::i18n::Locale) -> String {
    let moment = earlier.at.display(locale);
    let user = earlier
        .user_id
        .clone()
        .unwrap_or_else(|| td_string!(locale, ui.system).to_owned());
    match kind {
        Kind::Products => td_string!(locale, import.earlier_products, moment, user).to_string(),
        Kind::Supplies => td_string!(locale, import.earlier_supplies, moment, user).to_string(),
    }
}

#[component]
fn PreviewView(kind: Kind, preview: Preview, action: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let Preview {
        upload,
        file_name,
        digest,
        earlier,
        new,
        changed,
        same,
        wrong,
        rows,
    } = preview;
    let hidden = (new + changed + same + wrong).saturating_sub(rows.len());
    let tile = move |label: &'static str, count: usize| {
        let count = pieces(i64::try_from(count).unwrap_or(i64::MAX), locale);
        view! {
            <div class="stat-tile">
                <dt>{label}</dt>
                <dd>{count}</dd>
            </div>
        }
    };
    let decision = if wrong > 0 {
        view! { <p class="alert alert-error alert-soft mb-4">{td_string!(locale, import.has_wrong)}</p> }
            .into_any()
    } else if new + changed == 0 {
        view! { <p class="alert alert-info alert-soft mb-4">{td_string!(locale, import.nothing_to_do)}</p> }.into_any()
    } else {
        let (label, class) = match earlier {
            Some(_) => (td_string!(locale, import.confirm_again), "btn btn-warning"),
            None => (td_string!(locale, import.confirm), "btn btn-primary"),
        };
        let again = earlier.map(|earlier| {
            view! {
                <p class="alert alert-warning alert-soft mb-4">{earlier_words(kind, &earlier, locale)}</p>
                <input type="hidden" name="again" value="1" />
            }
        });
        view! {
            <Form action class="mb-4">
                <input type="hidden" name="kind" value=kind.code() />
                <input type="hidden" name="upload" value=upload />
                <input type="hidden" name="digest" value=digest />
                {again}
                <Submit label class />
            </Form>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="preview">
            <h2 id="preview">{td_string!(locale, import.preview)} " " {file_name}</h2>
            <dl class="stat-tiles mb-4">
                {tile(td_string!(locale, import.count_new), new)}
                {tile(td_string!(locale, import.count_changed), changed)}
                {tile(td_string!(locale, import.count_same), same)}
                {tile(td_string!(locale, import.count_wrong), wrong)}
            </dl>
            {decision}
            <table class="table cards" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        <th scope="col" role="columnheader">
                            {td_string!(locale, fields.product)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, import.line)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, import.outcome)}
                        </th>
                        <th scope="col" role="columnheader">
                            {td_string!(locale, import.details)}
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows.into_iter().map(|row| view! { <PlannedRow row /> }).collect_view()}</tbody>
            </table>
            {(hidden > 0)
                .then(|| view! { <p class="mt-2">{td_string!(locale, import.hidden, count = hidden).to_string()}</p> })}
        </section>
    }
}

#[component]
fn PlannedRow(row: PreviewRow) -> impl IntoView {
    let locale = ui::locale();
    let badge = match row.state {
        RowState::New => "badge badge-success",
        RowState::Changed => "badge badge-info",
        RowState::Same => "badge badge-ghost",
        RowState::Wrong => "badge badge-error",
    };
    let is_same = row.state == RowState::Same;
    let problems = row
        .problems
        .into_iter()
        .map(|wrong| {
            let (field, problem) = (
                field_label(locale, &wrong.field),
                wrong.problem.message(locale),
            );
            view! { <li class="wrong-cell">{field} ": " {problem}</li> }
        })
        .collect_view();
    view! {
        <tr role="row">
            <td role="cell" class="row-title">
                {row.title}
            </td>
            <td role="cell" class="num" data-label=td_string!(locale, import.line)>
                {row.line}
            </td>
            <td role="cell" data-label=td_string!(locale, import.outcome)>
                <span class=badge>{state_words(row.state, locale)}</span>
            </td>
            <td role="cell" data-label=td_string!(locale, import.details)>
                <div>
                    <ul>{problems}</ul>
                    <div inner_html=changes(&row.changes, locale).into_string()></div>
                    {is_same.then_some("—")}
                </div>
            </td>
        </tr>
    }
}

fn state_words(state: RowState, locale: crate::i18n::Locale) -> &'static str {
    match state {
        RowState::New => td_string!(locale, import.is_new),
        RowState::Changed => td_string!(locale, import.is_changed),
        RowState::Same => td_string!(locale, import.is_same),
        RowState::Wrong => td_string!(locale, import.is_wrong),
    }
}
