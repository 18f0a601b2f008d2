//! Identifies the sender of a request, once for all handlers.

use crate::{
    api::request::Token,
    auth::{
        credential::Credential,
        session, tokens,
        totp::remembered_browser::RememberedBrowser,
        trusted_browser::{self, TrustedBrowser},
    },
    transaction::AppState,
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_sessions::{Session, cookie::Key};

const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");
/// Makes the browser discard its cached pages, and the service worker with its copies of pages.
const CACHE: HeaderValue = HeaderValue::from_static("\"cache\", \"storage\"");
/// Keeps responses for a signed-in user out of the cache. On a shared computer, the next person could otherwise see
/// them with the Back button.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Identifies the sender of a request by its token or session. After a sign-in the browser is marked as trusted; after
/// a sign-out its cache is cleared.
pub async fn identify(
    State((app, key)): State<(AppState, Key)>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let browser = TrustedBrowser::read(request.headers(), &key);
    let remembered = RememberedBrowser::read(request.headers(), &key);
    let token = request.extensions().get::<Token>().cloned();
    let credential = credential(app, session.clone(), token.clone());
    let actor = credential.actor().await;
    let before = actor
        .as_ref()
        .ok()
        .and_then(|actor| actor.username().map(str::to_owned));
    let may_sign_in = *request.method() == Method::POST && token.is_none();
    let id = session.id();
    request.extensions_mut().insert(actor);
    request.extensions_mut().insert(credential);
    request.extensions_mut().insert(browser.clone());
    request.extensions_mut().insert(remembered.clone());
    let mut response = next.run(request).await;
    if before.is_some() {
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(NO_STORE);
    }
    // A sign-in or a sign-out gives the session another id, or none.
    if !may_sign_in || session.id() == id {
        return response;
    }
    match session::username(&session).await {
        Ok(Some(now)) if before.as_deref() != Some(&now) => {
            let known = trusted_browser::cookie(browser, &now, &key);
            return (known, remembered.cookie(&key), response).into_response();
        }
        Ok(None) if before.is_some() => {
            response.headers_mut().insert(CLEAR, CACHE);
        }
        _ => {}
    }
    response
}

/// Returns the credential of a request: its token, or else its session.
pub fn credential(app: AppState, session: Session, token: Option<Token>) -> Credential {
    Credential::new(move || {
        let (app, session, token) = (app.clone(), session.clone(), token.clone());
        async move {
            match token {
                Some(Token(token)) => tokens::service::actor(&app, &token).await,
                None => session::actor(&app, &session).await,
            }
        }
    })
}
