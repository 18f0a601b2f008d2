//! The connections to the database: one for each work, until that ends.

use super::{
    app::{App, tell},
    on_both_databases,
};
use crate::{clock, db::Conn, error::Error, schema::throttles};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};
use tokio::time::sleep;

on_both_databases! {
    async fn what_is_answered_with_success_is_on_the_disk_whatever_the_server_is_set_to(app: App) {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let read = |conn: &mut Conn| match conn {
            Conn::Sqlite(_) => Ok("on".to_owned()),
            Conn::Postgres(conn) => {
                let Setting { value } = diesel::sql_query("SELECT current_setting('synchronous_commit') AS value").get_result(conn)?;
                Ok(value)
            }
        };
        // The server of the tests is set to `off`.
        assert_eq!(app.shop.db.write(read).await.as_deref(), Ok("on"));
    }
}

/// As on a full disk: SQLite gives the whole transaction up in the middle of an act.
#[test]
fn what_waited_behind_an_act_that_lost_the_transaction_is_not_done_unsaid() {
    tell(async {
        let app = App::sqlite();
        let (end, ended) = channel::<()>();
        type Write = Box<dyn FnOnce(&mut Conn) -> Result<(), Error> + Send>;
        let write = |act: Write| {
            let db = app.shop.db.clone();
            tokio::spawn(async move { db.write(act).await })
        };
        let count = |conn: &mut Conn| Ok(throttles::table.count().get_result::<i64>(conn)?);
        let note = |key: &'static str| {
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
        };
        let queued = async |jobs| {
            while app.shop.db.load().queued != Some(jobs) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let (begin, begun) = channel::<()>();
        let held = write(Box::new(move |_| {
            begin.send(()).unwrap();
            let _ = ended.recv();
            Ok(())
        }));
        while begun.try_recv().is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        // The others wait together, in this order, and share one commit.
        let before = write(note("before"));
        queued(1).await;
        let losing = write(Box::new(|conn| {
            conn.batch_execute("ROLLBACK")?;
            Err(Error::NoSpace)
        }));
        queued(2).await;
        let behind = write(note("behind"));
        queued(3).await;
        end.send(()).unwrap();
        assert_eq!(held.await.unwrap(), Err(Error::NoSpace));
        assert_eq!(before.await.unwrap(), Err(Error::NoSpace));
        assert_eq!(losing.await.unwrap(), Err(Error::NoSpace));
        let behind = i64::from(behind.await.unwrap().is_ok());
        assert_eq!(app.shop.db.read(count).await, Ok(behind));
        // The writer goes on.
        assert_eq!(write(note("after")).await.unwrap(), Ok(()));
        assert_eq!(app.shop.db.read(count).await, Ok(behind + 1));
    });
}

#[test]
fn work_that_nobody_waits_for_keeps_its_connection_until_it_ends() {
    tell(async {
        let app = App::sqlite();
        let (end, ended) = channel::<()>();
        let (begin, begun) = channel::<()>();
        let db = app.shop.db.clone();
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
        let load = app.shop.db.load();
        assert_eq!((load.open, load.idle), (1, 0));
        // Whoever comes next gets a connection that is free.
        assert!(app.shop.db.read(|_| Ok(())).await.is_ok());
        end.send(()).unwrap();
        let begun = Instant::now();
        while app.shop.db.load().idle < 2 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            sleep(Duration::from_millis(5)).await;
        }
    });
}
