//! The database: schema, locks, pools and query plans.

mod locks;
mod plans;
mod pool;
mod rebuild;
pub mod schema;
