//! The connections to the database: one for each work, until that ends.

use super::{
    app::{App, tell},
    on_both_databases,
};
use crate::db::Conn;
use diesel::{prelude::*, sql_types::Text};
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

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

#[test]
fn work_that_nobody_waits_for_keeps_its_connection_until_it_ends() {
    tell(async {
        let app = App::sqlite();
        let (end, ended) = channel::<()>();
        let long = app.shop.db.read(move |_| {
            let _ = ended.recv();
            Ok(())
        });
        assert!(timeout(Duration::from_millis(100), long).await.is_err());
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
