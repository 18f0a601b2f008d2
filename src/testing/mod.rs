//! Fake servers and checks that the tests in `src/tests` share with the process tests in `end2end/process`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot continue has failed"
)]

pub mod mail_server;
pub mod secrets;
pub mod telegram;
