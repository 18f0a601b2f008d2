//! One search for the whole shop: orders by number, by the customer's phone or name, and products by name.

pub mod field;
pub mod page;
pub mod panel;

#[cfg(feature = "ssr")]
pub mod service;
