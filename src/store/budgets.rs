//! The table of failure budgets, by blind index of the number.

use std::sync::LazyLock;

use super::{
    StoreError,
    columns::{Columns, Kind, Value},
    record::{Record, Statements},
};
use crate::domain::failures::FailureBudget;

impl Record for FailureBudget {
    const TABLE: &'static str = "budgets";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Bytes),
        ("key_id", Kind::Text),
        ("failures", Kind::Int),
        ("blocked_until", Kind::Int),
        ("last_failure", Kind::Int),
    ];
    // The id of the row was made with this root key, whichever is the newest by now.
    const LASTING: Option<&'static str> = Some("key_id");
    type Key = [u8; 32];

    fn statements() -> &'static Statements {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(Statements::of::<FailureBudget>);
        &STATEMENTS
    }

    fn write<'a>(&'a self, id: &'a [u8; 32], key_id: &'a str) -> Vec<Value<'a>> {
        vec![
            Value::bytes(id),
            Value::text(key_id),
            Value::int(self.failures),
            Value::instant(self.blocked_until),
            Value::instant(self.last_failure),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<([u8; 32], Self), StoreError> {
        let id = columns.fixed()?;
        columns.str()?;
        let budget = Self {
            failures: columns.number()?,
            blocked_until: columns.instant()?,
            last_failure: columns.instant()?,
        };
        Ok((id, budget))
    }

    fn make_lockable() -> Option<&'static str> {
        // Most are there, and looked for at less cost than by trying to add them.
        Some(
            "insert into budgets (id, key_id, failures, blocked_until, last_failure, version, op) \
             select id, '', 0, 0, 0, 0, '' from unnest($1::bytea[]) as k(id) \
             where (select b.id from budgets b where b.id = k.id) is null on conflict (id) do nothing",
        )
    }
}
