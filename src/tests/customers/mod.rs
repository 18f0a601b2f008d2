//! Customers: finding, exporting and erasing what is stored about one, and the retention period.

mod export;
mod page;
mod retention;
pub mod shop;
