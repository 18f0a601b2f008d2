//! Accounts, sessions and sign-in.

mod accounts;
mod passwords;
mod security_log;
mod setup;
mod throttle;
mod totp;
mod users;
