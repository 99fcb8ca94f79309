//! The values of a row: written and read column by column.

use std::borrow::Cow;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgRow, PgValueRef},
    sqlite::SqliteRow,
};

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

/// One value, borrowed from where it stands as far as that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Bytes(Cow<'a, [u8]>),
    Int(i64),
    Text(Cow<'a, str>),
}

/// The columns of one row, read from left to right.
pub(super) struct Columns<'r> {
    table: &'static str,
    values: Values<'r>,
}

enum Values<'r> {
    Taken(std::vec::IntoIter<Value<'static>>),
    /// The row as SQLite holds it, and the next column.
    InPlace(&'r rusqlite::Row<'r>, usize),
    /// The row as PostgreSQL sent it, and the next column.
    Received(&'r PgRow, usize),
}

impl<'r> Columns<'r> {
    pub(super) fn of_sqlite<T: Record>(row: &SqliteRow) -> Result<Self, StoreError> {
        let kinds = T::COLUMNS.iter().map(|(_, kind)| *kind).chain([Kind::Int]);
        let values: Result<Vec<_>, sqlx::Error> = kinds
            .enumerate()
            .map(|(position, kind)| {
                Ok(match kind {
                    Kind::Bytes => Value::of(row.try_get(position)?, |bytes: Vec<u8>| {
                        Value::Bytes(bytes.into())
                    }),
                    Kind::Int => Value::of(row.try_get(position)?, Value::Int),
                    Kind::Text => Value::of(row.try_get(position)?, |text: String| {
                        Value::Text(text.into())
                    }),
                })
            })
            .collect();
        Ok(Self {
            table: T::TABLE,
            values: Values::Taken(values?.into_iter()),
        })
    }

    pub(super) fn of_postgres<T: Record>(row: &'r PgRow) -> Result<Self, StoreError> {
        let columns = Self {
            table: T::TABLE,
            values: Values::Received(row, 0),
        };
        if row.len() <= T::COLUMNS.len() {
            return Err(columns.damaged("a column is missing"));
        }
        Ok(columns)
    }

    pub(super) const fn in_place<T: Record>(row: &'r rusqlite::Row<'r>) -> Self {
        Self {
            table: T::TABLE,
            values: Values::InPlace(row, 0),
        }
    }

    pub(super) fn into_loaded<T: Record>(mut self) -> Result<Loaded<T>, StoreError> {
        let (key, value) = T::read(&mut self)?;
        Ok(Loaded {
            key,
            value,
            version: self.int()?,
        })
    }

    fn next(&mut self, kind: Kind) -> Result<Value<'r>, StoreError> {
        let missing = StoreError::Damaged {
            table: self.table,
            what: "a column is missing",
        };
        let (row, position) = match &mut self.values {
            Values::Taken(values) => return values.next().ok_or(missing),
            Values::Received(row, position) => {
                let value = row.try_get_raw(*position).map_err(|_| missing)?;
                *position += 1;
                return self.received(&value, kind);
            }
            Values::InPlace(row, position) => (*row, position),
        };
        let value = row.get_ref(*position).map_err(|_| missing)?;
        *position += 1;
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.into()),
                Err(_) => return Err(self.damaged("text that is not UTF-8")),
            },
            ValueRef::Real(_) => return Err(self.damaged("a fraction")),
        })
    }

    /// In the binary format: statements with arguments are answered in no other.
    fn received(&self, value: &PgValueRef<'r>, kind: Kind) -> Result<Value<'r>, StoreError> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let bytes = value.as_bytes().map_err(|_| self.damaged("no value"))?;
        Ok(match kind {
            Kind::Bytes => Value::Bytes(bytes.into()),
            Kind::Int => match bytes.try_into() {
                Ok(bytes) => Value::Int(i64::from_be_bytes(bytes)),
                Err(_) => return Err(self.damaged("integer expected")),
            },
            Kind::Text => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.into()),
                Err(_) => return Err(self.damaged("text that is not UTF-8")),
            },
        })
    }

    fn optional_cow(&mut self) -> Result<Option<Cow<'r, [u8]>>, StoreError> {
        match self.next(Kind::Bytes)? {
            Value::Bytes(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Text(_) => Err(self.damaged("bytes expected")),
        }
    }

    fn optional_str(&mut self) -> Result<Option<Cow<'r, str>>, StoreError> {
        match self.next(Kind::Text)? {
            Value::Text(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Bytes(_) => Err(self.damaged("text expected")),
        }
    }

    pub(super) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.optional_cow()?.map(Cow::into_owned))
    }

    pub(super) fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next(Kind::Int)? {
            Value::Int(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            Value::Text(_) | Value::Bytes(_) => Err(self.damaged("integer expected")),
        }
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.optional_str()?.map(Cow::into_owned))
    }

    pub(super) fn bytes(&mut self) -> Result<Cow<'r, [u8]>, StoreError> {
        self.optional_cow()?
            .ok_or_else(|| self.damaged("bytes missing"))
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        (*self.bytes()?)
            .try_into()
            .map_err(|_| self.damaged("width differs"))
    }

    pub(super) fn optional_fixed<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let Some(bytes) = self.optional_cow()? else {
            return Ok(None);
        };
        let fixed = (*bytes)
            .try_into()
            .map_err(|_| self.damaged("width differs"))?;
        Ok(Some(fixed))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.str().map(Cow::into_owned)
    }

    pub(super) fn str(&mut self) -> Result<Cow<'r, str>, StoreError> {
        self.optional_str()?
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
        parse(&self.str()?).ok_or_else(|| self.newer("unknown word"))
    }

    pub(super) fn optional_word<W>(
        &mut self,
        parse: impl Fn(&str) -> Option<W>,
    ) -> Result<Option<W>, StoreError> {
        match self.optional_str()? {
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

const KINDS: &str = "a table says which kinds its columns are of";

impl<'a> Value<'a> {
    fn of<V>(value: Option<V>, some: impl FnOnce(V) -> Self) -> Self {
        value.map_or(Self::Null, some)
    }

    pub(super) fn bytes(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }

    pub(super) fn optional_bytes(value: Option<&'a [u8]>) -> Self {
        Self::of(value, Self::bytes)
    }

    pub(super) fn int(value: impl Into<i64>) -> Self {
        Self::Int(value.into())
    }

    pub(super) fn optional_int(value: Option<impl Into<i64>>) -> Self {
        Self::of(value, Self::int)
    }

    pub(super) fn text(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }

    pub(super) fn optional_text(value: Option<&'a str>) -> Self {
        Self::of(value, Self::text)
    }

    pub(super) const fn instant(value: Timestamp) -> Self {
        Self::Int(value.as_millis())
    }

    pub(super) fn optional_instant(value: Option<Timestamp>) -> Self {
        Self::of(value, Self::instant)
    }

    /// What stands in a column of bytes.
    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            Self::Null => None,
            Self::Int(_) | Self::Text(_) => unreachable!("{KINDS}"),
        }
    }

    /// What stands in a column of numbers.
    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Null => None,
            Self::Bytes(_) | Self::Text(_) => unreachable!("{KINDS}"),
        }
    }

    /// What stands in a column of texts.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            Self::Null => None,
            Self::Bytes(_) | Self::Int(_) => unreachable!("{KINDS}"),
        }
    }

    pub(super) fn into_json(self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bytes(value) => hex(&value).into(),
            Self::Int(value) => value.into(),
            Self::Text(value) => value.into_owned().into(),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bytes(value) => ValueRef::Blob(value),
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
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
