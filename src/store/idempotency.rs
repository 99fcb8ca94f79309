//! The table of sends that bear an `Idempotency-Key`, by a keyed hash of it.

use std::sync::LazyLock;

use super::{
    StoreError,
    columns::{Columns, Kind, Value},
    record::{Record, Statements},
};
use crate::domain::idempotency::{Answer, Remembered};

/// Of an answer without a body, which says that Restcomm refused the message.
const REFUSED: u16 = 422;

impl Record for Remembered {
    const TABLE: &'static str = "idempotency";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Bytes),
        ("key_id", Kind::Text),
        ("fingerprint", Kind::Bytes),
        ("verification", Kind::Bytes),
        ("delivery", Kind::Bytes),
        ("resent", Kind::Int),
        ("answer_by", Kind::Int),
        ("status", Kind::Int),
        ("body", Kind::Text),
        ("expires_at", Kind::Int),
    ];
    // The id of the row was made with this root key, whichever is the newest by now.
    const LASTING: Option<&'static str> = Some("key_id");
    type Key = [u8; 32];

    fn statements() -> &'static Statements {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(Statements::of::<Remembered>);
        &STATEMENTS
    }

    fn write<'a>(&'a self, id: &'a [u8; 32], key_id: &'a str) -> Vec<Value<'a>> {
        let (status, body) = match &self.answer {
            None => (None, None),
            Some(Answer::Given { status, body }) => (Some(*status), Some(body.as_str())),
            Some(Answer::Refused) => (Some(REFUSED), None),
        };
        vec![
            Value::bytes(id),
            Value::text(key_id),
            Value::bytes(&self.fingerprint),
            Value::bytes(self.verification.as_bytes()),
            Value::bytes(self.delivery.as_bytes()),
            Value::int(self.resent),
            Value::instant(self.answer_by),
            Value::optional_int(status),
            Value::optional_text(body),
            Value::instant(self.expires_at),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<([u8; 32], Self), StoreError> {
        let id = columns.fixed()?;
        columns.str()?;
        let send = Self {
            fingerprint: columns.fixed()?,
            verification: columns.id()?,
            delivery: columns.id()?,
            resent: columns.int()? != 0,
            answer_by: columns.instant()?,
            answer: answer(columns)?,
            expires_at: columns.instant()?,
        };
        Ok((id, send))
    }

    /// They expired in 1970.
    fn make_lockable() -> Option<&'static str> {
        Some(
            "insert into idempotency (id, key_id, fingerprint, verification, delivery, resent, answer_by, expires_at, \
                                      version, op) \
             select id, '', decode(repeat('00', 32), 'hex'), decode(repeat('00', 22), 'hex'), \
                    decode(repeat('00', 22), 'hex'), 0, 0, 0, 0, '' \
             from unnest($1::bytea[]) as k(id) on conflict (id) do nothing",
        )
    }
}

fn answer(columns: &mut Columns<'_>) -> Result<Option<Answer>, StoreError> {
    let status = columns.optional_int()?;
    let body = columns.optional_text()?;
    Ok(match (status, body) {
        (None, _) => None,
        (Some(_), None) => Some(Answer::Refused),
        (Some(status), Some(body)) => Some(Answer::Given {
            status: u16::try_from(status).map_err(|_| columns.damaged("status of an answer"))?,
            body,
        }),
    })
}
