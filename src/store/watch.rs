//! What is watched of the database: whether it answers, what waits in the outbox, its connections, its size.

use std::time::Duration;

use super::{Pool, Store, StoreError, read, tally};
use crate::{
    domain::{clock::Timestamp, delivery},
    telemetry::{
        Metrics,
        labels::{Connection, Pool as PoolName, Stage},
    },
};

/// Whoever watches does not wait longer for the database.
const PATIENCE: Duration = Duration::from_secs(1);
const OUTBOX: &str = "select stage, count(*), min(created_at) from deliveries \
                      where due_at is not null group by stage";

impl Store {
    /// The same database, counted in `metrics`.
    #[must_use]
    pub fn counted_in(self, metrics: Metrics) -> Self {
        Self(self.0, metrics, self.2)
    }

    pub fn metrics(&self) -> &Metrics {
        &self.1
    }

    /// Counts what the database failed.
    pub fn count_error(&self, error: &StoreError) {
        if let Some(fault) = tally::fault(error) {
            self.1.database_errors.count(fault);
        }
    }

    /// Brings the gauges up to date. When the database does not tell, they say so: what was true once may not be now.
    pub async fn observe(&self, now: Timestamp) {
        self.observe_connections();
        let look = async { Ok((self.outbox().await?, self.size().await?)) };
        let seen: Result<_, StoreError> = tokio::time::timeout(PATIENCE, look)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("it is too slow".to_owned())));
        let metrics = &self.1;
        match seen {
            Ok((stages, size)) => {
                metrics.database_up.set(1);
                metrics.outbox.set_all(0.0);
                for (stage, count, _) in &stages {
                    if let Some(stage) = stage_name(stage) {
                        metrics.outbox.set(stage, count_of(*count));
                    }
                }
                let oldest = stages.iter().map(|(.., created_at)| *created_at).min();
                let age = oldest.map(|at| Timestamp::from_millis(at).until(now));
                metrics
                    .outbox_oldest_age
                    .set(age.unwrap_or_default().as_secs_f64());
                metrics.database_size.set(count_of(size));
            }
            Err(error) => {
                self.count_error(&error);
                metrics.database_up.set(0);
                metrics.outbox.set_all(f64::NAN);
                metrics.outbox_oldest_age.set(f64::NAN);
                metrics.database_size.set(f64::NAN);
            }
        }
    }

    /// By stage: how many deliveries are not over, and when the oldest was made.
    async fn outbox(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        Ok(read!(self, pool => sqlx::query_as(OUTBOX).fetch_all(pool).await?))
    }

    async fn size(&self) -> Result<i64, StoreError> {
        let size = if self.is_sqlite() {
            "select page_count * page_size from pragma_page_count(), pragma_page_size()"
        } else {
            "select pg_database_size(current_database())"
        };
        Ok(read!(self, connection => sqlx::query_scalar(size).fetch_one(connection).await?))
    }

    fn observe_connections(&self) {
        let sizes = match &*self.0 {
            Pool::Sqlite {
                journal,
                writers,
                readers,
                snapshots,
                ..
            } => {
                // Of the two that write, only one can at a time: the journal's, or else it is held meanwhile.
                let idle = writers.num_idle() + usize::from(journal.try_lock().is_ok());
                let at_rest = readers.num_idle() + usize::from(!snapshots.is_busy());
                [
                    (PoolName::Writers, writers.size() + 1, idle),
                    (PoolName::Readers, readers.size() + 1, at_rest),
                ]
            }
            Pool::Postgres {
                writers, readers, ..
            } => {
                let (writers, readers) = (writers.pool(), readers.pool());
                [
                    (PoolName::Writers, writers.size(), writers.num_idle()),
                    (PoolName::Readers, readers.size(), readers.num_idle()),
                ]
            }
        };
        for (pool, size, idle) in sizes {
            let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
            let connections = &self.1.database_connections;
            connections.set(pool, Connection::Idle, f64::from(idle));
            connections.set(pool, Connection::Busy, f64::from(size - idle));
        }
    }
}

fn stage_name(word: &str) -> Option<Stage> {
    match delivery::Stage::parse(word)? {
        delivery::Stage::Waiting => Some(Stage::Waiting),
        delivery::Stage::Claimed => Some(Stage::Claimed),
        delivery::Stage::Unknown => Some(Stage::Unknown),
        delivery::Stage::Done => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody has as many rows or bytes"
)]
fn count_of(number: i64) -> f64 {
    number as f64
}
