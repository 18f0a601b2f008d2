//! Tests of the real program: processes of `sirius serve` over a real database, spoken to over HTTP.
//!
//! What a whole router in one process cannot show: being killed, restarted, run twice at once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod alerts;
#[path = "../../src/tests/mail_server.rs"]
mod mail_server;
mod server;
mod start;
#[path = "../../src/tests/telegram.rs"]
mod telegram;
