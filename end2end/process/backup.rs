//! Making and restoring backups.

use crate::{
    database::Database,
    migrate::revert_the_last_migration,
    on_both_databases, report,
    server::{Server, free_port},
    shop::Shop,
    storm::Storm,
};
use rstest_reuse::apply;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

/// How many backups are made under load.
const BACKUPS: usize = 3;

#[apply(on_both_databases)]
async fn a_backup_made_under_load_can_be_restored(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for round in 0..BACKUPS {
        storm.wait_for_orders(60).await;
        let before = storm.journal();
        let file = database.file(&format!("backup-{round}"));
        database.does(&["backup", file.to_str().unwrap()]);
        storm.wait_for_orders(20).await;
        let restored = database.another();
        let said = restored.does(&["restore", file.to_str().unwrap()]);
        assert!(said.contains("everything agrees"), "{said}");
        // The backup contains everything that was confirmed before it began.
        let kept = before.compare(&restored);
        let settled_since = before.operations() - kept;
        assert!(
            before.orders.len() <= kept && settled_since == 0,
            "{kept} of {}",
            before.operations()
        );
    }
    let outcome = storm.settle(&database).await;
    report::note("backup under load, restored", &database, BACKUPS, &outcome);
}

#[apply(on_both_databases)]
async fn a_restored_shop_keeps_sessions_and_continues_ids(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 10).await;
    let first = shop.create_order(&server.site, "first", 2).await.unwrap();
    let port = server.port();
    let file = database.file("backup");
    database.does(&["backup", file.to_str().unwrap()]);
    server.kill();
    let restored = database.another();
    restored.does(&["restore", file.to_str().unwrap()]);
    let server = Server::start_at(&restored, port, &[]).await;
    // Sessions and orders are there, and new ids follow the old ones.
    assert_eq!(
        shop.create_order(&server.site, "first", 2)
            .await
            .unwrap()
            .id(),
        first.id()
    );
    assert!(
        shop.create_order(&server.site, "next", 2)
            .await
            .unwrap()
            .id()
            > first.id()
    );
    restored.assert_agrees();
}

#[apply(on_both_databases)]
async fn a_backup_overwrites_nothing_by_accident_and_is_private(database: Database) {
    database.does(&["migrate"]);
    let file = database.file("backup");
    let path = file.to_str().unwrap();
    database.does(&["backup", path]);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(database.refuses(&["backup", path]).contains("--force"));
    database.does(&["backup", path, "--force"]);
    let letter = database.file("letter.txt");
    fs::write(&letter, "Dear Anna").unwrap();
    assert!(
        database
            .refuses(&["backup", letter.to_str().unwrap(), "--force"])
            .contains("not a backup of Sirius")
    );
    assert_eq!(fs::read_to_string(&letter).unwrap(), "Dear Anna");
    let left: Vec<_> = fs::read_dir(database.folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("partial")),
        "{left:?}"
    );
}

#[apply(on_both_databases)]
async fn a_backup_is_restored_only_into_an_empty_database(database: Database) {
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
    assert!(
        database
            .opposite()
            .refuses(&["restore", path])
            .contains("sirius copy --to")
    );
}

#[apply(on_both_databases)]
async fn a_file_that_is_not_a_backup_is_not_restored(database: Database) {
    let text = database.file("letter.txt");
    fs::write(&text, "Dear Anna").unwrap();
    assert!(
        database
            .refuses(&["restore", text.to_str().unwrap()])
            .contains("not a backup of Sirius")
    );
    assert!(
        database
            .refuses(&["restore", "missing"])
            .contains("cannot read")
    );
    let source = database.another();
    source.does(&["migrate"]);
    let file = source.file("backup");
    source.does(&["backup", file.to_str().unwrap()]);
    let whole = fs::read(&file).unwrap();
    let half = source.file("half");
    fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    database.refuses(&["restore", half.to_str().unwrap()]);
    // A failed restore leaves nothing behind, so that the complete backup can be restored.
    database.does(&["restore", file.to_str().unwrap()]);
}

#[apply(on_both_databases)]
async fn a_newer_backup_is_refused_and_an_older_one_is_migrated(database: Database) {
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
    revert_the_last_migration(&source);
    let older = source.file("older");
    source.does(&["backup", older.to_str().unwrap()]);
    database.does(&["restore", older.to_str().unwrap()]);
    assert_eq!(database.versions(), sirius::db::migrations::known());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_private_and_cannot_be_overwritten_by_a_backup() {
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
    shop.create_order(&server.site, "first", 1).await.unwrap();
    server.kill();
    database.assert_agrees();
}

#[test]
fn a_missing_database_is_neither_checked_nor_backed_up() {
    let database = Database::sqlite();
    for asked in [&["check"][..], &["backup", "copy"]] {
        assert!(database.refuses(asked).contains("there is no database"));
        assert!(!database.file("sirius.db").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_not_restored_while_a_server_is_running() {
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
