//! The server: its router, its layers, and the forms of its pages.

pub mod access;
mod forms;
pub mod guards;
mod input;
mod watching;
