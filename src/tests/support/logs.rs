//! No secret stands in the log: every line that any test makes the program write is read as it is written.

use crate::testing::secrets;
use crate::tests::support::{App, apply, on_both_databases};
use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{LazyLock, Mutex, Once},
};

/// Secrets that were made while the tests ran: cookies.
static MADE: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
/// Lines with a secret in them.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The latest lines, for tests of the log itself.
static LATEST: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Reads along from now on, everything that the program and its libraries say.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter("trace")
            .with_writer(|| Reader)
            .init();
    });
}

/// A value that must not stand in the log from now on.
pub fn keep_out(secret: &str) {
    MADE.lock().unwrap().insert(secret.to_owned());
}

/// Fails when any test has written a secret by now.
pub fn assert_no_secrets() {
    let found = FOUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .clone();
    assert!(found.is_empty(), "in the log: {found:#?}");
}

/// The lines of the log with all of this in them.
fn lines_with(parts: &[&str]) -> Vec<String> {
    let latest = LATEST.lock().unwrap();
    let has = |line: &&String| parts.iter().all(|part| line.contains(part));
    latest.iter().filter(has).cloned().collect()
}

struct Reader;

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let made = MADE
            .lock()
            .unwrap()
            .iter()
            .any(|secret| line.contains(secret));
        let secret = secrets::in_line(&line).or(made.then_some("a cookie"));
        if let Some(secret) = secret {
            FOUND.lock().unwrap().push(format!("{secret}: {line}"));
        }
        let mut latest = LATEST.lock().unwrap();
        if line.contains("answered") || line.contains("failed") {
            latest.push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[apply(on_both_databases)]
async fn every_line_of_a_request_has_its_number_also_from_another_thread(app: App) {
    let mut browser = app.browser_of(app.clerk()).await;
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
    // The cause, by which somebody who is asked finds out more.
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
