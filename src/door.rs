//! How the server functions of the pages reach the shop, and how they answer a browser with and without JavaScript.

use crate::{
    act::{Shop, Tx},
    auth::{Actor, place::Place},
    error::{Error, FieldError},
    fields::Fields,
    page::Found,
    ui::{
        banner::{Success, Trouble},
        pager::PASSING,
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
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use tower_sessions::Session;
use url::form_urlencoded;

/// What was typed into a form that a browser without JavaScript sent, as `ui::form` reads it. Never passwords.
#[derive(Clone)]
pub struct Typed(pub String);

/// Marks the context of a server function that a client calls, and not a page while it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Called;

/// Changes the shop as whoever sent the request.
pub async fn act<T: Send + 'static>(
    act: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = match actor() {
        Ok(actor) => shop().act(actor, act).await,
        Err(error) => Err(error),
    };
    answer(done)
}

/// Reads what was entered into a form, and changes the shop as whoever sent it.
pub async fn submit<R: Request, T: Send + 'static>(
    fields: Fields,
    change: impl FnOnce(&mut Tx<'_>, &R) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    act(move |tx| {
        let request = Input::new(fields).request(&tx.actor)?;
        change(tx, &request)
    })
    .await
}

/// Looks something up as whoever sent the request.
pub async fn look<T: Send + 'static>(
    look: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let found = match actor() {
        Ok(actor) => shop().look(actor, look).await,
        Err(error) => Err(error),
    };
    answer(found)
}

/// Reads a list for a page, as whoever sent the request. Filters that cannot be taken are left out and told beside what
/// was found; a browser without JavaScript sees the status of such a mistake, too.
pub async fn search<Q, T>(
    query: Q,
    read: impl Fn(&mut Tx<'_>, &Q) -> Result<T, Error> + Send + 'static,
) -> Result<Found<T>, Error>
where
    Q: Serialize + DeserializeOwned + Send + 'static,
    T: Send + 'static,
{
    let found = look(move |tx| {
        let (mut query, mut wrong) = (query, Vec::new());
        loop {
            match read(tx, &query) {
                Err(Error::Invalid(more)) if !more.is_empty() => {
                    query = without(&query, &more).ok_or_else(|| Error::Invalid(more.clone()))?;
                    wrong.extend(more);
                }
                found => return found.map(|found| Found { found, wrong }),
            }
        }
    })
    .await?;
    if let (false, None, Some(response)) = (
        found.wrong.is_empty(),
        use_context::<Called>(),
        use_context::<ResponseOptions>(),
    ) {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(found)
}

/// A query with wrong fields at their defaults; `None` when none of them was set.
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

/// Who sent the request, as the server found out before.
pub fn actor() -> Result<Actor, Error> {
    use_context::<Parts>().map_or(Err(Error::Internal), |parts| Actor::of(&parts.extensions))
}

/// The shop of this server.
pub fn shop() -> Shop {
    expect_context::<Shop>()
}

/// The session of the request.
pub fn request_session() -> Result<Session, Error> {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<Session>().cloned())
        .ok_or(Error::Internal)
}

/// Where the request came from.
pub fn place() -> Place {
    use_context::<Parts>()
        .map(|parts| Place::of(&parts))
        .unwrap_or_default()
}

/// Shows a secret on the page that reads it next, and never again. It is neither stored nor part of a URL.
pub fn show_once(name: &str, secret: &str) {
    if let Some(response) = use_context::<ResponseOptions>() {
        set_once(&response, name, secret, 60);
    }
}

/// The secret that the request before left for this page.
pub fn shown_once(name: &str) -> Option<String> {
    let (parts, response) = (use_context::<Parts>()?, use_context::<ResponseOptions>()?);
    let cookies = CookieJar::from_headers(&parts.headers);
    let secret = cookies.get(name)?.value().to_owned();
    set_once(&response, name, "", 0);
    // Nobody keeps the page either.
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(secret)
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

/// The beginning of every address of this shop, as the browser knows it: `http://localhost:3000`.
pub fn origin() -> String {
    let ClientInfo {
        host, is_secure, ..
    } = client_info();
    let scheme = if is_secure { "https" } else { "http" };
    let host = host.map_or_else(
        || shop().config.site_addr.to_string(),
        |host| host.to_string(),
    );
    format!("{scheme}://{host}")
}

/// Where the request comes from.
pub fn client_info() -> ClientInfo {
    use_context::<Parts>()
        .map(|parts| ClientInfo::of(&parts.extensions))
        .unwrap_or_default()
}

/// Gives the answer the status of its error; who must sign in first is led there and back.
pub fn answer<T>(result: Result<T, Error>) -> Result<T, Error> {
    let (Err(error), Some(response), Some(parts)) = (
        &result,
        use_context::<ResponseOptions>(),
        use_context::<Parts>(),
    ) else {
        return result;
    };
    if use_context::<Called>().is_some() && !wants_html(&parts.headers) {
        // A script reads the error; the server gives it its status.
        return result;
    }
    let is_form = parts.method == Method::POST;
    if *error == Error::SignedOut {
        let wanted = if is_form {
            unsent(&parts)
        } else {
            parts.uri.path_and_query().map(ToString::to_string)
        };
        leptos_axum::redirect(&sign_in_page(&wanted.unwrap_or_default()));
        // Also for whoever would take anything else than HTML.
        response.set_status(StatusCode::FOUND);
    } else if *error == Error::MustChangePassword {
        let page = with_parameter("/account", "error", Trouble::MustChangePassword.code());
        leptos_axum::redirect(&page);
    } else if !is_form {
        // A plain form is answered with a redirect back to its page, which shows the error.
        response.set_status(error.status());
    }
    result
}

/// The page of a form that was sent after its session had ended, with what was typed: signing in leads back to it.
fn unsent(parts: &Parts) -> Option<String> {
    let page = referer(parts)?;
    let Some(Typed(typed)) = parts.extensions.get() else {
        return Some(page);
    };
    let (path, query) = page.split_once('?').unwrap_or((&page, ""));
    let told = [
        ("success", Success::SignedInAgain.code()),
        ("__path", parts.uri.path()),
        ("__typed", typed),
    ];
    let told = told.map(|(name, value)| (name.into(), value.into()));
    let kept = form_urlencoded::parse(query.as_bytes());
    Some(own_page(path, kept.chain(told)))
}

/// The sign-in page that leads on to `wanted`.
pub fn sign_in_page(wanted: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    if wanted.is_empty() {
        "/login".to_owned()
    } else {
        format!("/login?next={next}")
    }
}

/// Leads the browser to another page of ours, with a banner there.
pub fn go(path: &str, success: Success) {
    leptos_axum::redirect(&with_parameter(path, "success", success.code()));
}

/// Leads a browser without JavaScript back to the page of the form, with a banner there.
/// With JavaScript the page stays and shows the answer itself.
pub fn back(success: Success) {
    back_to("", success);
}

/// The same, to a place on that page, such as [`PLACE`](crate::ui::secret::PLACE).
pub fn back_to(place: &str, success: Success) {
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if wants_html(&parts.headers) {
        let page = referer(&parts).unwrap_or_else(|| "/".to_owned());
        go(&format!("{page}{place}"), success);
    }
}

/// Path and query of the page that a request came from, when that is one of ours.
pub fn referer(parts: &Parts) -> Option<String> {
    let referer = url::Url::parse(parts.headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    if Some(referer.authority()) != ClientInfo::of(&parts.extensions).host.as_deref() {
        return None;
    }
    let kept = referer.query_pairs().filter(|(name, _)| !is_passing(name));
    Some(own_page(referer.path(), kept))
}

/// A page with these parameters, at a path that leads nowhere else: after two slashes a browser reads a host.
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

/// Whether a parameter of a URL speaks of one answer only.
pub fn is_passing(name: &str) -> bool {
    PASSING.contains(&name)
}

/// Whether a browser asks for a page, and not a script for data.
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
