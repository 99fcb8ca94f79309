//! How rows travel: many rows a statement, whichever the database.
//!
//! PostgreSQL takes one array per column (`writing.rs`). SQLite takes one JSON text, but only from those who write beside the
//! journal: its batches go row by row through `direct.rs`. A table says what its columns are, and all statements follow from
//! that.
//! Each statement costs sqlx two thread switches on SQLite and a round trip on PostgreSQL, so here the number of statements
//! is what counts, not the number of rows.

use std::fmt::Write as _;

use super::{
    StoreError, Tx,
    columns::{Columns, Kind, Value, hex},
    writing::Writing,
};
use crate::domain::ledger::Op;

/// A row as it was loaded.
pub(super) struct Loaded<T: Record> {
    pub(super) key: T::Key,
    pub(super) value: T,
    pub(super) version: i64,
}

/// A row to write. `version` is the one that was loaded, 0 for a new row.
pub(super) struct Change<'a, T: Record> {
    pub(super) key: T::Key,
    pub(super) value: &'a T,
    /// What was loaded, where it is known: only what differs from it needs to be written.
    pub(super) before: Option<&'a T>,
    pub(super) version: i64,
    pub(super) op: Op,
}

/// A table whose rows are loaded under lock, changed and written back.
pub(super) trait Record: Sized {
    const TABLE: &'static str;
    /// The first is the primary key, called `id`.
    const COLUMNS: &'static [(&'static str, Kind)];
    /// A text that stays as it was first written: an update replaces it only where it is empty.
    const LASTING: Option<&'static str> = None;
    type Key: AsRef<[u8]>;

    /// The statements of this table, made once.
    fn statements() -> &'static Statements;
    /// The values of [`Self::COLUMNS`]. `key_id` names the newest key of the ring.
    fn write<'a>(&'a self, key: &'a Self::Key, key_id: &'a str) -> Vec<Value<'a>>;
    fn read(columns: &mut Columns<'_>) -> Result<(Self::Key, Self), StoreError>;

    /// Where a row that is missing must be locked all the same: the statement by which PostgreSQL makes empty ones.
    /// SQLite needs none, since its write lock covers what is not there.
    fn make_lockable() -> Option<&'static str> {
        None
    }
}

pub(super) struct Statements {
    by_id: String,
    insert: String,
    sqlite_load: String,
    postgres_load: String,
    sqlite_write: String,
    over_empty: String,
    sqlite_ops: String,
    postgres_ops: String,
}

impl Statements {
    pub(super) fn of<T: Record>() -> Self {
        let table = T::TABLE;
        let names: Vec<_> = T::COLUMNS.iter().map(|(name, _)| *name).collect();
        let columns = names.join(", ");
        let mut updates = String::new();
        for name in &names[1..] {
            let _ = if T::LASTING == Some(*name) {
                write!(
                    updates,
                    "{name} = coalesce(nullif({table}.{name}, ''), excluded.{name}), "
                )
            } else {
                write!(updates, "{name} = excluded.{name}, ")
            };
        }
        let on_conflict = format!(
            " on conflict (id) do update set {updates}version = excluded.version, op = excluded.op \
             where {table}.version = excluded.version - 1"
        );
        let all = || {
            T::COLUMNS
                .iter()
                .map(|(_, kind)| *kind)
                .chain([Kind::Int, Kind::Bytes])
        };
        let sqlite_values: Vec<_> = all()
            .enumerate()
            .map(|(position, kind)| kind.out_of_json(position))
            .collect();
        let in_json = "in (select unhex(value) from json_each($1))";
        let places = vec!["?"; names.len() + 2].join(", ");
        Self {
            by_id: format!("select {columns}, version from {table} where id = ?1"),
            insert: format!("insert into {table} ({columns}, version, op) values ({places})"),
            sqlite_load: format!("select {columns}, version from {table} where id {in_json}"),
            postgres_load: format!(
                "select {columns}, version from {table} where id = any($1) order by id for update"
            ),
            sqlite_write: format!(
                "insert into {table} ({columns}, version, op) select {} from json_each($1) where true{on_conflict}",
                sqlite_values.join(", ")
            ),
            over_empty: on_conflict,
            sqlite_ops: format!("select id, version, op from {table} where id {in_json}"),
            postgres_ops: format!(
                "select id, version, op from {table} where id = any($1) order by id for update"
            ),
        }
    }

    /// For one row, on the journal's own connection to SQLite.
    pub(super) fn by_id(&self) -> &str {
        &self.by_id
    }

    pub(super) fn insert(&self) -> &str {
        &self.insert
    }

    /// What has PostgreSQL put a new row into an empty one, if one was made for it.
    pub(super) fn over_empty(&self) -> &str {
        &self.over_empty
    }
}

/// Makes rows that are missing, so that they can be locked.
pub(super) async fn make_lockable<T: Record>(
    tx: &mut Tx,
    keys: &[T::Key],
) -> Result<(), StoreError> {
    if let (Tx::Postgres(tx), Some(statement), false) = (tx, T::make_lockable(), keys.is_empty()) {
        sqlx::query(statement)
            .bind(array_keys(keys))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Loads and locks the rows of `keys`, which are sorted so that no two batches wait for each other in a circle.
pub(super) async fn load<T: Record>(
    tx: &mut Tx,
    keys: &[T::Key],
) -> Result<Vec<Loaded<T>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    rows::<T>(tx, keys).await?.into_iter().collect()
}

/// The same, but a row that cannot be read does not keep the others from being loaded: it is named with its fault.
pub(super) async fn load_each<T: Record>(
    tx: &mut Tx,
    keys: &[Vec<u8>],
) -> Result<(Vec<Loaded<T>>, Vec<(Vec<u8>, StoreError)>), StoreError> {
    let mut loaded = Vec::new();
    let mut damaged = Vec::new();
    if keys.is_empty() {
        return Ok((loaded, damaged));
    }
    let all = rows::<T>(tx, keys).await?;
    if all.iter().all(Result::is_ok) {
        return Ok((all.into_iter().flatten().collect(), damaged));
    }
    // A fault does not say whose it is: ask again, one by one.
    for key in keys {
        for row in rows::<T>(tx, std::slice::from_ref(key)).await? {
            match row {
                Ok(row) => loaded.push(row),
                Err(error) => damaged.push((key.clone(), error)),
            }
        }
    }
    Ok((loaded, damaged))
}

async fn rows<T: Record>(
    tx: &mut Tx,
    keys: &[impl AsRef<[u8]>],
) -> Result<Vec<Result<Loaded<T>, StoreError>>, StoreError> {
    let statements = T::statements();
    Ok(match tx {
        Tx::Sqlite { tx, .. } => {
            let rows = sqlx::query(statements.sqlite_load.as_str())
                .bind(json_keys(keys))
                .fetch_all(&mut **tx)
                .await?;
            let read = |row| Columns::of_sqlite::<T>(row)?.into_loaded();
            rows.iter().map(read).collect()
        }
        Tx::Postgres(tx) => {
            let rows = sqlx::query(statements.postgres_load.as_str())
                .bind(array_keys(keys))
                .fetch_all(&mut **tx)
                .await?;
            let read = |row| Columns::of_postgres::<T>(row)?.into_loaded();
            rows.iter().map(read).collect()
        }
    })
}

/// Writes each changed row once, guarded by the version that was loaded.
pub(super) async fn write<T: Record>(
    tx: &mut Tx,
    changes: &[Change<'_, T>],
    key_id: &str,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let tx = match tx {
        Tx::Sqlite { tx, .. } => tx,
        Tx::Postgres(tx) => {
            let mut writing = Writing::default();
            writing.add(changes, key_id)?;
            return writing.run(tx).await;
        }
    };
    let rows = changes.iter().map(|change| {
        let mut values = change.value.write(&change.key, key_id);
        values.push(Value::Int(change.version + 1));
        values.push(Value::bytes(&change.op));
        values
    });
    let written = sqlx::query(T::statements().sqlite_write.as_str())
        .bind(json_rows(rows))
        .execute(&mut **tx)
        .await?
        .rows_affected();
    // A row that another writer changed since it was loaded was not locked: never in order, always safe to run again.
    if usize::try_from(written) == Ok(changes.len()) {
        Ok(())
    } else {
        Err(StoreError::Again)
    }
}

/// Version and last command of each of `keys` that exists.
pub(super) async fn ops<T: Record>(
    tx: &mut Tx,
    keys: &[T::Key],
) -> Result<Vec<(Vec<u8>, i64, Vec<u8>)>, StoreError> {
    let statements = T::statements();
    Ok(match tx {
        Tx::Sqlite { tx, .. } => {
            sqlx::query_as(statements.sqlite_ops.as_str())
                .bind(json_keys(keys))
                .fetch_all(&mut **tx)
                .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(statements.postgres_ops.as_str())
                .bind(array_keys(keys))
                .fetch_all(&mut **tx)
                .await?
        }
    })
}

fn json_rows<'a>(rows: impl Iterator<Item = Vec<Value<'a>>>) -> String {
    let rows: serde_json::Value = rows
        .map(|row| row.into_iter().map(Value::into_json).collect())
        .collect::<Vec<serde_json::Value>>()
        .into();
    rows.to_string()
}

pub(super) fn json_keys<K: AsRef<[u8]>>(keys: &[K]) -> String {
    serde_json::Value::from(keys.iter().map(|key| hex(key.as_ref())).collect::<Vec<_>>())
        .to_string()
}

pub(super) fn array_keys<K: AsRef<[u8]>>(keys: &[K]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.as_ref().to_vec()).collect()
}
