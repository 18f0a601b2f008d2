//! Captures the log of all tests and fails if a line contains a secret.

use crate::testing::secrets;
use crate::tests::support::{App, apply, on_both_databases};
use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{LazyLock, Mutex, Once},
};

/// Secrets generated while the tests ran: the values of cookies.
static GENERATED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
/// Lines that contain a secret.
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Lines about answers and failures, for tests of the log itself.
static CAPTURED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Captures from now on everything that the program and its libraries log.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter("trace")
            .with_writer(|| Scanner)
            .init();
    });
}

/// Registers a value that must not appear in the log from now on.
pub fn forbid_in_log(secret: &str) {
    GENERATED.lock().unwrap().insert(secret.to_owned());
}

/// Asserts that no test has logged a secret so far.
pub fn assert_no_secrets() {
    let leaks = LEAKS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .clone();
    assert!(leaks.is_empty(), "the log contains secrets: {leaks:#?}");
}

/// Returns the captured lines that contain all of `parts`.
pub fn lines_with(parts: &[&str]) -> Vec<String> {
    let captured = CAPTURED.lock().unwrap();
    let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
    captured.iter().filter(has_all).cloned().collect()
}

/// Checks each line for secrets when it is written.
struct Scanner;

impl Write for Scanner {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let has_generated = GENERATED
            .lock()
            .unwrap()
            .iter()
            .any(|secret| line.contains(secret));
        let secret = secrets::find_secret(&line).or(has_generated.then_some("a cookie"));
        if let Some(secret) = secret {
            LEAKS.lock().unwrap().push(format!("{secret}: {line}"));
        }
        let mut captured = CAPTURED.lock().unwrap();
        if ["answered", "failed", "broke off"]
            .iter()
            .any(|word| line.contains(word))
        {
            captured.push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[apply(on_both_databases)]
async fn every_log_line_of_a_request_has_its_id_across_threads(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    app.sql("ALTER TABLE orders RENAME TO lost_orders").await;
    let page = browser.get("/orders").await;
    let id = page.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(page.status, 500);
    assert!(
        page.body.contains("Номер запроса") && page.body.contains(&id),
        "{}",
        page.body
    );
    let answered = lines_with(&[&id, "answered"]);
    let answered: serde_json::Value = serde_json::from_str(&answered[0]).unwrap();
    assert_eq!(
        (&answered["level"], &answered["span"]["route"]),
        (&"WARN".into(), &"/orders".into())
    );
    // The cause is logged with the id, by which support finds it.
    let causes = [
        lines_with(&["no such table: orders"]),
        lines_with(&["\\\"orders\\\" does not exist"]),
    ]
    .concat();
    assert!(causes.iter().any(|line| line.contains(&id)), "{causes:#?}");
    assert!(
        causes
            .iter()
            .all(|line| line.contains("\"route\":\"/orders\"")),
        "{causes:#?}"
    );
    let again = browser.get("/orders").await;
    assert_ne!(again.headers["x-request-id"].to_str().unwrap(), id);
}

#[apply(on_both_databases)]
async fn warnings_that_anybody_can_cause_are_bounded(app: App) {
    // A server whose database is not up to date answers each health check with 503.
    app.sql("DELETE FROM __diesel_schema_migrations").await;
    let mut browser = app.browser();
    let (mut warned, mut answered) = (0, 0);
    for _ in 0..200 {
        let answer = browser.get("/readyz").await;
        assert_eq!(answer.status, 503);
        let id = answer.headers["x-request-id"].to_str().unwrap();
        warned += lines_with(&[id, "request answered", "WARN"]).len();
        answered += lines_with(&[id, "request answered"]).len();
    }
    assert_eq!(answered, 200, "the rest is logged as debug");
    assert!(warned < 100, "{warned} warnings");
}
