//! Reads: what a batch must know before it locks, and what callers ask for.

use std::collections::{BTreeSet, HashMap};

use super::{
    Pool, Store, StoreError, Tx,
    batch_tx::Indexes,
    columns::Columns,
    patience,
    record::{Record, array_keys},
};
use crate::{
    crypto::{KeyRing, UnderEveryKey},
    domain::{
        clock::Timestamp, delivery::Delivery, id::Id, phone::PhoneNumber,
        verification::Verification,
    },
};

const INDEXES: &str = "select v.tenant, v.number_index, d.id, d.key_id, coalesce(v.sealed, d.sealed) \
                       from verifications v left join deliveries d on d.id = any(array[v.delivery]) where v.id = any($1)";
const YOUNGEST: &str = "select k.number_index, k.purpose, \
                        (select id from verifications v where v.number_index = k.number_index \
                         and v.purpose = k.purpose order by v.id desc limit 1) \
                        from unnest($1::bytea[], $2::text[]) as k(number_index, purpose)";
/// Columns that stand in either table.
const FOLLOW_UP: [&str; 4] = ["sealed", "next_step", "next_after", "fallback_at"];
type IndexRow = (
    String,
    Vec<u8>,
    Option<Vec<u8>>,
    Option<String>,
    Option<Vec<u8>>,
);

impl Store {
    /// One delivery, whosever it is.
    pub async fn delivery(&self, id: Id) -> Result<Option<Delivery>, StoreError> {
        let sql = format!("{} where d.id = $1", with_follow_up());
        let found = self.select::<Delivery>(sql, id).await?;
        Ok(found.into_iter().next())
    }

    /// Those of `sids` that are calls of ours, of any tenant.
    pub async fn calls_among(&self, sids: &[String]) -> Result<Vec<String>, StoreError> {
        const OURS: &str =
            "select sid from deliveries where channel <> 'sms' and sid is not null and sid";
        if sids.is_empty() {
            return Ok(Vec::new());
        }
        patience::read(async {
            Ok(match &*self.0 {
                Pool::Sqlite { readers, .. } => {
                    let sql = format!("{OURS} in (select value from json_each($1))");
                    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                        .bind(serde_json::Value::from(sids).to_string())
                        .fetch_all(readers)
                        .await?
                }
                Pool::Postgres { readers, .. } => {
                    let sql = format!("{OURS} = any($1)");
                    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                        .bind(sids)
                        .fetch_all(&mut *readers.lease().await?)
                        .await?
                }
            })
        })
        .await
    }

    /// One verification, whosever it is.
    pub async fn verification(&self, id: Id) -> Result<Option<Verification>, StoreError> {
        let names: Vec<_> = Verification::COLUMNS
            .iter()
            .map(|(name, _)| *name)
            .collect();
        let sql = format!(
            "select {}, version from verifications where id = $1",
            names.join(", ")
        );
        let found = self.select::<Verification>(sql, id).await?;
        Ok(found.into_iter().next())
    }

    /// Restcomm's names of all that a tenant sent to the number of a verification, for whatever purpose.
    pub async fn sids_to_number_of(&self, verification: Id) -> Result<Vec<String>, StoreError> {
        Ok(super::read!(self, pool => {
            sqlx::query_scalar(
                "select d.sid from verifications v join verifications w on w.number_index = v.number_index \
                 join deliveries d on d.verification = w.id where v.id = $1 and d.sid is not null",
            )
            .bind(verification.as_bytes().to_vec())
            .fetch_all(pool)
            .await?
        }))
    }

    /// The highest instant that was ever committed.
    pub async fn highest_now(&self) -> Result<Timestamp, StoreError> {
        let now: i64 = super::read!(self, pool => {
            sqlx::query_scalar("select now from clock where id = 1").fetch_one(pool).await?
        });
        Ok(Timestamp::from_millis(now))
    }

    /// What time the database thinks it is; `None` where it has no time of its own.
    pub async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        if self.is_sqlite() {
            return Ok(None);
        }
        let now: i64 = super::read!(self, connection => {
            sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
                .fetch_one(connection)
                .await?
        });
        Ok(Some(Timestamp::from_millis(now)))
    }

    async fn select<T: Record>(&self, sql: String, id: Id) -> Result<Vec<T>, StoreError> {
        let (query, id) = (sqlx::AssertSqlSafe(sql), id.as_bytes().to_vec());
        let value = |columns: Columns| Ok(columns.into_loaded::<T>()?.value);
        match &*self.0 {
            Pool::Sqlite { readers, .. } => {
                let rows = sqlx::query(query).bind(id).fetch_all(readers);
                let rows = patience::read(async { Ok(rows.await?) }).await?;
                rows.iter()
                    .map(|row| value(Columns::of_sqlite::<T>(row)?))
                    .collect()
            }
            Pool::Postgres { readers, .. } => {
                let rows = patience::read(async {
                    let mut lease = readers.lease().await?;
                    Ok(sqlx::query(query).bind(id).fetch_all(&mut *lease).await?)
                });
                rows.await?
                    .iter()
                    .map(|row| value(Columns::of_postgres::<T>(row)?))
                    .collect()
            }
        }
    }
}

/// Deliveries, with what stands in the rows of their verifications.
fn with_follow_up() -> String {
    let columns = Delivery::COLUMNS.iter().map(|(name, _)| {
        if FOLLOW_UP.contains(name) {
            format!("coalesce(v.{name}, d.{name})")
        } else {
            format!("d.{name}")
        }
    });
    let columns: Vec<_> = columns.collect();
    format!(
        "select {}, d.version from deliveries d \
         left join verifications v on v.id = d.verification and v.delivery = d.id",
        columns.join(", ")
    )
}

pub(super) fn number_index(index: Vec<u8>) -> Result<[u8; 32], StoreError> {
    index.try_into().map_err(|_| StoreError::Damaged {
        table: "verifications",
        what: "width of number_index",
    })
}

/// The number's index of each verification of `ids`, under every key of the ring.
pub(super) async fn indexes_of(
    tx: &mut Tx,
    ids: &[Id],
    ring: &KeyRing,
) -> Result<Indexes, StoreError> {
    let Tx::Postgres(tx) = tx else {
        unreachable!("batches of SQLite have a connection of their own")
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<IndexRow> = sqlx::query_as(INDEXES)
        .bind(array_keys(ids))
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter()
        .map(|(tenant, index, delivery, key_id, sealed)| {
            let index = number_index(index)?;
            let sealed = delivery
                .as_deref()
                .zip(key_id.as_deref())
                .zip(sealed.as_deref());
            let sealed = sealed.map(|((delivery, key_id), sealed)| (delivery, key_id, sealed));
            Ok((index, under_every_key(ring, &tenant, index, sealed)))
        })
        .collect()
}

/// Under which indexes a number is counted. After a rotation it may be counted under a newer key than its verification
/// was made with; then its number is needed, and stands sealed in the latest delivery: id, key and what is sealed.
pub(super) fn under_every_key(
    ring: &KeyRing,
    tenant: &str,
    index: [u8; 32],
    sealed: Option<(&[u8], &str, &[u8])>,
) -> UnderEveryKey<[u8; 32]> {
    let number = sealed
        .filter(|_| ring.is_rotating())
        .and_then(|(id, key_id, sealed)| {
            let secret = ring.open(key_id, id, sealed).ok()?;
            let (_, number) = std::str::from_utf8(&secret).ok()?.split_once('\n')?;
            PhoneNumber::parse(number).ok()
        });
    match number {
        Some(number) => ring.number_index(tenant, number.expose()),
        None => UnderEveryKey {
            newest: index,
            older: Vec::new(),
        },
    }
}

/// The youngest verification of each number and purpose.
pub(super) async fn youngest(
    tx: &mut Tx,
    wanted: &BTreeSet<([u8; 32], String)>,
) -> Result<HashMap<([u8; 32], String), Id>, StoreError> {
    let Tx::Postgres(tx) = tx else {
        unreachable!("batches of SQLite have a connection of their own")
    };
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let indexes: Vec<_> = wanted.iter().map(|(index, _)| *index).collect();
    let purposes: Vec<_> = wanted.iter().map(|(_, purpose)| purpose.clone()).collect();
    let rows: Vec<(Vec<u8>, String, Option<Vec<u8>>)> = sqlx::query_as(YOUNGEST)
        .bind(array_keys(&indexes))
        .bind(purposes)
        .fetch_all(&mut **tx)
        .await?;
    let damaged = StoreError::Damaged {
        table: "verifications",
        what: "width of id",
    };
    let found = rows
        .into_iter()
        .filter_map(|(index, purpose, id)| Some((index, purpose, id?)));
    found
        .map(|(index, purpose, id)| {
            Some((
                (<[u8; 32]>::try_from(index).ok()?, purpose),
                Id::from_bytes(&id)?,
            ))
        })
        .collect::<Option<_>>()
        .ok_or(damaged)
}
