//! Tests of the whole: the services and the router over a real SQLite file and a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[macro_use]
mod fields;

mod access;
mod accounts;
mod analytics;
mod api;
mod app;
mod bot;
mod bounds;
mod check;
mod demo;
mod desk;
mod docs;
mod forms;
mod guards;
mod imports;
mod input;
mod layers;
mod lists;
mod locales;
mod locks;
mod log;
mod logs;
mod mail_server;
mod names;
mod notifications;
mod picker;
mod plans;
mod pool;
mod race;
mod rebuild;
mod schema;
mod secrets;
mod sheets;
mod signin;
mod speed;
mod stock;
mod telegram;
mod unknown_codes;
mod watching;

use app::App;

/// Declares tests that run once on each database. The story gets a fresh, migrated shop.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: App) $story:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "each story uses some of its module's")]
            use super::*;

            $(#[$meta])*
            async fn story($app: $crate::tests::App) $story

            #[test]
            fn on_sqlite() {
                $crate::tests::app::tell(async { story($crate::tests::App::sqlite()).await });
            }

            #[test]
            fn on_postgres() {
                $crate::tests::app::tell(async { story($crate::tests::App::postgres()).await });
            }
        })+
    };
}
use on_both_databases;
