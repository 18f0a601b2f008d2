//! Locks held by another transaction: reads go on, and a write that waits too long fails with a retryable error.

use crate::tests::support::{App, Browser, PHONE, apply, block_on, on_both_databases};
use crate::{
    auth::{Actor, Role, tokens},
    clock,
    db::{self, Conn},
    error::{Error, Problem},
    products,
    transaction::Tx,
};
use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_types::{BigInt, Text},
};
use futures::future::join_all;
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How many of the eight connections of a test shop are for writing.
const WRITE_CONNECTIONS: usize = 4;
/// The longest time that a write waits for a lock, plus a margin for a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Another program that holds a lock in an open transaction.
struct LockHolder(Conn);

impl LockHolder {
    fn acquire(app: &App, lock: &str) -> Self {
        let mut conn = app.state.config.database_url.open().unwrap();
        conn.batch_execute(&format!("BEGIN; {lock}")).unwrap();
        Self(conn)
    }

    fn release(mut self) {
        self.0.batch_execute("ROLLBACK").unwrap();
    }
}

/// Returns how many transactions wait for a lock on a table.
fn count_waiting_for(app: &App, table: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = format!(
        "SELECT COUNT(*) AS count FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
    );
    let mut conn = app.state.config.database_url.open().unwrap();
    let count: Count = diesel::sql_query(query).get_result(&mut conn).unwrap();
    count.count
}

async fn assert_pages_load(browser: &mut Browser) {
    for page in ["/orders", "/products", "/readyz"] {
        let answer = browser.get(page).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.body);
    }
}

#[test]
fn a_locked_row_fails_writes_with_503_but_does_not_block_reads() {
    block_on(async {
        let app = App::postgres();
        let manager = app.create_account(app.manager()).await;
        let tea = manager.create_product("чай", 20).await;
        let browser = app.signed_in_browser(app.clerk()).await;
        let book = |n: usize| {
            let mut browser = browser.clone();
            async move {
                let key = format!("till {n}");
                let fields = [
                    ("idempotency_key", key.as_str()),
                    ("phone", PHONE),
                    ("product", "чай"),
                    ("qty", "1"),
                ];
                browser.call("create_order", &fields).await
            }
        };
        let create = |tx: &mut Tx<'_>| tokens::service::add(tx, "касса");
        let (_, token) = manager.write(create).await.unwrap();
        let holder = LockHolder::acquire(&app, "UPDATE products SET min_stock = min_stock");
        let begun = Instant::now();
        let meanwhile = async {
            while app.state.db.load().waiting < WRITE_CONNECTIONS {
                sleep(Duration::from_millis(5)).await;
            }
            assert_pages_load(&mut browser.clone()).await;
            // The first use of a token is recorded if possible; a failure to record it does not fail the request.
            let mut client = app
                .browser()
                .with_header("authorization", &format!("Bearer {token}"));
            assert_eq!(client.get("/api/products").await.status, 200);
        };
        let booked = join_all((0..2 * WRITE_CONNECTIONS).map(book));
        for answer in futures::join!(booked, meanwhile).0 {
            assert_eq!(answer.status, 503, "{}", answer.body);
            assert_eq!(answer.headers["retry-after"], "5");
            let is_retryable = ["\"Locked\"", "\"Busy\""].contains(&answer.body.as_str());
            assert!(is_retryable, "{}", answer.body);
        }
        assert!(begun.elapsed() < LONGEST_WAIT, "{:?}", begun.elapsed());
        assert_eq!(manager.counters(tea.id).await, (20, 0, 20));
        holder.release();
        for _ in 0..2 {
            for answer in join_all((0..2 * WRITE_CONNECTIONS).map(book)).await {
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }
        assert_eq!(manager.counters(tea.id).await, (20, 8, 12));
        app.assert_consistent().await;
    });
}

#[test]
fn advisory_locks_time_out_like_row_locks() {
    block_on(async {
        let app = App::postgres();
        app.create_product("чай", 20).await;
        let clerk = app.create_account(app.clerk()).await;
        let order = clerk.create_order("чай", 1).await.unwrap();
        let rates_lock = "SELECT pg_advisory_xact_lock(hashtextextended('exchange rates', 0))";
        let holder = LockHolder::acquire(&app, rates_lock);
        assert_eq!(clerk.issue_order(order.id).await, Err(Error::Locked));
        holder.release();
        assert!(clerk.issue_order(order.id).await.is_ok());
    });
}

#[test]
fn one_of_two_deadlocked_transactions_fails_with_locked() {
    block_on(async {
        let app = App::postgres();
        let manager = app.create_account(app.manager()).await;
        let (tea, coffee) = (
            manager.create_product("чай", 1).await.id,
            manager.create_product("кофе", 1).await.id,
        );
        let (one, two) = (channel::<()>(), channel::<()>());
        let lock_both = |first: i64,
                         second: i64,
                         (locked, other): (
            std::sync::mpsc::Sender<()>,
            std::sync::mpsc::Receiver<()>,
        )| {
            app.state.write(Actor::System, move |tx| {
                crate::stock::service::lock(tx, first)?;
                let _ = locked.send(());
                let _ = other.recv();
                crate::stock::service::lock(tx, second).map(drop)
            })
        };
        let (tea_first, coffee_first) = futures::join!(
            lock_both(tea, coffee, (one.0, two.1)),
            lock_both(coffee, tea, (two.0, one.1))
        );
        let mut results = [tea_first, coffee_first];
        results.sort_by_key(Result::is_ok);
        assert_eq!(results, [Err(Error::Locked), Ok(())]);
    });
}

#[test]
fn an_idle_transaction_is_ended_and_releases_its_locks() {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    block_on(async {
        let app = App::postgres();
        let read = |conn: &mut Conn| {
            let query = "
                SELECT current_setting('lock_timeout') || ', '
                    || current_setting('idle_in_transaction_session_timeout') AS value";
            let setting: Setting = diesel::sql_query(query).get_result(conn)?;
            Ok(setting.value)
        };
        assert_eq!(app.state.db.read(read).await.as_deref(), Ok("4s, 30s"));
        assert_eq!(app.state.db.write(read).await.as_deref(), Ok("4s, 30s"));

        let tea = app.create_product("чай", 20).await.id;
        let clerk = app.create_account(app.clerk()).await;
        let (locked, is_locked) = channel::<()>();
        let (wake, woken) = channel::<()>();
        let dead = app.state.write(Actor::System, move |tx| {
            tx.conn
                .batch_execute("SET LOCAL idle_in_transaction_session_timeout = '200ms'")?;
            crate::stock::service::lock(tx, tea)?;
            let _ = locked.send(());
            let _ = woken.recv();
            crate::stock::service::lock(tx, tea).map(drop)
        });
        let alive = async {
            while is_locked.try_recv().is_err() {
                sleep(Duration::from_millis(5)).await;
            }
            let booked = clerk.create_order("чай", 1).await;
            wake.send(()).unwrap();
            booked
        };
        let (dead, booked) = futures::join!(dead, alive);
        assert!(booked.is_ok(), "{booked:?}");
        assert_eq!(dead, Err(Error::Unavailable));
        // The broken connection is replaced.
        assert!(
            join_all((0..8).map(|_| clerk.create_order("чай", 1)))
                .await
                .iter()
                .all(Result::is_ok)
        );
    });
}

#[test]
fn a_name_created_by_a_concurrent_import_is_taken() {
    block_on(async {
        let app = App::postgres();
        let manager = app.create_account(app.manager()).await;
        let draft = |name: &str| fields! { name: name };
        let (begin, begun) = channel::<()>();
        let (end, ended) = channel::<()>();
        let (file_draft, actor) = (draft("Чай"), manager.actor());
        let import = app.state.db.write(move |conn| {
            db::lock_table(conn, "products")?;
            let _ = begin.send(());
            let _ = ended.recv();
            let mut tx = Tx::new(conn, actor, clock::now());
            products::service::create(&mut tx, "", &file_draft.with("quantity", "0").read()?)
        });
        let form_draft = draft("чай");
        let created = async {
            while begun.try_recv().is_err() {
                sleep(Duration::from_millis(5)).await;
            }
            let release_when_waiting = async {
                while count_waiting_for(&app, "products") == 0 {
                    sleep(Duration::from_millis(5)).await;
                }
                end.send(()).unwrap();
            };
            let create = manager.write(move |tx| {
                products::service::create(tx, "", &form_draft.with("quantity", "0").read()?)
            });
            futures::join!(create, release_when_waiting).0
        };
        let (imported, created) = futures::join!(import, created);
        assert!(imported.is_ok(), "{imported:?}");
        assert_eq!(created.map(drop), Err(Error::field("name", Problem::Taken)));
    });
}

#[apply(on_both_databases)]
async fn reads_and_writes_do_not_block_each_other(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 20).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (begin, begun) = channel::<()>();
    let (end, ended) = channel::<()>();
    let read = app.state.db.read(move |conn| {
        db::snapshot(conn, |conn| {
            let count =
                |conn: &mut Conn| crate::schema::orders::table.count().get_result::<i64>(conn);
            let before = count(conn)?;
            let _ = begin.send(());
            let _ = ended.recv();
            Ok::<_, Error>((before, count(conn)?))
        })
    });
    let booked = async {
        while begun.try_recv().is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        let booked = manager.create_order("чай", 1).await;
        end.send(()).unwrap();
        booked
    };
    let (read, booked) = futures::join!(read, booked);
    assert!(booked.is_ok(), "{booked:?}");
    assert_eq!(read, Ok((0, 0)));

    let (begin, begun) = channel::<()>();
    let (end, ended) = channel::<()>();
    let write = app.state.write(Actor::System, move |tx| {
        crate::stock::service::lock(tx, 1)?;
        let _ = begin.send(());
        let _ = ended.recv();
        Ok(())
    });
    let reads = async {
        while begun.try_recv().is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        assert_pages_load(&mut browser).await;
        end.send(()).unwrap();
    };
    assert_eq!(futures::join!(write, reads).0, Ok(()));
}

#[apply(on_both_databases)]
async fn a_large_import_does_not_block_reads(app: App) {
    let manager = app
        .create_account(app.person("завсклад", Role::Manager))
        .await;
    manager.create_product("чай", 100).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let rows: String = (0..2_000).map(|n| format!("Товар {n};{n}\n")).collect();
    let file = format!("Название;Минимум\n{rows}");
    let preview = manager.upload_products(file).await.unwrap();
    let imported = manager.confirm_products(&preview);
    let meanwhile = async {
        let bookings = join_all((0..10).map(|n| {
            manager.create_order_with_key("чай", 1, if n % 2 == 0 { "one" } else { "two" })
        }));
        let (booked, ()) = futures::join!(bookings, assert_pages_load(&mut browser));
        booked
    };
    let (imported, booked) = futures::join!(imported, meanwhile);
    assert_eq!(imported.unwrap().new, 2_000);
    for booked in booked {
        assert!(
            matches!(booked, Ok(_) | Err(Error::Locked | Error::Busy)),
            "{booked:?}"
        );
    }
    for key in ["one", "two"] {
        manager.create_order_with_key("чай", 1, key).await.unwrap();
    }
    assert_eq!(manager.counters(1).await.1, 2);
    app.assert_consistent().await;
}
