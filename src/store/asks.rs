//! Messages that Restcomm took, and of which it told nothing since.

use super::{
    Store, StoreError, Tx, patience, read,
    record::{self, Change},
};
use crate::domain::{clock::Timestamp, delivery::Delivery, ledger::Op};

/// Rows that are claimed or let go of together.
const CHUNK: usize = 250;
/// Rows looked at together, and how often in a row: what is due in a second, on a busy service.
const STRETCH: i64 = 1000;
const STRETCHES: u32 = 20;

const FIRST: &str = "select min(ask_at) from deliveries where ask_at is not null";
/// Due rows, and whether their verifications ended before their time. Whoever ended one did not look at its delivery: most
/// are never asked for, since a code that is given back in time ends them. An end lasts, so nothing need be locked to see it.
const DUE: &str = "select d.id, d.ask_at, coalesce( \
                   (select v.ended_at < v.expires_at from verifications v where v.id = d.verification), false) \
                   from deliveries d where d.ask_at > $1 and d.ask_at <= $2 order by d.ask_at limit $3";
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
        let due = self.look_for_asks(now).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        patience::housekeeping(self.claim_those(&due, most, op, now)).await
    }

    /// The first that are due. What matters to nobody any more is let go of on the way.
    async fn look_for_asks(&self, now: Timestamp) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut due = Vec::new();
        let mut after = i64::MIN;
        for _ in 0..STRETCHES {
            let rows: Vec<(Vec<u8>, i64, bool)> = read!(self, pool => {
                sqlx::query_as(DUE)
                    .bind(after)
                    .bind(now.as_millis())
                    .bind(STRETCH)
                    .fetch_all(pool)
                    .await?
            });
            let last = rows.last().map(|(_, at, _)| *at);
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < STRETCH);
            let (moot, open): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, _, moot)| *moot);
            let moot: Vec<_> = moot.into_iter().map(|(id, ..)| id).collect();
            for chunk in moot.chunks(CHUNK) {
                patience::housekeeping(self.let_go(chunk, now)).await?;
            }
            let room = CHUNK - due.len();
            due.extend(open.into_iter().map(|(id, ..)| id).take(room));
            match last {
                Some(last) if !is_last => after = last,
                _ => break,
            }
        }
        Ok(due)
    }

    async fn is_due(&self, first: &'static str, now: Timestamp) -> Result<bool, StoreError> {
        let first: Option<i64> = read!(self, pool => {
            sqlx::query_scalar(first).fetch_one(pool).await?
        });
        Ok(first.is_some_and(|first| first <= now.as_millis()))
    }

    async fn let_go(&self, ids: &[Vec<u8>], now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let ids = tx.lock_asks(ids, now).await?;
        tx.set("update deliveries set ask_at", None, &ids).await?;
        tx.commit().await
    }

    /// Notes with the deliveries what the version before noted with their verifications: these are locked first, as in
    /// every batch.
    async fn take_over_asks(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let verifications = tx.lock_due(BEFORE, STRETCH, now).await?;
        let deliveries = tx.latest_of(&verifications).await?;
        tx.set("update deliveries set ask_at", Some(now), &deliveries)
            .await?;
        tx.set("update verifications set ask_at", None, &verifications)
            .await?;
        tx.commit().await
    }

    async fn claim_those(
        &self,
        due: &[Vec<u8>],
        most: usize,
        op: Op,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut tx = self.begin().await?;
        let ids = tx.lock_asks(due, now).await?;
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
    /// Those of `ids` that are due still, but for those that another replica is just taking.
    async fn lock_asks(
        &mut self,
        ids: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(match self {
            Self::Sqlite { tx, .. } => {
                sqlx::query_scalar(
                    "select id from deliveries where ask_at <= $1 and id in (select unhex(value) from json_each($2)) order by id",
                )
                .bind(now.as_millis())
                .bind(record::json_keys(ids))
                .fetch_all(&mut **tx)
                .await?
            }
            Self::Postgres(tx) => {
                sqlx::query_scalar(
                    "select id from deliveries where ask_at <= $1 and id = any($2) order by id for update skip locked",
                )
                .bind(now.as_millis())
                .bind(ids)
                .fetch_all(&mut **tx)
                .await?
            }
        })
    }

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
