//! Access to either database: connections, reads, and the only way to write.
//!
//! A write is one transaction. On SQLite it takes the write lock at its start, in a single writer thread (`writer`); on
//! PostgreSQL it uses a pool of writers. Both have a separate pool of readers, so that a write that waits for a lock
//! does not block reads.

pub mod bulk;
mod cached;
mod conn;
mod fault;
mod fragment;
mod keyset;
mod like;
pub mod migrations;
pub mod purge;
mod serving;
mod timestamp;
pub mod together;
mod url;
mod writer;

pub use cached::CacheStatement;
pub use conn::{Conn, Dialect, open_sqlite};
pub use fragment::Fragment;
pub use keyset::{Column, Keyset, SortKey, SortOrder, encode as cursor};
pub use like::{beginning, containing};
pub use serving::lock_for_server;
pub(crate) use together::execute_together;
pub use url::DatabaseUrl;

use crate::error::Error;
use deadpool::{
    Status,
    managed::{Metrics, Object, PoolError, RecycleError, RecycleResult, TimeoutType},
};
use diesel::{
    connection::{Connection, SimpleConnection, TransactionManager},
    prelude::*,
    result::Error as DieselError,
    sql_types::Text,
};
use fault::{busy, failed, unavailable};
use std::{iter, time::Duration};
use tokio::sync::oneshot;
use writer::Writer;

/// How long a request waits for a connection to the database.
const WAIT: Duration = Duration::from_secs(6);
/// How long after its last use a connection is taken without a test query. PostgreSQL may have gone away later.
const ALIVE: Duration = Duration::from_secs(1);

/// A handle to the database that is cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Pool,
    writer: Writer,
}

type Pool = deadpool::managed::Pool<Manager>;

impl Db {
    /// Connects to a database, which must exist and be migrated. With PostgreSQL, half of the connections read and half
    /// write, at least one each.
    pub fn connect(url: &DatabaseUrl, connections: usize) -> Result<Self, Error> {
        let pool = |connections: usize| {
            Pool::builder(Manager::new(url.clone()))
                .max_size(connections.max(1))
                .runtime(deadpool::Runtime::Tokio1)
                .wait_timeout(Some(WAIT))
                .create_timeout(Some(WAIT))
                .build()
                .map_err(|error| failed("pool", &error))
        };
        let (readers, writer) = match url {
            DatabaseUrl::Sqlite(path) => (
                pool(connections)?,
                Writer::sqlite(url.clone(), path.clone())?,
            ),
            DatabaseUrl::Postgres(_) => (
                pool(connections.div_ceil(2))?,
                Writer::Postgres(pool(connections / 2)?),
            ),
        };
        Ok(Self { readers, writer })
    }

    /// Returns how busy the database is at the moment.
    pub fn load(&self) -> Load {
        let (writers, queued) = match &self.writer {
            Writer::Sqlite(queue) => (None, Some(queue.len())),
            Writer::Postgres(pool) => (Some(pool.status()), None),
        };
        let pools = || iter::once(self.readers.status()).chain(writers);
        let sum = |count: fn(Status) -> usize| pools().map(count).sum();
        Load {
            most: sum(|pool| pool.max_size),
            open: sum(|pool| pool.size),
            idle: sum(|pool| pool.available),
            waiting: sum(|pool| pool.waiting),
            queued,
        }
    }

    /// Returns whether the database has every migration that this program knows.
    pub async fn has_schema(&self) -> Result<bool, Error> {
        self.read(|conn| {
            let ran: Vec<String> =
                diesel::sql_query("SELECT version FROM __diesel_schema_migrations")
                    .load::<MigrationRow>(conn)?
                    .into_iter()
                    .map(|row| row.version)
                    .collect();
            Ok(migrations::pending(&ran).is_none())
        })
        .await
    }

    /// Runs queries that change nothing.
    pub async fn read<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        interact(&self.readers, queries).await
    }

    /// Runs queries that find a few rows by their keys.
    ///
    /// With SQLite they run on the thread of the caller, because another thread takes longer to start than they take.
    /// They wait for no lock: a reader sees the last commit.
    pub async fn look_up<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if matches!(self.writer, Writer::Postgres(_)) {
            return self.read(queries).await;
        }
        let conn = connection(&self.readers).await?;
        let found = match conn.lock() {
            Ok(mut conn) => queries(&mut conn),
            Err(error) => return Err(failed("database connection", &error)),
        };
        if matches!(found, Err(Error::Unavailable)) {
            drop(Object::take(conn));
        }
        found
    }

    /// Runs one write transaction. After `Ok` all of it is on disk; after an error nothing of it, except that
    /// `Error::Unavailable` may mean that the outcome of the commit is unknown.
    pub async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.writer {
            Writer::Sqlite(queue) => queue.run(act).await,
            Writer::Postgres(pool) => interact(pool, |conn| conn.transaction(act)).await,
        }
    }
}

impl Db {
    /// Rewrites the files of a SQLite database if something was erased since they were rewritten last, so that no byte
    /// of it is left in them. Other writes wait meanwhile. PostgreSQL reuses the space by itself, and its dumps never
    /// contain it.
    pub async fn purge(&self) -> Result<(), Error> {
        let Writer::Sqlite(writer) = &self.writer else {
            return Ok(());
        };
        if !self.read(purge::is_due).await? {
            return Ok(());
        }
        let erased = writer.maintain(purge::rewrite).await?;
        let url = self.readers.manager().url.clone();
        tokio::task::spawn_blocking(move || {
            let mut conn = url.open().map_err(|error| unavailable(&error))?;
            purge::empty_log(&mut conn)
        })
        .await
        .map_err(|error| failed("database task", &error))??;
        writer.run(|conn| purge::mark(conn, erased)).await
    }
}

/// How busy the database is.
pub struct Load {
    /// The maximum number of connections in the pools.
    pub most: usize,
    pub open: usize,
    pub idle: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// Writes that wait for the writer thread; only with SQLite.
    pub queued: Option<usize>,
}

#[derive(QueryableByName)]
struct MigrationRow {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Wraps work for another thread, so that it logs in the span of the current request.
fn in_request<A: ?Sized, T>(
    work: impl FnOnce(&mut A) -> T + Send,
) -> impl FnOnce(&mut A) -> T + Send {
    let request = tracing::Span::current();
    move |with| request.in_scope(|| work(with))
}

/// Work on a connection. Returns whether the connection may be dead.
type Work = Box<dyn FnOnce(&mut Conn) -> bool + Send>;

async fn interact<T: Send + 'static>(
    pool: &Pool,
    work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let work = in_request(work);
    let work = move |conn: &mut Conn| {
        let done = work(conn);
        let may_be_dead = matches!(done, Err(Error::Unavailable));
        let _ = answer.send(done);
        may_be_dead
    };
    run(pool, Box::new(work)).await?;
    answered.await.map_err(|_| Error::Internal)?
}

/// Takes a connection out of a pool.
async fn connection(pool: &Pool) -> Result<Object<Manager>, Error> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(TimeoutType::Wait) => busy(&error),
        _ => unavailable(&error),
    })
}

/// Runs work with a connection of a pool on another thread. Not generic, because it would be compiled for each query.
async fn run(pool: &Pool, work: Work) -> Result<(), Error> {
    let conn = connection(pool).await?;
    // The work keeps its connection until it ends, even if the request is dropped.
    let done = tokio::task::spawn_blocking(move || {
        let may_be_dead = match conn.lock() {
            Ok(mut conn) => work(&mut conn),
            Err(error) => return Err(failed("database connection", &error)),
        };
        if may_be_dead {
            // It would not be tested before its next use.
            drop(Object::take(conn));
        }
        Ok(())
    });
    done.await
        .map_err(|error| failed("database task", &error))?
}

/// Takes an advisory lock on a name until the end of the transaction, so that transactions with the same name run one
/// after another.
///
/// SQLite has only one writer at a time anyway.
pub fn lock_name(conn: &mut Conn, name: &str) -> Result<(), Error> {
    if let Conn::Postgres(conn) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(name)
            .cached()
            .execute(conn)?;
    }
    Ok(())
}

/// Takes a shared advisory lock on a name. Transactions that share a name run side by side, but wait for a transaction
/// that holds it by [`lock_name`].
pub fn lock_name_shared(conn: &mut Conn, name: &str) -> Result<(), Error> {
    if let Conn::Postgres(conn) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))")
            .bind::<Text, _>(name)
            .cached()
            .execute(conn)?;
    }
    Ok(())
}

/// Loads rows by `first` or `load`, and locks them until the end of the transaction. SQLite has a single writer and
/// needs no lock.
macro_rules! load_locked {
    ($conn:expr, $rows:expr, $load:ident) => {
        match $conn {
            $crate::db::Conn::Postgres(conn) => $rows.for_no_key_update().$load(conn),
            $crate::db::Conn::Sqlite(conn) => $rows.$load(conn),
        }
    };
}
pub(crate) use load_locked;

/// Keeps others from writing to a table until the end of the transaction. They may still read.
///
/// In the lock order, it comes before rows and names, like [`wait_for_table_lock`].
pub fn lock_table(conn: &mut Conn, table: &'static str) -> Result<(), Error> {
    if let Conn::Postgres(conn) = conn {
        conn.batch_execute(&format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))?;
    }
    Ok(())
}

/// Waits until no other transaction holds a table by [`lock_table`]. A transaction calls this before it locks the name
/// of a row that it is about to add. Otherwise the holder of the table could deadlock on that name, or add the same
/// name unnoticed.
pub fn wait_for_table_lock(conn: &mut Conn, table: &'static str) -> Result<(), Error> {
    if let Conn::Postgres(conn) = conn {
        conn.batch_execute(&format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE"))?;
    }
    Ok(())
}

/// Runs queries that change nothing in one snapshot, so that all of them see the same moment.
pub fn snapshot<T, E: From<DieselError>>(
    conn: &mut Conn,
    queries: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    conn.transaction(|conn| {
        if let Conn::Postgres(conn) = conn {
            conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        }
        queries(conn)
    })
}

/// Opens the connections of a pool to the database in the URL.
struct Manager {
    url: DatabaseUrl,
    validator: deadpool_diesel::Manager<Conn>,
}

impl Manager {
    fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            validator: deadpool_diesel::Manager::new("", deadpool_diesel::Runtime::Tokio1),
        }
    }
}

impl deadpool::managed::Manager for Manager {
    type Type = deadpool_diesel::Connection<Conn>;
    type Error = deadpool_diesel::Error;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        let url = self.url.clone();
        deadpool_diesel::Connection::new(deadpool_diesel::Runtime::Tokio1, move || {
            url.open_pooled().map_err(Into::into)
        })
        .await
    }

    async fn recycle(
        &self,
        conn: &mut Self::Type,
        metrics: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if matches!(self.url, DatabaseUrl::Sqlite(_)) || metrics.last_used() < ALIVE {
            let is_broken = conn.lock().is_ok_and(|mut conn| {
                <Conn as Connection>::TransactionManager::is_broken_transaction_manager(&mut conn)
            });
            return if is_broken || conn.is_mutex_poisoned() {
                Err(RecycleError::message("a transaction was left open"))
            } else {
                Ok(())
            };
        }
        deadpool::managed::Manager::recycle(&self.validator, conn, metrics).await
    }
}
