//! Messages that Restcomm took, and of which it told nothing since.

use std::collections::HashMap;

use super::{
    Store, StoreError, Tx, patience, read,
    record::{self, Change, Loaded, Record},
};
use crate::domain::{
    clock::Timestamp, delivery::Delivery, id::Id, ledger::Op, verification::Verification,
};

/// Rows looked at to find those that still matter.
const LOOKED_AT: i64 = 256;
/// The latest messages. Their rows hold when they are asked for, and are locked before those of the deliveries, as in every
/// batch.
const DUE: &str = "select id from verifications where ask_at <= $1 order by ask_at limit $2";
/// Messages that another took the place of, and what an earlier version left.
const DUE_BESIDE: &str = "select id from deliveries where ask_at <= $1 order by ask_at limit $2";
const FIRST: &str = "select min(first) from (select min(ask_at) as first from verifications where ask_at is not null \
                     union all select min(ask_at) from deliveries where ask_at is not null) as firsts";

impl Store {
    /// Up to `most` deliveries that Restcomm is to be asked for now, by this process and no other.
    pub async fn claim_asks(
        &self,
        most: usize,
        op: Op,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let first: Option<i64> = read!(self, pool => {
            sqlx::query_scalar(FIRST).fetch_one(pool).await?
        });
        if first.is_none_or(|first| now.as_millis() < first) {
            return Ok(Vec::new());
        }
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            // Others are to have their turn, too.
            let mut asked = ask_for_latest(&mut tx, most - most / 4, op, now).await?;
            let left = most - asked.len();
            asked.extend(ask_beside(&mut tx, left, op, now).await?);
            tx.commit().await?;
            Ok(asked)
        })
        .await
    }
}

async fn ask_for_latest(
    tx: &mut Tx,
    most: usize,
    op: Op,
    now: Timestamp,
) -> Result<Vec<Delivery>, StoreError> {
    let verifications = due::<Verification>(tx, DUE, now).await?;
    let ids = verifications.iter().map(|row| row.value.delivery);
    let mut ids: Vec<Vec<u8>> = ids.map(|id| id.as_bytes().to_vec()).collect();
    ids.sort_unstable();
    let (deliveries, _) = record::load_each::<Delivery>(tx, &ids).await?;
    let mut deliveries: HashMap<Id, Delivery> = deliveries
        .into_iter()
        .map(|loaded| (loaded.key, loaded.value))
        .collect();
    let mut asked = Vec::new();
    let mut looked_at = Vec::new();
    for mut row in verifications {
        if asked.len() == most {
            break;
        }
        let verification = &mut row.value;
        let latest = deliveries.remove(&verification.delivery);
        let (Some(mut delivery), Some(follow_up)) = (latest, verification.follow_up.take()) else {
            continue;
        };
        delivery.put_follow_up(follow_up);
        if delivery.ask(now) {
            asked.push(delivery.clone());
        }
        verification.follow_up = delivery.take_follow_up();
        looked_at.push(row);
    }
    write(tx, &looked_at, op).await?;
    Ok(asked)
}

async fn ask_beside(
    tx: &mut Tx,
    most: usize,
    op: Op,
    now: Timestamp,
) -> Result<Vec<Delivery>, StoreError> {
    let mut asked = Vec::new();
    let mut looked_at = Vec::new();
    for mut row in due::<Delivery>(tx, DUE_BESIDE, now).await? {
        if asked.len() == most {
            break;
        }
        if row.value.ask(now) {
            asked.push(row.value.clone());
        }
        looked_at.push(row);
    }
    write(tx, &looked_at, op).await?;
    Ok(asked)
}

/// One that cannot be read holds up no other; the outbox tells of it.
async fn due<T: Record>(
    tx: &mut Tx,
    sql: &'static str,
    now: Timestamp,
) -> Result<Vec<Loaded<T>>, StoreError> {
    let mut ids = tx.lock_due(sql, LOOKED_AT, now).await?;
    ids.sort_unstable();
    let (rows, _) = record::load_each::<T>(tx, &ids).await?;
    Ok(rows)
}

async fn write<T: Record>(tx: &mut Tx, rows: &[Loaded<T>], op: Op) -> Result<(), StoreError>
where
    T::Key: Copy,
{
    let changes = rows.iter().map(|row| Change {
        key: row.key,
        value: &row.value,
        before: None,
        version: row.version,
        op,
    });
    let changes: Vec<_> = changes.collect();
    record::write(tx, &changes, "").await
}
