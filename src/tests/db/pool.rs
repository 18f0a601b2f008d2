//! The connections to the database: each task keeps its connection until it ends.

use crate::tests::support::{App, apply, block_on, on_both_databases};
use crate::{clock, db::Conn, error::Error, schema::throttles};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use futures::future::join_all;
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

#[apply(on_both_databases)]
async fn synchronous_commit_is_on_whatever_the_server_default_is(app: App) {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let read = |conn: &mut Conn| match conn {
        Conn::Sqlite(_) => Ok("on".to_owned()),
        Conn::Postgres(conn) => {
            let Setting { value } =
                diesel::sql_query("SELECT current_setting('synchronous_commit') AS value")
                    .get_result(conn)?;
            Ok(value)
        }
    };
    // Otherwise a crash could lose writes that were answered with success. The test server is configured with `off`.
    assert_eq!(app.state.db.write(read).await.as_deref(), Ok("on"));
}

#[apply(on_both_databases)]
async fn a_look_up_runs_on_its_own_thread_only_where_it_may_wait(app: App) {
    let caller = std::thread::current().id();
    let thread = |conn: &mut Conn| {
        let is_sqlite = matches!(conn, Conn::Sqlite(_));
        Ok((std::thread::current().id(), is_sqlite))
    };
    let (thread, is_sqlite) = app.state.db.look_up(thread).await.unwrap();
    assert_eq!(thread == caller, is_sqlite);
    // A connection that failed is not used again.
    for error in [Error::Unavailable, Error::NotFound] {
        let failed = app.state.db.look_up::<()>({
            let error = error.clone();
            move |_| Err(error)
        });
        assert_eq!(failed.await, Err(error));
        let found = app.state.db.look_up(|conn| {
            let one = diesel::sql_query("SELECT 1").execute(conn);
            one.map_err(Error::from)
        });
        assert!(found.await.is_ok());
    }
}

type Write = Box<dyn FnOnce(&mut Conn) -> Result<(), Error> + Send>;

fn write(app: &App, operation: Write) -> JoinHandle<Result<(), Error>> {
    let db = app.state.db.clone();
    tokio::spawn(async move { db.write(operation).await })
}

/// Runs operations in this order in one batch, which shares a commit, and returns their results. The first result is
/// that of an operation that occupies the writer until all the others are queued.
async fn run_in_one_batch(app: &App, operations: Vec<Write>) -> Vec<Result<(), Error>> {
    let (begin, begun) = channel::<()>();
    let (end, ended) = channel::<()>();
    let blocker = write(
        app,
        Box::new(move |_| {
            begin.send(()).unwrap();
            let _ = ended.recv();
            Ok(())
        }),
    );
    while begun.try_recv().is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    let mut waiting = vec![blocker];
    for operation in operations {
        waiting.push(write(app, operation));
        while app.state.db.load().queued != Some(waiting.len() - 1) {
            sleep(Duration::from_millis(5)).await;
        }
    }
    end.send(()).unwrap();
    let results = join_all(waiting).await;
    results.into_iter().map(Result::unwrap).collect()
}

/// Inserts a row for [`count_rows`].
fn insert_row(key: &'static str) -> Write {
    Box::new(move |conn: &mut Conn| {
        let row = (
            throttles::key.eq(key),
            throttles::tries.eq(1),
            throttles::tried_at.eq(clock::now()),
        );
        diesel::insert_into(throttles::table)
            .values(row)
            .execute(conn)?;
        Ok(())
    })
}

async fn count_rows(app: &App) -> i64 {
    let count = |conn: &mut Conn| Ok(throttles::table.count().get_result::<i64>(conn)?);
    app.state.db.read(count).await.unwrap()
}

/// As on a full disk: SQLite rolls the whole transaction back in the middle of an operation.
#[test]
fn after_a_lost_transaction_each_write_reports_what_really_happened() {
    block_on(async {
        let app = App::sqlite();
        let rolling_back: Write = Box::new(|conn| {
            conn.batch_execute("ROLLBACK")?;
            Err(Error::NoSpace)
        });
        let results = run_in_one_batch(
            &app,
            vec![insert_row("before"), rolling_back, insert_row("later")],
        )
        .await;
        assert!(
            results[..3]
                .iter()
                .all(|result| *result == Err(Error::NoSpace)),
            "{results:?}"
        );
        let later_rows = i64::from(results[3].is_ok());
        assert_eq!(count_rows(&app).await, later_rows);
        // The writer keeps working.
        assert_eq!(write(&app, insert_row("after")).await.unwrap(), Ok(()));
        assert_eq!(count_rows(&app).await, later_rows + 1);
    });
}

#[test]
fn writes_batched_with_a_panic_fail_with_a_retryable_error() {
    block_on(async {
        let app = App::sqlite();
        let panicking: Write = Box::new(|_| panic!("a panic on purpose"));
        let results = run_in_one_batch(
            &app,
            vec![insert_row("before"), panicking, insert_row("later")],
        )
        .await;
        let retryable = Err(Error::Unavailable);
        assert_eq!(
            results,
            [retryable.clone(), retryable, Err(Error::Internal), Ok(())]
        );
        assert_eq!(
            count_rows(&app).await,
            1,
            "the rows of the batch are rolled back, the later one is kept"
        );
        assert_eq!(write(&app, insert_row("before")).await.unwrap(), Ok(()));
        assert_eq!(count_rows(&app).await, 2);
    });
}

#[test]
fn an_abandoned_query_keeps_its_connection_until_it_ends() {
    block_on(async {
        let app = App::sqlite();
        let (end, ended) = channel::<()>();
        let (begin, begun) = channel::<()>();
        let db = app.state.db.clone();
        let long = tokio::spawn(async move {
            db.read(move |_| {
                begin.send(()).unwrap();
                let _ = ended.recv();
                Ok(())
            })
            .await
        });
        while begun.try_recv().is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        long.abort();
        assert!(long.await.is_err_and(|error| error.is_cancelled()));
        let load = app.state.db.load();
        assert_eq!((load.open, load.idle), (1, 0));
        // The next query gets a free connection.
        assert!(app.state.db.read(|_| Ok(())).await.is_ok());
        end.send(()).unwrap();
        let begun = Instant::now();
        while app.state.db.load().idle < 2 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            sleep(Duration::from_millis(5)).await;
        }
    });
}
