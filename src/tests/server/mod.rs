//! The server: its router, its layers, and the forms of its pages.

pub mod access;
mod exposure;
mod form_fallback;
pub mod guards;
mod input;
mod install;
mod security_txt;
mod telemetry;
