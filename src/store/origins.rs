//! The origins of all tenants. Whoever asks for them needs no key, so asking must cost little, also while the database
//! does not answer.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use moka::sync::Cache;
use tokio::sync::Mutex;

use super::StoreError;

/// For so long the first who asks waits for the database, and those behind it with it.
const PATIENCE: Duration = Duration::from_secs(1);

type Set = Arc<HashSet<String>>;

pub(super) struct Origins {
    fresh: Cache<(), Set>,
    reading: Mutex<()>,
    /// What was read last. While the database is away, its pages may go on reading why they are refused.
    latest: RwLock<Set>,
}

impl Origins {
    /// Before anything was read, `configured` is all that is known.
    pub(super) fn new(configured: HashSet<String>, stale_after: Duration) -> Self {
        Self {
            fresh: Cache::builder().time_to_live(stale_after).build(),
            reading: Mutex::default(),
            latest: RwLock::new(Arc::new(configured)),
        }
    }

    /// `origin` as a tenant's policy has it. However many ask, one at a time reads, and what it learns, or fails to
    /// learn, is good for the others.
    pub(super) async fn find(
        &self,
        origin: &str,
        read: impl AsyncFnOnce() -> Result<HashSet<String>, StoreError>,
    ) -> Option<String> {
        if let Some(all) = self.fresh.get(&()) {
            return all.get(origin).cloned();
        }
        let _alone = self.reading.lock().await;
        if let Some(all) = self.fresh.get(&()) {
            return all.get(origin).cloned();
        }
        let all = match tokio::time::timeout(PATIENCE, read()).await {
            Ok(Ok(all)) => Arc::new(all),
            Ok(Err(error)) => self.stale(&error.to_string()),
            Err(_) => self.stale("the database does not answer in time"),
        };
        self.latest
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&all);
        self.fresh.insert((), all.clone());
        all.get(origin).cloned()
    }

    fn stale(&self, error: &str) -> Set {
        tracing::warn!(error, "tenant.origins_stale");
        self.latest
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
