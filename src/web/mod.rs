//! HTTP as every layer above needs it, whatever is asked for.

pub mod client_info;
mod response;

pub use client_info::ClientInfo;
pub use response::{media_type, put_retry_after};
