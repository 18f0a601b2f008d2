//! The router: groups of routes, each with its own layers.

use super::{
    api, assets, authentication, cookies, csrf, docs,
    error_pages::{self, Audience},
    files,
    form_drafts::{self, FormDrafts},
    form_fallback, headers, host, install, invitation,
    limits::{self, AddressRateLimiter, MAX_BODY, TimeLimit},
    live, pages, print, refusals, scan, security_txt, telemetry,
};
use crate::{
    api::{problem, request::read_token},
    auth::session_store::Sessions,
    bot::webhook,
    transaction::AppState,
    web,
};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use std::sync::Arc;
use tower_http::{
    compression::{CompressionLayer, CompressionLevel},
    limit::RequestBodyLimitLayer,
};
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{Key, SameSite},
};

/// Builds the router of the whole server.
pub fn router(app: AppState, key: &Key) -> Router {
    let config = app.config.clone();
    let age = config.session_max_age.try_into();
    let sessions = SessionManagerLayer::new(Sessions(app.db.clone()))
        .with_name("sirius")
        // `cookies::guard` adds `Secure` when the visitor uses HTTPS.
        .with_secure(false)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(age.unwrap_or(time::Duration::DAY)))
        .with_signed(key.clone());
    let rates = Arc::new(AddressRateLimiter::new(&config));
    let hosts = host::ServedHosts::of(&config);
    let drafts = FormDrafts::new(app.clone());

    let small = |routes: Router| {
        routes
            .layer(RequestBodyLimitLayer::new(MAX_BODY))
            .layer(from_fn(limits::limit_size))
    };
    let bounded = |routes: Router, patience: TimeLimit| {
        routes
            .layer(from_fn_with_state(rates.clone(), limits::limit_rate))
            .layer(from_fn_with_state(hosts.clone(), host::check))
            .layer(telemetry::catch_panics())
            .layer(from_fn_with_state(
                (config.clone(), patience),
                limits::limit_time,
            ))
    };
    let identified = |routes: Router| {
        routes
            .layer(from_fn_with_state(app.clone(), refusals::record))
            .layer(from_fn_with_state(
                (app.clone(), key.clone()),
                authentication::identify,
            ))
            .layer(sessions.clone())
            .layer(from_fn(csrf::protect_changes))
    };
    let told = |routes: Router, audience: Audience| {
        routes.layer(from_fn_with_state(audience, error_pages::write_body))
    };

    let pages = pages::router(app.clone())
        .merge(docs::router())
        .merge(print::router(app.clone()))
        .merge(scan::router(app.clone()))
        .merge(pages::slips(app.clone()))
        .layer(from_fn_with_state(drafts.clone(), form_drafts::provide))
        .layer(from_fn_with_state(
            key.clone(),
            invitation::keep_out_of_address,
        ));
    let pages = bounded(identified(small(pages)), TimeLimit::Usual);
    // Downloads are recorded in the operation log, so only our own pages and programs may request one.
    let downloads =
        identified(small(files::downloads(app.clone()))).layer(from_fn(csrf::refuse_other_sites));
    let downloads = bounded(downloads, TimeLimit::Usual);
    // Other sites must not learn when something changes.
    let live =
        identified(small(live::router(app.clone()))).layer(from_fn(csrf::refuse_other_sites));
    let live = bounded(live, TimeLimit::Usual);
    let uploads = identified(files::uploads(app.clone()));
    let uploads = bounded(uploads, TimeLimit::File);
    let functions = small(pages::functions(app.clone()))
        .layer(from_fn_with_state(drafts.clone(), form_fallback::handle))
        .layer(from_fn_with_state(
            key.clone(),
            invitation::keep_out_of_address,
        ));
    let functions = bounded(identified(functions), TimeLimit::Usual);
    let functions = told(functions, Audience::Client)
        .layer(from_fn_with_state(drafts, form_fallback::lead_back));
    let api = identified(small(api::router(app.clone())))
        .layer(from_fn(csrf::refuse_silent_forms))
        .layer(from_fn(read_token));
    let api = bounded(api, TimeLimit::Usual).layer(from_fn(problem::answer));
    // These requests are not identified, because that would query the database.
    let machines = small(webhook::router(&app))
        .merge(telemetry::routes(app.clone()))
        .merge(security_txt::routes(&config))
        .merge(install::routes())
        .merge(assets::router());
    let machines = bounded(machines, TimeLimit::Usual);

    told(
        pages
            .merge(downloads)
            .merge(uploads)
            .merge(live)
            .merge(machines),
        Audience::People,
    )
    .merge(functions)
    .merge(api)
    .layer(from_fn(cookies::guard))
    .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
    .layer(from_fn(headers::set_headers))
    .layer(from_fn(telemetry::log_request))
    .layer(from_fn_with_state(
        config,
        web::client_info::read_client_info,
    ))
}
