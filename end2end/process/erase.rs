//! Erasing a customer from the command line, beside a running server.

use crate::{database::Database, on_both_databases, server::Server};
use rstest_reuse::apply;
use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

/// Runs the command, and types the last digits.
fn erase(database: &Database, phone: &str, last_digits: &str) -> Output {
    let run = || {
        let mut erasing = database
            .command(&["customer", "erase", phone, "--reason", "by request"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut typed = erasing.stdin.take().unwrap();
        writeln!(typed, "{last_digits}").unwrap();
        drop(typed);
        erasing.wait_with_output().unwrap()
    };
    tokio::task::block_in_place(run)
}

/// Returns the files that hold the shop: those of the database, and a fresh backup as SQL or as a database.
fn files(database: &Database) -> Vec<Vec<u8>> {
    let backup = database.file("backup");
    database.does(&["backup", backup.to_str().unwrap()]);
    match database.kind() {
        "SQLite" => ["sirius.db", "sirius.db-wal", "backup"]
            .map(|name| fs::read(database.file(name)).unwrap())
            .into(),
        _ => {
            let read = Command::new("pg_restore")
                .args(["--file=-", backup.to_str().unwrap()])
                .output()
                .unwrap();
            assert!(read.status.success(), "{read:?}");
            vec![read.stdout]
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[apply(on_both_databases)]
async fn a_customer_is_erased_beside_a_running_server(database: Database) {
    database.does(&["demo", "--orders", "3000"]);
    let server = Server::start(&database).await;
    let settled = database.lines(
        "SELECT phone AS line FROM orders GROUP BY phone
         HAVING SUM(CASE WHEN status = 'paid_not_issued' THEN 1 ELSE 0 END) = 0 ORDER BY COUNT(*) DESC, phone LIMIT 1",
    );
    let waiting = database.lines(
        "SELECT phone AS line FROM orders WHERE status = 'paid_not_issued' ORDER BY id LIMIT 1",
    );
    let (phone, last_digits) = (&settled[0], &settled[0][settled[0].len() - 4..]);
    let digits = phone.trim_start_matches("+7");
    let reversed: String = digits.chars().rev().collect();
    assert!(files(&database).iter().any(|file| contains(file, digits)));
    fs::remove_file(database.file("backup")).unwrap();

    let refused = erase(&database, phone, "0");
    assert!(!refused.status.success(), "{refused:?}");
    let refused = erase(&database, &waiting[0], &waiting[0][waiting[0].len() - 4..]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("that wait: "),
        "{refused:?}"
    );
    let erased = erase(&database, phone, last_digits);
    assert!(erased.status.success(), "{erased:?}");
    assert!(
        String::from_utf8_lossy(&erased.stdout).contains("Покупатель удалён № 1: "),
        "{erased:?}"
    );
    for file in files(&database) {
        for form in [digits, &reversed] {
            assert!(!contains(&file, form), "{form} is left");
        }
    }
    database.assert_agrees();
    server.kill();
}
