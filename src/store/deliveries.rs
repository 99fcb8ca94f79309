//! The table of deliveries, which is also the courier's outbox.

use std::{sync::LazyLock, time::Duration};

use super::{
    StoreError,
    columns::{Columns, Kind, Value},
    record::{Record, Statements},
};
use crate::domain::{
    delivery::{Cause, Channel, Delivery, DeliveryReason, DeliveryStatus, NextStep, Stage},
    id::Id,
    language::Language,
    wording::{Autofill, Wording},
};

impl Record for Delivery {
    const TABLE: &'static str = "deliveries";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Bytes),
        ("verification", Kind::Bytes),
        ("tenant", Kind::Text),
        ("channel", Kind::Text),
        ("status", Kind::Text),
        ("reason", Kind::Text),
        ("cause", Kind::Text),
        ("stage", Kind::Text),
        ("due_at", Kind::Int),
        ("claim", Kind::Int),
        ("tries", Kind::Int),
        ("account", Kind::Text),
        ("sid", Kind::Text),
        ("sealed", Kind::Bytes),
        ("key_id", Kind::Text),
        ("charges", Kind::Bytes),
        ("give_up_at", Kind::Int),
        ("created_at", Kind::Int),
        ("handed_at", Kind::Int),
        ("sent_at", Kind::Int),
        ("delivered_at", Kind::Int),
        ("failed_at", Kind::Int),
        ("locale", Kind::Text),
        ("purpose", Kind::Text),
        ("autofill", Kind::Text),
        ("ask_at", Kind::Int),
        ("spoken", Kind::Int),
        ("over_at", Kind::Int),
        ("next_step", Kind::Int),
        ("next_after", Kind::Int),
        ("fallback_at", Kind::Int),
    ];
    type Key = Id;

    fn statements() -> &'static Statements {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(Statements::of::<Delivery>);
        &STATEMENTS
    }

    fn write<'a>(&'a self, _: &'a Id, _: &'a str) -> Vec<Value<'a>> {
        let autofill = self.wording.autofill.as_ref().map(Autofill::kept);
        vec![
            Value::bytes(self.id.as_bytes()),
            Value::bytes(self.verification.as_bytes()),
            Value::text(&self.tenant),
            Value::text(self.channel.as_str()),
            Value::text(self.status.as_str()),
            Value::optional_text(self.reason.map(DeliveryReason::as_str)),
            Value::text(self.cause.as_str()),
            Value::text(self.stage.as_str()),
            Value::optional_instant(self.due_at),
            Value::int(self.claim),
            Value::int(self.tries),
            Value::optional_text(self.account.as_deref()),
            Value::optional_text(self.sid.as_deref()),
            Value::optional_bytes(self.sealed.as_deref()),
            Value::text(&self.key_id),
            Value::bytes(self.charges.as_flattened()),
            Value::instant(self.give_up_at),
            Value::instant(self.created_at),
            Value::optional_instant(self.handed_at),
            Value::optional_instant(self.sent_at),
            Value::optional_instant(self.delivered_at),
            Value::optional_instant(self.failed_at),
            Value::text(self.wording.language.as_str()),
            Value::text(&self.wording.purpose),
            Value::Text(autofill.unwrap_or_default().into()),
            Value::optional_instant(self.ask_at),
            Value::int(self.spoken),
            Value::optional_instant(self.over_at),
            Value::optional_int(self.next.map(|next| next.index)),
            Value::optional_int(self.next.map(|next| millis(next.after))),
            Value::optional_instant(self.fallback_at),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<(Id, Self), StoreError> {
        let id = columns.id()?;
        let delivery = Self {
            id,
            verification: columns.id()?,
            tenant: columns.text()?,
            channel: columns.word(Channel::parse)?,
            status: columns.word(DeliveryStatus::parse)?,
            reason: columns.optional_word(DeliveryReason::parse)?,
            cause: columns.word(Cause::parse)?,
            stage: columns.word(Stage::parse)?,
            due_at: columns.optional_instant()?,
            claim: columns.number()?,
            tries: columns.number()?,
            account: columns.optional_text()?,
            sid: columns.optional_text()?,
            sealed: columns.optional_bytes()?,
            key_id: columns.text()?,
            charges: columns.bytes()?.as_chunks().0.to_vec(),
            give_up_at: columns.instant()?,
            created_at: columns.instant()?,
            handed_at: columns.optional_instant()?,
            sent_at: columns.optional_instant()?,
            delivered_at: columns.optional_instant()?,
            failed_at: columns.optional_instant()?,
            wording: Wording {
                // A newer version may know more languages; while both run, its deliveries are sent in ours.
                language: Language::parse(&columns.str()?).unwrap_or_default(),
                purpose: columns.text()?,
                autofill: Autofill::read(&columns.str()?),
            },
            ask_at: columns.optional_instant()?,
            spoken: columns.number()?,
            over_at: columns.optional_instant()?,
            next: next_step(columns)?,
            fallback_at: columns.optional_instant()?,
        };
        Ok((id, delivery))
    }
}

/// What the tenant's plan does next: two columns.
pub(super) fn next_step(columns: &mut Columns<'_>) -> Result<Option<NextStep>, StoreError> {
    let (index, after) = (columns.optional_int()?, columns.optional_int()?);
    let Some((index, after)) = index.zip(after) else {
        return Ok(None);
    };
    let step = u8::try_from(index).ok().zip(u64::try_from(after).ok());
    let (index, after) = step.ok_or_else(|| columns.damaged("next_step"))?;
    Ok(Some(NextStep {
        index,
        after: Duration::from_millis(after),
    }))
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
