//! The connections to the database: one for each work, until that ends.

use super::app::{App, tell};
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

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
