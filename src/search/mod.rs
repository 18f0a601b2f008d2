//! One search for the whole shop: orders by number, by the customer's phone or name, and products by name.

pub mod page;

#[cfg(feature = "ssr")]
pub mod layout;
#[cfg(feature = "ssr")]
pub mod service;
