//! Connections to PostgreSQL on loan. Its server may go silent without closing them: nobody may wait for such a server
//! without end, neither who uses a connection nor who gives one back, or the pool would be empty long after the server
//! answers again.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, timeout};

use super::StoreError;

/// How long a connection and a lock are waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// A server that needs longer to end a transaction, or to answer anything at all, loses the connection.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// What the journal used so lately is taken to be alive: a batch that finds its connection dead is run again.
pub(super) const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// A read is not run again, so each connection is tried first.
pub(super) const NEVER_TRUSTED: Duration = Duration::ZERO;

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    pool: PgPool,
    doubt: Doubt,
}

/// When a connection to the server was last found dead or silent. What has lain idle since before that is tried before it
/// is used.
#[derive(Clone, Default)]
pub(super) struct Doubt(Arc<Mutex<Option<Instant>>>);

/// Dropped, it goes back to its pool as soon as the server is done with it, or else is closed.
pub(super) struct Lease {
    /// Gone only while it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    state: State,
    doubt: Doubt,
}

/// What the server is left with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No transaction.
    Clean,
    /// A transaction that was not committed.
    Open,
    /// Nobody knows: it was told to begin or to commit, and has not answered.
    Doubtful,
}

impl Connections {
    /// At most `most`. Those that lay idle for longer than `trusted_for`, or are in doubt, are tried before they are used.
    pub(super) fn new(
        options: PgConnectOptions,
        most: u32,
        trusted_for: Duration,
        doubt: Doubt,
    ) -> Self {
        let known = doubt.clone();
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(move |connection, seen| {
                let is_trusted = seen.idle_for < trusted_for && !known.is_older(seen.idle_for);
                Box::pin(async move {
                    if !is_trusted {
                        answers(connection).await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Self { pool, doubt }
    }

    /// One that answers, if it can be had in time.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        Ok(Lease {
            connection: Some(self.pool.acquire().await?),
            state: State::Clean,
            doubt: self.doubt.clone(),
        })
    }

    /// The same, with a transaction begun.
    pub(super) async fn begin(&self) -> Result<Lease, StoreError> {
        let mut lease = self.lease().await?;
        lease.state = State::Doubtful;
        lease.execute("begin").await?;
        lease.state = State::Open;
        Ok(lease)
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// A connection for a read.
pub(super) async fn read(connections: &Connections) -> Result<Lease, StoreError> {
    connections.lease().await
}

/// The same, for the read of a whole table: it has more time, and does not go row by row through an index.
pub(super) async fn long_read(connections: &Connections) -> Result<Lease, StoreError> {
    let mut lease = connections.begin().await?;
    lease
        .execute("set local statement_timeout = '60s'; set local enable_seqscan = on")
        .await?;
    Ok(lease)
}

async fn answers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let silent = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
    timeout(ANSWERS_WITHIN, connection.ping())
        .await
        .unwrap_or_else(silent)
}

impl Doubt {
    fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether what has been idle for so long was so already when the doubt arose.
    fn is_older(&self, idle_for: Duration) -> bool {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.is_some_and(|at| at.elapsed() < idle_for)
    }
}

impl Lease {
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.state = State::Doubtful;
        self.execute("commit").await?;
        self.state = State::Clean;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let doubt = self.doubt.clone();
        match self.state {
            State::Clean => drop(tokio::spawn(give_back(connection, doubt))),
            State::Open => drop(tokio::spawn(roll_back(connection, doubt))),
            State::Doubtful => close(connection, &doubt),
        }
    }
}

async fn roll_back(mut connection: PoolConnection<Postgres>, doubt: Doubt) {
    match timeout(ANSWERS_WITHIN, connection.execute("rollback")).await {
        Ok(Ok(_)) => give_back(connection, doubt).await,
        Ok(Err(_)) | Err(_) => close(connection, &doubt),
    }
}

/// The pool tries the connection first, and does not limit by itself how long that may take.
async fn give_back(mut connection: PoolConnection<Postgres>, doubt: Doubt) {
    let given = timeout(ANSWERS_WITHIN, connection.return_to_pool()).await;
    if given.is_err() {
        doubt.raise();
    }
}

/// Without a word to the server, which takes back what it has not committed.
fn close(connection: PoolConnection<Postgres>, doubt: &Doubt) {
    drop(connection.detach());
    doubt.raise();
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect(LENT)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect(LENT)
    }
}

const LENT: &str = "only dropping takes the connection";
