//! Keeps a refused form for some minutes, so that the page that shows it again needs only a random key in its address.
//!
//! Only the browser that sent the form can read it: a row is found by the key and a cookie of that browser. So a link
//! cannot fill in a form for somebody else. What one user typed is not shown to another who signs in after them, except
//! after a session has ended: then it is shown to whoever signs in next in that browser, from the page that follows.

use crate::{
    auth::Actor,
    crypto::{new_key, sha256},
    error::Error,
    moment::Moment,
    schema::form_drafts,
    transaction::{AppState, Tx},
    ui::{draft::Draft, pager::DRAFT},
    web::{ClientInfo, client_info::network},
};
use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use chrono::TimeDelta;
use diesel::prelude::*;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use url::form_urlencoded;

/// The cookie with the random key of a browser.
const COOKIE: &str = "form";
/// How long a draft is kept. It outlasts the wait after wrong passwords.
const KEPT: TimeDelta = TimeDelta::minutes(20);
/// Maximum size of a draft in bytes. The fields of a larger form are not kept.
const MAX_BYTES: usize = 32 * 1_024;
/// Maximum number of drafts of one user, or of one address for those who are not signed in.
const MOST_OF_ONE: i64 = 20;
/// Maximum number of drafts in the table.
const MOST: i64 = 2_000;
/// Maximum number of drafts that a server keeps itself.
const MOST_IN_MEMORY: usize = 100;
/// How long to wait until the database has a draft.
const SAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// Marks an owner who is signed in. User names contain no slash.
const USER: &str = "user/";

/// The drafts: in the database, where all servers find them, and for a while in memory when it cannot take them.
#[derive(Clone)]
pub struct FormDrafts {
    app: AppState,
    in_memory: Arc<Mutex<VecDeque<Row>>>,
}

/// The browser that sends a request.
#[derive(Clone, Debug)]
pub struct Sender {
    browser: String,
    /// Whether the browser has no key yet.
    is_new: bool,
    /// Whose drafts are counted together.
    owner: String,
}

#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = form_drafts)]
struct Row {
    id: String,
    owner: String,
    content: String,
    created_at: Moment,
}

impl Sender {
    /// Returns the browser and the user or the address of a request.
    pub fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let actor = Actor::of(extensions).ok();
        let user = actor.as_ref().and_then(Actor::username);
        let address = ClientInfo::of(extensions).address.map(network);
        let address = address.map_or_else(String::new, |address| address.to_string());
        let cookies = CookieJar::from_headers(headers);
        let browser = cookies.get(COOKIE).map(|cookie| cookie.value().to_owned());
        Self {
            is_new: browser.is_none(),
            browser: browser.unwrap_or_else(new_key),
            owner: user.map_or_else(
                || format!("address/{address}"),
                |user| format!("{USER}{user}"),
            ),
        }
    }

    /// Gives a browser without a key its cookie.
    pub fn put_cookie(&self, headers: &mut HeaderMap) {
        let cookie = Cookie::build((COOKIE, self.browser.as_str()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict);
        if let (true, Ok(cookie)) = (self.is_new, HeaderValue::from_str(&cookie.to_string())) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    fn may_read(&self, row: &Row) -> bool {
        row.owner == self.owner || !row.owner.starts_with(USER)
    }

    fn id(&self, key: &str) -> String {
        sha256(&format!("{key}/{}", self.browser))
    }
}

impl FormDrafts {
    /// Creates an empty memory for drafts of this shop.
    pub fn new(app: AppState) -> Self {
        Self {
            app,
            in_memory: Arc::default(),
        }
    }

    /// Keeps a draft under a key.
    pub async fn keep(&self, key: &str, sender: &Sender, mut draft: Draft) {
        let mut content = serde_json::to_string(&draft).unwrap_or_default();
        if content.len() > MAX_BYTES {
            draft.fields.clear();
            content = serde_json::to_string(&draft).unwrap_or_default();
        }
        let row = Row {
            id: sender.id(key),
            owner: sender.owner.clone(),
            content,
            created_at: crate::clock::now(),
        };
        let stored = row.clone();
        let saved = self.app.write(Actor::Nobody, move |tx| insert(tx, &stored));
        if !matches!(timeout(SAVE_TIMEOUT, saved).await, Ok(Ok(()))) {
            self.keep_in_memory(row);
        }
    }

    /// Returns the draft that this browser sent before.
    async fn find(&self, key: &str, sender: &Sender) -> Option<Draft> {
        let id = sender.id(key);
        let row = match self.find_in_memory(&id) {
            Some(row) => row,
            None => {
                let found = self.app.read(Actor::Nobody, move |tx| get(tx, &id)).await;
                found.ok().flatten()?
            }
        };
        serde_json::from_str(&row.content)
            .ok()
            .filter(|_| sender.may_read(&row))
    }

    fn keep_in_memory(&self, row: Row) {
        let mut rows = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rows.push_front(row);
        rows.truncate(MOST_IN_MEMORY);
    }

    fn find_in_memory(&self, id: &str) -> Option<Row> {
        let mut rows = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let oldest = crate::clock::now().utc() - KEPT;
        rows.retain(|row| row.created_at.utc() > oldest);
        rows.iter().find(|row| row.id == id).cloned()
    }
}

/// Gives a page the draft whose key is in its address.
pub async fn provide(
    State(drafts): State<FormDrafts>,
    mut request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let key = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == DRAFT);
    let Some(key) = key.map(|(_, key)| key.into_owned()) else {
        return next.run(request).await;
    };
    let sender = Sender::of(request.headers(), request.extensions());
    let Some(draft) = drafts.find(&key, &sender).await else {
        return next.run(request).await;
    };
    request.extensions_mut().insert(draft);
    let mut response = next.run(request).await;
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn insert(tx: &mut Tx<'_>, row: &Row) -> Result<(), Error> {
    delete_expired(tx)?;
    let beyond: Vec<String> = form_drafts::table
        .filter(form_drafts::owner.eq(&row.owner))
        .order(form_drafts::created_at.desc())
        .offset(MOST_OF_ONE - 1)
        .limit(MOST)
        .select(form_drafts::id)
        .load(tx.conn)?;
    delete(tx, beyond)?;
    let count: i64 = form_drafts::table.count().get_result(tx.conn)?;
    // Those who are not signed in lose theirs first, because any number of addresses may send forms.
    let oldest: Vec<String> = form_drafts::table
        .order((
            form_drafts::owner.like(format!("{USER}%")),
            form_drafts::created_at,
        ))
        .limit((count - MOST + 1).max(0))
        .select(form_drafts::id)
        .load(tx.conn)?;
    delete(tx, oldest)?;
    diesel::insert_into(form_drafts::table)
        .values(row.clone())
        .execute(tx.conn)?;
    Ok(())
}

fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Row>, Error> {
    form_drafts::table
        .find(id)
        .filter(form_drafts::created_at.gt(tx.now.utc() - KEPT))
        .select(Row::as_select())
        .first(tx.conn)
        .optional()
        .map_err(Error::from)
}

/// Deletes expired drafts.
pub fn delete_expired(tx: &mut Tx<'_>) -> Result<(), Error> {
    let oldest = tx.now.utc() - KEPT;
    diesel::delete(form_drafts::table.filter(form_drafts::created_at.le(oldest)))
        .execute(tx.conn)?;
    Ok(())
}

fn delete(tx: &mut Tx<'_>, ids: Vec<String>) -> Result<(), Error> {
    if !ids.is_empty() {
        diesel::delete(form_drafts::table.filter(form_drafts::id.eq_any(ids))).execute(tx.conn)?;
    }
    Ok(())
}
