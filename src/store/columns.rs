//! The values of a row: written and read column by column.

use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::{
    StoreError,
    record::{Loaded, Record},
};
use crate::domain::{clock::Timestamp, id::Id};

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bytes,
    Int,
    Text,
}

pub(super) enum Value {
    Bytes(Option<Vec<u8>>),
    Int(Option<i64>),
    Text(Option<String>),
}

/// The columns of one row, read from left to right.
pub(super) struct Columns {
    table: &'static str,
    values: std::vec::IntoIter<Value>,
}

macro_rules! read_columns {
    ($row:expr, $T:ident) => {{
        let kinds = $T::COLUMNS.iter().map(|(_, kind)| *kind).chain([Kind::Int]);
        let values: Result<Vec<_>, sqlx::Error> = kinds
            .enumerate()
            .map(|(position, kind)| {
                Ok(match kind {
                    Kind::Bytes => Value::Bytes($row.try_get(position)?),
                    Kind::Int => Value::Int($row.try_get(position)?),
                    Kind::Text => Value::Text($row.try_get(position)?),
                })
            })
            .collect();
        Ok(Self {
            table: $T::TABLE,
            values: values?.into_iter(),
        })
    }};
}

impl Columns {
    pub(super) fn of_sqlite<T: Record>(row: &SqliteRow) -> Result<Self, StoreError> {
        read_columns!(row, T)
    }

    pub(super) fn of_postgres<T: Record>(row: &PgRow) -> Result<Self, StoreError> {
        read_columns!(row, T)
    }

    pub(super) fn into_loaded<T: Record>(mut self) -> Result<Loaded<T>, StoreError> {
        let (key, value) = T::read(&mut self)?;
        Ok(Loaded {
            key,
            value,
            version: self.int()?,
        })
    }

    pub(super) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.values.next() {
            Some(Value::Bytes(value)) => Ok(value),
            _ => Err(self.damaged("bytes expected")),
        }
    }

    pub(super) fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.values.next() {
            Some(Value::Int(value)) => Ok(value),
            _ => Err(self.damaged("integer expected")),
        }
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.values.next() {
            Some(Value::Text(value)) => Ok(value),
            _ => Err(self.damaged("text expected")),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.optional_bytes()?
            .ok_or_else(|| self.damaged("bytes missing"))
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.bytes()?
            .try_into()
            .map_err(|_| self.damaged("width differs"))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?
            .ok_or_else(|| self.damaged("text missing"))
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        self.optional_int()?
            .ok_or_else(|| self.damaged("integer missing"))
    }

    pub(super) fn number<N: TryFrom<i64>>(&mut self) -> Result<N, StoreError> {
        N::try_from(self.int()?).map_err(|_| self.damaged("integer out of range"))
    }

    pub(super) fn instant(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp::from_millis)
    }

    pub(super) fn optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_int()?.map(Timestamp::from_millis))
    }

    pub(super) fn id(&mut self) -> Result<Id, StoreError> {
        Id::from_bytes(&self.bytes()?).ok_or_else(|| self.damaged("width of an id"))
    }

    /// A word of a closed list.
    pub(super) fn word<W>(&mut self, parse: impl Fn(&str) -> Option<W>) -> Result<W, StoreError> {
        parse(&self.text()?).ok_or_else(|| self.newer("unknown word"))
    }

    pub(super) fn optional_word<W>(
        &mut self,
        parse: impl Fn(&str) -> Option<W>,
    ) -> Result<Option<W>, StoreError> {
        match self.optional_text()? {
            None => Ok(None),
            Some(text) => parse(&text)
                .map(Some)
                .ok_or_else(|| self.newer("unknown word")),
        }
    }

    fn newer(&self, what: &'static str) -> StoreError {
        StoreError::Newer {
            table: self.table,
            what,
        }
    }

    pub(super) fn damaged(&self, what: &'static str) -> StoreError {
        StoreError::Damaged {
            table: self.table,
            what,
        }
    }
}

impl Kind {
    pub(super) fn out_of_json(self, position: usize) -> String {
        match self {
            Self::Bytes => format!("unhex(value->>{position})"),
            Self::Int | Self::Text => format!("value->>{position}"),
        }
    }

    pub(super) const fn postgres(self) -> &'static str {
        match self {
            Self::Bytes => "bytea",
            Self::Int => "bigint",
            Self::Text => "text",
        }
    }
}

impl Value {
    pub(super) fn bytes(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }

    pub(super) fn int(value: impl Into<i64>) -> Self {
        Self::Int(Some(value.into()))
    }

    pub(super) fn text(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }

    pub(super) fn instant(value: Timestamp) -> Self {
        Self::Int(Some(value.as_millis()))
    }

    pub(super) fn optional_instant(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_millis))
    }

    pub(super) fn into_json(self) -> serde_json::Value {
        match self {
            Self::Bytes(value) => value.map(|bytes| hex(&bytes)).into(),
            Self::Int(value) => value.into(),
            Self::Text(value) => value.into(),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
