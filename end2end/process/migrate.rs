//! Several processes migrate at once, and a SQLite database is backed up first.

use crate::{
    database::Database,
    on_both_databases,
    server::{Server, free_port},
    shop::Shop,
};
use rstest_reuse::apply;
use std::{fs, path::Path, process::Stdio};

/// How many processes migrate.
const PROCESSES: usize = 6;

#[apply(on_both_databases)]
async fn a_new_database_is_migrated_once_by_processes_that_start_together(database: Database) {
    let migrating: Vec<_> = (0..PROCESSES)
        .map(|_| {
            database
                .command(&["migrate"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // Only one server may use a SQLite file.
    let servers = if database.kind() == "SQLite" { 1 } else { 2 };
    let mut serving: Vec<_> = (0..servers)
        .map(|_| Server::spawn(&database, free_port(), &[]))
        .collect();
    let mut idle = 0;
    for process in migrating {
        let ran = tokio::task::block_in_place(|| process.wait_with_output().unwrap());
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        idle += usize::from(said.contains(": 0 migrations ran"));
    }
    assert!(idle + 1 >= PROCESSES, "{} migrated", PROCESSES - idle);
    for server in &mut serving {
        server.wait_until_ready().await;
    }
    Shop::open(&serving[0], 5).await;
    assert_eq!(database.versions(), sirius::db::migrations::known());
    database.assert_agrees();
}

#[apply(on_both_databases)]
async fn a_schema_of_a_newer_version_is_refused(database: Database) {
    database.does(&["migrate"]);
    database.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
    assert!(database.refuses(&["migrate"]).contains("newer Sirius"));
    assert!(database.refuses(&["serve"]).contains("newer Sirius"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_backed_up_before_a_migration() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    Shop::open(&server, 5).await;
    assert!(server.stop().success());
    let kept = || -> Vec<String> {
        let files = fs::read_dir(database.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains(".before-")).collect();
        names.sort();
        names
    };
    assert_eq!(
        kept(),
        Vec::<String>::new(),
        "a new database needs no backup"
    );
    let version = revert_the_last_migration(&database);
    for old in 1..=4 {
        fs::write(
            database.file(&format!("sirius.db.before-2025010100000{old}")),
            "",
        )
        .unwrap();
    }
    database.does(&["migrate"]);
    let before = format!("sirius.db.before-{version}");
    assert_eq!(
        kept(),
        [
            "sirius.db.before-20250101000003",
            "sirius.db.before-20250101000004",
            &before
        ]
    );
    let before = Database::at(format!("sqlite://{}", database.file(&before).display()));
    assert!(!before.versions().contains(&version));
    let people = "SELECT username AS line FROM users";
    assert_eq!(before.lines(people), database.lines(people));
    // The database is up to date, so there is nothing to back up.
    database.does(&["migrate"]);
    assert_eq!(kept().len(), 3);
}

/// Reverts the last migration, so that the database is as an older program would have left it. Returns its version.
pub fn revert_the_last_migration(database: &Database) -> String {
    let version = database.versions().pop().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(match database.kind() {
            "SQLite" => "sqlite",
            _ => "postgres",
        });
    let migrations = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let last = migrations.max().unwrap();
    database.sql(&fs::read_to_string(last.join("down.sql")).unwrap());
    database.sql(&format!(
        "DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"
    ));
    version
}
