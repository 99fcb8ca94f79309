//! The table of verifications.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use super::{
    StoreError,
    columns::{Columns, Kind, Value},
    deliveries::{millis, next_step},
    record::{Record, Statements},
};
use crate::domain::{
    clock::Timestamp,
    delivery::{Channel, Channels},
    follow_up::FollowUp,
    id::Id,
    verification::{Reason, Status, Verification},
};

impl Record for Verification {
    const TABLE: &'static str = "verifications";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Bytes),
        ("tenant", Kind::Text),
        ("number_index", Kind::Bytes),
        ("to_masked", Kind::Text),
        ("purpose", Kind::Text),
        ("channel", Kind::Text),
        ("metadata", Kind::Text),
        ("status", Kind::Text),
        ("reason", Kind::Text),
        ("code_hash", Kind::Bytes),
        ("key_id", Kind::Text),
        ("attempts", Kind::Int),
        ("wrong_at", Kind::Bytes),
        ("sends", Kind::Int),
        ("resend_at", Kind::Int),
        ("delivery", Kind::Bytes),
        ("sent", Kind::Int),
        ("created_at", Kind::Int),
        ("expires_at", Kind::Int),
        ("approved_at", Kind::Int),
        ("ended_at", Kind::Int),
        ("channels", Kind::Int),
        ("switched", Kind::Int),
        ("guessed_before", Kind::Int),
        ("sealed", Kind::Bytes),
        ("next_step", Kind::Int),
        ("next_after", Kind::Int),
        ("fallback_at", Kind::Int),
    ];
    type Key = Id;

    fn statements() -> &'static Statements {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(Statements::of::<Verification>);
        &STATEMENTS
    }

    fn write<'a>(&'a self, _: &'a Id, _: &'a str) -> Vec<Value<'a>> {
        let follow_up = self.follow_up.as_ref();
        let next = follow_up.and_then(|left| left.next);
        vec![
            Value::bytes(self.id.as_bytes()),
            Value::text(&self.tenant),
            Value::bytes(&self.number_index),
            Value::text(&self.to),
            Value::text(&self.purpose),
            Value::text(self.channel.as_str()),
            Value::Text(written(&self.metadata)),
            Value::text(self.status.as_str()),
            Value::optional_text(self.reason.map(Reason::as_str)),
            Value::optional_bytes(self.code_hash.as_ref().map(<[u8; 32]>::as_slice)),
            Value::text(&self.key_id),
            Value::int(self.attempts),
            Value::Bytes(pack(&self.wrong_at).into()),
            Value::int(self.sends),
            Value::instant(self.resend_at),
            Value::bytes(self.delivery.as_bytes()),
            Value::int(self.sent),
            Value::instant(self.created_at),
            Value::instant(self.expires_at),
            Value::optional_instant(self.approved_at),
            Value::optional_instant(self.ended_at),
            Value::int(self.channels.bits()),
            Value::int(self.switched),
            Value::int(self.guessed_before),
            Value::optional_bytes(follow_up.and_then(|left| left.sealed.as_deref())),
            Value::optional_int(next.map(|next| next.index)),
            Value::optional_int(next.map(|next| millis(next.after))),
            Value::optional_instant(follow_up.and_then(|left| left.fallback_at)),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<(Id, Self), StoreError> {
        let id = columns.id()?;
        let verification = Self {
            id,
            tenant: columns.text()?,
            number_index: columns.fixed()?,
            to: columns.text()?,
            purpose: columns.text()?,
            channel: columns.word(Channel::parse)?,
            metadata: metadata(columns)?,
            status: columns.word(Status::parse)?,
            reason: columns.optional_word(Reason::parse)?,
            code_hash: columns.optional_fixed()?,
            key_id: columns.text()?,
            attempts: columns.number()?,
            wrong_at: unpack(&columns.bytes()?),
            sends: columns.number()?,
            resend_at: columns.instant()?,
            delivery: columns.id()?,
            sent: columns.int()? != 0,
            created_at: columns.instant()?,
            expires_at: columns.instant()?,
            approved_at: columns.optional_instant()?,
            ended_at: columns.optional_instant()?,
            channels: Channels::of_bits(columns.number()?),
            switched: columns.int()? != 0,
            guessed_before: columns.number()?,
            follow_up: follow_up(columns)?,
        };
        Ok((id, verification))
    }
}

fn follow_up(columns: &mut Columns<'_>) -> Result<Option<FollowUp>, StoreError> {
    let follow_up = FollowUp {
        sealed: columns.optional_bytes()?,
        next: next_step(columns)?,
        fallback_at: columns.optional_instant()?,
    };
    Ok((follow_up != FollowUp::default()).then_some(follow_up))
}

/// Most verifications have none.
fn written(metadata: &BTreeMap<String, String>) -> Cow<'static, str> {
    if metadata.is_empty() {
        Cow::Borrowed("{}")
    } else {
        serde_json::json!(metadata).to_string().into()
    }
}

fn metadata(columns: &mut Columns<'_>) -> Result<BTreeMap<String, String>, StoreError> {
    let text = columns.str()?;
    if text == "{}" {
        return Ok(BTreeMap::new());
    }
    serde_json::from_str(&text).map_err(|_| columns.damaged("metadata is not an object of strings"))
}

/// Instants as 8 bytes each, one after another.
pub(super) fn pack(instants: &[Timestamp]) -> Vec<u8> {
    instants
        .iter()
        .flat_map(|at| at.as_millis().to_be_bytes())
        .collect()
}

pub(super) fn unpack(bytes: &[u8]) -> Vec<Timestamp> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| Timestamp::from_millis(i64::from_be_bytes(*chunk)))
        .collect()
}
