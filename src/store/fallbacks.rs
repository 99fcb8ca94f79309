//! Deliveries that were not confirmed in time, and whose tenant has a plan for that.

use super::{Store, StoreError, read};
use crate::domain::{clock::Timestamp, delivery::Delivery, id::Id};

/// Those that failed before Restcomm had them stand in the first table, all others in the second.
const DUE: &str = "select id from (select id, fallback_at from deliveries where fallback_at <= $1 \
                   union all select delivery, fallback_at from verifications where fallback_at <= $1) as due \
                   order by fallback_at limit $2";

impl Store {
    /// Up to `most` deliveries whose fallback is due, as they are now: nothing is decided on them. One that cannot be read
    /// holds up no other; the courier tells of it where it is due.
    pub async fn fallbacks_due(
        &self,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let ids: Vec<Vec<u8>> = read!(self, pool => {
            sqlx::query_scalar(DUE).bind(now.as_millis()).bind(most).fetch_all(pool).await?
        });
        let mut due = Vec::new();
        for id in ids.iter().filter_map(|id| Id::from_bytes(id)) {
            match self.delivery(id).await {
                Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => {}
                found => due.extend(found?),
            }
        }
        Ok(due)
    }
}
