//! Rows that say nothing any more: counters, sends that cannot be repeated, and failure budgets.
//!
//! A budget changes with every guess, and an index that leads to those that are unused would have to change as often. So
//! there is none: the table is walked through, a stretch at a time.

use super::{Store, StoreError, Tx, on, patience, read, record};
use crate::domain::{clock::Timestamp, failures::FailureBudget};

const UNUSED: &str = "blocked_until < $1 and last_failure < $2";
/// On PostgreSQL an empty budget is there to be locked by whoever checks a code: another one would be made for that.
const IN_USE: &str = " and (select 1 from verifications v where v.number_index = b.id and v.status = 'pending' limit 1) is null";

/// What a stretch of the budgets came to.
#[derive(Debug)]
pub struct Stretch {
    /// The ids of those that are unused.
    pub unused: Vec<Vec<u8>>,
    /// Its last id; `None`: there is nothing after it.
    pub end: Option<Vec<u8>>,
}

impl Store {
    /// Which of the next `length` failure budgets after the id `after` are unused.
    pub async fn unused_budgets(
        &self,
        after: &[u8],
        length: i64,
        now: Timestamp,
    ) -> Result<Stretch, StoreError> {
        let last = "select id from budgets where id > $1 order by id limit 1 offset $2";
        let end: Option<Vec<u8>> = read!(self, long_read, pool => {
            sqlx::query_scalar(last)
                .bind(after)
                .bind(length - 1)
                .fetch_optional(pool)
                .await?
        });
        let mut found = format!("select id from budgets b where {UNUSED} and id > $3");
        if !self.is_sqlite() {
            found.push_str(IN_USE);
        }
        if end.is_some() {
            found.push_str(" and id <= $4");
        }
        let unused = read!(self, long_read, pool => {
            let found = sqlx::query_scalar(sqlx::AssertSqlSafe(found))
                .bind(now.as_millis())
                .bind(kept_since(now))
                .bind(after);
            match &end {
                Some(end) => found.bind(end).fetch_all(pool).await?,
                None => found.fetch_all(pool).await?,
            }
        });
        Ok(Stretch { unused, end })
    }

    /// Deletes those failure budgets of `ids` that are still unused.
    pub async fn delete_budgets(&self, ids: &[Vec<u8>], now: Timestamp) -> Result<(), StoreError> {
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            match &mut tx {
                Tx::Sqlite { tx, .. } => {
                    let sql = format!(
                        "delete from budgets where {UNUSED} and id in (select unhex(value) from json_each($3))"
                    );
                    sqlx::query(sqlx::AssertSqlSafe(sql))
                        .bind(now.as_millis())
                        .bind(kept_since(now))
                        .bind(record::json_keys(ids))
                        .execute(&mut **tx)
                        .await?;
                }
                Tx::Postgres(tx) => {
                    // In the order of batches. What one of them holds is left for the next time: waiting for each other in a
                    // circle would end one of both. The condition is asked again of a row that has changed meanwhile: a
                    // failure that was just counted must stay.
                    let sql = format!(
                        "delete from budgets where {UNUSED} and id = any(array( \
                         select id from budgets where id = any($3) order by id for update skip locked))"
                    );
                    sqlx::query(sqlx::AssertSqlSafe(sql))
                        .bind(now.as_millis())
                        .bind(kept_since(now))
                        .bind(ids)
                        .execute(&mut **tx)
                        .await?;
                }
            }
            tx.commit().await
        })
        .await
    }

    /// Deletes up to `most` counters that say nothing any more, and as many sends that cannot be repeated any more; tells
    /// whether there may be more.
    ///
    /// The conditions stand outside the chunk, too: PostgreSQL asks only those again when a row that it waited for has
    /// changed meanwhile.
    pub async fn purge_counters(&self, now: Timestamp, most: i64) -> Result<bool, StoreError> {
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            // In the order of batches. What one of them holds is left for the next time: waiting for each other in a circle
            // would end one of both.
            let chunk = |of: &str| {
                if self.is_sqlite() {
                    format!("in ({of})")
                } else {
                    // An array is made once; a subquery might be run for every row, and find others each time.
                    format!("= any(array({of} for update skip locked))")
                }
            };
            let sends = chunk("select id from idempotency where expires_at <= $1 limit $2");
            let sends = format!("delete from idempotency where expires_at <= $1 and id {sends}");
            let counters = chunk("select id from counters where until < $1 limit $2");
            let counters = format!("delete from counters where until < $1 and id {counters}");
            let sends = delete_until(&mut tx, sends, now, most).await?;
            let counters = delete_until(&mut tx, counters, now, most).await?;
            tx.commit().await?;
            let full = u64::try_from(most).unwrap_or(0);
            Ok(full <= sends || full <= counters)
        })
        .await
    }
}

fn kept_since(now: Timestamp) -> i64 {
    now.minus(FailureBudget::KEPT).as_millis()
}

async fn delete_until(
    tx: &mut Tx,
    sql: String,
    now: Timestamp,
    most: i64,
) -> Result<u64, StoreError> {
    Ok(on!(tx, connection => {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(most)
            .execute(connection)
            .await?
            .rows_affected()
    }))
}
