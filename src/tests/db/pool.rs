//! The connections to the database: one for each work, until that ends.

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
async fn what_is_answered_with_success_is_on_the_disk_whatever_the_server_is_set_to(app: App) {
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
    // The server of the tests is set to `off`.
    assert_eq!(app.state.db.write(read).await.as_deref(), Ok("on"));
}

type Write = Box<dyn FnOnce(&mut Conn) -> Result<(), Error> + Send>;

fn write(app: &App, act: Write) -> JoinHandle<Result<(), Error>> {
    let db = app.state.db.clone();
    tokio::spawn(async move { db.write(act).await })
}

/// What comes of acts that wait together, in this order, and share one commit: first that of one that holds the
/// writer until all of them wait.
async fn together(app: &App, acts: Vec<Write>) -> Vec<Result<(), Error>> {
    let (begin, begun) = channel::<()>();
    let (end, ended) = channel::<()>();
    let held = write(
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
    let mut waiting = vec![held];
    for act in acts {
        waiting.push(write(app, act));
        while app.state.db.load().queued != Some(waiting.len() - 1) {
            sleep(Duration::from_millis(5)).await;
        }
    }
    end.send(()).unwrap();
    let done = join_all(waiting).await;
    done.into_iter().map(Result::unwrap).collect()
}

/// Writes a row, to be counted.
fn note(key: &'static str) -> Write {
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

async fn noted(app: &App) -> i64 {
    let count = |conn: &mut Conn| Ok(throttles::table.count().get_result::<i64>(conn)?);
    app.state.db.read(count).await.unwrap()
}

/// As on a full disk: SQLite gives the whole transaction up in the middle of an act.
#[test]
fn what_waited_behind_an_act_that_lost_the_transaction_is_not_done_unsaid() {
    block_on(async {
        let app = App::sqlite();
        let losing: Write = Box::new(|conn| {
            conn.batch_execute("ROLLBACK")?;
            Err(Error::NoSpace)
        });
        let done = together(&app, vec![note("before"), losing, note("behind")]).await;
        assert!(
            done[..3].iter().all(|lost| *lost == Err(Error::NoSpace)),
            "{done:?}"
        );
        let behind = i64::from(done[3].is_ok());
        assert_eq!(noted(&app).await, behind);
        // The writer goes on.
        assert_eq!(write(&app, note("after")).await.unwrap(), Ok(()));
        assert_eq!(noted(&app).await, behind + 1);
    });
}

#[test]
fn whoever_shares_a_commit_with_a_fault_is_told_to_come_again() {
    block_on(async {
        let app = App::sqlite();
        let faulty: Write = Box::new(|_| panic!("a fault of the program"));
        let done = together(&app, vec![note("before"), faulty, note("behind")]).await;
        let again = Err(Error::Unavailable);
        assert_eq!(done, [again.clone(), again, Err(Error::Internal), Ok(())]);
        assert_eq!(
            noted(&app).await,
            1,
            "what was rolled back is not there, what came behind is"
        );
        assert_eq!(write(&app, note("before")).await.unwrap(), Ok(()));
        assert_eq!(noted(&app).await, 2);
    });
}

#[test]
fn work_that_nobody_waits_for_keeps_its_connection_until_it_ends() {
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
        // Whoever comes next gets a connection that is free.
        assert!(app.state.db.read(|_| Ok(())).await.is_ok());
        end.send(()).unwrap();
        let begun = Instant::now();
        while app.state.db.load().idle < 2 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            sleep(Duration::from_millis(5)).await;
        }
    });
}
