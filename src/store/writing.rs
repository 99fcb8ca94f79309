//! What a batch writes to PostgreSQL, as one statement: each costs a round trip, and PostgreSQL as much as some rows.

use std::fmt::Write as _;

use sqlx::{
    Arguments as _, AssertSqlSafe, Encode, PgConnection, Postgres, Type, postgres::PgArguments,
};

use super::{
    StoreError,
    columns::{Kind, Value},
    record::{Change, Record},
};

/// Rows of any number of tables. Those of a table are written in the order in which they were added.
#[derive(Default)]
pub(super) struct Writing {
    parts: Vec<String>,
    arguments: PgArguments,
    rows: usize,
}

impl Writing {
    /// Adds changed rows of one table.
    pub(super) fn add<T: Record>(
        &mut self,
        changes: &[Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        let is_new = |change: &&Change<'_, T>| change.version == 0;
        let (new, known): (Vec<_>, Vec<_>) = changes.iter().partition(is_new);
        if !new.is_empty() {
            self.insert(&new, key_id)?;
        }
        if !known.is_empty() {
            self.update(&known, key_id)?;
        }
        self.rows += changes.len();
        Ok(())
    }

    fn insert<T: Record>(
        &mut self,
        changes: &[&Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> = changes
            .iter()
            .map(|change| change.value.write(&change.key, key_id))
            .collect();
        let names: Vec<_> = T::COLUMNS.iter().map(|(name, _)| *name).collect();
        let (table, names) = (T::TABLE, names.join(", "));
        let mut sql = format!("insert into {table} ({names}, op, version) select ");
        for (position, (_, kind)) in T::COLUMNS.iter().enumerate() {
            let place = self.column(*kind, rows.iter().map(|row| &row[position]))?;
            let _ = write!(sql, "{place}, ");
        }
        let ops = changes.iter().map(|change| &change.op[..]);
        let _ = write!(sql, "{}, 1", self.array("bytea", ops)?);
        if T::make_lockable().is_some() {
            // An empty row may have been made for it.
            sql.push_str(T::statements().over_empty());
        }
        self.parts.push(sql);
        Ok(())
    }

    /// Of rows that were there only the columns that changed, if only in one of them: each costs an array.
    fn update<T: Record>(
        &mut self,
        changes: &[&Change<'_, T>],
        key_id: &str,
    ) -> Result<(), StoreError> {
        let rows = changes.iter().map(|change| {
            let before = change.before.map(|row| row.write(&change.key, key_id));
            (change.value.write(&change.key, key_id), before)
        });
        let rows: Vec<_> = rows.collect();
        let differs = |position: usize| {
            rows.iter().any(|(values, before)| {
                let before = before.as_ref().and_then(|before| before.get(position));
                before != values.get(position)
            })
        };
        let table = T::TABLE;
        let mut sets = String::new();
        let mut arrays = String::new();
        for (position, (name, kind)) in T::COLUMNS.iter().enumerate().skip(1) {
            if T::LASTING == Some(*name) || !differs(position) {
                continue;
            }
            let values = rows.iter().map(|(values, _)| &values[position]);
            let place = self.column(*kind, values)?;
            let _ = write!(sets, "{name} = k.{name}, ");
            let _ = write!(arrays, ", {place} as {name}");
        }
        let ids = self.array("bytea", changes.iter().map(|change| change.key.as_ref()))?;
        let versions = self.array("bigint", changes.iter().map(|change| change.version))?;
        let ops = self.array("bytea", changes.iter().map(|change| &change.op[..]))?;
        // Said so, and not as `id = k.id`, the key can only be looked up: on a table that was small when it was planned for,
        // walking through all of its index would look as cheap.
        self.parts.push(format!(
            "update {table} set {sets}version = k.version + 1, op = k.op \
             from (select {ids} as id, {versions} as version, {ops} as op{arrays}) as k \
             where {table}.id = any(array[k.id]) and {table}.version = k.version"
        ));
        Ok(())
    }

    fn column<'v, 'a: 'v>(
        &mut self,
        kind: Kind,
        values: impl Iterator<Item = &'v Value<'a>>,
    ) -> Result<String, StoreError> {
        let of = kind.postgres();
        match kind {
            Kind::Bytes => self.array(of, values.map(Value::as_bytes)),
            Kind::Int => self.array(of, values.map(Value::as_int)),
            Kind::Text => self.array(of, values.map(Value::as_str)),
        }
    }

    /// Binds one value for each row. Selected side by side, such arrays are read in step, and unlike those that `from`
    /// reads they are not copied into tables first.
    fn array<'v, V>(
        &mut self,
        of: &str,
        values: impl Iterator<Item = V>,
    ) -> Result<String, StoreError>
    where
        Vec<V>: Encode<'v, Postgres> + Type<Postgres>,
    {
        let values: Vec<V> = values.collect();
        self.arguments.add(values).map_err(sqlx::Error::Encode)?;
        Ok(format!("unnest(${}::{of}[])", self.arguments.len()))
    }

    /// Writes all of it, each row guarded by the version that was loaded.
    pub(super) async fn run(self, connection: &mut PgConnection) -> Result<(), StoreError> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let mut sql = String::new();
        let mut written = String::new();
        for (number, part) in self.parts.iter().enumerate() {
            let (with, plus) = if number == 0 {
                ("with", "")
            } else {
                (",", " + ")
            };
            let _ = write!(sql, "{with} w{number} as ({part} returning 1)");
            let _ = write!(written, "{plus}(select count(*) from w{number})");
        }
        let _ = write!(sql, " select {written}");
        let written = sqlx::query_scalar_with(AssertSqlSafe(sql), self.arguments)
            .fetch_one(connection)
            .await;
        let written: i64 = match written {
            // A row is there that was not when it was looked for: never in order, always safe to run again.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(StoreError::Again);
            }
            written => written?,
        };
        // Somebody else wrote one of them since it was loaded, or looked for in vain.
        if usize::try_from(written) == Ok(self.rows) {
            Ok(())
        } else {
            Err(StoreError::Again)
        }
    }
}
