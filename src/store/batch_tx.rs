//! The transaction of a batch: on SQLite in place, on PostgreSQL over a pooled connection. What both can do.

use std::collections::{BTreeSet, HashMap};

use super::{
    Pool, Store, StoreError, Tx,
    direct::DirectTx,
    keys, reads,
    record::{self, Change, Loaded, Record},
};
use crate::{
    crypto::{KeyRing, UnderEveryKey},
    domain::{id::Id, key::KeyState},
};

pub(super) enum BatchTx {
    Sqlite(DirectTx),
    Postgres(Tx),
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
            Pool::Postgres { .. } => Ok(BatchTx::Postgres(self.begin().await?)),
        }
    }
}

impl BatchTx {
    /// Whether everything is locked already.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Loads and locks rows of one table; those that may be missing, too.
    pub(super) async fn load<T: Record>(
        &mut self,
        keys: &[T::Key],
    ) -> Result<Vec<Loaded<T>>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.load(keys),
            Self::Postgres(tx) => {
                let made = record::make_lockable::<T>(tx, keys).await?;
                let loaded = record::load::<T>(tx, keys).await?;
                if made && loaded.len() < keys.len() {
                    // The sweeper took an empty row between making and locking it.
                    return Err(StoreError::Again);
                }
                Ok(loaded)
            }
        }
    }

    /// Writes each changed row once.
    pub(super) async fn write<T: Record>(
        &mut self,
        changes: &[Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.write(changes, key_id),
            Self::Postgres(tx) => record::write(tx, changes, key_id).await,
        }
    }

    pub(super) async fn key_states(
        &mut self,
        hashes: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], KeyState>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.key_states(hashes),
            Self::Postgres(tx) => keys::states(tx, hashes).await,
        }
    }

    pub(super) async fn indexes_of(
        &mut self,
        ids: &[Id],
        ring: &KeyRing,
    ) -> Result<Indexes, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.indexes_of(ids, ring),
            Self::Postgres(tx) => reads::indexes_of(tx, ids, ring).await,
        }
    }

    pub(super) async fn youngest(
        &mut self,
        wanted: &BTreeSet<([u8; 32], String)>,
    ) -> Result<HashMap<([u8; 32], String), Id>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.youngest(wanted),
            Self::Postgres(tx) => reads::youngest(tx, wanted).await,
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit(),
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}
