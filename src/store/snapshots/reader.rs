//! Reads many snapshots at once, from either database.

use std::{collections::HashMap, path::PathBuf, sync::LazyLock};

use rusqlite::{Connection, OpenFlags};
use sqlx::{Row as _, postgres::PgRow};

use super::{Found, Question, Snapshot, for_another, is_everybodys};
use crate::{
    domain::{delivery::Delivery, id::Id, verification::Verification},
    store::{
        StoreError,
        columns::Columns,
        lease::{Connections, PATIENCE},
        patience,
        record::{Record, array_keys},
    },
};

/// Pages of recent verifications. In KiB; negative is how SQLite takes it so.
const CACHE: i64 = -8 * 1024;

static SQLITE: LazyLock<[String; 2]> = LazyLock::new(|| statements("= ?1"));
static POSTGRES: LazyLock<[String; 2]> = LazyLock::new(|| statements("= any($1)"));

pub(in crate::store) enum Reader {
    Sqlite {
        path: PathBuf,
        /// Opened when it is needed, and again when something went wrong.
        connection: Option<Connection>,
    },
    Postgres(Connections),
}

/// Verifications by their ids, and deliveries by theirs.
fn statements(is_wanted: &str) -> [String; 2] {
    [
        format!("{} where id {is_wanted}", select::<Verification>()),
        format!(
            "{} where verification {is_wanted} order by id",
            select::<Delivery>()
        ),
    ]
}

fn select<T: Record>() -> String {
    let names: Vec<_> = T::COLUMNS.iter().map(|(name, _)| *name).collect();
    format!("select {}, version from {}", names.join(", "), T::TABLE)
}

impl Reader {
    pub(in crate::store) fn of_sqlite(path: PathBuf) -> Self {
        Self::Sqlite {
            path,
            connection: None,
        }
    }

    pub(super) fn holds_up_its_thread(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// On SQLite whoever asks wakes the reader, which is there at once, before others on the same processor have asked.
    pub(super) fn let_others_ask(&self) {
        if self.holds_up_its_thread() {
            std::thread::yield_now();
        }
    }

    /// What is found of each question, as of one moment on SQLite, and one after the other on PostgreSQL. A row that cannot
    /// be read is only theirs who asked for it.
    pub(super) async fn read(&mut self, questions: &[Question]) -> Result<Vec<Found>, StoreError> {
        match self {
            Self::Sqlite { path, connection } => {
                let open = match connection.take() {
                    Some(open) => open,
                    None => connect(path)?,
                };
                open.prepare_cached("begin")?.execute([])?;
                let mut found = Vec::with_capacity(questions.len());
                for question in questions {
                    match in_place(&open, question) {
                        Err(error) if is_everybodys(&error) => return Err(error),
                        answer => found.push(answer),
                    }
                }
                open.prepare_cached("commit")?.execute([])?;
                *connection = Some(open);
                Ok(found)
            }
            Self::Postgres(connections) => {
                patience::read(over_the_network(connections, questions)).await
            }
        }
    }
}

fn connect(path: &PathBuf) -> Result<Connection, StoreError> {
    // One thread has it: SQLite need not see to that as well.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    for (name, value) in [("query_only", "on"), ("trusted_schema", "off")] {
        connection.pragma_update(None, name, value)?;
    }
    connection.pragma_update(None, "cache_size", CACHE)?;
    Ok(connection)
}

fn in_place(connection: &Connection, question: &Question) -> Found {
    let [verifications, deliveries] = &*SQLITE;
    let id = [question.id.as_bytes()];
    let mut statement = connection.prepare_cached(verifications)?;
    let mut rows = statement.query(id)?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let verification = Columns::in_place::<Verification>(row)
        .into_loaded::<Verification>()?
        .value;
    if verification.tenant != question.tenant {
        return Ok(None);
    }
    let mut snapshot = Snapshot {
        verification,
        deliveries: Vec::new(),
    };
    let mut statement = connection.prepare_cached(deliveries)?;
    let mut rows = statement.query(id)?;
    while let Some(row) = rows.next()? {
        snapshot
            .deliveries
            .push(Columns::in_place::<Delivery>(row).into_loaded()?.value);
    }
    snapshot.join_follow_up();
    Ok(Some(snapshot))
}

async fn over_the_network(
    connections: &Connections,
    questions: &[Question],
) -> Result<Vec<Found>, StoreError> {
    let [verifications, deliveries] = &*POSTGRES;
    let ids: Vec<Id> = questions.iter().map(|question| question.id).collect();
    let mut lease = connections.lease().await?;
    let rows = sqlx::query(verifications.as_str())
        .bind(array_keys(&ids))
        .fetch_all(&mut *lease)
        .await?;
    let mut found = HashMap::with_capacity(rows.len());
    let mut faults = HashMap::new();
    for row in &rows {
        match decoded::<Verification>(row, "id")? {
            (id, Ok(verification)) => {
                let deliveries = Vec::new();
                let snapshot = Snapshot {
                    verification,
                    deliveries,
                };
                found.insert(id, snapshot);
            }
            (id, Err(fault)) => drop(faults.insert(id, fault)),
        }
    }
    let is_found = |question: &&Question| {
        let found: Option<&Snapshot> = found.get(&question.id);
        found.is_some_and(|found| found.verification.tenant == question.tenant)
    };
    // Of others' verifications nothing more is read.
    let ids: Vec<Id> = questions
        .iter()
        .filter(is_found)
        .map(|question| question.id)
        .collect();
    if !ids.is_empty() {
        let rows = sqlx::query(deliveries.as_str())
            .bind(array_keys(&ids))
            .fetch_all(&mut *lease)
            .await?;
        for row in &rows {
            match decoded::<Delivery>(row, "verification")? {
                (id, Ok(delivery)) => {
                    if let Some(snapshot) = found.get_mut(&id) {
                        snapshot.deliveries.push(delivery);
                    }
                }
                (id, Err(fault)) => drop(faults.insert(id, fault)),
            }
        }
    }
    let answers = questions.iter().map(|question| {
        if let Some(fault) = faults.get(&question.id) {
            return Err(for_another(fault));
        }
        let found = found.get(&question.id);
        let found = found.filter(|found| found.verification.tenant == question.tenant);
        let mut found = found.cloned();
        if let Some(snapshot) = &mut found {
            snapshot.join_follow_up();
        }
        Ok(found)
    });
    Ok(answers.collect())
}

/// A row, or what is wrong with it, and the verification that it is of.
fn decoded<T: Record>(
    row: &PgRow,
    verification: &str,
) -> Result<(Id, Result<T, StoreError>), StoreError> {
    let id: Vec<u8> = row.try_get(verification)?;
    let id = Id::from_bytes(&id).ok_or(StoreError::Damaged {
        table: T::TABLE,
        what: "width of an id",
    })?;
    let value = Columns::of_postgres::<T>(row).and_then(Columns::into_loaded::<T>);
    Ok((id, value.map(|loaded| loaded.value)))
}
