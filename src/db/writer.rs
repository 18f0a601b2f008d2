//! The single writer of SQLite: a thread that takes jobs from a queue, so that writers wait in order.
//!
//! Jobs that wait together share one commit, each in its own savepoint. No job is answered before that commit. What
//! cannot run in a transaction runs between two commits.

use super::{
    Conn, DatabaseUrl, Pool,
    fault::{failed, unavailable},
    in_request,
};
use crate::error::Error;
use diesel::{
    connection::{AnsiTransactionManager, Connection, SimpleConnection, TransactionManager},
    result::QueryResult,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::mpsc as thread_channel,
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How many jobs the queue holds before callers must wait to add one.
const QUEUE: usize = 1_024;
/// The maximum number of jobs that share one commit.
const BATCH: usize = 64;
/// The size in bytes above which the write-ahead log is truncated.
const LARGEST_WAL: u64 = 64 << 20;
/// How long after a commit its pages are moved into the database file.
const CHECKPOINT_DELAY: Duration = Duration::from_millis(200);

type Transactions = <Conn as Connection>::TransactionManager;

/// What the database is written with.
#[derive(Clone)]
pub enum Writer {
    Sqlite(Queue),
    Postgres(Pool),
}

/// Sends the answer of a job when the outcome of its commit is known.
type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A write, and the caller that waits for it.
trait Job: Send {
    /// Runs in a savepoint. An error in the second value means that the whole transaction is lost.
    fn run(self: Box<Self>, conn: &mut Conn) -> (Reply, Result<(), Error>);

    /// Answers with an error without running.
    fn refuse(self: Box<Self>, error: Error);
}

/// What the writer thread takes from its queue.
enum Task {
    Write(Box<dyn Job>),
    /// Work that SQLite refuses inside a transaction.
    Maintain(Box<dyn FnOnce(&mut Conn) + Send>),
}

/// The queue of the SQLite writer thread. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub struct Queue(mpsc::Sender<Task>);

impl Writer {
    /// Starts the writer thread and the checkpoint thread.
    pub fn sqlite(url: DatabaseUrl, file: PathBuf) -> Result<Self, Error> {
        let mut conn = open(&url)?;
        let mut checkpoints = open(&url)?;
        let (tasks, mut waiting) = mpsc::channel::<Task>(QUEUE);
        let (committed, commits) = thread_channel::channel::<()>();

        let writer = move || {
            let mut wal = Wal::of(file);
            let mut next = None;
            while let Some(task) = next.take().or_else(|| waiting.blocking_recv()) {
                let written = catch_unwind(AssertUnwindSafe(|| match task {
                    Task::Write(job) => write_batch(&mut conn, job, &mut waiting, &mut next),
                    Task::Maintain(work) => {
                        work(&mut conn);
                        Ok(())
                    }
                }));
                if written.is_err() {
                    tracing::error!("the SQLite writer panicked; its batch was rolled back");
                }
                // After a failure the state of the connection is unknown, so a new one replaces it. Jobs are refused
                // until one can be opened.
                if !matches!(written, Ok(Ok(())))
                    && let Ok(fresh) = open(&url)
                {
                    conn = fresh;
                }
                wal.truncate_if_large(&mut conn);
                let _ = committed.send(());
            }
        };
        let checkpointer = move || {
            while commits.recv().is_ok() {
                thread::sleep(CHECKPOINT_DELAY);
                while commits.try_recv().is_ok() {}
                checkpoint(&mut checkpoints, "PRAGMA wal_checkpoint(PASSIVE)");
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
        Ok(Self::Sqlite(Queue(tasks)))
    }
}

impl Queue {
    /// Returns the number of waiting tasks.
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
        let job = Box::new(Act { act, answer });
        let sent = self.0.send(Task::Write(job)).await;
        sent.map_err(|_| Error::Unavailable)?;
        answered.await.map_err(|_| Error::Internal)?
    }

    /// Runs `work` between two commits, outside of any transaction. Writes wait for it.
    pub async fn maintain<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let task = Task::Maintain(Box::new(move |conn| {
            let _ = answer.send(work(conn));
        }));
        self.0.send(task).await.map_err(|_| Error::Unavailable)?;
        answered.await.map_err(|_| Error::Internal)?
    }
}

struct Act<T, F> {
    act: F,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Act<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> Result<T, Error> + Send,
{
    fn run(self: Box<Self>, conn: &mut Conn) -> (Reply, Result<(), Error>) {
        let Self { act, answer } = *self;
        let (done, transaction) = in_savepoint(conn, act);
        let reply = Box::new(move |committed: Result<(), Error>| {
            let _ = answer.send(committed.and(done));
        });
        (reply, transaction)
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}

/// Runs `act` in a savepoint. Returns its result, and an error if the transaction around it is lost.
///
/// SQLite rolls back the whole transaction when the disk is full or broken. Then there is no savepoint to return to,
/// and each later statement would be committed on its own.
fn in_savepoint<T>(
    conn: &mut Conn,
    act: impl FnOnce(&mut Conn) -> Result<T, Error>,
) -> (Result<T, Error>, Result<(), Error>) {
    if let Err(error) = Transactions::begin_transaction(conn) {
        let error = Error::from(error);
        return (Err(error.clone()), Err(error));
    }
    let done = act(conn);
    let closed = match done {
        Ok(_) => Transactions::commit_transaction(conn),
        Err(_) => Transactions::rollback_transaction(conn),
    };
    let transaction = closed.map_err(|error| match done {
        Err(Error::NoSpace) => Error::NoSpace,
        _ => unavailable(&error),
    });
    (done, transaction)
}

fn open(url: &DatabaseUrl) -> Result<Conn, Error> {
    let mut conn = url
        .open()
        .map_err(|error| failed("opening the database", &error))?;
    conn.batch_execute("PRAGMA wal_autocheckpoint = 0")?;
    Ok(conn)
}

/// Runs a job and those that wait behind it in one transaction, and answers all of them. A task that ends the batch
/// because it cannot be part of it becomes the next one. After an error nothing was written, and the connection may be
/// in any state.
fn write_batch(
    conn: &mut Conn,
    first: Box<dyn Job>,
    waiting: &mut mpsc::Receiver<Task>,
    next_task: &mut Option<Task>,
) -> Result<(), Error> {
    if let Err(error) = begin(conn) {
        let error = Error::from(error);
        first.refuse(error.clone());
        // The other jobs would wait just as long for the same error.
        while let Ok(task) = waiting.try_recv() {
            match task {
                Task::Write(job) => job.refuse(error.clone()),
                maintenance @ Task::Maintain(_) => {
                    *next_task = Some(maintenance);
                    break;
                }
            }
        }
        return Err(error);
    }
    let mut replies = Vec::new();
    let mut next = Some(first);
    let mut transaction = Ok(());
    while let Some(job) = next.take() {
        // The caller of a job that panics gets an error, because its answer channel is dropped.
        let Ok((reply, stands)) = catch_unwind(AssertUnwindSafe(|| job.run(conn))) else {
            tracing::error!("a write panicked; rolling back its batch");
            transaction = Err(Error::Unavailable);
            break;
        };
        replies.push(reply);
        transaction = stands;
        if transaction.is_ok() && replies.len() < BATCH {
            next = match waiting.try_recv() {
                Ok(Task::Write(job)) => Some(job),
                Ok(maintenance @ Task::Maintain(_)) => {
                    *next_task = Some(maintenance);
                    None
                }
                Err(_) => None,
            };
        }
    }
    let committed =
        transaction.and_then(|()| Transactions::commit_transaction(conn).map_err(Error::from));
    for reply in replies {
        reply(committed.clone());
    }
    committed
}

fn begin(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

/// The file of the write-ahead log.
struct Wal {
    file: PathBuf,
    /// The size in bytes above which it is truncated.
    limit: u64,
}

impl Wal {
    fn of(database: PathBuf) -> Self {
        let mut file = database.into_os_string();
        file.push("-wal");
        Self {
            file: file.into(),
            limit: LARGEST_WAL,
        }
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// Truncates the log if it has grown too large. A long read, such as a backup, may still need its contents. The
    /// writer does not wait for that, but tries again when the log has grown by as much again.
    fn truncate_if_large(&mut self, conn: &mut Conn) {
        if self.len() > self.limit {
            checkpoint(
                conn,
                "PRAGMA busy_timeout = 100; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 10000",
            );
            self.limit = self.len() + LARGEST_WAL;
        }
    }
}

fn checkpoint(conn: &mut Conn, pragmas: &str) {
    if let Err(error) = conn.batch_execute(pragmas) {
        tracing::warn!(%error, "could not checkpoint the write-ahead log");
    }
}
