//! All SQL. One `Store`, two databases, the same tables; what differs between them is in `record.rs` and `open.rs`.

mod asks;
mod batch;
mod budgets;
mod columns;
mod counters;
mod deliveries;
mod fallbacks;
mod housekeeping;
mod idempotency;
mod journal;
mod keys;
mod open;
mod origins;
mod policy;
#[cfg(test)]
mod read_back;
mod reads;
mod record;
mod riding;
mod sqlite_file;
mod started;
mod tally;
mod tenants;
mod upgrade;
mod verifications;
mod watch;

use std::sync::Arc;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use thiserror::Error;

use crate::{domain::clock::Timestamp, telemetry::Metrics};

pub use housekeeping::{Claimed, SetAside};
pub use journal::Journal;
pub use keys::{ApiKeyRecord, Caller};
pub use reads::Snapshot;
pub use started::Started;
pub use tally::channel_label;
pub use tenants::Directory;

use sqlite_file::SqliteFile;

/// Longer than a connection and a lock are waited for, so that their own errors come first.
const BEGIN_WITHIN: std::time::Duration = std::time::Duration::from_secs(7);

/// The open database, and where it is counted what becomes of what is asked of it. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Pool>, Metrics);

enum Pool {
    /// One writer, since SQLite has one; readers do not wait for it.
    Sqlite {
        file: SqliteFile,
        writers: SqlitePool,
        readers: SqlitePool,
    },
    /// Writers run a batch again when they find their connection dead; readers try it before they use it.
    Postgres { writers: PgPool, readers: PgPool },
}

/// A transaction that may write.
enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be asked now, or what it did cannot be known.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection broke: what was not committed is gone, and another connection may do.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// Too many commands wait already.
    #[error("too many commands are waiting for the database")]
    Full,
    /// A row does not read as what we write.
    #[error("a row of {table} is damaged: {what}")]
    Damaged {
        table: &'static str,
        what: &'static str,
    },
    /// A row holds a word that this program does not know: a newer version, beside us during an upgrade, can read it.
    #[error("a row of {table} was written by a newer version: {what}")]
    Newer {
        table: &'static str,
        what: &'static str,
    },
    /// Another transaction was in the way: run it again.
    #[error("the database asked to run the transaction again")]
    Again,
    #[error("the database refused a statement: {0}")]
    Refused(#[source] sqlx::Error),
    #[error("cannot open {database}: {reason}")]
    NotOpened { database: String, reason: String },
    #[error("the schema cannot be brought up to date: {0}")]
    Migration(String),
}

/// Runs one query on whichever database is open.
macro_rules! on {
    ($tx:expr, $connection:ident => $query:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $query
            }
            $crate::store::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $query
            }
        }
    };
}
/// Runs one read, outside any transaction, on whichever database is open.
macro_rules! read {
    ($store:expr, $pool:ident => $query:expr) => {
        match &*$store.0 {
            $crate::store::Pool::Sqlite { readers: $pool, .. } => $query,
            $crate::store::Pool::Postgres { readers: $pool, .. } => $query,
        }
    };
}
use {on, read};

impl Store {
    /// Opens a transaction that may write: on SQLite at once with the write lock, so that it cannot fail half-way.
    async fn begin(&self) -> Result<Tx, StoreError> {
        // A server that has gone silent does not even answer this.
        let begin = async { self.begin_now().await };
        tokio::time::timeout(BEGIN_WITHIN, begin)
            .await
            .unwrap_or_else(|_| {
                Err(StoreError::Unavailable(
                    "it does not answer in time".to_owned(),
                ))
            })
    }

    async fn begin_now(&self) -> Result<Tx, StoreError> {
        Ok(match &*self.0 {
            Pool::Sqlite { file, writers, .. } => {
                file.check()?;
                Tx::Sqlite(writers.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pool::Postgres { writers, .. } => Tx::Postgres(writers.begin().await?),
        })
    }

    fn is_sqlite(&self) -> bool {
        matches!(&*self.0, Pool::Sqlite { .. })
    }
}

impl Tx {
    /// Ids that `sql` finds due, at most `most`. Replicas share such work: on PostgreSQL each locks what it finds, and
    /// skips what another is just taking.
    async fn lock_due(
        &mut self,
        sql: &'static str,
        most: i64,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlx::query_scalar(sql)
                    .bind(now.as_millis())
                    .bind(most)
                    .fetch_all(&mut **tx)
                    .await?
            }
            Self::Postgres(tx) => {
                let sql = sqlx::AssertSqlSafe(format!("{sql} for update skip locked"));
                sqlx::query_scalar(sql)
                    .bind(now.as_millis())
                    .bind(most)
                    .fetch_all(&mut **tx)
                    .await?
            }
        })
    }

    async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl From<sqlx::Error> for StoreError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum may grow, and what is new is no outage"
    )]
    fn from(error: sqlx::Error) -> Self {
        // A statement or a value is never part of these texts; the values are bound.
        match &error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // Serialization failure, deadlock.
                Some("40001" | "40P01") => Self::Again,
                // The server ends our connection: it shuts down, or another of its processes crashed.
                Some("57P01" | "57P02") => Self::Lost(database.message().to_owned()),
                // Starting up, too many connections, a time-out of ours, disk full, read-only; or the database is gone,
                // takes no connections, or no longer takes ours.
                Some(
                    "57P03" | "53300" | "55P03" | "57014" | "25P03" | "53100" | "25006" | "3D000"
                    | "55000" | "28000" | "28P01",
                ) => Self::Unavailable(database.message().to_owned()),
                // SQLite: busy, locked, I/O error, full, cannot open, read-only.
                Some(code) if is_sqlite_outage(code) => {
                    Self::Unavailable(database.message().to_owned())
                }
                _ => Self::Refused(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Lost(error.to_string()),
            sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unavailable(error.to_string())
            }
            // Everything else is a fault of ours: a statement, a type, a row.
            _ => Self::Refused(error),
        }
    }
}

/// Whether a result code of SQLite (its low byte) says that the database cannot be used now.
fn is_sqlite_outage(code: &str) -> bool {
    const OUTAGES: [i32; 7] = [5, 6, 8, 10, 13, 14, 15];
    code.len() < 5
        && code
            .parse::<i32>()
            .is_ok_and(|code| OUTAGES.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_sqlite_is_told_from_a_fault_of_ours() {
        assert!(
            is_sqlite_outage("5")
                && is_sqlite_outage("261")
                && is_sqlite_outage("13")
                && is_sqlite_outage("778")
        );
        assert!(!is_sqlite_outage("19") && !is_sqlite_outage("23505") && !is_sqlite_outage("2067"));
    }
}
