//! Codes that scanners and cameras read, and those that the shop itself prints.

pub mod gtin;
pub mod own;
pub mod reading;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod photo;
#[cfg(feature = "ssr")]
pub mod relay;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod symbols;

/// The longest text that a scanner may send, in characters. The codes on marked goods have about a hundred.
#[cfg(feature = "ssr")]
pub const MAX_TEXT: usize = 500;
