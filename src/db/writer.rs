//! SQLite's single writer: a thread that takes jobs from a queue, so that writers wait in order.
//!
//! Jobs that wait together share one commit, each in its own savepoint; nobody is answered before that commit.

use super::{Conn, DatabaseUrl, Pool, failed, in_request};
use crate::error::Error;
use diesel::connection::{
    AnsiTransactionManager, Connection, SimpleConnection, TransactionManager,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::mpsc as thread_channel,
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait before callers are held back.
const QUEUE: usize = 1_024;
/// How many jobs share one commit at most.
const BATCH: usize = 64;
/// The write-ahead log is emptied by force above this many bytes.
const LARGEST_WAL: u64 = 64 << 20;
/// How long after a commit its pages move into the database file.
const CHECKPOINT_DELAY: Duration = Duration::from_millis(200);

/// How the database is written to.
#[derive(Clone)]
pub enum Writer {
    Sqlite(Queue),
    Postgres(Pool),
}

/// A job's answer, sent when the fate of its commit is known.
type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;
type Job = Box<dyn FnOnce(&mut Conn) -> Reply + Send>;

/// The waiting line before SQLite's writer thread. The thread ends when the last handle is gone.
#[derive(Clone)]
pub struct Queue(mpsc::Sender<Job>);

impl Writer {
    /// Starts the writer thread and the one that checkpoints behind it.
    pub fn sqlite(url: DatabaseUrl, file: PathBuf) -> Result<Self, Error> {
        let mut conn = open(&url)?;
        let mut checkpoints = open(&url)?;
        let (jobs, mut waiting) = mpsc::channel::<Job>(QUEUE);
        let (committed, commits) = thread_channel::channel::<()>();

        let writer = move || {
            let mut wal = file.into_os_string();
            wal.push("-wal");
            while let Some(job) = waiting.blocking_recv() {
                if catch_unwind(AssertUnwindSafe(|| {
                    write_batch(&mut conn, job, &mut waiting)
                }))
                .is_err()
                {
                    tracing::error!("a write panicked; its batch was rolled back");
                    match open(&url) {
                        Ok(fresh) => conn = fresh,
                        Err(_) => return,
                    }
                }
                if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > LARGEST_WAL) {
                    checkpoint(&mut conn, "TRUNCATE");
                }
                let _ = committed.send(());
            }
        };
        let checkpointer = move || {
            while commits.recv().is_ok() {
                thread::sleep(CHECKPOINT_DELAY);
                while commits.try_recv().is_ok() {}
                checkpoint(&mut checkpoints, "PASSIVE");
            }
        };
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(writer)
            .map_err(|error| failed("thread", &error))?;
        thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(checkpointer)
            .map_err(|error| failed("thread", &error))?;
        Ok(Self::Sqlite(Queue(jobs)))
    }
}

impl Queue {
    /// Jobs that wait.
    pub fn len(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }

    /// Runs `act` in a savepoint of the next commit and waits for that commit.
    pub async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let act = in_request(act);
        let job: Job = Box::new(move |conn| {
            let done = conn.transaction(act);
            Box::new(move |committed| {
                let _ = answer.send(committed.and(done));
            })
        });
        self.0.send(job).await.map_err(|_| Error::Unavailable)?;
        answered.await.map_err(|_| Error::Internal)?
    }
}

fn open(url: &DatabaseUrl) -> Result<Conn, Error> {
    let mut conn = url
        .open()
        .map_err(|error| failed("opening the database", &error))?;
    conn.batch_execute("PRAGMA wal_autocheckpoint = 0")?;
    Ok(conn)
}

fn write_batch(conn: &mut Conn, first: Job, waiting: &mut mpsc::Receiver<Job>) {
    let begun = match conn {
        Conn::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    };
    if let Err(error) = begun {
        // Dropping the job answers its caller with an error.
        failed("begin", &error);
        return;
    }
    let mut replies = vec![first(conn)];
    while replies.len() < BATCH
        && let Ok(job) = waiting.try_recv()
    {
        replies.push(job(conn));
    }
    let committed = match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::commit_transaction(conn),
    };
    let committed = committed.map_err(Error::from);
    for reply in replies {
        reply(committed.clone());
    }
}

fn checkpoint(conn: &mut Conn, mode: &str) {
    if let Err(error) = conn.batch_execute(&format!("PRAGMA wal_checkpoint({mode})")) {
        tracing::warn!(%error, "checkpoint failed");
    }
}
