//! Messages that Restcomm took, and of which it told nothing since.

use super::{
    Store, StoreError, patience, read,
    record::{self, Change},
};
use crate::domain::{clock::Timestamp, delivery::Delivery, id::Id, ledger::Op};

/// Rows looked at to find those that still matter.
const LOOKED_AT: i64 = 256;
const DUE: &str = "select id from deliveries where ask_at <= $1 order by ask_at limit $2";

impl Store {
    /// Up to `most` deliveries that Restcomm is to be asked for now, by this process and no other.
    pub async fn claim_asks(
        &self,
        most: usize,
        op: Op,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let first: Option<i64> = read!(self, pool => {
            sqlx::query_scalar("select min(ask_at) from deliveries where ask_at is not null").fetch_one(pool).await?
        });
        if first.is_none_or(|first| now.as_millis() < first) {
            return Ok(Vec::new());
        }
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            let ids = tx.lock_due(DUE, LOOKED_AT, now).await?;
            let ids = ids.iter().filter_map(|id| Id::from_bytes(id));
            let mut ids: Vec<Id> = ids.collect();
            ids.sort_unstable();
            let mut asked = Vec::new();
            let mut looked_at = Vec::new();
            // One that cannot be read holds up no other; the outbox tells of it.
            let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
            let (rows, _) = record::load_each::<Delivery>(&mut tx, &ids).await?;
            for loaded in rows {
                if asked.len() == most {
                    break;
                }
                let mut delivery = loaded.value;
                if delivery.ask(now) {
                    asked.push(delivery.clone());
                }
                looked_at.push((delivery, loaded.version));
            }
            let changes: Vec<_> = looked_at
                .iter()
                .map(|(delivery, version)| Change {
                    key: delivery.id,
                    value: delivery,
                    version: *version,
                    op,
                })
                .collect();
            record::write(&mut tx, &changes, "").await?;
            tx.commit().await?;
            Ok(asked)
        })
        .await
    }
}
