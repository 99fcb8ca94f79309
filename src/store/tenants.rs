//! Tenants: those of the main configuration, and those kept in the database by `tenant apply`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use moka::sync::Cache;

use super::{Caller, Store, StoreError, on, origins::Origins, patience, policy, read};
use crate::domain::{
    clock::Clock,
    key::ApiKey,
    policy::{Policy, Tenant},
};

/// Keys and policies may be this old when they are read; a send or check reads the key again under lock.
const STALE_AFTER: Duration = Duration::from_secs(5);
const CACHED: u64 = 10_000;

/// Who the tenants are, and whose a key is. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    store: Store,
    clock: Clock,
    configured: Arc<HashMap<String, Arc<Tenant>>>,
    stored: Cache<String, Arc<Tenant>>,
    callers: Cache<[u8; 32], Caller>,
    origins: Arc<Origins>,
}

impl Directory {
    pub fn new(store: Store, clock: Clock, configured: Vec<Tenant>) -> Self {
        let own = configured.iter().flat_map(|tenant| &tenant.policy.origins);
        let origins = Arc::new(Origins::new(own.cloned().collect(), STALE_AFTER));
        let configured = configured
            .into_iter()
            .map(|tenant| (tenant.name.clone(), Arc::new(tenant)))
            .collect();
        Self {
            store,
            clock,
            configured: Arc::new(configured),
            stored: Cache::builder()
                .max_capacity(CACHED)
                .time_to_live(STALE_AFTER)
                .build(),
            callers: Cache::builder()
                .max_capacity(CACHED)
                .time_to_live(STALE_AFTER)
                .build(),
            origins,
        }
    }

    /// `origin` as it stands in the policy of some tenant.
    pub async fn known_origin(&self, origin: &str) -> Option<String> {
        let read = async || {
            let stored = self.store.readable_policies().await?;
            let configured = self.configured.values().map(|tenant| &tenant.policy);
            let all = configured.chain(&stored);
            Ok(all.flat_map(|policy| policy.origins.clone()).collect())
        };
        self.origins.find(origin, read).await
    }

    pub async fn tenant(&self, name: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(tenant) = self.stored.get(name) {
            return Ok(Some(tenant));
        }
        let tenant = self.read(name).await?;
        if let Some(tenant) = &tenant {
            self.stored.insert(name.to_owned(), tenant.clone());
        }
        Ok(tenant)
    }

    /// The tenant as it is this moment.
    async fn read(&self, name: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        match self.configured.get(name) {
            Some(tenant) => Ok(Some(tenant.clone())),
            None => Ok(self.store.tenant(name).await?.map(Arc::new)),
        }
    }

    /// The names of all tenants.
    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        let stored = self.store.stored_tenants().await?;
        Ok(self
            .configured
            .keys()
            .cloned()
            .chain(stored.into_iter().map(|tenant| tenant.name))
            .collect())
    }

    /// Whose key this is; `None` when it is nobody's, revoked, expired, or its tenant is gone.
    pub async fn caller(&self, key: &ApiKey) -> Result<Option<Caller>, StoreError> {
        let hash = key.hash();
        if let Some(caller) = self.callers.get(&hash) {
            return Ok(Some(caller));
        }
        let Some(record) = self.store.key_by_hash(&hash).await? else {
            return Ok(None);
        };
        if !record.state.is_valid(self.clock.now()) {
            return Ok(None);
        }
        let Some(tenant) = self.read(&record.tenant).await? else {
            return Ok(None);
        };
        let caller = Caller {
            tenant,
            key: Some(hash),
            scopes: record.scopes,
            trust: record.kind.trust(),
        };
        self.callers.insert(hash, caller.clone());
        Ok(Some(caller))
    }
}

impl Store {
    /// Creates or replaces tenants, all or none.
    pub async fn apply_tenants(&self, tenants: &[Tenant], clock: &Clock) -> Result<(), StoreError> {
        let now = clock.now().as_millis();
        patience::housekeeping(async {
            let mut tx = self.begin().await?;
            for tenant in tenants {
                let policy = policy::write(&tenant.policy);
                on!(&mut tx, connection => {
                    sqlx::query(
                        "insert into tenants (name, policy, created_at, updated_at) values ($1, $2, $3, $3) \
                         on conflict (name) do update set policy = excluded.policy, updated_at = excluded.updated_at",
                    )
                    .bind(&tenant.name)
                    .bind(policy)
                    .bind(now)
                    .execute(connection)
                    .await?;
                });
            }
            tx.commit().await
        })
        .await
    }

    /// The tenants kept in the database, by name.
    pub async fn stored_tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows: Vec<(String, String)> = read!(self, pool => {
            sqlx::query_as("select name, policy from tenants order by name").fetch_all(pool).await?
        });
        rows.into_iter()
            .map(|(name, text)| {
                Ok(Tenant {
                    name,
                    policy: policy::read(&text)?,
                })
            })
            .collect()
    }

    /// The policies kept in the database, but for those that cannot be read: one tenant's damage is not another's.
    async fn readable_policies(&self) -> Result<Vec<Policy>, StoreError> {
        let texts: Vec<(String, String)> = read!(self, pool => {
            sqlx::query_as("select name, policy from tenants").fetch_all(pool).await?
        });
        let policies = texts.into_iter().filter_map(|(tenant, text)| {
            policy::read(&text)
                .inspect_err(|error| tracing::error!(%error, tenant, "tenant.damaged"))
                .ok()
        });
        Ok(policies.collect())
    }

    pub(super) async fn tenant(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        let text: Option<String> = read!(self, pool => {
            sqlx::query_scalar("select policy from tenants where name = $1").bind(name).fetch_optional(pool).await?
        });
        text.map(|text| {
            Ok(Tenant {
                name: name.to_owned(),
                policy: policy::read(&text)?,
            })
        })
        .transpose()
    }
}
