//! All SQL. One `Store`, two databases, the same tables; what differs between them is in `batch_tx.rs`,
//! `record.rs`, `open.rs` and `upgrade.rs`.

mod answers;
mod apart;
mod asks;
mod batch;
mod batch_tx;
mod budgets;
mod checkpoints;
mod columns;
mod counters;
mod deliveries;
mod direct;
mod disowned;
mod fallbacks;
mod fate;
mod gathering;
mod housekeeping;
mod idempotency;
mod journal;
mod keys;
mod late;
mod lease;
mod loading;
mod open;
mod origins;
mod overdue;
mod patience;
mod policy;
#[cfg(test)]
mod read_back;
mod reads;
mod record;
mod riding;
mod snapshots;
mod sqlite_file;
mod standing;
mod started;
mod tally;
mod tenants;
mod unused;
mod upgrade;
mod verifications;
mod watch;
mod writing;

use std::sync::Arc;

use direct::Direct;
use sqlx::{Sqlite, SqlitePool, Transaction};
use thiserror::Error;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{domain::clock::Timestamp, telemetry::Metrics};

pub use housekeeping::{Claimed, SetAside};
pub use journal::Journal;
pub use keys::{ApiKeyRecord, Caller};
pub use snapshots::Snapshot;
pub use started::Started;
pub use tally::channel_label;
pub use tenants::Directory;
pub use unused::Stretch;

use lease::{Connections, Lease};
use snapshots::Snapshots;
use sqlite_file::SqliteFile;
use standing::Standing;

/// The open database, and where it is counted what becomes of what is asked of it. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Pool>, Metrics, Arc<Standing>);

enum Pool {
    /// One writer, since SQLite has one; readers do not wait for it.
    Sqlite {
        file: SqliteFile,
        /// The journal's connection. Whoever writes on another one holds it meanwhile: they would wait for each other
        /// anyway, and SQLite does so by sleeping.
        journal: Arc<Mutex<Direct>>,
        writers: SqlitePool,
        readers: SqlitePool,
        snapshots: Snapshots,
    },
    /// A batch that finds its connection dead is run again.
    Postgres {
        writers: Connections,
        readers: Connections,
        snapshots: Snapshots,
    },
}

/// A transaction that may write.
enum Tx {
    Sqlite {
        tx: Transaction<'static, Sqlite>,
        _journal: OwnedMutexGuard<Direct>,
    },
    Postgres(Lease),
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
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot open {database}: {reason}")]
    NotOpened { database: String, reason: String },
    #[error("the schema cannot be brought up to date: {0}")]
    Migration(String),
}

impl StoreError {
    /// Whether a single row is what it is about: others can be read and written.
    pub fn is_of_a_row(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Newer { .. } | Self::Refused(_) => true,
            Self::Unavailable(_)
            | Self::Lost(_)
            | Self::Full
            | Self::Again
            | Self::NotOpened { .. }
            | Self::Migration(_) => false,
        }
    }
}

/// Runs one query on whichever database is open.
macro_rules! on {
    ($tx:expr, $connection:ident => $query:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite { tx, .. } => {
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
/// Runs one read, outside any transaction, on whichever database is open. It takes no longer than `$patience` gives it.
macro_rules! read {
    ($store:expr, $connection:ident => $query:expr) => {
        $crate::store::read!($store, read, $connection => $query)
    };
    ($store:expr, $patience:ident, $connection:ident => $query:expr) => {
        match &*$store.0 {
            $crate::store::Pool::Sqlite { readers: $connection, .. } => {
                $crate::store::patience::$patience(async { Ok($query) }).await?
            }
            $crate::store::Pool::Postgres { readers, .. } => {
                $crate::store::patience::$patience(async {
                    let mut lease = $crate::store::lease::$patience(readers).await?;
                    let $connection = &mut *lease;
                    Ok($query)
                })
                .await?
            }
        }
    };
}
use {on, read};

impl Store {
    /// Opens a transaction that may write: on SQLite at once with the write lock, so that it cannot fail half-way.
    /// It does not limit how long that takes: whoever begins limits all of it, by `patience`.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &*self.0 {
            Pool::Sqlite {
                file,
                journal,
                writers,
                ..
            } => {
                let journal = journal.clone().lock_owned().await;
                file.check()?;
                let tx = writers.begin_with("BEGIN IMMEDIATE").await?;
                Tx::Sqlite {
                    tx,
                    _journal: journal,
                }
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
            Self::Sqlite { tx, .. } => {
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

    /// Sets an instant in rows of a table, by `update`, which names both.
    async fn set(
        &mut self,
        update: &'static str,
        at: Option<Timestamp>,
        ids: &[impl AsRef<[u8]>],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let at = at.map(Timestamp::as_millis);
        match self {
            Self::Sqlite { tx, .. } => {
                let sql =
                    format!("{update} = $1 where id in (select unhex(value) from json_each($2))");
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(at)
                    .bind(record::json_keys(ids))
                    .execute(&mut **tx)
                    .await?;
            }
            Self::Postgres(tx) => {
                let sql = format!("{update} = $1 where id = any($2)");
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(at)
                    .bind(record::array_keys(ids))
                    .execute(&mut **tx)
                    .await?;
            }
        }
        Ok(())
    }

    async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { tx, .. } => tx.commit().await?,
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
                Some(code) if is_postgres_outage(code) || is_sqlite_text(code) => {
                    Self::Unavailable(database.message().to_owned())
                }
                _ => Self::Refused(Box::new(error)),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Lost(error.to_string()),
            sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unavailable(error.to_string())
            }
            // Everything else is a fault of ours: a statement, a type, a row.
            _ => Self::Refused(Box::new(error)),
        }
    }
}

/// Whether a SQLSTATE says that the database cannot be used now.
fn is_postgres_outage(code: &str) -> bool {
    // A time-out of ours, or it is read-only, gone, takes no connections, or no longer takes ours.
    const OUTAGES: [&str; 7] = [
        "55P03", "25P03", "25006", "3D000", "55000", "28000", "28P01",
    ];
    // The connection (a pooler tells so), connections, memory and disk, the operator, the system, a damaged file.
    const KINDS: [&str; 5] = ["08", "53", "57", "58", "XX001"];
    code.len() == 5 && (OUTAGES.contains(&code) || KINDS.iter().any(|kind| code.starts_with(kind)))
}

/// The same, of SQLite, whose codes come as text. A SQLSTATE may look like one, but has five characters.
fn is_sqlite_text(code: &str) -> bool {
    code.len() < 5 && code.parse().is_ok_and(is_sqlite_outage)
}

/// Whether a result code of SQLite (its low byte) says that the database cannot be used now.
fn is_sqlite_outage(code: i32) -> bool {
    // Permission, busy, locked, memory, read-only, I/O error, damaged, full, cannot open, locking protocol, no database.
    matches!(code & 0xff, 3 | 5..=8 | 10 | 11 | 13..=15 | 26)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_sqlite_is_told_from_a_fault_of_ours() {
        assert!(
            is_sqlite_text("5")
                && is_sqlite_text("261")
                && is_sqlite_text("13")
                && is_sqlite_text("778")
        );
        assert!(!is_sqlite_text("19") && !is_sqlite_text("23505") && !is_sqlite_text("2067"));
    }

    #[test]
    fn an_outage_of_postgresql_is_told_from_a_fault_of_ours() {
        for outage in [
            "53100", "53300", "57P03", "57014", "58030", "08P01", "25006",
        ] {
            assert!(is_postgres_outage(outage), "{outage}");
        }
        for fault in ["42703", "23505", "22P02", "XX000", "5", "13"] {
            assert!(!is_postgres_outage(fault), "{fault}");
        }
    }
}
