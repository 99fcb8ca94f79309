//! The journal's own connection to SQLite, on the journal's own thread.
//!
//! A pool hands each statement to another thread and each row back. That is right for a statement now and then; a batch
//! has some hundreds of small ones, and would spend its time on handing over. So a batch talks to SQLite in place: one
//! prepared statement a row, values bound where they stand, and of a row only the columns that changed.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    CachedStatement, Connection, OpenFlags, OptionalExtension as _,
    ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
};
use tokio::sync::OwnedMutexGuard;

use super::{
    StoreError,
    batch_tx::Indexes,
    checkpoints::{Checkpoints, WAL_PAGES},
    columns::{Columns, Value},
    is_sqlite_outage, keys,
    reads::under_every_key,
    record::{Change, Loaded, Record},
};
use crate::{
    crypto::KeyRing,
    domain::{
        clock::Timestamp,
        id::{ID_LENGTH, Id},
        key::KeyState,
    },
};

/// Each table is loaded, inserted into, and updated in some ways.
const STATEMENTS: usize = 128;
/// Pages of recent verifications and of the upper levels of all trees. In KiB; negative is how SQLite takes it so. Not more
/// than these need: when a tree was balanced, SQLite goes through the whole cache at the commit.
const CACHE: i64 = -16 * 1024;

/// Who wrote a row is asked only where the fate of a commit may be unknown. SQLite tells it first-hand.
const NO_OP: Value<'static> = Value::Bytes(Cow::Borrowed(&[]));

pub(super) struct Direct {
    path: PathBuf,
    patience: Duration,
    /// `None`: it could not take back a transaction, and is opened again when it is needed.
    connection: Option<(Connection, Checkpoints)>,
    is_closed: bool,
}

/// A transaction that has the write lock. Dropped without a commit, it is taken back.
pub(super) struct DirectTx(OwnedMutexGuard<Direct>);

impl Direct {
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            patience,
            connection: Some(connect(path, patience)?),
            is_closed: false,
        })
    }

    /// For good. What is given may have to wait for the disk when it is dropped.
    pub(super) fn close(&mut self) -> Option<(Connection, Checkpoints)> {
        self.is_closed = true;
        self.connection.take()
    }

    fn is_open(&mut self) -> Result<(), StoreError> {
        if self.is_closed {
            return Err(StoreError::Unavailable("it was closed".to_owned()));
        }
        if self.connection.is_none() {
            self.connection = Some(connect(&self.path, self.patience)?);
        }
        Ok(())
    }
}

fn connect(path: &Path, patience: Duration) -> Result<(Connection, Checkpoints), StoreError> {
    let (committing, copying) = (open(path, patience)?, open(path, patience)?);
    committing.set_prepared_statement_cache_capacity(STATEMENTS);
    committing.pragma_update(None, "cache_size", CACHE)?;
    let checkpoints = Checkpoints::of(&committing, copying, WAL_PAGES);
    Ok((committing, checkpoints))
}

fn open(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    // One thread at a time has it: SQLite need not see to that as well.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    for (name, value) in [
        ("synchronous", "full"),
        ("secure_delete", "on"),
        ("temp_store", "memory"),
        ("trusted_schema", "off"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

impl DirectTx {
    pub(super) fn begin(mut connection: OwnedMutexGuard<Direct>) -> Result<Self, StoreError> {
        connection.is_open()?;
        let tx = Self(connection);
        tx.connection()
            .prepare_cached("begin immediate")?
            .execute([])?;
        Ok(tx)
    }

    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        self.connection().prepare_cached("commit")?.execute([])?;
        if let Some((connection, checkpoints)) = &mut self.0.connection {
            checkpoints.committed(connection);
        }
        Ok(())
    }

    fn connection(&self) -> &Connection {
        let open = self.0.connection.as_ref();
        let (connection, _) = open.expect("it was open when this began");
        connection
    }

    /// Rows of one table. The write lock covers them, and also what is not there.
    pub(super) fn load<T: Record>(&self, keys: &[T::Key]) -> Result<Vec<Loaded<T>>, StoreError> {
        let mut loaded = Vec::with_capacity(keys.len());
        if keys.is_empty() {
            return Ok(loaded);
        }
        let mut statement = self.connection().prepare_cached(T::statements().by_id())?;
        for key in keys {
            let mut rows = statement.query([key.as_ref()])?;
            if let Some(row) = rows.next()? {
                loaded.push(Columns::in_place::<T>(row).into_loaded()?);
            }
        }
        Ok(loaded)
    }

    /// Writes each changed row, and of a row that was there only what changed.
    pub(super) fn write<T: Record>(
        &self,
        changes: &[Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        // Most rows of a batch change alike: each statement is looked up once.
        let mut inserting = self.connection().prepare_cached(T::statements().insert())?;
        let mut updating: Option<(Vec<usize>, CachedStatement<'_>)> = None;
        for change in changes {
            let mut values = change.value.write(&change.key, key_id);
            if change.version == 0 {
                values.extend([Value::Int(1), NO_OP]);
                execute(&mut inserting, values.iter())?;
                continue;
            }
            let columns = differing(change, &values, key_id);
            if updating.as_ref().is_none_or(|(same, _)| *same != columns) {
                updating = Some((columns.clone(), self.update::<T>(&columns)?));
            }
            let Some((_, statement)) = &mut updating else {
                unreachable!("it was just made")
            };
            let rest = [
                Value::Int(change.version + 1),
                Value::bytes(change.key.as_ref()),
                Value::Int(change.version),
            ];
            let values = columns.iter().filter_map(|position| values.get(*position));
            // A row that somebody else changed since it was loaded was not locked: never in order, always safe to run again.
            if execute(statement, values.chain(&rest))? != 1 {
                return Err(StoreError::Again);
            }
        }
        Ok(())
    }

    /// What sets some columns of a row.
    fn update<T: Record>(&self, columns: &[usize]) -> Result<CachedStatement<'_>, StoreError> {
        let mut sql = format!("update {} set ", T::TABLE);
        for position in columns {
            sql.push_str(T::COLUMNS[*position].0);
            sql.push_str(" = ?, ");
        }
        sql.push_str("version = ? where id = ? and version = ?");
        Ok(self.connection().prepare_cached(&sql)?)
    }

    /// The state of API keys, as of this batch.
    pub(super) fn key_states(
        &self,
        hashes: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], KeyState>, StoreError> {
        let mut states = HashMap::with_capacity(hashes.len());
        let sql = "select expires_at, revoked_at from api_keys where hash = ?1";
        let mut statement = self.connection().prepare_cached(sql)?;
        for hash in hashes {
            let state = statement
                .query_row([hash], |row| Ok(keys::state(row.get(0)?, row.get(1)?)))
                .optional()?;
            states.extend(state.map(|state| (*hash, state)));
        }
        Ok(states)
    }

    /// The number's index of each verification of `ids`, under every key of the ring.
    pub(super) fn indexes_of(&self, ids: &[Id], ring: &KeyRing) -> Result<Indexes, StoreError> {
        let mut indexes = Vec::with_capacity(ids.len());
        let sql = "select v.tenant, v.number_index, v.delivery, d.key_id, coalesce(v.sealed, d.sealed) \
                   from verifications v left join deliveries d on d.id = v.delivery where v.id = ?1";
        let mut statement = self.connection().prepare_cached(sql)?;
        for id in ids {
            let mut rows = statement.query([id.as_bytes()])?;
            let Some(row) = rows.next()? else {
                continue;
            };
            let index: [u8; 32] = row.get(1)?;
            let latest: Vec<u8> = row.get(2)?;
            let key_id: Option<String> = row.get(3)?;
            let sealed: Option<Vec<u8>> = row.get(4)?;
            let sealed = key_id.as_deref().zip(sealed.as_deref());
            let sealed = sealed.map(|(key_id, sealed)| (&*latest, key_id, sealed));
            let tenant = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            indexes.push((index, under_every_key(ring, tenant, index, sealed)));
        }
        Ok(indexes)
    }

    /// The youngest verification of each number and purpose.
    pub(super) fn youngest(
        &self,
        wanted: &BTreeSet<([u8; 32], String)>,
    ) -> Result<HashMap<([u8; 32], String), Id>, StoreError> {
        let mut found = HashMap::new();
        let sql = "select id from verifications where number_index = ?1 and purpose = ?2 order by id desc limit 1";
        let mut statement = self.connection().prepare_cached(sql)?;
        for (index, purpose) in wanted {
            let id: Option<[u8; ID_LENGTH]> = statement
                .query_row((index, purpose), |row| row.get(0))
                .optional()?;
            if let Some(id) = id.and_then(|id| Id::from_bytes(&id)) {
                found.insert((*index, purpose.clone()), id);
            }
        }
        Ok(found)
    }

    /// Notes the time of this batch: after a restart it will not run backwards.
    pub(super) fn note_now(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update clock set now = ?1 where id = 1 and now < ?1";
        let mut statement = self.connection().prepare_cached(sql)?;
        statement.execute([now.as_millis()])?;
        Ok(())
    }
}

/// Binds values from left to right, and tells how many rows were written.
fn execute<'v>(
    statement: &mut CachedStatement<'_>,
    values: impl Iterator<Item = &'v Value<'v>>,
) -> Result<usize, StoreError> {
    for (position, value) in (1..).zip(values) {
        statement.raw_bind_parameter(position, value)?;
    }
    Ok(statement.raw_execute()?)
}

/// Which columns are not as they were loaded.
fn differing<T: Record>(change: &Change<'_, T>, values: &[Value<'_>], key_id: &str) -> Vec<usize> {
    let before = change.before.map(|row| row.write(&change.key, key_id));
    let differs = |position: usize| {
        let before = before.as_ref().and_then(|before| before.get(position));
        before != values.get(position)
    };
    let lasting = |position: usize| T::LASTING == Some(T::COLUMNS[position].0);
    (1..values.len())
        .filter(|position| differs(*position) && !lasting(*position))
        .collect()
}

impl Drop for DirectTx {
    fn drop(&mut self) {
        // After a commit there is none. Some faults end it, too: SQLite takes it back by itself.
        let connection = self.connection();
        if !connection.is_autocommit() && connection.execute_batch("rollback").is_err() {
            self.0.connection = None;
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // A statement or a value is never part of these texts; the values are bound.
        let code = error.sqlite_error().map(|error| error.extended_code);
        match code {
            Some(code) if is_sqlite_outage(code) => Self::Unavailable(error.to_string()),
            // A row is there that was not when it was looked for: never in order, always safe to run again.
            Some(SQLITE_CONSTRAINT_PRIMARYKEY) => Self::Again,
            _ => Self::Refused(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests;
