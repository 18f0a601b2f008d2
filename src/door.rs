//! How the server functions of the pages reach the shop, and how they answer a browser with and without JavaScript.

use crate::{
    act::{Shop, Tx},
    auth::Actor,
    error::Error,
    ui::banner::Success,
};
use axum::http::{HeaderMap, Method, header, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use tower_sessions::Session;
use url::form_urlencoded;

/// Parameters of a URL that speak of one answer only.
const PASSING: [&str; 5] = ["success", "error", "__path", "__err", "__typed"];

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

/// Who sent the request, as the server found out before.
pub fn actor() -> Result<Actor, Error> {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<Result<Actor, Error>>().cloned())
        .unwrap_or(Err(Error::Internal))
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

/// Gives the answer the status of its error; who must sign in first is led there and back.
pub fn answer<T>(result: Result<T, Error>) -> Result<T, Error> {
    let (Err(error), Some(response), Some(parts)) = (
        &result,
        use_context::<ResponseOptions>(),
        use_context::<Parts>(),
    ) else {
        return result;
    };
    if !wants_html(&parts.headers) {
        // A script reads the error; the server gives it its status.
        return result;
    }
    let is_form = parts.method == Method::POST;
    if *error == Error::SignedOut {
        let wanted = if is_form {
            referer(&parts.headers)
        } else {
            parts.uri.path_and_query().map(ToString::to_string)
        };
        leptos_axum::redirect(&sign_in_page(&wanted.unwrap_or_default()));
    } else if !is_form {
        // A plain form is answered with a redirect back to its page, which shows the error.
        response.set_status(error.status());
    }
    result
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
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if wants_html(&parts.headers) {
        let page = referer(&parts.headers).unwrap_or_else(|| "/".to_owned());
        go(&page, success);
    }
}

/// Path and query of the page that a request came from, when that is one of ours.
pub fn referer(headers: &HeaderMap) -> Option<String> {
    let referer = url::Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    let host = headers.get(header::HOST)?.to_str().ok()?;
    if referer.authority() != host {
        return None;
    }
    let kept = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(referer.query_pairs().filter(|(name, _)| !is_passing(name)))
        .finish();
    Some(if kept.is_empty() {
        referer.path().to_owned()
    } else {
        format!("{}?{kept}", referer.path())
    })
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
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{name}={value}")
}
