//! HTTP helpers for all layers above.

pub mod client_info;
pub mod host;
mod response;

pub use client_info::ClientInfo;
pub use response::{media_type, put_retry_after};
