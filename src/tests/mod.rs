//! Integration tests of the services and the router on a real SQLite file and a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot continue has failed"
)]

#[macro_use]
mod support;

mod analytics;
mod api;
mod audit;
mod auth;
mod baskets;
mod bot;
mod codes;
mod customers;
mod db;
mod demo;
mod docs;
mod erasure;
mod home;
mod import;
mod integrity;
mod layers;
mod live;
mod locales;
mod notifications;
mod orders;
mod print;
mod products;
mod properties;
mod scan;
mod scan_photo;
mod search;
mod server;
mod sheet;
mod stock;
mod style;
mod supplies;
mod supply_chain;
mod taking_back;
