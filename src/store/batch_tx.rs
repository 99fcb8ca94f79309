//! The transaction of a batch: on SQLite in place, on PostgreSQL over a pooled connection. What both can do.

use std::collections::{BTreeSet, HashMap};

use super::{
    Pool, Store, StoreError, Tx, budgets,
    direct::DirectTx,
    keys, reads,
    record::{self, Change, Loaded, Record},
    writing::Writing,
};
use crate::{
    crypto::{KeyRing, UnderEveryKey},
    domain::{failures::FailureBudget, id::Id, key::KeyState},
};

pub(super) enum BatchTx {
    Sqlite(DirectTx),
    /// With what is still to be written.
    Postgres(Tx, Box<Writing>),
}

/// Of verifications: the index of the number, under every key of the ring.
pub(super) type Indexes = Vec<([u8; 32], UnderEveryKey<[u8; 32]>)>;

impl Store {
    pub(super) async fn begin_batch(&self) -> Result<BatchTx, StoreError> {
        match &*self.0 {
            Pool::Sqlite { file, journal, .. } => {
                let connection = journal.clone().lock_owned().await;
                file.check()?;
                Ok(BatchTx::Sqlite(DirectTx::begin(connection)?))
            }
            Pool::Postgres { .. } => Ok(BatchTx::Postgres(self.begin().await?, Box::default())),
        }
    }
}

impl Store {
    /// Makes rows that are missing, for batches to come.
    pub(super) async fn make_lockable<T: Record>(&self, keys: &[T::Key]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        record::make_lockable::<T>(&mut tx, keys).await?;
        tx.commit().await
    }

    /// The same for the failure budgets of numbers that verifications of `ids` are of.
    pub(super) async fn make_budgets_of(&self, ids: &[Id]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let indexes = budgets::numbers_of(&mut tx, ids).await?;
        record::make_lockable::<FailureBudget>(&mut tx, &indexes).await?;
        tx.commit().await
    }
}

impl BatchTx {
    /// Whether everything is locked already.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Makes rows that are missing, so that they can be locked, where the table needs that.
    pub(super) async fn make_lockable<T: Record>(
        &mut self,
        keys: &[T::Key],
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx, _) => record::make_lockable::<T>(tx, keys).await,
        }
    }

    /// Loads and locks rows of one table.
    pub(super) async fn load<T: Record>(
        &mut self,
        keys: &[T::Key],
    ) -> Result<Vec<Loaded<T>>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.load(keys),
            Self::Postgres(tx, _) => record::load::<T>(tx, keys).await,
        }
    }

    /// Writes each changed row once: on PostgreSQL with all others, by [`Self::written`].
    pub(super) fn write<T: Record>(
        &mut self,
        changes: &[Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.write(changes, key_id),
            Self::Postgres(_, writing) => writing.add(changes, key_id),
        }
    }

    /// Everything is written.
    pub(super) async fn written(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(Tx::Postgres(tx), writing) => std::mem::take(writing).run(tx).await,
            Self::Sqlite(_) | Self::Postgres(..) => Ok(()),
        }
    }

    pub(super) async fn key_states(
        &mut self,
        hashes: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], KeyState>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.key_states(hashes),
            Self::Postgres(tx, _) => keys::states(tx, hashes).await,
        }
    }

    pub(super) async fn indexes_of(
        &mut self,
        ids: &[Id],
        ring: &KeyRing,
    ) -> Result<Indexes, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.indexes_of(ids, ring),
            Self::Postgres(tx, _) => reads::indexes_of(tx, ids, ring).await,
        }
    }

    /// Loads and locks the failure budgets of `indexes`, and of the numbers that verifications of `ids` are of.
    pub(super) async fn budgets_of(
        &mut self,
        ids: &[Id],
        indexes: &[[u8; 32]],
    ) -> Result<Vec<Loaded<FailureBudget>>, StoreError> {
        match self {
            Self::Sqlite(_) => unreachable!("SQLite reads the numbers with their verifications"),
            Self::Postgres(tx, _) => budgets::load_of(tx, ids, indexes).await,
        }
    }

    pub(super) async fn youngest(
        &mut self,
        wanted: &BTreeSet<([u8; 32], String)>,
    ) -> Result<HashMap<([u8; 32], String), Id>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.youngest(wanted),
            Self::Postgres(tx, _) => reads::youngest(tx, wanted).await,
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit(),
            Self::Postgres(tx, _) => tx.commit().await,
        }
    }
}
