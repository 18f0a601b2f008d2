//! Files on their way out: read and sent a batch at a time, so that memory does not grow with the file.
//!
//! Each batch is a query of its own, by key: no reader holds a view of the database for long (SQLite could not
//! empty its write-ahead log meanwhile), and a slow client holds no connection. The keys that files are ordered by do
//! not change, so each row that was there from the beginning to the end comes exactly once.

use super::{Format, cells::Sheet};
use crate::{
    act::{Shop, Tx},
    auth::Actor,
    door,
    error::Error,
    i18n::Locale,
    log::{self, Action, Entity, service::record},
    page::{ListQuery, Page},
    ui::words::field_label,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, io};
use tokio::sync::mpsc;
use tracing::Instrument;
use url::form_urlencoded;

/// Rows that are read at once.
pub const BATCH: i64 = 5_000;
/// Batches that wait for a client that reads slowly.
const WAITING: usize = 2;
/// Bytes of what was asked for that the log keeps.
const FILTERS: usize = 1_000;
/// What a spreadsheet knows UTF-8 by.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A request for a file.
pub struct Asked {
    shop: Shop,
    actor: Result<Actor, Error>,
    parts: Parts,
    format: Format,
    locale: Locale,
    /// What was asked for, for the log.
    filters: String,
}

/// What is logged of a file, and what it is called.
pub struct File {
    pub entity: Entity,
    /// `orders`.
    pub name: &'static str,
    /// Days of its name; empty ones are left out.
    pub period: [String; 2],
}

/// A list that can be downloaded as CSV, with the filters of its page.
pub trait Export:
    ListQuery + Clone + Default + Serialize + DeserializeOwned + Send + 'static
{
    type Row;
    const ENTITY: Entity;
    /// `orders`.
    const NAME: &'static str;
    const FIELDS: &'static [&'static str];

    /// The days in the name of the file; empty ones are left out.
    fn period(&self) -> [String; 2];

    /// Sorts by what never changes while the file is read.
    fn sort(&mut self) {}

    /// A page of so many rows.
    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Self::Row>, Error>;

    /// Writes the cells of a row.
    fn write(row: Self::Row, sheet: &mut Sheet) -> Result<(), Error>;
}

/// Answers with a whole list as a file: what its page would show, in one order.
pub async fn download<Q: Export>(State(shop): State<Shop>, parts: Parts) -> Response {
    let mut asked = Asked::new(shop, parts);
    let query = asked.query::<Q>();
    let file = query.clone().map(|query| File {
        entity: Q::ENTITY,
        name: Q::NAME,
        period: query.period(),
    });
    let mut query = query.unwrap_or_default();
    query.sort();
    for cursor in query.cursors() {
        cursor.clear();
    }
    asked.answer(file, query, batch).await
}

fn batch<Q: Export>(tx: &mut Tx<'_>, query: &mut Q, sheet: &mut Sheet) -> Result<bool, Error> {
    let [_, after] = query.cursors();
    if after.is_empty() {
        sheet.head(Q::FIELDS)?;
    }
    let page = query.page(tx, BATCH)?;
    for row in page.items {
        Q::write(row, sheet)?;
        sheet.end_row()?;
    }
    let [_, after] = query.cursors();
    *after = page.after.unwrap_or_default();
    Ok(!after.is_empty())
}

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    format: Format,
}

impl Asked {
    /// What the request says besides the query of its page.
    pub fn new(shop: Shop, parts: Parts) -> Self {
        let format = query_of::<Options>(&parts).map_or(Format::Excel, |options| options.format);
        Self {
            locale: crate::ui::language(&parts.headers),
            shop,
            actor: Actor::of(&parts.extensions),
            parts,
            format,
            filters: String::new(),
        }
    }

    /// The query of the page that the file belongs to.
    pub fn query<T: Serialize + DeserializeOwned>(&mut self) -> Result<T, Error> {
        let query = query_of::<T>(&self.parts)?;
        self.filters = filters(&query);
        Ok(query)
    }

    /// Answers with a file that `batch` writes: it is called again with the same state until it has no more.
    /// What goes wrong before the first batch is an answer; later it cuts the connection.
    pub async fn answer<S: Send + 'static>(
        self,
        file: Result<File, Error>,
        state: S,
        batch: fn(&mut Tx<'_>, &mut S, &mut Sheet) -> Result<bool, Error>,
    ) -> Response {
        let begun = match (file, self.actor.clone()) {
            (Ok(file), Ok(actor)) => self.begin(file, actor, state, batch).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        begun.unwrap_or_else(|error| self.refuse(&error))
    }

    async fn begin<S: Send + 'static>(
        &self,
        file: File,
        actor: Actor,
        state: S,
        batch: fn(&mut Tx<'_>, &mut S, &mut Sheet) -> Result<bool, Error>,
    ) -> Result<Response, Error> {
        let source = Source {
            shop: self.shop.clone(),
            actor: actor.clone(),
            format: self.format,
            locale: self.locale,
            batch,
        };
        let (first, rest) = source.next(state).await?;
        let asked = self.filters.clone();
        let (entity, name) = (file.entity, format!("{}.csv", file.name));
        if self.parts.method != Method::HEAD {
            self.shop
                .act(actor, move |tx| {
                    let changes = [log::set("file", &name), log::set("query", &asked)];
                    record(tx, Action::Export, entity, "csv", &changes)
                })
                .await?;
        }
        let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(WAITING);
        tokio::spawn(source.send(first, rest, sender).in_current_span());
        // What compresses it asks once more after its end.
        let body = stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        })
        .fuse();
        let named = format!("attachment; filename=\"{}\"", file.file_name());
        let mut response = Body::from_stream(body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        );
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&named).map_err(|_| Error::Internal)?,
        );
        Ok(response)
    }

    fn refuse(&self, error: &Error) -> Response {
        let address = self.parts.uri.path_and_query().map(ToString::to_string);
        refuse(error, self.locale, &address.unwrap_or_default())
    }
}

/// An error as an answer to a browser that asked for a file or sent one.
pub fn refuse(error: &Error, locale: Locale, wanted: &str) -> Response {
    if *error == Error::SignedOut {
        // 302, as pages answer: browsers ask for the sign-in page with GET.
        return (
            StatusCode::FOUND,
            [(header::LOCATION, door::sign_in_page(wanted))],
        )
            .into_response();
    }
    let mut words = error.words(locale);
    if let Error::Invalid(fields) = error {
        for wrong in fields {
            let label = field_label(locale, &wrong.field);
            words = format!("{words}\n{label}: {}", wrong.problem.words(locale));
        }
    }
    (error.status(), words).into_response()
}

/// Leads a browser on after it sent a file.
pub fn lead(path: &str) -> Response {
    Redirect::to(path).into_response()
}

fn query_of<T: DeserializeOwned>(parts: &Parts) -> Result<T, Error> {
    axum::extract::Query::try_from_uri(&parts.uri)
        .map(|axum::extract::Query(query)| query)
        .map_err(|_| Error::Invalid(Vec::new()))
}

/// What a query asks for, as the end of an address, not longer than the log should have it.
fn filters(query: &impl Serialize) -> String {
    let fields: BTreeMap<String, String> = serde_json::to_value(query)
        .and_then(serde_json::from_value)
        .unwrap_or_default();
    let mut filters = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    filters.truncate(FILTERS);
    filters
}

impl File {
    /// `orders-2026-11-01-2026-11-23.csv`.
    fn file_name(&self) -> String {
        let days = self.period.iter().filter_map(|day| {
            day.parse::<chrono::NaiveDate>()
                .ok()
                .map(|day| format!("-{day}"))
        });
        format!("{}{}.csv", self.name, days.collect::<String>())
    }
}

/// Where the batches of a file come from.
struct Source<S> {
    shop: Shop,
    actor: Actor,
    format: Format,
    locale: Locale,
    batch: fn(&mut Tx<'_>, &mut S, &mut Sheet) -> Result<bool, Error>,
}

impl<S: Send + 'static> Source<S> {
    /// Reads a batch; gives the state for the next one, if there is any.
    async fn next(&self, mut state: S) -> Result<(Bytes, Option<S>), Error> {
        let (format, locale, batch) = (self.format, self.locale, self.batch);
        self.shop
            .look(self.actor.clone(), move |tx| {
                let mut sheet = Sheet::new(format, locale);
                let has_more = batch(tx, &mut state, &mut sheet)?;
                Ok((sheet.into_bytes()?.into(), has_more.then_some(state)))
            })
            .await
    }

    /// Sends all batches. A failure goes to the client as one of the connection: what came is no whole file.
    async fn send(
        self,
        first: Bytes,
        mut rest: Option<S>,
        client: mpsc::Sender<Result<Bytes, io::Error>>,
    ) {
        let begin = match self.format {
            Format::Excel => Bytes::from_static(BOM),
            Format::Plain => Bytes::new(),
        };
        if client.send(Ok(begin)).await.is_err() || client.send(Ok(first)).await.is_err() {
            return;
        }
        while let Some(state) = rest {
            let chunk = match self.next(state).await {
                Ok((chunk, more)) => {
                    rest = more;
                    Ok(chunk)
                }
                Err(error) => {
                    tracing::error!(%error, "a download was cut");
                    rest = None;
                    Err(io::Error::other(error))
                }
            };
            if client.send(chunk).await.is_err() {
                return;
            }
        }
    }
}
