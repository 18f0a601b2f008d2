//! The routes of the pages to print, and the document around each of them.

use super::{assets::BuiltFiles, pages::no_index};
use crate::{
    auth::Actor,
    crypto::new_key,
    error::Error,
    i18n::Locale,
    print::{
        CopiesForm, Printout, day::DayEnd, labels, labels::Labels, picking::Picking, slip,
        slip::Slip,
    },
    products,
    sheet::download::refuse,
    transaction::{AppState, Tx},
    ui::{self, theme::Theme},
    validation::{Validator, day, optional},
};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, header, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use axum_extra::extract::Query;
use leptos_i18n::td_string;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::LazyLock;

static BUILT: LazyLock<BuiltFiles> = LazyLock::new(BuiltFiles::find);

/// The stylesheet of all pages to print.
const STYLE: &str = include_str!("../../style/print.css");
/// What makes the button work.
const SCRIPT: &str = include_str!("../../browser/print.js");

/// Returns the routes of the pages to print.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route("/print/slip/{number}", get(slip))
        .route("/print/picking", get(picking))
        .route("/print/day", get(day_end))
        .route("/print/labels", get(print_labels))
        .layer(no_index())
        .with_state(app)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SlipQuery {
    size: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DayQuery {
    date: String,
}

/// `GET /print/slip/{number}`: the slip of the basket of an order.
async fn slip(State(app): State<AppState>, Path(number): Path<String>, parts: Parts) -> Response {
    let site = app.config.notifications.site.clone();
    let read = move |tx: &mut Tx<'_>, query: SlipQuery| {
        let mut validator = Validator::default();
        let size = validator.code("size", &query.size);
        validator.done()?;
        let slip = Slip::read(tx, read_number(&number)?)?;
        Ok((slip, size.unwrap_or(slip::Size::Roll)))
    };
    answer(app, &parts, read, |(slip, size), locale| {
        slip.draw(size, &site, locale)
    })
    .await
}

/// `GET /print/picking`: the picking list.
async fn picking(State(app): State<AppState>, parts: Parts) -> Response {
    let read = |tx: &mut Tx<'_>, ()| Picking::read(tx);
    answer(
        app,
        &parts,
        read,
        |picking, locale| Ok(picking.draw(locale)),
    )
    .await
}

/// `GET /print/day`: the end of a day, by default of today.
async fn day_end(State(app): State<AppState>, parts: Parts) -> Response {
    let read = |tx: &mut Tx<'_>, query: DayQuery| {
        let mut validator = Validator::default();
        let date = validator.take("date", optional(day)(&query.date));
        validator.done()?;
        DayEnd::read(tx, date)
    };
    answer(app, &parts, read, |day, locale| Ok(day.draw(locale))).await
}

/// `GET /print/labels`: labels for products.
async fn print_labels(State(app): State<AppState>, parts: Parts) -> Response {
    let filters = match query_of::<products::Query>(&parts) {
        Ok(filters) => filters,
        Err(error) => return error.into_response(),
    };
    let read = |tx: &mut Tx<'_>, query: labels::Query| Labels::read(tx, &query, filters);
    answer(app, &parts, read, |labels, locale| labels.draw(locale)).await
}

fn read_number(number: &str) -> Result<i64, Error> {
    number.parse().map_err(|_| Error::NotFound)
}

fn query_of<Q: DeserializeOwned>(parts: &Parts) -> Result<Q, Error> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(query)| query)
        .map_err(|_| Error::Invalid(Vec::new()))
}

/// Returns the signed-in user, or the response that leads to the sign-in page.
#[expect(clippy::result_large_err, reason = "the error is the response")]
fn signed_in(parts: &Parts) -> Result<Actor, Response> {
    match Actor::of(&parts.extensions) {
        Ok(Actor::Nobody) => {
            let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            Err(refuse(&Error::SignedOut, wanted))
        }
        Ok(actor) => Ok(actor),
        Err(error) => Err(error.into_response()),
    }
}

/// Answers with a document that is read from the shop and then drawn.
async fn answer<Q: DeserializeOwned + Send + 'static, T: Send + 'static>(
    app: AppState,
    parts: &Parts,
    read: impl FnOnce(&mut Tx<'_>, Q) -> Result<T, Error> + Send + 'static,
    draw: impl FnOnce(T, Locale) -> Result<Printout, Error>,
) -> Response {
    let actor = match signed_in(parts) {
        Ok(actor) => actor,
        Err(response) => return response,
    };
    let found = match query_of::<Q>(parts) {
        Ok(query) => app.read(actor, move |tx| read(tx, query)).await,
        Err(error) => Err(error),
    };
    let locale = ui::language(&parts.headers);
    let theme = ui::chosen_theme(&parts.headers);
    match found.and_then(|found| draw(found, locale)) {
        Ok(printout) => document(&printout, locale, theme),
        Err(error) => error.into_response(),
    }
}

/// The form for the number of labels: a field for the only product, or a list that unfolds.
fn copies_form(form: &CopiesForm, locale: Locale) -> Markup {
    let count = |least: i64, count: i64| {
        html! {
            input class="input" type="number" name="copies" min=(least) max=(form.most) value=(count) required;
        }
    };
    html! {
        form method="get" action="/print/labels" {
            input type="hidden" name="size" value=(form.size);
            @if let [only] = &form.items[..] {
                input type="hidden" name="product" value=(only.product);
                label { (td_string!(locale, print.copies)) " " (count(1, only.count)) }
                button class="btn" type="submit" { (td_string!(locale, print.show)) }
            } @else {
                details {
                    summary { (td_string!(locale, print.choose)) }
                    @for item in &form.items {
                        input type="hidden" name="products" value=(item.product);
                        label { (count(0, item.count)) " " (item.name) }
                    }
                    button class="btn" type="submit" { (td_string!(locale, print.show)) }
                }
            }
        }
    }
}

/// Returns a document with its content security policy.
fn document(printout: &Printout, locale: Locale, theme: Theme) -> Response {
    let nonce = new_key();
    let Printout {
        page: (width, height),
        margin,
        ..
    } = printout;
    // Chromium ignores a size that has an orientation.
    let size = format!("@page {{ size: {width}mm {height}mm; margin: {margin}mm }}\n");
    let page = html! {
        (DOCTYPE)
        html lang=(locale) data-theme=[theme.attribute()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (printout.title) " · " (td_string!(locale, ui.app_name)) }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(BUILT.style);
                style nonce=(nonce) { (PreEscaped(size)) (PreEscaped(STYLE)) }
            }
            body class="print-page" {
                nav class="print-bar" aria-label=(td_string!(locale, print.print)) {
                    a href=(printout.back) { "← " (td_string!(locale, print.back)) }
                    button class="btn btn-primary" type="button" data-print hidden {
                        (td_string!(locale, print.print))
                    }
                    @for choice in &printout.choices {
                        a href=(choice.href) aria-current=[choice.is_current.then_some("true")] { (choice.label) }
                    }
                    @if let Some(form) = &printout.copies { (copies_form(form, locale)) }
                    @if let Some(note) = &printout.note { p { (note) } }
                }
                main class={ "paper " (printout.class) } { (printout.contents) }
                script nonce=(nonce) { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; \
         img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = Html(page.into_string()).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
