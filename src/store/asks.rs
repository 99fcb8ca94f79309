//! Messages that Restcomm took, and of which it told nothing since.

use super::{
    Store, StoreError, Tx, patience, read,
    record::{self, Change},
};
use crate::domain::{clock::Timestamp, delivery::Delivery, ledger::Op};

/// Rows looked at to find those that still matter.
const LOOKED_AT: i64 = 256;
/// Rows that are let go of together.
const CHUNK: i64 = 500;

const FIRST: &str = "select min(ask_at) from deliveries where ask_at is not null";
const DUE: &str = "select id from deliveries where ask_at <= $1 order by ask_at limit $2";
/// Those of verifications that ended before their time. Whoever ended one did not look at its delivery: most are asked for
/// never, since a code that is given back in time ends them.
const MOOT: &str = "select d.id from deliveries d where d.ask_at <= $1 and \
                    (select v.ended_at < v.expires_at from verifications v where v.id = d.verification) \
                    order by d.ask_at limit $2";
/// The version before noted it in another table.
const BEFORE: &str = "select id from verifications where ask_at <= $1 order by ask_at limit $2";
const FIRST_BEFORE: &str = "select min(ask_at) from verifications where ask_at is not null";

impl Store {
    /// Up to `most` deliveries that Restcomm is to be asked for now, by this process and no other.
    pub async fn claim_asks(
        &self,
        most: usize,
        op: Op,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        if self.is_due(FIRST_BEFORE, now).await? {
            patience::housekeeping(self.take_over_asks(now)).await?;
        }
        if !self.is_due(FIRST, now).await? {
            return Ok(Vec::new());
        }
        while patience::housekeeping(self.let_go(now)).await? == CHUNK {}
        patience::housekeeping(self.claim_asks_now(most, op, now)).await
    }

    async fn is_due(&self, first: &'static str, now: Timestamp) -> Result<bool, StoreError> {
        let first: Option<i64> = read!(self, pool => {
            sqlx::query_scalar(first).fetch_one(pool).await?
        });
        Ok(first.is_some_and(|first| first <= now.as_millis()))
    }

    /// Lets go of messages that matter to nobody any more. Tells of how many.
    async fn let_go(&self, now: Timestamp) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let ids = tx.lock_due(MOOT, CHUNK, now).await?;
        tx.set("update deliveries set ask_at", None, &ids).await?;
        tx.commit().await?;
        Ok(i64::try_from(ids.len()).unwrap_or(CHUNK))
    }

    /// Notes with the deliveries what the version before noted with their verifications: these are locked first, as in
    /// every batch.
    async fn take_over_asks(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let verifications = tx.lock_due(BEFORE, CHUNK, now).await?;
        let deliveries = tx.latest_of(&verifications).await?;
        tx.set("update deliveries set ask_at", Some(now), &deliveries)
            .await?;
        tx.set("update verifications set ask_at", None, &verifications)
            .await?;
        tx.commit().await
    }

    async fn claim_asks_now(
        &self,
        most: usize,
        op: Op,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut tx = self.begin().await?;
        let mut ids = tx.lock_due(DUE, LOOKED_AT, now).await?;
        ids.sort_unstable();
        // One that cannot be read holds up no other; the outbox tells of it.
        let (rows, _) = record::load_each::<Delivery>(&mut tx, &ids).await?;
        let mut asked = Vec::new();
        let mut looked_at = Vec::new();
        for mut row in rows {
            if asked.len() == most {
                break;
            }
            if row.value.ask(now) {
                asked.push(row.value.clone());
            }
            looked_at.push(row);
        }
        let changes = looked_at.iter().map(|row| Change {
            key: row.key,
            value: &row.value,
            before: None,
            version: row.version,
            op,
        });
        record::write(&mut tx, &changes.collect::<Vec<_>>(), "").await?;
        tx.commit().await?;
        Ok(asked)
    }
}

impl Tx {
    /// The latest delivery of each verification.
    async fn latest_of(&mut self, verifications: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(match self {
            Self::Sqlite { tx, .. } => {
                sqlx::query_scalar("select delivery from verifications where id in (select unhex(value) from json_each($1))")
                    .bind(record::json_keys(verifications))
                    .fetch_all(&mut **tx)
                    .await?
            }
            Self::Postgres(tx) => {
                sqlx::query_scalar("select delivery from verifications where id = any($1)")
                    .bind(verifications)
                    .fetch_all(&mut **tx)
                    .await?
            }
        })
    }
}
