//! Verifications whose time is over. Their index tells only when each expires, not which are pending still: it stays as it
//! is when a verification ends, so that a check need not touch it. For that, whoever ends them walks through it once, and
//! notes how far that came.

use super::{Store, StoreError, on, patience, read};
use crate::domain::{clock::Timestamp, id::Id};

/// What a stretch of time holds.
#[derive(Debug)]
pub struct Overdue {
    /// Verifications that expired in it and are pending, and when each did.
    pub pending: Vec<(Id, Timestamp)>,
    /// So many expired in it, ended or not.
    pub count: i64,
    /// It ends before this.
    pub until: Timestamp,
    /// Nothing expired between its end and now.
    pub is_last: bool,
}

const STRETCH: &str = "select count(*), max(expires_at) from ( \
                       select expires_at from verifications where expires_at >= $1 and expires_at <= $2 \
                       order by expires_at limit $3) as stretch";
const PENDING: &str = "select id, expires_at from verifications \
                       where expires_at >= $1 and expires_at < $2 and status = 'pending' order by expires_at";
const FORGOTTEN: &str = "select id, expires_at from verifications \
                         where expires_at >= $1 and expires_at < $2 and status = 'pending' order by expires_at limit $3";

impl Store {
    /// What expired from `from` to `now`, or its first part: about `most`, ended or not.
    pub async fn overdue(
        &self,
        from: Timestamp,
        now: Timestamp,
        most: i64,
    ) -> Result<Overdue, StoreError> {
        let (count, last): (i64, Option<i64>) = read!(self, pool => {
            sqlx::query_as(STRETCH)
                .bind(from.as_millis())
                .bind(now.as_millis())
                .bind(most)
                .fetch_one(pool)
                .await?
        });
        let is_last = count < most;
        let last = last
            .filter(|_| !is_last)
            .map_or(now, Timestamp::from_millis);
        // Whole milliseconds, however much expires in one.
        let until = last.max(from).plus(std::time::Duration::from_millis(1));
        let mut overdue = Overdue {
            pending: Vec::new(),
            count,
            until,
            is_last,
        };
        if count == 0 {
            return Ok(overdue);
        }
        let pending: Vec<(Vec<u8>, i64)> = read!(self, pool => {
            sqlx::query_as(PENDING)
                .bind(from.as_millis())
                .bind(until.as_millis())
                .fetch_all(pool)
                .await?
        });
        overdue.pending = named(pending);
        Ok(overdue)
    }

    /// Up to `most` verifications that are pending although they expired from `from` until before `before`, and when each
    /// did. This may read the whole table: not for every hour.
    pub async fn forgotten(
        &self,
        from: Timestamp,
        before: Timestamp,
        most: usize,
    ) -> Result<Vec<(Id, Timestamp)>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows: Vec<(Vec<u8>, i64)> = read!(self, long_read, pool => {
            sqlx::query_as(FORGOTTEN)
                .bind(from.as_millis())
                .bind(before.as_millis())
                .bind(most)
                .fetch_all(pool)
                .await?
        });
        Ok(named(rows))
    }

    /// Whatever expired before this has ended. It may be long ago, where nothing expired since.
    pub async fn ended_until(&self) -> Result<Timestamp, StoreError> {
        let until: i64 = read!(self, pool => {
            sqlx::query_scalar("select until from ended where id = 1").fetch_one(pool).await?
        });
        Ok(Timestamp::from_millis(until))
    }

    /// Notes that whatever expired before `until` has ended.
    pub async fn note_ended(&self, until: Timestamp) -> Result<(), StoreError> {
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            on!(&mut tx, connection => {
                sqlx::query("update ended set until = $1 where id = 1 and until < $1")
                    .bind(until.as_millis())
                    .execute(connection)
                    .await?;
            });
            tx.commit().await
        })
        .await
    }
}

fn named(rows: Vec<(Vec<u8>, i64)>) -> Vec<(Id, Timestamp)> {
    rows.into_iter()
        .filter_map(|(id, at)| Some((Id::from_bytes(&id)?, Timestamp::from_millis(at))))
        .collect()
}
