//! Whether the database takes what the service writes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Pool, Store, StoreError, on, patience};
use crate::domain::clock::Timestamp;

/// What became of the last change.
#[derive(Default)]
pub(super) struct Standing {
    was_refused: AtomicBool,
}

/// It takes room, which an update of a row does not. Nobody ever sees it.
const NEW_PAGES: &str = "insert into tenants (name, policy, created_at, updated_at) \
                         select '', string_agg(md5(i::text), ''), 0, 0 from generate_series(1, 2048) i";

impl Store {
    /// Changes were committed.
    pub(super) fn wrote(&self) {
        self.2.was_refused.store(false, Ordering::Relaxed);
    }

    /// Changes could not be written, or nobody knows.
    pub(super) fn was_refused(&self) {
        self.2.was_refused.store(true, Ordering::Relaxed);
    }

    /// Whether the last change that somebody wanted was refused by the database, and none was made since.
    pub fn refuses_changes(&self) -> bool {
        self.2.was_refused.load(Ordering::Relaxed)
    }

    /// Whether the database takes writes: it is given one, and nothing less shows a full disk. A write that changes nothing
    /// would not do, since SQLite leaves it out.
    pub async fn is_writable(&self, now: Timestamp) -> Result<(), StoreError> {
        patience::housekeeping(async {
            if self.refuses_changes() {
                self.has_room().await?;
            }
            let mut tx = self.begin().await?;
            on!(&mut tx, connection => {
                sqlx::query("update clock set now = $1 where id = 1 and now < $1")
                    .bind(now.as_millis())
                    .execute(connection)
                    .await?;
            });
            tx.commit().await
        })
        .await?;
        self.wrote();
        Ok(())
    }

    /// On a full disk PostgreSQL goes on updating rows. SQLite writes everything to the end of its log first.
    async fn has_room(&self) -> Result<(), StoreError> {
        if let Pool::Postgres { writers, .. } = &*self.0 {
            let mut rolled_back = writers.begin().await?;
            sqlx::query(NEW_PAGES).execute(&mut *rolled_back).await?;
        }
        Ok(())
    }
}
