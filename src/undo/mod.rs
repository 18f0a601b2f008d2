//! Taking back what was done: an issue, a cancellation, a supply, a count or a write-off.
//!
//! The operation that is taken back is named by its number in the operation log. It stays there, and in the ledger:
//! what takes it back is a new entry of both.

pub mod actions;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod service;
