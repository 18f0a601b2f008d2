//! Accounts, sessions and sign-in.

mod accounts;
mod passwords;
mod throttle;
mod users;
