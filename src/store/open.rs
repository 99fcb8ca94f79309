//! Opening a database, and the steps of its schema.

use std::{
    fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, str::FromStr as _, sync::Arc,
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Mutex;

use super::{
    Pool, Store, StoreError,
    checkpoints::WAL_PAGES,
    direct::Direct,
    lease::{Connections, Doubt, NEVER_TRUSTED, PATIENCE, TRUSTED_FOR},
    snapshots::{Reader, Snapshots},
    sqlite_file::SqliteFile,
};
use crate::telemetry::Metrics;

const READERS: u32 = 6;
/// The writers of the journal, and some to spare for housekeeping.
const POSTGRES_WRITERS: u32 = 6;

impl Store {
    /// Opens a SQLite file, or creates it, readable by its owner only.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(sqlite(path).await?))
    }

    /// Opens a PostgreSQL database by its URL.
    pub async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self::of(postgres(url).await?))
    }

    fn of(pool: Pool) -> Self {
        Self(Arc::new(pool), Metrics::default(), Arc::default())
    }

    pub async fn close(&self) {
        match &*self.0 {
            Pool::Sqlite {
                journal,
                writers,
                readers,
                snapshots,
                ..
            } => {
                let closed = journal.lock().await.close();
                // What copies its log may wait for the disk.
                let _ = tokio::task::spawn_blocking(|| drop(closed)).await;
                snapshots.close().await;
                readers.close().await;
                writers.close().await;
            }
            Pool::Postgres {
                writers, readers, ..
            } => {
                readers.pool().close().await;
                writers.pool().close().await;
            }
        }
    }
}

pub(super) const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_init.sql"),
    include_str!("../../migrations/sqlite/0002_message.sql"),
    include_str!("../../migrations/sqlite/0003_receipts.sql"),
    include_str!("../../migrations/sqlite/0004_calls.sql"),
    include_str!("../../migrations/sqlite/0005_idempotency.sql"),
    include_str!("../../migrations/sqlite/0006_room.sql"),
    include_str!("../../migrations/sqlite/0007_follow_up.sql"),
    include_str!("../../migrations/sqlite/0008_ended.sql"),
];
pub(super) const POSTGRES: &[&str] = &[
    include_str!("../../migrations/postgres/0001_init.sql"),
    include_str!("../../migrations/postgres/0002_message.sql"),
    include_str!("../../migrations/postgres/0003_receipts.sql"),
    include_str!("../../migrations/postgres/0004_calls.sql"),
    include_str!("../../migrations/postgres/0005_idempotency.sql"),
    include_str!("../../migrations/postgres/0006_room.sql"),
    include_str!("../../migrations/postgres/0007_follow_up.sql"),
    include_str!("../../migrations/postgres/0008_ended.sql"),
];

async fn sqlite(path: &Path) -> Result<Pool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // Every commit reaches the disk before it is answered.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        // What is erased leaves no trace in the file.
        .pragma("secure_delete", "on")
        // Nor in a temporary file beside it: statement journals hold old pages, and cost a file for every batch.
        .pragma("temp_store", "memory")
        .pragma("trusted_schema", "off")
        // The journal sees to the log, without holding anybody up. This is for when it has nothing to write.
        .pragma("wal_autocheckpoint", (4 * WAL_PAGES).to_string())
        .disable_statement_logging();
    create_private(path)?;
    let writers = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_at_rest(connection)))
        .connect_with(options.clone())
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .connect_lazy_with(options.pragma("query_only", "on"));
    let file = SqliteFile::of(path)?;
    let journal = Direct::open(path, PATIENCE)?;
    let snapshots = Snapshots::start(Reader::of_sqlite(path.to_owned()))?;
    Ok(Pool::Sqlite {
        file,
        journal: Arc::new(Mutex::new(journal)),
        writers,
        readers,
        snapshots,
    })
}

/// Whether a connection can be used again. When SQLite cannot write a commit to the disk it takes the transaction back
/// by itself, which sqlx does not learn of: it would refuse to begin another, for ever.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // What was dropped is being taken back; this waits for it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// SQLite gives its -wal and -shm files the mode of the database, so it suffices to create that one privately.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Unavailable(error.to_string());
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn postgres(url: &str) -> Result<Pool, StoreError> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("countersign")
        .options([
            // What is answered is durable, whatever the server's default.
            ("synchronous_commit", "on"),
            ("statement_timeout", "4s"),
            ("lock_timeout", "3s"),
            ("idle_in_transaction_session_timeout", "10s"),
            // Rows are asked for by their keys. A plan that was made while a table was small would go on reading all of
            // it, until statistics are gathered that tell otherwise.
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            // Nor is a plan made anew, which would find out the same.
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
        ])
        .disable_statement_logging();
    let doubt = Doubt::default();
    let writers = Connections::new(
        options.clone(),
        POSTGRES_WRITERS,
        TRUSTED_FOR,
        doubt.clone(),
    );
    match writers.lease().await {
        Ok(_) => {}
        Err(StoreError::Unavailable(_)) => return Err(why_not(options).await),
        Err(error) => return Err(error),
    }
    let readers = Connections::new(options, READERS, NEVER_TRUSTED, doubt);
    let snapshots = Snapshots::start(Reader::Postgres(readers.clone()))?;
    Ok(Pool::Postgres {
        writers,
        readers,
        snapshots,
    })
}

/// Why no connection could be made: the pool tells only that it waited in vain.
async fn why_not(options: PgConnectOptions) -> StoreError {
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(_)) | Err(_) => StoreError::Unavailable("it does not answer in time".to_owned()),
    }
}
