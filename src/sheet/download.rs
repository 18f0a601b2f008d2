//! Downloads of CSV files, read and sent a batch at a time so that memory use does not grow with the file.
//!
//! Each batch is a separate query with keyset pagination. No read transaction stays open for long, which would keep
//! SQLite from resetting its write-ahead log, and a slow client holds no database connection. Apart from product names,
//! the keys that files are sorted by never change, so each row that exists throughout the download appears exactly
//! once.
//!
//! While one batch is written, the next one is read.
//!
//! A download ends when its user is blocked, signed out or gets another role: the session is checked again before each
//! batch is sent.

use super::{Format, cells::Sheet};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::{Actor, credential::Credential},
    error::Error,
    i18n::Locale,
    page::{ListQuery, Page},
    server_context,
    transaction::{AppState, Tx},
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

/// Rows read per batch.
pub const BATCH: i64 = 5_000;
/// The most batches that wait for a slow client.
const QUEUED_BATCHES: usize = 2;
/// The most bytes of a query that the operation log keeps.
const MAX_FILTER_BYTES: usize = 1_000;
/// The byte order mark by which a spreadsheet recognises UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A request for a CSV file.
pub struct DownloadRequest {
    app: AppState,
    actor: Result<Actor, Error>,
    credential: Result<Credential, Error>,
    parts: Parts,
    format: Format,
    locale: Locale,
    /// The filters of the request, for the operation log.
    filters: String,
}

/// How a file is logged and named.
pub struct File {
    pub entity: Entity,
    /// The start of the file name, such as `orders`.
    pub name: &'static str,
    /// The days in the file name; empty ones are left out.
    pub period: [String; 2],
}

/// A list that can be downloaded as CSV, with the filters of its page.
pub trait Export:
    ListQuery + Clone + Default + Serialize + DeserializeOwned + Send + 'static
{
    type Row: Send + 'static;
    const ENTITY: Entity;
    /// The start of the file name, such as `orders`.
    const NAME: &'static str;
    const FIELDS: &'static [&'static str];

    /// Returns the days in the file name; empty ones are left out.
    fn period(&self) -> [String; 2];

    /// Limits the sort order to keys that are not expected to change during the download.
    fn sort(&mut self) {}

    /// Reads a page of at most `rows` rows.
    fn page(&self, tx: &mut Tx<'_>, rows: i64) -> Result<Page<Self::Row>, Error>;

    /// Writes the cells of a row.
    fn write(row: Self::Row, sheet: &mut Sheet) -> Result<(), Error>;
}

/// Answers with a whole list as a file: all rows that match the filters of its page, in the order of the file.
pub async fn download<Q: Export>(State(app): State<AppState>, parts: Parts) -> Response {
    let mut asked = DownloadRequest::new(app, parts);
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

/// Writes rows that were read.
pub type WriteRows = Box<dyn FnOnce(&mut Sheet) -> Result<(), Error> + Send>;

/// Reads the next rows, and advances the state of a download. Returns whether there are more.
pub type ReadRows<S> = fn(&mut Tx<'_>, &mut S) -> Result<(WriteRows, bool), Error>;

fn batch<Q: Export>(tx: &mut Tx<'_>, query: &mut Q) -> Result<(WriteRows, bool), Error> {
    let page = query.page(tx, BATCH)?;
    let [_, after] = query.cursors();
    let is_first = after.is_empty();
    *after = page.after.unwrap_or_default();
    let has_more = !after.is_empty();
    let write = move |sheet: &mut Sheet| {
        if is_first {
            sheet.head(Q::FIELDS)?;
        }
        for row in page.items {
            Q::write(row, sheet)?;
            sheet.end_row()?;
        }
        Ok(())
    };
    Ok((Box::new(write), has_more))
}

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    format: Format,
}

impl DownloadRequest {
    /// Reads the user, the language and the format of a request.
    pub fn new(app: AppState, parts: Parts) -> Self {
        let format = query_of::<Options>(&parts).map_or(Format::Excel, |options| options.format);
        Self {
            locale: crate::ui::language(&parts.headers),
            app,
            actor: Actor::of(&parts.extensions),
            credential: Credential::of(&parts.extensions),
            parts,
            format,
            filters: String::new(),
        }
    }

    /// Reads the query of the page that the file belongs to, and keeps its filters for the operation log.
    pub fn query<T: Serialize + DeserializeOwned>(&mut self) -> Result<T, Error> {
        let query = query_of::<T>(&self.parts)?;
        self.filters = filters(&query);
        Ok(query)
    }

    /// Answers with a file, whose rows `batch` reads. If the first batch fails, the error is the answer; if a later one
    /// fails, the connection is broken off.
    pub async fn answer<S: Send + 'static>(
        self,
        file: Result<File, Error>,
        state: S,
        batch: ReadRows<S>,
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
        batch: ReadRows<S>,
    ) -> Result<Response, Error> {
        let source = Source {
            app: self.app.clone(),
            actor: actor.clone(),
            format: self.format,
            locale: self.locale,
            batch,
        };
        let credential = self.credential.clone()?;
        let (rows, rest) = source.read(state).await?;
        let first = source.write(rows).await?;
        let asked = self.filters.clone();
        let (entity, name) = (file.entity, format!("{}.csv", file.name));
        if self.parts.method != Method::HEAD {
            self.app
                .write(actor.clone(), move |tx| {
                    let changes = [audit::set("file", &name), audit::set("query", &asked)];
                    record(tx, Action::Export, entity, "csv", &changes)
                })
                .await?;
        }
        let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(QUEUED_BATCHES);
        tokio::spawn(source.send(first, rest, sender).in_current_span());
        let span = tracing::Span::current();
        // Fused, because compression polls the stream once more after its end.
        let body = stream::unfold(receiver, move |mut receiver| {
            let (credential, actor) = (credential.clone(), actor.clone());
            let next = async move {
                let chunk = match receiver.recv().await? {
                    Ok(chunk) => still_allowed(&credential, &actor).await.map(|()| chunk),
                    Err(error) => Err(error),
                };
                Some((chunk, receiver))
            };
            next.instrument(span.clone())
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
        refuse(error, &address.unwrap_or_default())
    }
}

/// Fails if the user of a download no longer has the rights with which it began. The connection is then broken off.
async fn still_allowed(credential: &Credential, actor: &Actor) -> io::Result<()> {
    credential.must_still_be(actor).await.map_err(|error| {
        tracing::warn!(user = actor.username(), %error, "broke off a download");
        io::Error::other(error)
    })
}

/// Returns the error response to a browser. Visitors who are not signed in are led to the sign-in page, and from there
/// to the page that they wanted.
pub fn refuse(error: &Error, wanted: &str) -> Response {
    if *error == Error::SignedOut {
        // 302, as for pages, so that the browser requests the sign-in page with GET.
        return (
            StatusCode::FOUND,
            [(header::LOCATION, server_context::sign_in_page(wanted))],
        )
            .into_response();
    }
    error.clone().into_response()
}

/// Redirects a browser after an upload.
pub fn redirect(path: &str) -> Response {
    Redirect::to(path).into_response()
}

fn query_of<T: DeserializeOwned>(parts: &Parts) -> Result<T, Error> {
    axum::extract::Query::try_from_uri(&parts.uri)
        .map(|axum::extract::Query(query)| query)
        .map_err(|_| Error::Invalid(Vec::new()))
}

/// Returns the parameters of a query that are set, URL-encoded and cut to what the operation log keeps.
fn filters(query: &impl Serialize) -> String {
    let fields: BTreeMap<String, String> = serde_json::to_value(query)
        .and_then(serde_json::from_value)
        .unwrap_or_default();
    let mut filters = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    filters.truncate(MAX_FILTER_BYTES);
    filters
}

impl File {
    /// Returns the name of the file: `orders-2026-11-01-2026-11-23.csv`.
    fn file_name(&self) -> String {
        let days = self.period.iter().filter_map(|day| {
            day.parse::<chrono::NaiveDate>()
                .ok()
                .map(|day| format!("-{day}"))
        });
        format!("{}{}.csv", self.name, days.collect::<String>())
    }
}

/// The source of the batches of a file.
struct Source<S> {
    app: AppState,
    actor: Actor,
    format: Format,
    locale: Locale,
    batch: ReadRows<S>,
}

impl<S: Send + 'static> Source<S> {
    /// Reads a batch, and returns with it the state for the next one, if there is one.
    async fn read(&self, mut state: S) -> Result<(WriteRows, Option<S>), Error> {
        let batch = self.batch;
        self.app
            .read(self.actor.clone(), move |tx| {
                let (rows, has_more) = batch(tx, &mut state)?;
                Ok((rows, has_more.then_some(state)))
            })
            .await
    }

    /// Writes a batch, on another thread.
    async fn write(&self, rows: WriteRows) -> Result<Bytes, Error> {
        let mut sheet = Sheet::new(self.format, self.locale);
        let write = move || {
            rows(&mut sheet)?;
            Ok(sheet.into_bytes()?.into())
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.map_err(|error| {
            tracing::error!(%error, "could not write CSV");
            Error::Internal
        })?
    }

    /// Reads the next batch, if there is one.
    async fn read_rest(&self, rest: Option<S>) -> Result<Option<(WriteRows, Option<S>)>, Error> {
        match rest {
            Some(state) => self.read(state).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sends all batches. On a failure the connection is broken off, so that the client does not take the file for
    /// complete.
    async fn send(
        self,
        first: Bytes,
        rest: Option<S>,
        client: mpsc::Sender<Result<Bytes, io::Error>>,
    ) {
        let begin = match self.format {
            Format::Excel => Bytes::from_static(BOM),
            Format::Plain => Bytes::new(),
        };
        if client.send(Ok(begin)).await.is_err() || client.send(Ok(first)).await.is_err() {
            return;
        }
        let mut batch = self.read_rest(rest).await;
        loop {
            let chunk = match batch {
                Ok(None) => return,
                Ok(Some((rows, rest))) => {
                    let written;
                    (written, batch) = tokio::join!(self.write(rows), self.read_rest(rest));
                    written
                }
                Err(error) => {
                    batch = Ok(None);
                    Err(error)
                }
            };
            let chunk = chunk.map_err(|error| {
                tracing::error!(%error, "could not finish a download");
                io::Error::other(error)
            });
            let has_failed = chunk.is_err();
            if client.send(chunk).await.is_err() || has_failed {
                return;
            }
        }
    }
}
