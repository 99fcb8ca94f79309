//! The table of failure budgets, by blind index of the number.

use std::sync::LazyLock;

use super::{
    StoreError, Tx,
    columns::{Columns, Kind, Value},
    reads,
    record::{Loaded, Record, Statements, array_keys},
};
use crate::domain::{failures::FailureBudget, id::Id};

const NUMBERS: &str =
    "select distinct number_index from verifications where id = any($1) order by number_index";
/// Locked in the order of their ids, as in every batch, and in the same round trip as the numbers are found.
const OF_NUMBERS: &str = "select id, key_id, failures, blocked_until, last_failure, version from budgets \
                          where id = any(array( \
                          select number_index from verifications where id = any($1) union all select unnest($2::bytea[])) \
                          ) order by id for update";

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

/// The index of each number that verifications of `ids` are of.
pub(super) async fn numbers_of(tx: &mut Tx, ids: &[Id]) -> Result<Vec<[u8; 32]>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(NUMBERS)
        .bind(array_keys(ids))
        .fetch_all(postgres(tx))
        .await?;
    rows.into_iter().map(reads::number_index).collect()
}

/// Loads and locks the budgets of `indexes`, and of the numbers that verifications of `ids` are of, as far as there are any.
pub(super) async fn load_of(
    tx: &mut Tx,
    ids: &[Id],
    indexes: &[[u8; 32]],
) -> Result<Vec<Loaded<FailureBudget>>, StoreError> {
    let rows = sqlx::query(OF_NUMBERS)
        .bind(array_keys(ids))
        .bind(array_keys(indexes))
        .fetch_all(postgres(tx))
        .await?;
    let load = |row| Columns::of_postgres::<FailureBudget>(row)?.into_loaded();
    rows.iter().map(load).collect()
}

fn postgres(tx: &mut Tx) -> &mut sqlx::PgConnection {
    match tx {
        Tx::Postgres(tx) => tx,
        Tx::Sqlite { .. } => unreachable!("batches of SQLite have a connection of their own"),
    }
}
