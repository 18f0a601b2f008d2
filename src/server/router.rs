//! The router: groups of routes, each with its own layers.

use super::{
    api, assets, cookies, csrf, docs, files, forms, headers, identity,
    limits::{self, LARGEST_BODY, Patience, Rates},
    pages,
    refusals::{self, Audience},
    watching,
};
use crate::{
    act::Shop,
    api::{problem, request::read_token},
    auth::session_store::Sessions,
    bot::webhook,
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
pub fn router(shop: Shop, key: &Key) -> Router {
    let config = shop.config.clone();
    let age = config.session_max_age.try_into();
    let sessions = SessionManagerLayer::new(Sessions(shop.db.clone()))
        .with_name("sirius")
        // `cookies::guard` adds `Secure` when the visitor uses HTTPS.
        .with_secure(false)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(age.unwrap_or(time::Duration::DAY)))
        .with_signed(key.clone());
    let rates = Arc::new(Rates::new(&config));

    let small = |routes: Router| {
        routes
            .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
            .layer(from_fn(limits::keep_size))
    };
    let bounded = |routes: Router, patience: Patience| {
        routes
            .layer(from_fn_with_state(rates.clone(), limits::keep_rate))
            .layer(watching::catch_panics())
            .layer(from_fn_with_state(
                (config.clone(), patience),
                limits::keep_time,
            ))
    };
    let identified = |routes: Router| {
        routes
            .layer(from_fn_with_state(
                (shop.clone(), key.clone()),
                identity::identify,
            ))
            .layer(sessions.clone())
            .layer(from_fn(csrf::protect_changes))
            .layer(from_fn(cookies::guard))
    };
    let told = |routes: Router, audience: Audience| {
        routes.layer(from_fn_with_state(audience, refusals::tell))
    };

    let pages = pages::router(shop.clone())
        .merge(docs::router())
        .layer(from_fn(forms::drop_refusal));
    let pages = bounded(identified(small(pages)), Patience::Usual);
    // Downloads are recorded in the operation log, so only our own pages and programs may request one.
    let downloads =
        identified(small(files::downloads(shop.clone()))).layer(from_fn(csrf::refuse_other_sites));
    let downloads = bounded(downloads, Patience::Usual);
    let uploads = identified(files::uploads(shop.clone()));
    let uploads = bounded(uploads, Patience::File);
    let functions = small(pages::functions(shop.clone())).layer(from_fn(forms::answer));
    let functions = bounded(identified(functions), Patience::Usual);
    let api = identified(small(api::router(shop.clone())))
        .layer(from_fn(csrf::refuse_silent_forms))
        .layer(from_fn(read_token));
    let api = bounded(api, Patience::Usual).layer(from_fn(problem::answer));
    // These requests are not identified, because that would query the database.
    let machines = small(webhook::router(&shop))
        .merge(watching::routes(shop.clone()))
        .merge(assets::router());
    let machines = bounded(machines, Patience::Usual);

    told(
        pages.merge(downloads).merge(uploads).merge(machines),
        Audience::People,
    )
    .merge(told(functions, Audience::Client))
    .merge(api)
    .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
    .layer(from_fn(headers::put))
    .layer(from_fn(watching::watch))
    .layer(from_fn_with_state(
        config,
        web::client_info::read_client_info,
    ))
}
