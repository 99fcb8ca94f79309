//! What the courier and the sweeper ask for, in short transactions of their own.

use std::{collections::HashSet, ops::Range, time::Duration};

use super::{
    Pool, Store, StoreError, Tx, on, patience, read,
    record::{self, Change},
    tally,
};
use crate::domain::{
    clock::Timestamp,
    delivery::{Delivery, Work},
    id::Id,
    ledger::Op,
};

/// A delivery that this process holds now, and what to do with it.
#[derive(Debug)]
pub struct Claimed {
    pub delivery: Delivery,
    pub work: Work,
}

/// A due delivery that cannot be read, and is not looked at for a while.
#[derive(Debug)]
pub struct SetAside {
    pub id: Vec<u8>,
    pub error: StoreError,
}

/// Verifications that were deleted.
#[derive(Debug)]
pub struct Gone {
    pub last: Id,
    pub count: usize,
}

/// For how long, so that nobody else is held up.
const SET_ASIDE_FOR: Duration = Duration::from_secs(15);
/// And where a newer version, beside us, can read it: so shortly that its message is hardly late.
const LEFT_TO_OTHERS_FOR: Duration = Duration::from_secs(1);

const DUE: &str = "select id from deliveries where due_at <= $1 order by due_at limit $2";
const OLD: &str = "select id from verifications where id >= $1 and id < $2 and tenant = $3 \
                   and ended_at < $4 order by id limit $5";

impl Store {
    /// When the next delivery is due, if any is.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = read!(self, pool => {
            sqlx::query_scalar("select min(due_at) from deliveries where due_at is not null").fetch_one(pool).await?
        });
        Ok(due.map(Timestamp::from_millis))
    }

    /// Claims up to `most` due deliveries that no other process holds, and that are not `in_hand` here. What cannot be
    /// read is set aside, so that it holds nobody up.
    pub async fn claim_due(
        &self,
        most: usize,
        op: Op,
        in_hand: &HashSet<Id>,
        now: Timestamp,
    ) -> Result<(Vec<Claimed>, Vec<SetAside>), StoreError> {
        let claim = self.claim_due_now(most, op, in_hand, now);
        let (claimed, set_aside) = patience::housekeeping(claim).await?;
        // Some end with the claim: nobody can find out any more what became of them.
        for ended in claimed
            .iter()
            .filter_map(|claimed| tally::delivered(&claimed.delivery))
        {
            self.metrics().deliveries.count(ended.0, ended.1);
        }
        Ok((claimed, set_aside))
    }

    async fn claim_due_now(
        &self,
        most: usize,
        op: Op,
        in_hand: &HashSet<Id>,
        now: Timestamp,
    ) -> Result<(Vec<Claimed>, Vec<SetAside>), StoreError> {
        let mut tx = self.begin().await?;
        // Those in hand must not hide the others.
        let limit = i64::try_from(most + in_hand.len()).unwrap_or(i64::MAX);
        let ids = tx.lock_due(DUE, limit, now).await?;
        let in_hand = |id: &Vec<u8>| Id::from_bytes(id).is_some_and(|id| in_hand.contains(&id));
        let mut ids: Vec<_> = ids
            .into_iter()
            .filter(|id| !in_hand(id))
            .take(most)
            .collect();
        ids.sort_unstable();
        let (rows, damaged) = record::load_each::<Delivery>(&mut tx, &ids).await?;
        let set_aside = damaged
            .into_iter()
            .map(|(id, error)| SetAside { id, error });
        let set_aside: Vec<_> = set_aside.collect();
        let (newer, damaged): (Vec<_>, Vec<_>) = set_aside
            .iter()
            .partition(|row| matches!(row.error, StoreError::Newer { .. }));
        put_aside(&mut tx, &newer, now.plus(LEFT_TO_OTHERS_FOR)).await?;
        put_aside(&mut tx, &damaged, now.plus(SET_ASIDE_FOR)).await?;
        let mut claimed = Vec::new();
        let mut versions = Vec::new();
        for loaded in rows {
            let mut delivery = loaded.value;
            let work = delivery.claim(now);
            versions.push(loaded.version);
            claimed.push(Claimed { delivery, work });
        }
        let changes: Vec<_> = claimed
            .iter()
            .zip(versions)
            .map(|(claimed, version)| Change {
                key: claimed.delivery.id,
                value: &claimed.delivery,
                before: None,
                version,
                op,
            })
            .collect();
        record::write(&mut tx, &changes, "").await?;
        tx.commit().await?;
        Ok((claimed, set_aside))
    }

    /// The tenants of all verifications. This reads the whole table: not for every day.
    pub async fn tenants_with_verifications(&self) -> Result<Vec<String>, StoreError> {
        Ok(read!(self, long_read, pool => {
            sqlx::query_scalar("select distinct tenant from verifications").fetch_all(pool).await?
        }))
    }

    /// Deletes up to `most` verifications of `tenant` born in `born` that ended before `ended_before`, with their
    /// deliveries. Ids begin with time, so this walks the primary key and needs no index. `None`: there are none.
    pub async fn purge(
        &self,
        tenant: &str,
        born: Range<Id>,
        ended_before: Timestamp,
        most: i64,
    ) -> Result<Option<Gone>, StoreError> {
        let ids: Vec<Vec<u8>> = read!(self, pool => {
            sqlx::query_scalar(OLD)
                .bind(born.start.as_bytes().to_vec())
                .bind(born.end.as_bytes().to_vec())
                .bind(tenant)
                .bind(ended_before.as_millis())
                .bind(most)
                .fetch_all(pool)
                .await?
        });
        let Some(last) = ids.last().and_then(|id| Id::from_bytes(id)) else {
            return Ok(None);
        };
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            match &mut tx {
                Tx::Sqlite { tx, .. } => {
                    let json = record::json_keys(&ids);
                    for sql in [
                        "delete from deliveries where verification in (select unhex(value) from json_each($1))",
                        "delete from verifications where id in (select unhex(value) from json_each($1))",
                    ] {
                        sqlx::query(sql).bind(&json).execute(&mut **tx).await?;
                    }
                }
                Tx::Postgres(tx) => {
                    for sql in [
                        // Batches lock verifications first, in this order.
                        "select id from verifications where id = any($1) order by id for update",
                        "delete from deliveries where verification = any($1)",
                        "delete from verifications where id = any($1)",
                    ] {
                        sqlx::query(sql).bind(&ids).execute(&mut **tx).await?;
                    }
                }
            }
            tx.commit().await?;
            let count = ids.len();
            Ok(Some(Gone { last, count }))
        })
        .await
    }

    /// Takes into the file what SQLite has in its log, while others write. After much was deleted nobody else may do it for
    /// a while, or whoever commits next would be held up. PostgreSQL sees to that by itself.
    pub async fn take_in_log(&self) -> Result<(), StoreError> {
        if let Pool::Sqlite { readers, .. } = &*self.0 {
            sqlx::query("pragma wal_checkpoint(passive)")
                .execute(readers)
                .await?;
        }
        Ok(())
    }

    /// Notes the fingerprint of a root key; `false` when another key bore this id before.
    pub async fn remember_root_key(
        &self,
        id: &str,
        fingerprint: [u8; 32],
    ) -> Result<bool, StoreError> {
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            on!(&mut tx, connection => {
                sqlx::query("insert into root_keys (id, fingerprint) values ($1, $2) on conflict (id) do nothing")
                    .bind(id)
                    .bind(fingerprint.to_vec())
                    .execute(connection)
                    .await?;
            });
            let known: Vec<u8> = on!(&mut tx, connection => {
                sqlx::query_scalar("select fingerprint from root_keys where id = $1")
                    .bind(id)
                    .fetch_one(connection)
                    .await?
            });
            tx.commit().await?;
            Ok(known == fingerprint)
        })
        .await
    }

    /// For each key name that is still needed but not among `known`: until when it is.
    pub async fn keys_still_needed(
        &self,
        known: &[&str],
        now: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        // Every key was remembered before it was used. So unless one was dropped, nothing need be read of all that is
        // counted, which would keep a large service from being ready soon.
        let ever: Vec<String> = read!(self, pool => {
            sqlx::query_scalar("select id from root_keys").fetch_all(pool).await?
        });
        if ever.iter().all(|id| known.contains(&id.as_str())) {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, i64)> = read!(self, long_read, pool => {
            sqlx::query_as(
                "select key_id, max(until) from ( \
                   select key_id, blocked_until as until from budgets where blocked_until > $1 \
                   union all select key_id, until from counters where until > $1 \
                   union all select key_id, expires_at from idempotency where expires_at > $1 \
                   union all select key_id, expires_at from verifications where status = 'pending' and expires_at > $1 \
                 ) needed group by key_id order by key_id",
            )
            .bind(now.as_millis())
            .fetch_all(pool)
            .await?
        });
        let missing = rows
            .into_iter()
            .filter(|(key_id, _)| !known.contains(&key_id.as_str()));
        Ok(missing
            .map(|(key_id, until)| (key_id, Timestamp::from_millis(until)))
            .collect())
    }
}

async fn put_aside(tx: &mut Tx, rows: &[&SetAside], until: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<&[u8]> = rows.iter().map(|row| row.id.as_slice()).collect();
    tx.set("update deliveries set due_at", Some(until), &ids)
        .await
}
