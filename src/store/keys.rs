//! API keys: made, listed and revoked from the command line; checked in every batch.

use std::sync::Arc;

use super::{Store, StoreError, Tx, on, patience, read, record::array_keys};
use crate::domain::{
    clock::Timestamp,
    key::{ApiKey, KeyKind, KeyState, Scope, Trust},
    policy::Tenant,
};

/// An API key as it is listed: all but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    pub name: String,
    pub tenant: String,
    pub kind: KeyKind,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub state: KeyState,
}

/// Who calls, and what for.
#[derive(Clone, Debug)]
pub struct Caller {
    pub tenant: Arc<Tenant>,
    /// Hash of the key; `None`: a caller who needs none.
    pub key: Option<[u8; 32]>,
    pub scopes: Vec<Scope>,
    /// By the kind of the key as it is kept, whatever its text says.
    pub trust: Trust,
}

type KeyRow = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

const COLUMNS: &str = "name, tenant, kind, scopes, created_at, expires_at, revoked_at";

impl Store {
    pub async fn insert_key(&self, key: &ApiKey, record: &ApiKeyRecord) -> Result<(), StoreError> {
        let scopes: Vec<_> = record.scopes.iter().map(|scope| scope.as_str()).collect();
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            on!(&mut tx, connection => {
                sqlx::query(
                    "insert into api_keys (hash, name, tenant, kind, scopes, created_at, expires_at) \
                     values ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(key.hash().to_vec())
                .bind(&record.name)
                .bind(&record.tenant)
                .bind(record.kind.as_str())
                .bind(scopes.join(","))
                .bind(record.created_at.as_millis())
                .bind(record.state.expires_at.map(Timestamp::as_millis))
                .execute(connection)
                .await?;
            });
            tx.commit().await
        })
        .await
    }

    /// The keys of `tenant`, or of all, oldest first.
    pub async fn list_keys(&self, tenant: Option<&str>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from api_keys where $1 is null or tenant = $1 order by tenant, created_at, name"
        );
        let rows: Vec<KeyRow> = read!(self, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant).fetch_all(pool).await?
        });
        rows.into_iter().map(record).collect()
    }

    /// Revokes the key called `name`; `false` when there is none. A key revoked before stays revoked as of then.
    pub async fn revoke_key(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            let revoked = on!(&mut tx, connection => {
                sqlx::query("update api_keys set revoked_at = coalesce(revoked_at, $2) where name = $1")
                    .bind(name)
                    .bind(now.as_millis())
                    .execute(connection)
                    .await?
                    .rows_affected()
            });
            tx.commit().await?;
            Ok(revoked == 1)
        })
        .await
    }

    pub(super) async fn key_by_hash(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let sql = format!("select {COLUMNS} from api_keys where hash = $1");
        let row: Option<KeyRow> = read!(self, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(hash.to_vec()).fetch_optional(pool).await?
        });
        row.map(record).transpose()
    }
}

/// The state of keys, as of this batch: whatever was asked after a revocation is in a batch that sees it. They are not
/// locked, since shared locks that overlap would keep the revocation of a busy key waiting until it is given up.
pub(super) async fn states(
    tx: &mut Tx,
    hashes: &[[u8; 32]],
) -> Result<std::collections::HashMap<[u8; 32], KeyState>, StoreError> {
    let Tx::Postgres(tx) = tx else {
        unreachable!("batches of SQLite have a connection of their own")
    };
    if hashes.is_empty() {
        return Ok(std::collections::HashMap::new());
    }
    let sql = "select hash, expires_at, revoked_at from api_keys where hash = any($1)";
    let rows: Vec<(Vec<u8>, Option<i64>, Option<i64>)> = sqlx::query_as(sql)
        .bind(array_keys(hashes))
        .fetch_all(&mut **tx)
        .await?;
    let damaged = |_| StoreError::Damaged {
        table: "api_keys",
        what: "width of hash",
    };
    rows.into_iter()
        .map(|(hash, expires_at, revoked_at)| {
            Ok((
                hash.try_into().map_err(damaged)?,
                state(expires_at, revoked_at),
            ))
        })
        .collect()
}

fn record(
    (name, tenant, kind, scopes, created_at, expires_at, revoked_at): KeyRow,
) -> Result<ApiKeyRecord, StoreError> {
    Ok(ApiKeyRecord {
        name,
        tenant,
        kind: KeyKind::parse(&kind).ok_or(StoreError::Newer {
            table: "api_keys",
            what: "unknown kind",
        })?,
        // A scope that only a newer version knows opens nothing here.
        scopes: scopes.split(',').filter_map(Scope::parse).collect(),
        created_at: Timestamp::from_millis(created_at),
        state: state(expires_at, revoked_at),
    })
}

pub(super) fn state(expires_at: Option<i64>, revoked_at: Option<i64>) -> KeyState {
    KeyState {
        expires_at: expires_at.map(Timestamp::from_millis),
        revoked_at: revoked_at.map(Timestamp::from_millis),
    }
}
