//! Accounts, sessions and sign-in.

mod accounts;
mod throttle;
mod users;
