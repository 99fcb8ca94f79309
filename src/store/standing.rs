//! Whether the database takes what the service writes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Pool, Store, StoreError, on, patience};
use crate::domain::clock::Timestamp;

/// What became of the last changes.
#[derive(Default)]
pub(super) struct Standing {
    was_refused: AtomicBool,
    /// Since then nothing was written that takes room: changes of rows that are there say nothing of it.
    may_lack_room: AtomicBool,
}

/// It takes room, which an update of a row does not. Nobody ever sees it.
const NEW_PAGES: &str = "insert into tenants (name, policy, created_at, updated_at) \
                         select '', string_agg(md5(i::text), ''), 0, 0 from generate_series(1, 2048) i";

impl Store {
    /// Changes were committed. `took_room`: verifications are among them that were not there before.
    pub(super) fn wrote(&self, took_room: bool) {
        self.2.was_refused.store(false, Ordering::Relaxed);
        if took_room || self.is_sqlite() {
            self.2.may_lack_room.store(false, Ordering::Relaxed);
        }
    }

    /// Changes could not be written, or nobody knows.
    pub(super) fn was_refused(&self) {
        self.2.was_refused.store(true, Ordering::Relaxed);
        self.2.may_lack_room.store(true, Ordering::Relaxed);
    }

    /// Whether the last change that somebody wanted was refused by the database, and none was made since.
    pub(super) fn refuses_changes(&self) -> bool {
        self.2.was_refused.load(Ordering::Relaxed)
    }

    /// Whether changes were refused, and none was made since that takes as much room as what callers want.
    pub fn may_lack_room(&self) -> bool {
        self.2.may_lack_room.load(Ordering::Relaxed)
    }

    /// Whether the database takes writes: it is given one, and nothing less shows a full disk, or commits that hang. SQLite
    /// leaves out what changes nothing, and the clock of another replica may be ahead: so what is written is changed first.
    pub async fn is_writable(&self, now: Timestamp) -> Result<(), StoreError> {
        let may_lack_room = self.may_lack_room();
        patience::housekeeping(async {
            if may_lack_room {
                self.has_room().await?;
            }
            let mut tx = self.begin().await?;
            on!(&mut tx, connection => {
                sqlx::query("update clock set now = now - 1 where id = 1")
                    .execute(&mut *connection)
                    .await?;
                sqlx::query("update clock set now = case when now < $1 then $1 else now + 1 end where id = 1")
                    .bind(now.as_millis())
                    .execute(connection)
                    .await?;
            });
            tx.commit().await
        })
        .await?;
        self.wrote(may_lack_room);
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
