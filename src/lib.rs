//! Sirius manages the stock and the orders of a small shop that buys in euro, sells in roubles and takes orders by
//! phone. `ARCHITECTURE.md` describes its structure.

#![recursion_limit = "256"]

pub mod analytics;
pub mod app;
pub mod audit;
pub mod auth;
pub mod baskets;
pub mod codes;
pub mod customers;
pub mod error;
pub mod fields;
pub mod first_steps;
pub mod home;
pub mod import;
pub mod moment;
pub mod money;
pub mod notifications;
pub mod number;
pub mod orders;
pub mod page;
pub mod parts;
pub mod preset;
pub mod problem;
pub mod products;
pub mod scan;
pub mod search;
pub mod stock;
pub mod supplies;
pub mod ui;
pub mod undo;
pub mod write_offs;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod backup;
#[cfg(feature = "ssr")]
pub mod bot;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod crypto;
#[cfg(feature = "ssr")]
pub mod db;
#[cfg(feature = "ssr")]
pub mod demo;
#[cfg(feature = "ssr")]
pub mod events;
#[cfg(feature = "ssr")]
pub mod integrity;
#[cfg(feature = "ssr")]
pub mod keyboard;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(feature = "ssr")]
pub mod log_limit;
#[cfg(feature = "ssr")]
pub mod migrate;
#[cfg(feature = "ssr")]
pub mod phone;
#[cfg(feature = "ssr")]
pub mod print;
#[cfg(feature = "ssr")]
pub mod schema;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod server_context;
#[cfg(feature = "ssr")]
pub mod sheet;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod text;
#[cfg(feature = "ssr")]
pub mod transaction;
#[cfg(feature = "ssr")]
pub mod validation;
#[cfg(feature = "ssr")]
pub mod web;

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(all(test, feature = "testing"))]
mod tests;

#[expect(
    clippy::expect_used,
    reason = "generated code; the locales are known at compile time"
)]
mod locales {
    include!(concat!(env!("OUT_DIR"), "/i18n.rs"));
}
pub use locales::i18n;

/// Hydrates the server-rendered page in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use any_spawner::Executor;
    use leptos::{
        prelude::{location, window},
        task::spawn_local,
    };
    console_error_panic_hook::set_once();
    // Also done by `hydrate_body`, which comes later.
    let _ = Executor::init_wasm_bindgen();
    spawn_local(async {
        let path = location().pathname().unwrap_or_default();
        let search = location().search().unwrap_or_default();
        let part = parts::Part::of_path(&path);
        if ui::banner::load(&search).await.is_err()
            || ui::failure::load().await.is_err()
            || matches!(part, Some(part) if part.load().await.is_err())
        {
            // The page stays as the server drew it, and works without JavaScript.
            return;
        }
        ui::scroll::keep_place();
        ui::click_guard::watch();
        leptos::mount::hydrate_body(app::App);
        // For measurements and tests, because nothing visible shows it.
        if let Some(performance) = window().performance() {
            let _ = performance.mark("hydrated");
        }
    });
}
