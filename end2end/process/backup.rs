//! Backups, and bringing them back.

use crate::{
    database::Database,
    migrate::take_the_last_migration_back,
    on_both_databases, report,
    server::{Server, free_port},
    shop::Shop,
    storm::Storm,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

/// How many backups are made in the storm.
const BACKUPS: usize = 3;

on_both_databases! {
    async fn a_backup_made_in_a_storm_is_restored_and_agrees(database: Database) {
        let server = Server::start(&database).await;
        let shop = Shop::open(&server, 1_000_000).await;
        let storm = Storm::begin(&shop, &[&server.site]);
        for round in 0..BACKUPS {
            storm.books(60).await;
            let before = storm.journal();
            let file = database.file(&format!("backup-{round}"));
            database.does(&["backup", file.to_str().unwrap()]);
            storm.books(20).await;
            let restored = database.another();
            let said = restored.does(&["restore", file.to_str().unwrap()]);
            assert!(said.contains("everything agrees"), "{said}");
            // What was answered before it began is in it, and of each order that is in it the pieces are, too.
            let kept = before.compare(&restored);
            let settled_since = before.acts() - kept;
            assert!(before.orders.len() <= kept && settled_since == 0, "{kept} of {}", before.acts());
        }
        let outcome = storm.settle(&database).await;
        report::note("backup in the storm, restored", &database, BACKUPS, &outcome);
    }

    async fn a_restored_shop_goes_on(database: Database) {
        let server = Server::start(&database).await;
        let shop = Shop::open(&server, 10).await;
        let first = shop.books(&server.site, "first", 2).await.unwrap();
        let port = server.port();
        let file = database.file("backup");
        database.does(&["backup", file.to_str().unwrap()]);
        server.kill();
        let restored = database.another();
        restored.does(&["restore", file.to_str().unwrap()]);
        let server = Server::start_at(&restored, port, &[]).await;
        // Who was signed in is, what was booked is, and numbers go on.
        assert_eq!(shop.books(&server.site, "first", 2).await.unwrap().id(), first.id());
        assert!(shop.books(&server.site, "next", 2).await.unwrap().id() > first.id());
        restored.assert_agrees();
    }

    async fn a_backup_replaces_nothing_by_accident_and_is_private(database: Database) {
        database.does(&["migrate"]);
        let file = database.file("backup");
        let path = file.to_str().unwrap();
        database.does(&["backup", path]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(database.refuses(&["backup", path]).contains("--force"));
        database.does(&["backup", path, "--force"]);
        let letter = database.file("letter.txt");
        fs::write(&letter, "Dear Anna").unwrap();
        assert!(database.refuses(&["backup", letter.to_str().unwrap(), "--force"]).contains("not a backup of Sirius"));
        assert_eq!(fs::read_to_string(&letter).unwrap(), "Dear Anna");
        let left: Vec<_> = fs::read_dir(database.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("partial")), "{left:?}");
    }

    async fn a_backup_is_restored_into_nothing_but_an_empty_database(database: Database) {
        let server = Server::start(&database).await;
        Shop::open(&server, 10).await;
        server.kill();
        let file = database.file("backup");
        let path = file.to_str().unwrap();
        database.does(&["backup", path]);
        assert!(database.refuses(&["restore", path]).contains("not empty"));
        let migrated = database.another();
        migrated.does(&["migrate"]);
        migrated.does(&["restore", path]);
        assert_eq!(migrated.orders().len(), database.orders().len());
        assert!(database.opposite().refuses(&["restore", path]).contains("sirius copy --to"));
    }

    async fn what_is_no_backup_is_not_restored(database: Database) {
        let text = database.file("letter.txt");
        fs::write(&text, "Dear Anna").unwrap();
        assert!(database.refuses(&["restore", text.to_str().unwrap()]).contains("not a backup of Sirius"));
        assert!(database.refuses(&["restore", "missing"]).contains("cannot read"));
        let source = database.another();
        source.does(&["migrate"]);
        let file = source.file("backup");
        source.does(&["backup", file.to_str().unwrap()]);
        let whole = fs::read(&file).unwrap();
        let half = source.file("half");
        fs::write(&half, &whole[..whole.len() / 2]).unwrap();
        database.refuses(&["restore", half.to_str().unwrap()]);
        // Nothing of it is left in the way of the whole one.
        database.does(&["restore", file.to_str().unwrap()]);
    }

    async fn a_backup_of_a_newer_program_is_refused_and_of_an_older_one_migrated(database: Database) {
        let source = database.another();
        let server = Server::start(&source).await;
        Shop::open(&server, 10).await;
        server.kill();
        let newer = source.file("newer");
        source.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
        source.does(&["backup", newer.to_str().unwrap()]);
        let refused = database.refuses(&["restore", newer.to_str().unwrap()]);
        assert!(refused.contains("newer Sirius"), "{refused}");
        source.sql("DELETE FROM __diesel_schema_migrations WHERE version = '99990101000000'");
        take_the_last_migration_back(&source);
        let older = source.file("older");
        source.does(&["backup", older.to_str().unwrap()]);
        database.does(&["restore", older.to_str().unwrap()]);
        assert_eq!(database.versions(), sirius::db::migrations::known());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_private_and_no_backup_takes_its_place() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let file = &database.file("sirius.db");
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", file.display());
        assert_eq!(mode(Path::new(&file)), 0o600, "{file}");
    }
    let link = database.file("link");
    symlink(file, &link).unwrap();
    let (link, itself) = (link.to_str().unwrap(), file.to_str().unwrap());
    let other = database.another();
    for (asked, file) in [(&database, itself), (&database, link), (&other, itself)] {
        other.does(&["migrate"]);
        let refused = asked.refuses(&["backup", file, "--force"]);
        assert!(refused.contains("is a database, not a backup"), "{refused}");
    }
    shop.books(&server.site, "first", 1).await.unwrap();
    server.kill();
    database.assert_agrees();
}

#[test]
fn a_shop_that_is_not_there_is_not_checked() {
    let database = Database::sqlite();
    for asked in [&["check"][..], &["backup", "copy"]] {
        assert!(database.refuses(asked).contains("there is no database"));
        assert!(!database.file("sirius.db").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_not_put_under_a_server_that_runs() {
    let database = Database::sqlite();
    let file = database.file("backup");
    database.does(&["migrate"]);
    database.does(&["backup", file.to_str().unwrap()]);
    let server = Server::start_at(&database, free_port(), &[]).await;
    let refused = database.refuses(&["restore", file.to_str().unwrap()]);
    assert!(refused.contains("in use"), "{refused}");
    Shop::open(&server, 1).await;
    database.assert_agrees();
}
