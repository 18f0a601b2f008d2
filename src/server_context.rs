//! What server functions use to access the shop on behalf of the visitor, and to respond to browsers with and without
//! JavaScript.

use crate::{
    auth::{Actor, Me, client_origin::ClientOrigin},
    error::{Error, FieldError},
    fields::Fields,
    i18n::Locale,
    page::{Filtered, Page},
    transaction::{AppState, Tx},
    ui::{
        self,
        banner::{BannerError, Success},
        drawn::{Drawn, DrawnPage},
        pager::{DRAFT, ONE_TIME},
        undo,
    },
    validation::{Input, Request},
    web::ClientInfo,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use maud::Markup;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use tower_sessions::Session;
use url::form_urlencoded;

/// The key under which a form that was sent without JavaScript is kept if it is refused.
#[derive(Clone)]
pub struct DraftKey(pub String);

/// The header in which a page names itself, see `browser/connection.js`.
const PAGE: &str = "x-page";

/// Marks the context of a server function that is called by a client, not by a page during rendering on the server.
#[derive(Clone, Copy, Debug)]
pub struct ClientCall;

/// Stores a choice of the visitor, such as the language, in a cookie for a year, and redirects back to the same page.
pub fn keep_choice(name: &str, choice: &str) -> Result<(), Error> {
    let response = expect_context::<ResponseOptions>();
    let cookie = format!("{name}={choice}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    response.append_header(
        header::SET_COOKIE,
        HeaderValue::from_str(&cookie).map_err(|_| Error::Internal)?,
    );
    let page = use_context::<Parts>().and_then(|parts| referer(&parts));
    leptos_axum::redirect(&page.unwrap_or_else(|| "/".to_owned()));
    Ok(())
}

/// Changes the shop on behalf of the visitor.
pub async fn write<T: Send + 'static>(
    operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let page = open_page();
    let operation = move |tx: &mut Tx<'_>| {
        tx.page = page;
        operation(tx)
    };
    let done = match actor() {
        Ok(actor) => app_state().write(actor, operation).await,
        Err(error) => Err(error),
    };
    set_status(done)
}

/// Returns the name that the open page gave itself, so that it is not told of its own changes.
pub fn open_page() -> String {
    let parts = use_context::<Parts>();
    let name = parts.as_ref().and_then(|parts| {
        let name = parts.headers.get(PAGE)?.to_str().ok()?;
        let is_name = name.len() <= 16 && name.bytes().all(|sign| sign.is_ascii_alphanumeric());
        is_name.then(|| name.to_owned())
    });
    name.unwrap_or_default()
}

/// Reads the fields of a form and changes the shop on behalf of the visitor.
pub async fn submit<R: Request, T: Send + 'static>(
    fields: Fields,
    change: impl FnOnce(&mut Tx<'_>, &R) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    write(move |tx| {
        let request = Input::new(fields).request(&tx.actor)?;
        change(tx, &request)
    })
    .await
}

/// Reads from the shop on behalf of the visitor, without changing it.
pub async fn read<T: Send + 'static>(
    query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let found = match actor() {
        Ok(actor) => app_state().read(actor, query).await,
        Err(error) => Err(error),
    };
    set_status(found)
}

/// Finds a few rows on behalf of the visitor, by their keys.
pub async fn look_up<T: Send + 'static>(
    query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let found = match actor() {
        Ok(actor) => app_state().look_up(actor, query).await,
        Err(error) => Err(error),
    };
    set_status(found)
}

/// Reads a list for a page on behalf of the visitor.
///
/// Invalid filters are ignored and reported together with the result. If the page is rendered on the server, its status
/// is then 422.
pub async fn search<Q, T>(
    query: Q,
    search: impl Fn(&mut Tx<'_>, &Q) -> Result<T, Error> + Send + 'static,
) -> Result<Filtered<T>, Error>
where
    Q: Serialize + DeserializeOwned + Send + 'static,
    T: Send + 'static,
{
    let found = read(move |tx| {
        let (mut query, mut errors) = (query, Vec::new());
        loop {
            match search(tx, &query) {
                Err(Error::Invalid(more)) if !more.is_empty() => {
                    query = without(&query, &more).ok_or_else(|| Error::Invalid(more.clone()))?;
                    errors.extend(more);
                }
                found => {
                    return found.map(|found| Filtered { found, errors });
                }
            }
        }
    })
    .await?;
    if let (false, None, Some(response)) = (
        found.errors.is_empty(),
        use_context::<ClientCall>(),
        use_context::<ResponseOptions>(),
    ) {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(found)
}

/// Returns the language of the page that called.
pub fn locale() -> Locale {
    with_context(ui::page_language).unwrap_or_default()
}

/// Draws a list for the response to a server function, in the language of the visitor.
pub fn draw<T>(items: &[T], draw: impl FnOnce(&[T], Locale) -> Markup) -> Drawn {
    let is_in_page = use_context::<ClientCall>().is_none();
    let html = draw(items, locale()).into_string();
    Drawn::new(html, items.is_empty(), is_in_page)
}

/// Draws a page of a list, as [`draw`] does.
pub fn draw_page<T>(page: Page<T>, items: impl FnOnce(&[T], Locale) -> Markup) -> DrawnPage {
    DrawnPage {
        items: draw(&page.items, items),
        before: page.before,
        after: page.after,
    }
}

/// Returns the query with the invalid fields reset to their defaults, or `None` if none of them was set.
fn without<Q: Serialize + DeserializeOwned>(query: &Q, wrong: &[FieldError]) -> Option<Q> {
    let mut fields = serde_json::to_value(query).ok()?;
    let set = fields.as_object_mut()?;
    let mut removed = false;
    for wrong in wrong {
        removed |= set
            .remove(&wrong.field)
            .is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()));
    }
    if !removed {
        return None;
    }
    serde_json::from_value(fields).ok()
}

/// Returns the actor of the request, as identified by the middleware.
pub fn actor() -> Result<Actor, Error> {
    use_context::<Parts>().map_or(Err(Error::Internal), |parts| Actor::of(&parts.extensions))
}

/// Returns the signed-in user of the request.
pub fn me() -> Result<Me, Error> {
    actor()?.me().cloned()
}

/// Returns the shop of this server.
pub fn app_state() -> AppState {
    expect_context::<AppState>()
}

/// Returns the session of the request.
pub fn request_session() -> Result<Session, Error> {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<Session>().cloned())
        .ok_or(Error::Internal)
}

/// Returns the browser and the address from which the request was sent.
pub fn client_origin() -> ClientOrigin {
    use_context::<Parts>()
        .map(|parts| ClientOrigin::of(&parts))
        .unwrap_or_default()
}

/// Passes a secret in a cookie, valid for one minute, to the page that shows it once. The secret is neither stored on
/// the server nor part of a URL.
pub fn show_once(name: &str, secret: &str) {
    if let Some(response) = use_context::<ResponseOptions>() {
        set_once(&response, name, secret, 60);
    }
}

/// Returns the secret that the previous request left for this page, and deletes its cookie.
pub fn shown_once(name: &str) -> Option<String> {
    let (parts, response) = (use_context::<Parts>()?, use_context::<ResponseOptions>()?);
    let cookies = CookieJar::from_headers(&parts.headers);
    let secret = cookies.get(name)?.value().to_owned();
    set_once(&response, name, "", 0);
    // The page must not be cached either.
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(secret)
}

/// Deletes a cookie of the visitor.
pub fn delete_cookie(name: &str) {
    if let Some(response) = use_context::<ResponseOptions>() {
        set_once(&response, name, "", 0);
    }
}

fn set_once(response: &ResponseOptions, name: &str, secret: &str, seconds: i64) {
    let cookie = Cookie::build((name, secret))
        .path("/")
        .max_age(time::Duration::seconds(seconds))
        .http_only(true)
        .same_site(SameSite::Strict);
    if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Returns the origin of this site as the browser knows it: `http://localhost:3000`.
pub fn origin() -> String {
    let ClientInfo {
        host, is_secure, ..
    } = client_info();
    let scheme = if is_secure { "https" } else { "http" };
    let host = host.map_or_else(
        || app_state().config.site_addr.to_string(),
        |host| host.to_string(),
    );
    format!("{scheme}://{host}")
}

/// Returns what is known about the client of the request.
pub fn client_info() -> ClientInfo {
    use_context::<Parts>()
        .map(|parts| ClientInfo::of(&parts.extensions))
        .unwrap_or_default()
}

/// Gives the response the status of an error. A visitor who must sign in first is redirected to the sign-in page, which
/// leads back. A visitor who must change their password or set up a second factor is redirected to the account page.
pub fn set_status<T>(result: Result<T, Error>) -> Result<T, Error> {
    let (Err(error), Some(response), Some(parts)) = (
        &result,
        use_context::<ResponseOptions>(),
        use_context::<Parts>(),
    ) else {
        return result;
    };
    if use_context::<ClientCall>().is_some() && !wants_html(&parts.headers) {
        // A script reads the error from the body; `server/form_fallback.rs` sets the status.
        return result;
    }
    let is_form = parts.method == Method::POST;
    if *error == Error::SignedOut {
        let wanted = if is_form {
            unsent_form_page(&parts)
        } else {
            parts.uri.path_and_query().map(ToString::to_string)
        };
        leptos_axum::redirect(&sign_in_page(&wanted.unwrap_or_default()));
        // `redirect` sets the status only for requests that accept HTML.
        response.set_status(StatusCode::FOUND);
    } else if let Some(told) = account_page_error(error) {
        leptos_axum::redirect(&with_parameter("/account", "error", told.code()));
    } else if !is_form {
        // A plain form gets a redirect back to its page, which shows the error.
        response.set_status(error.status());
    }
    result
}

/// Returns what the account page says to a visitor who must first change something there.
fn account_page_error(error: &Error) -> Option<BannerError> {
    match error {
        Error::MustChangePassword => Some(BannerError::MustChangePassword),
        Error::MustSetUpTotp => Some(BannerError::MustSetUpTotp),
        _ => None,
    }
}

/// Returns the page of a form that was sent after its session had ended, with the key of what was typed, so that
/// signing in leads back to it.
fn unsent_form_page(parts: &Parts) -> Option<String> {
    let page = referer(parts)?;
    let Some(key) = parts.extensions.get() else {
        return Some(page);
    };
    let page = with_parameter(&page, "success", Success::SignedInAgain.code());
    Some(with_draft(&page, key))
}

/// Returns the address of a page that shows a refused form again.
pub fn with_draft(page: &str, key: &DraftKey) -> String {
    with_parameter(page, DRAFT, &key.0)
}

/// Returns the path of the sign-in page that then redirects to `wanted`.
pub fn sign_in_page(wanted: &str) -> String {
    with_next("/login", wanted)
}

/// Returns the path of the page that asks for the code of the second factor and then redirects to `wanted`.
pub fn code_page(wanted: &str) -> String {
    with_next("/login/code", wanted)
}

fn with_next(page: &str, wanted: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    if wanted.is_empty() {
        page.to_owned()
    } else {
        format!("{page}?next={next}")
    }
}

/// Redirects to the sign-in page, because the code of the second factor was not entered in time.
pub fn redirect_to_sign_in(wanted: &str) {
    let page = sign_in_page(wanted);
    leptos_axum::redirect(&with_parameter(
        &page,
        "error",
        BannerError::CodeTooLate.code(),
    ));
}

/// Redirects to another page of this site, which shows a banner.
pub fn redirect(path: &str, success: Success) {
    leptos_axum::redirect(&with_parameter(path, "success", success.code()));
}

/// Like [`redirect`], with an offer to take these operations of the log back.
pub fn redirect_undoable(path: &str, success: Success, operations: &[i64]) {
    if operations.is_empty() {
        return redirect(path, success);
    }
    let page = with_parameter(path, "undo", &undo::join(operations));
    redirect(&page, success);
}

/// Redirects a browser without JavaScript back to the page of the form, which shows a banner. With JavaScript, the page
/// stays open and shows the result itself.
pub fn redirect_back(success: Success) {
    redirect_back_to("", success);
}

/// Like [`redirect_back`] and [`redirect_undoable`].
pub fn redirect_back_undoable(success: Success, operations: &[i64]) {
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if wants_html(&parts.headers) {
        let page = referer(&parts).unwrap_or_else(|| "/".to_owned());
        redirect_undoable(&page, success, operations);
    }
}

/// Like [`redirect_back_undoable`], if some of the orders were refused: `refused` has them for the URL. If nothing
/// succeeded, there is no banner that says so.
pub fn redirect_back_partly(success: Success, operations: &[i64], refused: &str) {
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if !wants_html(&parts.headers) {
        return;
    }
    let mut page = referer(&parts).unwrap_or_else(|| "/".to_owned());
    if !refused.is_empty() {
        page = with_parameter(&page, "refused", refused);
    }
    if operations.is_empty() {
        leptos_axum::redirect(&page);
    } else {
        redirect_undoable(&page, success, operations);
    }
}

/// Like [`redirect_back`], but to a fragment of the page, such as [`ANCHOR`](crate::ui::secret::ANCHOR).
pub fn redirect_back_to(place: &str, success: Success) {
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if wants_html(&parts.headers) {
        let page = referer(&parts).unwrap_or_else(|| "/".to_owned());
        redirect(&format!("{page}{place}"), success);
    }
}

/// Returns the path and query of the page that sent the request, or `None` if it is not a page of this site. Parameters
/// that belong to a single response are left out.
pub fn referer(parts: &Parts) -> Option<String> {
    let referer = url::Url::parse(parts.headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    if Some(referer.authority()) != ClientInfo::of(&parts.extensions).host.as_deref() {
        return None;
    }
    let kept = referer.query_pairs().filter(|(name, _)| !is_one_time(name));
    Some(own_page(referer.path(), kept))
}

/// Returns a path on this site with these parameters. The path begins with exactly one slash, because browsers read a
/// host after two.
pub fn own_page<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> String {
    let path = format!("/{}", path.trim_start_matches('/'));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

/// Returns whether a URL parameter belongs to a single response, such as the code of a banner.
pub fn is_one_time(name: &str) -> bool {
    ONE_TIME.contains(&name)
}

/// Returns whether a browser asks for a page, as opposed to a script that asks for data.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let (path, place) = path.split_at(path.find('#').unwrap_or(path.len()));
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{name}={value}{place}")
}
